package guard

import (
	"fmt"
	"slices"
	"time"
)

// sameRange is the talk time of a whole PBX in one rented range of numbers,
// however slowly, by whatever extensions and at whatever hour it is run up.
var sameRange = rule{
	doc: doc{
		id: "same-range", number: "R-031", about: aboutVolume,
		title: "talk time of the whole PBX within a day in one range of a thousand numbers, in a country that nobody there usually calls",
		why:   "the numbers that pay are rented by the thousand: who spreads his calls over numbers, extensions and hours still comes back to them",
		set:   setSameRange, normal: Setting{Action: Kill, Max: 2, Span: 30 * time.Minute},
		keys: []Key{maxKey("how many different numbers of a range may be talked to"), spanKey("how long in all; in office hours twice as long, and only of calls that last five minutes on average")},
	},
	when: whenPlaced | whileUp,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setSameRange].Action
		if act < Kill || s.policy.Learn == 0 || !s.isForeign(a) || s.known(a) {
			return act
		}
		r := s.rentedBy(a)
		switch {
		case s.familiar(a), s.young(a.site) && (!s.off(l, a) || r.talked() < 3*l.Set[setSameRange].Span):
			return Alert
		}
		return act
	},
	hit: func(s *state, l *Limits, a *attempt) bool {
		if !s.isForeign(a) || a.number.E164 == "" || s.known(a) {
			return false
		}
		r, set := s.rentedBy(a), l.Set[setSameRange]
		if r.talked() <= set.Span || r.many() <= set.Max {
			return s.barredRange(a)
		}
		return r.kept() && r.talked() > 2*set.Span || s.off(l, a) || s.barredRange(a)
	},
	then: func(s *state, a *attempt) {
		if s.settled(a.site) {
			s.meet(Account{PBX: a.site.name}, seenRange, rangeOf(a))
		}
	},
	say: func(s *state, l *Limits, a *attempt) string {
		if !s.isForeign(a) || a.number.E164 == "" {
			return "not an international call"
		}
		r, set := s.rentedBy(a), l.Set[setSameRange]
		if s.barredRange(a) && r.many() <= set.Max {
			return fmt.Sprintf("%s called %s%s, in a range of numbers that took too much talk within the last week", a.who(), a.shown(), in(a.number.Region))
		}
		return fmt.Sprintf("this PBX talked %s within a day to %s of %sxxx%s, the last by %s; the limit is %s and %d",
			short(r.talked()), plural(r.many(), "number", "numbers"), rangeOf(a), in(a.number.Region), a.who(), short(set.Span), set.Max)
	},
}

// rangeFor is how long a range is remembered that calls were ended for.
const rangeFor = 7 * 24 * time.Hour

func (s *state) barredRange(a *attempt) bool {
	_, barred := s.met(Account{PBX: a.site.name}, seenRange, rangeOf(a), rangeFor)
	return barred
}

// rented is what was talked to a range of numbers within a day.
type rented struct {
	hours   [24]uint16 // seconds by hour of the day, of those since a day
	last    int64      // the latest of these hours, since 1970
	numbers [4]uint32  // different ones that were talked to, hashed
	calls   int        // since nothing was talked
}

// rangeOf is a number without its last three digits.
func rangeOf(a *attempt) string { return a.number.E164[:max(0, len(a.number.E164)-3)] }

// rent notes that an attempt talked to its range.
func (s *state) rent(a *attempt, d time.Duration) {
	if !s.isForeign(a) || a.number.E164 == "" || s.known(a) {
		return
	}
	k := s.hash(rangeOf(a))
	r, _ := a.site.ranges.get(k)
	r.roll(s.now)
	i := r.last % int64(len(r.hours))
	r.hours[i] = short16(int(r.hours[i]) + int((d+time.Second/2)/time.Second))
	r.meet(uint32(s.hash(a.number.E164)))
	a.site.ranges.put(k, r)
}

// tryRange notes that an attempt was made at its range.
func (s *state) tryRange(a *attempt) {
	if s.known(a) {
		return
	}
	k := s.hash(rangeOf(a))
	r, _ := a.site.ranges.get(k)
	r.roll(s.now)
	r.calls++
	a.site.ranges.put(k, r)
}

// longTalk is how long calls that are paid for are kept up at least, on average
// over those that nobody answers. A team that is new to a country tries many
// numbers, and most of its calls are short.
const longTalk = 5 * time.Minute

// kept says whether the calls to a range were kept up for long.
func (r *rented) kept() bool { return r.talked() >= time.Duration(r.calls)*longTalk }

func (s *state) rentedBy(a *attempt) rented {
	r, _ := a.site.ranges.peek(s.hash(rangeOf(a)))
	r.roll(s.now)
	return r
}

// roll empties the hours that have passed, and forgets numbers after a day.
func (r *rented) roll(now time.Time) {
	hour := now.Unix() / 3600
	if hour-r.last >= int64(len(r.hours)) {
		*r = rented{last: hour}
	}
	for r.last < hour {
		r.last++
		r.hours[r.last%int64(len(r.hours))] = 0
	}
	if r.talked() == 0 {
		r.numbers, r.calls = [4]uint32{}, 0
	}
}

// meet notes a number, if there is room for it.
func (r *rented) meet(number uint32) {
	if slices.Contains(r.numbers[:], number) {
		return
	}
	if i := slices.Index(r.numbers[:], 0); i >= 0 {
		r.numbers[i] = number
	}
}

func (r *rented) many() (n int) {
	for _, x := range r.numbers {
		if x != 0 {
			n++
		}
	}
	return n
}

func (r *rented) talked() (d time.Duration) {
	for _, h := range r.hours {
		d += time.Duration(h) * time.Second
	}
	return d
}
