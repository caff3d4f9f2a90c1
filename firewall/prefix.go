package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// ErrRefused says that a prefix can never be banned: it is not valid, is
// everything (/0), or holds loopback, unspecified, broadcast or multicast
// addresses, or IPv6 link-local ones, without which a host loses its router.
var ErrRefused = errors.New("prefix can never be banned")

// never lists what no ban may touch, however wide the prefix.
var never = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "the unspecified address"}, // DHCP clients speak from it
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast"},
	{netip.MustParsePrefix("::/128"), "the unspecified address"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("fe80::/10"), "link-local addresses, neighbour discovery needs them"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

// normal masks p, turns an IPv4 address written as IPv6 into IPv4, and refuses
// what may never be banned.
func normal(p netip.Prefix) (netip.Prefix, error) {
	if !p.IsValid() {
		return p, fmt.Errorf("%w: not a prefix", ErrRefused)
	}
	if a := p.Addr(); a.Is4In6() {
		p = netip.PrefixFrom(a.Unmap(), max(p.Bits()-96, 0))
	}
	p = p.Masked()
	if p.Bits() == 0 {
		return p, fmt.Errorf("%w: %s is everything", ErrRefused, p)
	}
	for _, n := range never {
		if n.prefix.Overlaps(p) {
			return p, fmt.Errorf("%w: %s holds %s", ErrRefused, p, n.what)
		}
	}
	return p, nil
}

// hashed reports whether p stands in a hash set: one IPv4 address or one IPv6
// /64, which is what a ban of an IPv6 source means.
func hashed(p netip.Prefix) bool {
	return p.Bits() == 32 && p.Addr().Is4() || p.Bits() == 64 && p.Addr().Is6()
}

// hashPrefix returns the prefix of a hash set that holds a.
func hashPrefix(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// shortest is the least length of a ban. The kernel counts in jiffies of up to
// 10 ms, and a length rounded to none means for ever.
const shortest = 100 * time.Millisecond

// length returns the length the kernel is given: 0 is until lifted.
func length(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return max(d, shortest)
}
