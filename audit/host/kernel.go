package host

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"github.com/mdlayher/netlink"

	"pbxguard/audit"
)

// inKernel is where what the kernel holds stands.
const inKernel = "the kernel's rules"

// legacyTables lists the tables of an iptables that is not built on nftables and
// that netlink does not show.
var legacyTables = []string{"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"}

// readKernel takes the rules in force in place of those in files.
func (m *model) readKernel(read func() (Ruleset, error)) {
	rs, err := read()
	if err != nil {
		m.note("kernel", audit.Partial, err.Error()+"; only files are known")
		return
	}
	for _, name := range legacyTables {
		if text, err := m.site.Tree.ReadFile(name); err == nil && strings.Contains(string(text), "filter") {
			m.note("kernel", audit.Partial, name+": there are rules of the old iptables in the kernel, which are not read; only files are known")
			return
		}
	}
	m.wall = firewall{file: inKernel}
	m.states["firewall"] = state{how: audit.Whole}
	for i := range rs.Chains {
		if c := &rs.Chains[i]; c.Input {
			for _, f := range ours(c.Family) {
				m.wall.families[f].input(rs, c, f)
			}
		}
	}
}

// input follows a chain that sees every packet for this host. Rules that let
// nothing in and drop nothing, such as bans, make no firewall.
func (f *family) input(rs Ruleset, c *Chain, i int) {
	w := chainWalk{rules: rs, family: i, at: fmt.Sprintf("%s: chain %s of table %s", inKernel, c.Name, c.Table)}
	w.follow(c, condition{}, 0)
	if c.Drops || w.dropsAll || len(w.open) > 0 {
		f.there = true
	}
	if f.policy == "" || c.Drops || w.dropsAll {
		f.policy = w.at
	}
	f.drops = f.drops || c.Drops && !w.opensAll || w.dropsAll
	f.open = append(f.open, w.open...)
}

// ports is a range of them.
type ports struct{ low, high uint16 }

// condition is for which packets a rule holds, as far as it matters here.
type condition struct {
	ports   []ports // of this host; nil: any
	narrow  bool    // it holds for some sources, states or rates alone
	nothing bool    // it does not hold for this family, or a protocol with ports, at all
}

// chainWalk follows the rules of a chain, and those of chains it jumps to.
type chainWalk struct {
	rules    Ruleset
	family   int
	at       string
	open     []opened
	closed   []ports
	dropsAll bool
	opensAll bool
	work     int
}

// Bounds of following jumps.
const (
	maxJumps = 16
	maxWork  = 200_000
)

// follow goes through a chain whose packets meet a condition. It tells whether
// no packet goes on behind it.
func (w *chainWalk) follow(c *Chain, outer condition, depth int) (ends bool) {
	if depth > maxJumps {
		return false
	}
	for _, rule := range c.Rules {
		if w.work++; w.work > maxWork {
			return false
		}
		cond, verdicts := w.rule(c, rule, outer)
		for _, v := range verdicts {
			if w.verdict(c, v.of(cond), v.kind, v.chain, depth) {
				return true
			}
		}
	}
	return false
}

// decision is what a rule does with packets that meet its condition, or with
// those to some ports of them.
type decision struct {
	kind  expr.VerdictKind
	chain string
	only  []ports
}

func (d decision) of(c condition) condition {
	if d.only != nil {
		c.ports = d.only
	}
	return c
}

// verdict carries out a decision. It tells whether no packet goes on behind it.
func (w *chainWalk) verdict(c *Chain, cond condition, kind expr.VerdictKind, chain string, depth int) (ends bool) {
	if cond.nothing {
		return false
	}
	all := cond.ports == nil && !cond.narrow
	switch kind {
	case expr.VerdictAccept:
		if !cond.narrow {
			w.accept(cond.ports)
		}
		return all
	case expr.VerdictDrop:
		if !cond.narrow {
			w.closed = append(w.closed, cond.ports...)
		}
		if all {
			w.dropsAll = true
		}
		return all
	case expr.VerdictReturn:
		return false
	case expr.VerdictJump, expr.VerdictGoto:
		if to := w.rules.chain(c, chain); to != nil {
			return w.follow(to, cond, depth+1) && all
		}
	}
	return false
}

// accept opens ports, but for those that were closed before; nil opens all.
func (w *chainWalk) accept(open []ports) {
	if open == nil {
		w.opensAll, open = true, []ports{{0, 65535}}
	}
	for _, p := range open {
		if !slices.ContainsFunc(w.closed, func(c ports) bool { return c.low <= p.low && p.high <= c.high }) {
			w.open = append(w.open, opened{fmt.Sprintf("%d-%d", p.low, p.high), w.at})
		}
	}
}

// subject is what a register holds.
type subject int

const (
	other subject = iota
	neutral
	destinationPort
	source
	protocol
	network
	connection
)

// rule reads the condition of a rule, within that of a jump to it, and what it
// does.
func (w *chainWalk) rule(c *Chain, rule []expr.Any, cond condition) (condition, []decision) {
	on, mask := other, []byte(nil)
	low := -1 // of a range that two comparisons make
	for _, e := range rule {
		switch e := e.(type) {
		case *expr.Meta:
			on, mask = ofMeta(e.Key), nil
		case *expr.Payload:
			on, mask = w.ofPayload(c, e), nil
		case *expr.Ct:
			on, mask = connection, nil
			if e.Key != expr.CtKeySTATE {
				on = other
			}
		case *expr.Fib:
			on = neutral
		case *expr.Bitwise:
			mask = e.Mask
		case *expr.Cmp:
			w.compare(&cond, on, mask, e, &low)
		case *expr.Range:
			if on == destinationPort && e.Op == expr.CmpOpEq {
				cond.ports = []ports{{port(e.FromData), port(e.ToData)}}
			} else if on != neutral {
				cond.narrow = true
			}
		case *expr.Lookup:
			if done := lookup(&cond, on, e, c.Sets[e.SetName]); done != nil {
				return cond, done
			}
		case *expr.Match:
			match(&cond, e)
		case *expr.Verdict:
			return cond, []decision{{kind: e.Kind, chain: e.Chain}}
		case *expr.Reject:
			return cond, []decision{{kind: expr.VerdictDrop}}
		case *expr.Target:
			if e.Name == "REJECT" {
				return cond, []decision{{kind: expr.VerdictDrop}}
			}
		case *expr.Counter, *expr.Log, *expr.Immediate, *expr.Notrack:
		default: // limits, meters and whatever comes
			cond.narrow = true
		}
	}
	return cond, nil
}

func ofMeta(key expr.MetaKey) subject {
	switch key {
	case expr.MetaKeyL4PROTO:
		return protocol
	case expr.MetaKeyNFPROTO:
		return network
	case expr.MetaKeyPKTTYPE:
		return neutral
	}
	return other
}

// ofPayload is what stands at a place of a packet.
func (w *chainWalk) ofPayload(c *Chain, p *expr.Payload) subject {
	four := w.family == 0
	switch {
	case p.Base == expr.PayloadBaseTransportHeader && p.Offset == 2 && p.Len == 2:
		return destinationPort
	case p.Base != expr.PayloadBaseNetworkHeader:
		return other
	case four && p.Offset == 9 || !four && p.Offset == 6:
		return protocol
	case four && p.Offset == 12 || !four && p.Offset == 8:
		return source
	case four && p.Offset == 16 || !four && p.Offset == 24: // this host's own address
		return neutral
	}
	return other
}

// Numbers of protocols, and what ct state calls a connection that is new.
const (
	tcp, udp, sctp       = 6, 17, 132
	ipv4, ipv6           = 2, 10
	stateNew             = 8
	multiportDestination = 1
)

func (w *chainWalk) compare(cond *condition, on subject, mask []byte, e *expr.Cmp, low *int) {
	if len(e.Data) == 0 {
		return
	}
	switch on {
	case neutral:
	case protocol:
		if p := e.Data[0]; e.Op == expr.CmpOpEq && p != tcp && p != udp && p != sctp {
			cond.nothing = true
		}
	case network:
		want := byte(ipv4)
		if w.family == 1 {
			want = ipv6
		}
		cond.nothing = cond.nothing || e.Op == expr.CmpOpEq && e.Data[0] != want
	case connection: // (state & mask) != 0
		if e.Op != expr.CmpOpNeq || len(mask) < 4 || binary.NativeEndian.Uint32(mask)&stateNew == 0 {
			cond.narrow = true
		}
	case destinationPort:
		switch p := port(e.Data); e.Op {
		case expr.CmpOpEq:
			cond.ports = []ports{{p, p}}
		case expr.CmpOpGte:
			*low, cond.ports = int(p), []ports{{p, 65535}}
		case expr.CmpOpLte:
			cond.ports = []ports{{uint16(max(0, *low)), p}}
		default:
			cond.narrow = true
		}
	case source:
		if !slices.ContainsFunc(mask, func(b byte) bool { return b != 0 }) && mask != nil || e.Op == expr.CmpOpNeq {
			return // everybody, or all but one
		}
		cond.narrow = true
	default:
		cond.narrow = true
	}
}

// lookup reads a rule that asks a set or a map. Of a map of ports it returns what
// is done with each.
func lookup(cond *condition, on subject, e *expr.Lookup, elements []nftables.SetElement) []decision {
	switch {
	case on == destinationPort && e.IsDestRegSet:
		done := []decision{}
		for _, el := range elements {
			if kind, chain, ok := verdictOf(el.Val); ok {
				p := port(el.Key)
				done = append(done, decision{kind, chain, []ports{{p, p}}})
			}
		}
		return done
	case on == destinationPort && !e.Invert:
		cond.ports = ranges(elements)
	case on == source && e.Invert: // all but some
	case on == neutral:
	default:
		cond.narrow = true
	}
	return nil
}

// verdictOf reads what a map of verdicts holds for a key: the attributes
// NFTA_VERDICT_CODE and NFTA_VERDICT_CHAIN of linux/netfilter/nf_tables.h.
func verdictOf(b []byte) (kind expr.VerdictKind, chain string, ok bool) {
	const code, name = 1, 2
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return 0, "", false
	}
	ad.ByteOrder = binary.BigEndian
	for ad.Next() {
		switch ad.Type() {
		case code:
			kind, ok = expr.VerdictKind(int32(ad.Uint32())), true
		case name:
			chain = ad.String()
		}
	}
	return kind, chain, ok && ad.Err() == nil
}

// ranges are the ports of a set. One of intervals holds where each begins, and
// where the next that is not in it does.
func ranges(elements []nftables.SetElement) []ports {
	keys := slices.Clone(elements)
	slices.SortFunc(keys, func(a, b nftables.SetElement) int { return int(port(a.Key)) - int(port(b.Key)) })
	all := []ports{}
	intervals := slices.ContainsFunc(keys, func(e nftables.SetElement) bool { return e.IntervalEnd })
	for i, e := range keys {
		switch p := port(e.Key); {
		case e.IntervalEnd:
		case !intervals:
			all = append(all, ports{p, p})
		case i+1 < len(keys):
			all = append(all, ports{p, port(keys[i+1].Key) - 1})
		default:
			all = append(all, ports{p, 65535})
		}
	}
	return all
}

// match reads one of iptables' own.
func match(cond *condition, e *expr.Match) {
	switch info := e.Info.(type) {
	case *xt.Tcp:
		span(cond, info.SrcPorts, info.DstPorts, uint8(info.InvFlags))
	case *xt.Udp:
		span(cond, info.SrcPorts, info.DstPorts, uint8(info.InvFlags))
	case *xt.ConntrackMtinfo1:
		cond.narrow = cond.narrow || info.StateMask&stateNew == 0
	case *xt.ConntrackMtinfo2:
		cond.narrow = cond.narrow || info.StateMask&stateNew == 0
	case *xt.ConntrackMtinfo3:
		cond.narrow = cond.narrow || info.StateMask&stateNew == 0
	case *xt.Comment, *xt.AddrType, *xt.AddrTypeV1:
	case *xt.Unknown:
		unknown(cond, e.Name, *info)
	default:
		cond.narrow = true
	}
}

func span(cond *condition, from, to [2]uint16, inverted uint8) {
	if inverted != 0 || from != [2]uint16{0, 65535} {
		cond.narrow = true
	}
	if to != [2]uint16{0, 65535} {
		cond.ports = []ports{{to[0], to[1]}}
	}
}

// unknown reads matches of which the library knows no more than the bytes:
// struct xt_multiport_v1 and xt_state_info.
func unknown(cond *condition, name string, b []byte) {
	switch {
	case name == "multiport" && len(b) >= 48 && b[0] == multiportDestination && b[47] == 0:
		all := []ports{}
		for i, n := 0, min(int(b[1]), 15); i < n; i++ {
			p := binary.NativeEndian.Uint16(b[2+2*i:])
			if b[32+i] != 0 && i+1 < n { // it begins a range
				i++
				all = append(all, ports{p, binary.NativeEndian.Uint16(b[2+2*i:])})
				continue
			}
			all = append(all, ports{p, p})
		}
		cond.ports = all
	case name == "state" && len(b) >= 4 && binary.NativeEndian.Uint32(b)&stateNew != 0, name == "comment":
	default:
		cond.narrow = true
	}
}

// port reads one from a packet's bytes.
func port(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}
