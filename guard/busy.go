package guard

import (
	"slices"
	"time"
)

// What makes an hour one in which a PBX is at work whatever its office hours
// say: so many calls, and so much of a busy hour, on most days of its kind.
const (
	busyCalls = 3
	busyShare = 10 // percent of an hour that nine in ten are below
	busyDays  = 5  // of a kind, after which a day more or less changes little
)

// busyHour is what is known of the hour on the wall: whether the PBX is usually
// at work in it.
type busyHour struct {
	hour int32
	busy bool
}

// atWork says whether a PBX is usually at work at this hour: a hotel, a call
// centre in the evening, a carrier's subscribers. What comes then does not come
// while nobody is there. It is learnt from all calls that went out, hour by
// hour, so that a single night cannot teach it.
func (s *state) atWork(st *site) bool {
	if !s.settled(st) {
		return false
	}
	hour := s.wallHour(st.zone())
	if st.busy.hour != hour {
		dark := false
		if st.Closed != nil {
			_, dark = st.Closed(s.now.In(st.zone()))
		}
		st.busy = busyHour{hour: hour, busy: st.habit.busyAt(hour, dark)}
	}
	return st.busy.busy
}

// kindOf is what days are compared with each other: working days, Saturdays,
// Sundays. A day on which the site is closed is a Sunday.
func kindOf(hour int32, dark bool) time.Weekday {
	day := time.Unix(int64(hour)*3600, 0).UTC().Weekday()
	switch {
	case dark:
		return time.Sunday
	case day == time.Saturday || day == time.Sunday:
		return day
	}
	return time.Monday
}

// busyAt says whether in the days of the same kind before this one most had
// this hour busy.
func (p *profile) busyAt(hour int32, dark bool) bool {
	if len(p.past) == 0 {
		return false
	}
	const day = 24
	kind := kindOf(hour, dark)
	var days, busy int
	least := p.busyLeast()
	for back := int32(day); back <= habitHours && hour-back >= p.since; back += day {
		if kindOf(hour-back, false) != kind {
			continue
		}
		days++
		if h, ok := p.at(hour - back); ok && int(h.calls) >= least {
			busy++
		}
	}
	if days < busyDays {
		return days >= 2 && busy == days
	}
	return 3*busy >= 2*days
}

// busyLeast is how many calls make an hour a busy one.
func (p *profile) busyLeast() int {
	v := make([]uint16, len(p.past))
	for i := range v {
		v[i] = p.past[i].calls
	}
	slices.Sort(v)
	return max(busyCalls, int(v[(len(v)-1)*90/100])*busyShare/100)
}

// at finds an hour of the past.
func (p *profile) at(hour int32) (hourly, bool) {
	i, found := slices.BinarySearchFunc(p.past, hour, func(h hourly, at int32) int { return int(h.hour) - int(at) })
	if !found {
		return hourly{}, false
	}
	return p.past[i], true
}
