package guard

import (
	"cmp"
	"slices"
)

// norm is what is asked of a past at every call. The past changes once an hour,
// so it is worked out once and holds until then.
type norm struct {
	known       bool // calls and peak
	calls, peak int  // the most of any hour
	abroad      int  // what 99 of 100 hours with a call abroad did not exceed; -1: not asked for
	hour        int32
	same        [habitWeeks]hourly // that hour one week before, two weeks, ...
	weeks       int                // that spreads are of; 0: they are not known
	spreads     [metrics]spread
}

func (p *profile) norms() *norm {
	if p.norm == nil {
		p.norm = &norm{abroad: -1}
	}
	if n := p.norm; !n.known {
		n.known, n.calls, n.peak = true, 0, 0
		for i := range p.past {
			n.calls, n.peak = max(n.calls, int(p.past[i].calls)), max(n.peak, int(p.past[i].peak))
		}
	}
	return p.norm
}

// with brings n up to date with an hour that was added, if anybody has asked for it.
func (n *norm) with(h *hourly) {
	if n != nil {
		n.calls, n.peak = max(n.calls, int(h.calls)), max(n.peak, int(h.peak))
		n.abroad, n.hour = -1, 0
	}
}

// without does the same for an hour that is forgotten.
func (n *norm) without(h *hourly) {
	if n != nil {
		n.known = n.known && int(h.calls) < n.calls && int(h.peak) < n.peak
		n.abroad, n.hour = -1, 0
	}
}

// mostCalls is how many calls there were at most in an hour of the latest eight
// weeks.
func (p *profile) mostCalls() int { return p.norms().calls }

// mostAtOnce is how many calls were placed at most in a second of these weeks.
func (p *profile) mostAtOnce() int { return p.norms().peak }

// usuallyAbroad is how many calls abroad at once 99 of 100 hours of these weeks
// that had one did not exceed.
func (p *profile) usuallyAbroad() int {
	n := p.norms()
	if n.abroad >= 0 {
		return n.abroad
	}
	var v []uint16
	for i := range p.past {
		if x := p.past[i].abroad; x > 0 {
			v = append(v, x)
		}
	}
	n.abroad = 0
	if len(v) > 0 {
		slices.Sort(v)
		n.abroad = int(v[(len(v)-1)*99/100])
	}
	return n.abroad
}

// sameHours are the same hour of the latest eight weeks; one without a call is
// zero.
func (p *profile) sameHours(hour int32) *[habitWeeks]hourly {
	n := p.norms()
	if n.hour == hour {
		return &n.same
	}
	n.hour, n.same, n.weeks = hour, [habitWeeks]hourly{}, 0
	for w := range n.same {
		i, found := slices.BinarySearchFunc(p.past, hour-int32(w+1)*weekHours, func(h hourly, at int32) int { return cmp.Compare(h.hour, at) })
		if found {
			n.same[w] = p.past[i]
		}
	}
	return &n.same
}

// spreadsAt are what is usual at an hour of the week, by metric. False says that
// too few weeks were seen.
func (p *profile) spreadsAt(hour int32) (*[metrics]spread, bool) {
	p.sameHours(hour)
	n, weeks := p.norm, p.weeks(hour)
	if weeks < leastWeeks {
		return nil, false
	}
	if n.weeks != weeks {
		n.weeks = weeks
		for m := range metrics {
			usual, _ := p.usual(hour, m)
			n.spreads[m] = spreadOf(usual[:])
		}
	}
	return &n.spreads, true
}
