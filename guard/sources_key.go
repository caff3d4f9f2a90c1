package guard

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// sourceKey is an address as it is counted and banned: a whole IPv4 address, or
// the /64 of an IPv6 one, which a single subscriber owns. It has no pointers,
// so that a million of them cost the garbage collector nothing.
type sourceKey uint64

// ipv4 marks the key of an IPv4 address. As an IPv6 prefix it would be in
// ::/8, which the IETF keeps for itself.
const ipv4 sourceKey = 1 << 32

func keyOf(a netip.Addr) sourceKey {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return ipv4 | sourceKey(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return sourceKey(binary.BigEndian.Uint64(b[:8]))
}

// prefix is what is banned when k is.
func (k sourceKey) prefix() netip.Prefix {
	if k>>32 == ipv4>>32 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(k))
		return netip.PrefixFrom(netip.AddrFrom4(b), 32)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(k))
	return netip.PrefixFrom(netip.AddrFrom16(b), 64)
}

// keyOfPrefix is the key whose ban p is, if p is of that size.
func keyOfPrefix(p netip.Prefix) (sourceKey, bool) {
	k := keyOf(p.Addr())
	return k, k.prefix() == p
}

// plainPrefix is p with its host bits cleared and IPv4 written as such.
func plainPrefix(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// plainAddr is an address and port without a zone, and IPv4 written as such.
func plainAddr(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// ourselves are this host, its links, and what is no single host. They are never
// banned, whatever the policy says.
var ourselves = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("::/128"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("ff00::/8"),
	netip.MustParsePrefix("255.255.255.255/32"),
}

// stamp is a time in tenths of a second since the engine started, from 1 on: 0
// is never. It holds 13 years.
type stamp uint32

func stampOf(t time.Duration) stamp { return stamp(max(0, t)/(100*time.Millisecond)) + 1 }

// span is a length of time in the unit of stamps, at least 1.
func span(d time.Duration) stamp { return stamp(max(1, d/(100*time.Millisecond))) }
