package guard

import (
	"fmt"
	"time"

	"pbxguard/numbering"
)

// concurrentAbroad counts what the whole PBX has going abroad at once.
var concurrentAbroad = rule{
	doc: doc{
		id: "concurrent-abroad", number: "R-022", about: aboutVolume,
		title: "many international calls of the whole PBX at once",
		why:   "an attack that spares each country still fills the trunk; one went unseen for 17 days",
		set:   setAbroadAtOnce, normal: Setting{Action: Alert, Max: 4},
		keys: []Key{maxKey("how many there may be; where it is more, what 99 hours of 100 did not exceed, and two")},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setAbroadAtOnce].Action
		if act == Alert && abroadNow(a.site) > 2*abroadMost(l, a.site) && s.strange(a) {
			return Kill
		}
		return act
	},
	hit: func(_ *state, l *Limits, a *attempt) bool {
		return a.foreign != "" && abroadNow(a.site) > abroadMost(l, a.site)
	},
	say: func(_ *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("%s at once; the limit is %d", plural(abroadNow(a.site), "international call", "international calls"), abroadMost(l, a.site))
	},
}

// abroadNow is how many international calls a PBX has.
func abroadNow(st *site) (n int) {
	for _, k := range st.abroad {
		n += k
	}
	return n
}

func abroadMost(l *Limits, st *site) int {
	most := l.Set[setAbroadAtOnce].Max
	if usual := st.habit.usuallyAbroad(); usual > 0 {
		most = max(most, usual+2)
	}
	return most
}

// durationAbroad, durationPremium and durationMobile end single calls by what
// they reach; duration ends any.

var durationAbroad = long("duration-abroad", "one international call that lasts too long",
	setDurationAbroad, time.Hour, func(s *state, a *attempt) bool { return s.isForeign(a) })

var durationPremium = long("duration-premium", "one premium rate or satellite call that lasts too long",
	setDurationPremium, 10*time.Minute, func(_ *state, a *attempt) bool { return a.dear() })

var durationMobile = long("duration-mobile", "one call to a mobile in the country that lasts too long",
	setDurationMobile, 2*time.Hour, func(s *state, a *attempt) bool {
		return !s.isForeign(a) && (a.class() == numbering.Mobile || a.class() == numbering.FixedOrMobile)
	})

// long makes a rule about the length of one call of some kind.
func long(id, title string, set set, most time.Duration, of func(*state, *attempt) bool) rule {
	up := func(s *state, a *attempt) time.Duration {
		if a.answered.IsZero() || !of(s, a) {
			return 0
		}
		return s.now.Sub(a.answered)
	}
	return rule{
		doc: doc{
			id: id, number: "R-023", about: aboutVolume, star: true, title: title,
			why: "what shares its price with somebody is kept up for as long as it goes",
			set: set, normal: Setting{Action: Kill, Span: most},
			keys: []Key{spanKey("how long it may last")},
		},
		when: whileUp,
		action: func(s *state, l *Limits, a *attempt) Action {
			act := l.Set[set].Action
			// A long conference in the office is no fraud: somebody would know the number.
			if act != Kill || s.policy.Learn == 0 || a.dear() {
				return act
			}
			most := l.Set[set].Span
			switch {
			case up(s, a) <= most:
				return act // it is not hit
			case !s.strange(a):
				return Alert
			case s.young(a.site):
				most *= 3
			case s.known(a):
				if !s.off(l, a) {
					return Alert
				}
				if s.late(a) {
					most *= 3
				}
			case !s.off(l, a):
				most *= 2 // nobody here usually calls there
			}
			if up(s, a) <= most {
				return Alert
			}
			return act
		},
		hit: func(s *state, l *Limits, a *attempt) bool { return up(s, a) > l.Set[set].Span },
		say: func(s *state, l *Limits, a *attempt) string {
			return fmt.Sprintf("call of %s to %s is up for %s; %s is allowed", a.who(), a.shown(), short(up(s, a)), short(l.Set[set].Span))
		},
		near: func(s *state, l *Limits, a *attempt) int { return percent(up(s, a), l.Set[set].Span) },
	}
}

// percent is how much of most is used, 0 if there is no most.
func percent[T ~int64 | ~int](n, most T) int {
	if most <= 0 {
		return 0
	}
	return int(100 * n / most)
}

// abroadHour and abroadDay stand in for money while there is no rate deck: the
// talk time of an extension to countries where it does not usually call.

var abroadHour = away("abroad-hour", "talk time of one extension abroad within an hour, without a rate deck",
	setAbroadHour, 30*time.Minute, (*talk).hour)

var abroadDay = away("abroad-day", "talk time of one extension abroad within a day, without a rate deck",
	setAbroadDay, time.Hour, func(t *talk) time.Duration { return t.today })

func away(id, title string, set set, most time.Duration, of func(*talk) time.Duration) rule {
	talked := func(s *state, a *attempt) time.Duration {
		if a.payer.away == nil {
			return 0
		}
		a.payer.away.roll(s.moment(s.now, a.site.zone()))
		return of(a.payer.away)
	}
	return rule{
		doc: doc{
			id: id, number: "R-025", about: aboutVolume, title: title,
			why: "without a rate deck time is what money is counted in",
			set: set, normal: Setting{Action: Kill, Span: most},
			keys: []Key{spanKey("how long in all, over countries that are neither allowed nor usual for the extension; three times as long in office hours")},
		},
		when: whenPlaced | whileUp,
		action: func(s *state, l *Limits, a *attempt) Action {
			act := l.Set[set].Action
			// A team that is new to a country talks as much, but in the office's hours;
			// and while nobody knows what is usual, it may be just that.
			n, most := talked(s, a), l.Set[set].Span
			if act >= Kill && s.policy.Learn > 0 && n > most && n < 3*most && (s.young(a.site) || !s.off(l, a) || s.late(a)) {
				return Alert
			}
			return act
		},
		hit: func(s *state, l *Limits, a *attempt) bool {
			return s.policy.Tariff == nil && s.strange(a) && talked(s, a) > l.Set[set].Span
		},
		say: func(s *state, l *Limits, a *attempt) string {
			return fmt.Sprintf("%s talked %s abroad, to where it does not usually call; %s is allowed",
				a.who(), short(talked(s, a)), short(l.Set[set].Span))
		},
	}
}
