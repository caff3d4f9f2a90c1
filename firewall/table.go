package firewall

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// layout is the table as it should stand in the kernel:
//
//	table inet pbxguard {
//		set ban4 { type ipv4_addr; flags timeout; }
//		set ban6 { type ipv6_addr; flags timeout; }
//		set net4 { type ipv4_addr; flags interval,timeout; }
//		set net6 { type ipv6_addr; flags interval,timeout; }
//		chain prerouting {
//			type filter hook prerouting priority raw; policy accept;
//			ip saddr @ban4 counter drop
//			ip saddr @net4 counter drop
//			ip6 saddr & ffff:ffff:ffff:ffff:: == @ban6 counter drop
//			ip6 saddr @net6 counter drop
//		}
//		chain forward { as above, hook forward and daddr }
//		chain output { as above, hook output and daddr }
//	}
//
// The sets have no size: the kernel would set aside room for all of it at
// once, and a later change of Options.Max would need a new set.
type layout struct {
	table  *nftables.Table
	sets   []*nftables.Set
	chains []*nftables.Chain

	ban4, ban6, net4, net6 *nftables.Set
}

func newLayout(name string) *layout {
	t := &nftables.Table{Name: name, Family: nftables.TableFamilyINet}
	set := func(name string, key nftables.SetDatatype, interval bool) *nftables.Set {
		return &nftables.Set{Table: t, Name: name, KeyType: key, Interval: interval, HasTimeout: true}
	}
	l := &layout{
		table: t,
		ban4:  set("ban4", nftables.TypeIPAddr, false),
		ban6:  set("ban6", nftables.TypeIP6Addr, false),
		net4:  set("net4", nftables.TypeIPAddr, true),
		net6:  set("net6", nftables.TypeIP6Addr, true),
	}
	l.sets = []*nftables.Set{l.ban4, l.ban6, l.net4, l.net6}
	l.chains = []*nftables.Chain{
		l.chain("prerouting", nftables.ChainHookPrerouting),
		l.chain("forward", nftables.ChainHookForward), // a PBX in a container sends from here
		l.chain("output", nftables.ChainHookOutput),
	}
	return l
}

func (l *layout) chain(name string, hook *nftables.ChainHook) *nftables.Chain {
	accept := nftables.ChainPolicyAccept
	return &nftables.Chain{
		Table: l.table, Name: name, Type: nftables.ChainTypeFilter,
		Hooknum: hook, Priority: nftables.ChainPriorityRaw, Policy: &accept,
	}
}

// set returns where p stands, which must be fit for a hash set.
func (l *layout) set(p netip.Prefix) *nftables.Set {
	if p.Addr().Is4() {
		return l.ban4
	}
	return l.ban6
}

// spanSet returns where s stands.
func (l *layout) spanSet(s span) *nftables.Set {
	if s.first.Is4() {
		return l.net4
	}
	return l.net6
}

// rules returns the rules of a chain. The source counts on the way in, the
// destination on the way out.
func (l *layout) rules(c *nftables.Chain) []*nftables.Rule {
	// Offsets of saddr in the IPv4 (RFC 791) and the IPv6 header (RFC 8200).
	at4, at6 := uint32(12), uint32(8)
	if *c.Hooknum != *nftables.ChainHookPrerouting {
		at4, at6 = 16, 24 // daddr
	}
	return []*nftables.Rule{
		l.drop(c, unix.NFPROTO_IPV4, at4, 4, l.ban4),
		l.drop(c, unix.NFPROTO_IPV4, at4, 4, l.net4),
		l.drop(c, unix.NFPROTO_IPV6, at6, 16, l.ban6),
		l.drop(c, unix.NFPROTO_IPV6, at6, 16, l.net6),
	}
}

// drop is the rule that drops what has the address at that offset in set.
func (l *layout) drop(c *nftables.Chain, proto byte, offset, size uint32, set *nftables.Set) *nftables.Rule {
	exprs := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{proto}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size},
	}
	if set == l.ban6 {
		exprs = append(exprs, &expr.Bitwise{
			SourceRegister: 1, DestRegister: 1, Len: 16,
			Mask: []byte{0: 0xff, 1: 0xff, 2: 0xff, 3: 0xff, 4: 0xff, 5: 0xff, 6: 0xff, 7: 0xff, 15: 0},
			Xor:  make([]byte, 16),
		})
	}
	exprs = append(exprs,
		&expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID},
		&expr.Counter{},
		&expr.Verdict{Kind: expr.VerdictDrop},
	)
	return &nftables.Rule{Table: l.table, Chain: c, Exprs: exprs}
}
