package firewall

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// span is a run of addresses with one end. The interval sets cannot hold
// overlapping elements, and one that overlaps fails its whole transaction.
type span struct {
	first, last netip.Addr
	end         stamp
}

// spans cuts prefixes, which may nest, into runs that do not overlap, each
// with the latest end of the prefixes that hold it: a prefix within a longer
// lasting one vanishes, one that outlasts it cuts a hole. IPv4 comes first.
func spans(nets map[netip.Prefix]stamp) []span {
	var out []span
	emit := func(s span) {
		if s.last.Less(s.first) {
			return
		}
		if n := len(out); n > 0 && out[n-1].end == s.end && out[n-1].last.Next() == s.first {
			out[n-1].last = s.last
			return
		}
		out = append(out, s)
	}

	var open []span // prefixes that hold the current address, outermost first; first moves on
	closeTop := func() {
		top := open[len(open)-1]
		emit(top)
		open = open[:len(open)-1]
		if len(open) > 0 {
			open[len(open)-1].first = top.last.Next()
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(nets), comparePrefix) {
		s := span{p.Addr(), lastAddr(p), nets[p] &^ held}
		for len(open) > 0 && open[len(open)-1].last.Less(s.first) {
			closeTop()
		}
		if len(open) > 0 {
			outer := open[len(open)-1]
			if !later(s.end, outer.end) {
				continue
			}
			emit(span{outer.first, s.first.Prev(), outer.end})
		}
		open = append(open, s)
	}
	for len(open) > 0 {
		closeTop()
	}
	return out
}

// minus returns the spans of a that are not in b, both in order.
func minus(a, b []span) []span {
	var out []span
	for _, s := range a {
		for len(b) > 0 && b[0].first.Less(s.first) {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != s {
			out = append(out, s)
		}
	}
	return out
}

// comparePrefix puts a prefix before those it holds.
func comparePrefix(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// later reports whether a ends after b; 0 is until lifted.
func later(a, b stamp) bool {
	return b != 0 && (a == 0 || a > b)
}

// lastAddr returns the last address of p.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		if host := (i+1)*8 - p.Bits(); host >= 8 {
			b[i] = 0xff
		} else if host > 0 {
			b[i] |= 1<<host - 1
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// prefixes returns the fewest prefixes that make up the run from first to last.
func prefixes(first, last netip.Addr) []netip.Prefix {
	var out []netip.Prefix
	for first.IsValid() && !last.Less(first) {
		bits := first.BitLen()
		for bits > 0 {
			p := netip.PrefixFrom(first, bits-1)
			if p.Masked().Addr() != first || last.Less(lastAddr(p)) {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(first, bits)
		out = append(out, p)
		first = lastAddr(p).Next()
	}
	return out
}
