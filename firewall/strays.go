package firewall

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"
)

// findStrays makes the prefixes in the interval sets wanted, so that the first
// rewrite of those sets keeps them.
func (o *owner) findStrays(ctx context.Context) error {
	for _, set := range []string{o.kernel.net4.Name, o.kernel.net6.Name} {
		var all []dumped
		err := dump(ctx, o.opt.Table, set, func(elements []dumped) error {
			all = append(all, elements...)
			return nil
		})
		if err != nil && !gone(err) && !errors.Is(err, errInterrupted) {
			return err
		}
		for p, left := range joinRuns(all) {
			if p, err := normal(p); err == nil {
				o.want.put(p, o.want.stamp(left))
				o.strays[p] = true
			}
		}
	}
	o.written = spans(o.want.nets)
	return nil
}

// joinRuns puts the elements of an interval set, each the start of a run or
// the address behind its end, together to prefixes.
func joinRuns(all []dumped) map[netip.Prefix]time.Duration {
	slices.SortFunc(all, func(a, b dumped) int {
		if c := a.key.Compare(b.key); c != 0 || a.end == b.end {
			return c
		}
		return map[bool]int{true: -1, false: 1}[a.end]
	})
	out := make(map[netip.Prefix]time.Duration)
	for i := 0; i+1 < len(all); i++ {
		if all[i].end || !all[i+1].end || all[i].key.Is4() != all[i+1].key.Is4() {
			continue
		}
		for _, p := range prefixes(all[i].key, all[i+1].key.Prev()) {
			out[p] = all[i].left
		}
	}
	return out
}

// compareNets tells adopt of the prefixes that only the kernel had at the
// start. One inside a wanted prefix that lasts as long is a part of it.
func (r *reconcile) compareNets(ctx context.Context) error {
	var found []Entry
	err := r.f.do(ctx, func(o *owner) {
		for p := range o.strays {
			s, ok := o.want.nets[p]
			left, alive := o.want.left(s)
			if !ok || !alive || o.covered(p, s) {
				o.want.delete(p)
				continue
			}
			found = append(found, Entry{p, until(left)})
		}
		clear(o.strays)
	})
	for _, e := range found {
		r.adopt(e)
	}
	return err
}

// covered reports whether a told prefix holds p and does not end before it.
func (o *owner) covered(p netip.Prefix, s stamp) bool {
	for bits := p.Bits(); bits > 0; bits-- {
		outer := netip.PrefixFrom(p.Addr(), bits).Masked()
		if told, ok := o.want.nets[outer]; ok && !o.strays[outer] && !longer(s, told) {
			return true
		}
	}
	return false
}
