package guard

import (
	"fmt"
	"time"
)

// outOfHours, weekend and holiday bar international calls while nobody is in
// the office, by the clock on its wall: the PBX's zone, with its summer time.

var outOfHours = rule{
	doc: doc{
		id: "hours", number: "R-012", star: true, table: true,
		title: "international calls outside office hours",
		why:   "fraud comes when nobody is there to see it",
	},
	when:   whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action { return s.afterHours(a, l.Hours.Action) },
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.isForeign(a) && !l.Hours.open(s.wall(a))
	},
	say: func(s *state, l *Limits, a *attempt) string {
		at := s.wall(a)
		if !s.isForeign(a) {
			return "not an international call"
		}
		return fmt.Sprintf("international call of %s to %s at %s; office hours are %s to %s",
			a.who(), a.shown(), at.Format("15:04 on Monday"), clock(l.Hours.From), clock(l.Hours.To))
	},
}

var weekend = rule{
	doc: doc{
		id: "weekend", number: "R-012", star: true, table: true,
		title: "international calls on Saturday and Sunday",
		why:   "most of the large cases began on a Friday night",
	},
	when:   whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action { return s.afterHours(a, l.Weekend) },
	hit: func(s *state, _ *Limits, a *attempt) bool {
		if !s.isForeign(a) {
			return false
		}
		day := s.wall(a).Weekday()
		return day == time.Saturday || day == time.Sunday
	},
	say: func(s *state, _ *Limits, a *attempt) string {
		if !s.isForeign(a) {
			return "not an international call"
		}
		return fmt.Sprintf("international call of %s to %s at %s", a.who(), a.shown(), s.wall(a).Format("15:04 on Monday"))
	},
}

var holiday = rule{
	doc: doc{
		id: "holiday", number: "R-012", star: true, table: true,
		title: "international calls on public holidays and closed days",
		why:   "on a holiday nobody looks, and the carrier does not either",
	},
	when:   whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action { return s.afterHours(a, l.Holiday) },
	hit: func(s *state, _ *Limits, a *attempt) bool {
		if !s.isForeign(a) {
			return false
		}
		_, closed := s.closed(a)
		return closed
	},
	say: func(s *state, _ *Limits, a *attempt) string {
		name, closed := s.closed(a)
		switch {
		case !s.isForeign(a):
			return "not an international call"
		case !closed:
			return s.wall(a).Format("2006-01-02") + " is not a holiday"
		}
		return fmt.Sprintf("international call of %s to %s on a holiday (%s)", a.who(), a.shown(), name)
	},
}

// afterHours tempers what the three ask for: who usually calls then, or a PBX
// that is usually at work then, is left alone, and who may just be late is
// told of.
func (s *state) afterHours(a *attempt, act Action) Action {
	act = s.byHabit(a, act, s.atNight(a) || s.atWork(a.site))
	if act >= Kill && s.policy.Learn > 0 && s.late(a) {
		return Alert
	}
	return act
}

// wall is the time on the wall of the PBX.
func (s *state) wall(a *attempt) time.Time { return s.now.In(a.site.zone()) }

func (s *state) closed(a *attempt) (string, bool) {
	if a.site.Closed == nil {
		return "", false
	}
	return a.site.Closed(s.wall(a))
}

// open says whether the office is open at the time of day that t shows. Hours
// that end before they begin pass midnight.
func (h HoursLimit) open(t time.Time) bool {
	hour, minute, second := t.Clock()
	at := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	if h.From <= h.To {
		return at >= h.From && at < h.To
	}
	return at >= h.From || at < h.To
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", d/time.Hour, d%time.Hour/time.Minute)
}
