package guard

import (
	"fmt"
	"time"
)

// firstCountry is a country that an extension has never called. Alone it is
// worth a word; while the office is closed, or after short calls to try it, it
// is how the theft of an account begins.
var firstCountry = rule{
	doc: doc{
		id: "first-country", number: "R-011",
		title: "a country that the extension has not called for 90 days",
		why:   "a stolen account shows itself by where it calls",
		set:   setFirstCountry, normal: Setting{Action: Alert, Max: 3},
		keys: []Key{maxKey("how many calls to such countries within an hour while the office is closed, or from where the extension was never used, end with the extension locked")},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		set := &l.Set[setFirstCountry]
		if set.Action != Alert || s.young(a.site) || !s.suspect(l, a) && s.ventures(a) < ventures {
			return set.Action
		}
		if s.newLands(a.payer) > set.Max {
			return Lock
		}
		return Kill
	},
	hit: func(s *state, l *Limits, a *attempt) bool {
		if !s.isForeign(a) || !s.settled(a.site) || l.Countries[a.number.Region] {
			return false
		}
		_, known := s.met(a.payer.Account, seenCountry, a.number.Region, seenFor)
		return !known
	},
	say: func(s *state, l *Limits, a *attempt) string {
		if !s.isForeign(a) {
			return "not an international call"
		}
		if _, known := s.met(a.payer.Account, seenCountry, a.number.Region, seenFor); known {
			return countryName(a.number.Region) + " was called before"
		}
		text := fmt.Sprintf("first call to %s by %s in 90 days, at %s", countryName(a.number.Region), a.who(), s.wall(a).Format("15:04 on Monday"))
		if n := a.payer.live; n > 1 {
			text += fmt.Sprintf(", with %s up at once", plural(n, "call", "calls"))
		}
		return text
	},
	scope: BarAbroad,
}

// suspect says whether a call abroad has more against it than its country.
func (s *state) suspect(l *Limits, a *attempt) bool {
	return s.off(l, a) && !s.atNight(a) && !s.late(a) || len(s.newTraits(a)) > 0 || s.tried(a.payer) > 0
}

// ventures is how many calls in a day to countries that nobody of the PBX
// usually calls are more than somebody's curiosity, if each is another country.
const ventures = 3

// ventures counts the countries that an account has called within a day and
// that nobody of its PBX usually calls.
func (s *state) ventures(a *attempt) (n int) {
	if s.known(a) {
		return 0
	}
	var seen [ventures]uint64
	t := &a.payer.trail
	for i := len(t.steps) - 1; i >= 0 && n < ventures; i-- {
		p := t.step(i)
		if s.now.Sub(p.at) >= 24*time.Hour {
			break
		}
		if p.what.has(isNewSite) && !holds(seen[:n], p.land) {
			seen[n] = p.land
			n++
		}
	}
	return n
}

// newLands counts the latest calls to countries that were new.
func (s *state) newLands(acc *account) int {
	return acc.trail.count(s.now, time.Hour, isNewLand, forever)
}

// tried counts short answered calls to new countries within a day: who tests
// whether a number pays listens for a moment, and comes back for the rest later.
func (s *state) tried(acc *account) int {
	return acc.trail.count(s.now, 24*time.Hour, isNewLand|wasAnswered, 10*time.Second) / 2
}

// spike is more calls to one part of one country than there ever are.
var spike = rule{
	doc: doc{
		id: "spike", number: "R-013",
		title: "many calls of the whole PBX to one part of one country within an hour",
		why:   "numbers that pay are rented by the block",
		set:   setSpike, normal: Setting{Action: Alert, Max: 5},
		keys: []Key{maxKey("how many there may be; where it is more, three quarters of all calls that were usual at this hour of the week")},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setSpike].Action
		if act == Alert && !s.young(a.site) && s.off(l, a) && s.strange(a) {
			return Kill
		}
		return act
	},
	hit: func(s *state, l *Limits, a *attempt) bool {
		if !s.isForeign(a) || a.number.E164 == "" {
			return false
		}
		n, most := s.heaped(a), s.heap(l, a)
		return n > most
	},
	say: func(s *state, l *Limits, a *attempt) string {
		if !s.isForeign(a) || a.number.E164 == "" {
			return "not an international call"
		}
		return fmt.Sprintf("call %d of this PBX to %s…%s within an hour; %d are usual at most",
			s.heaped(a), a.number.E164[:min(len(a.number.E164), 6)], in(a.number.Region), s.heap(l, a))
	},
}

// heaped is how many calls the PBX has placed to the area of a.
func (s *state) heaped(a *attempt) int { return a.site.areas.count(s.area(a.number), s.now) }

// heap is how many it may place.
func (s *state) heap(l *Limits, a *attempt) int {
	most := l.Set[setSpike].Max
	if !s.settled(a.site) || s.strange(a) {
		return most
	}
	p := &a.site.habit
	usual, ok := p.usual(s.wallHour(a.site.zone()), calls)
	if !ok {
		return most
	}
	top := 0.0
	for _, u := range usual[:p.weeks(s.wallHour(a.site.zone()))] {
		top = max(top, u)
	}
	return max(most, int(3*top/4)) // an area has some part of all calls
}
