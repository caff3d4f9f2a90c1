package guard

import (
	"fmt"
	"math"
	"time"
)

// attemptRatePBX is more attempts in a second than there ever were.
var attemptRatePBX = rule{
	doc: doc{
		id: "attempts-pbx", number: "R-028", about: aboutVolume,
		title: "more call attempts of the whole PBX in a second than ever",
		why:   "the limits that switches ship with are far above what an office does",
		set:   setAttemptsPBX, normal: Setting{Action: Alert, Max: 5},
		keys: []Key{maxKey("how many there may be in a second; where it is more, twice the most of the last eight weeks")},
	},
	when: whenPlaced,
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.rate(a.site) > rateMost(l, a.site)
	},
	say: func(s *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("%s of this PBX within a second; the limit is %d", plural(s.rate(a.site), "call attempt", "call attempts"), rateMost(l, a.site))
	},
}

func (s *state) rate(st *site) int {
	if st.habit.second != s.now.Unix() {
		return 0
	}
	return int(st.habit.rate)
}

func rateMost(l *Limits, st *site) int {
	return max(l.Set[setAttemptsPBX].Max, 2*st.habit.mostAtOnce())
}

// What makes an hour unusual: how far above the usual it is worth a word, how
// far it ends a call, and below what counts it is neither.
const (
	oddScore    = 3.5
	wildScore   = 6
	leastCalls  = 10
	leastTalked = 30 // minutes
)

// habits and habitsPBX hold this hour against the same hour of the last weeks.

var habits = unusual("habits", "calls, talk time or different numbers of one extension in an hour, far above its habit",
	setHabits, func(a *attempt) *profile { return a.payer.habit }, (*attempt).who)

var habitsPBX = unusual("habits-pbx", "calls, talk time or different numbers of the whole PBX in an hour, far above its habit",
	setHabitsPBX, func(a *attempt) *profile { return &a.site.habit }, func(*attempt) string { return "this PBX" })

func unusual(id, title string, set set, of func(*attempt) *profile, who func(*attempt) string) rule {
	worst := func(s *state, a *attempt) oddity {
		return of(a).odd(s.wallHour(a.site.zone()))
	}
	return rule{
		doc: doc{
			id: id, number: "R-026", about: aboutVolume, title: title,
			why: "what is much for one extension is little for another: each is held against itself, at the same hour of the week",
			set: set, normal: Setting{Action: Alert, Max: leastCalls},
			keys: []Key{maxKey("below how many calls or numbers an hour is never unusual")},
		},
		when: whenPlaced,
		action: func(s *state, l *Limits, a *attempt) Action {
			act := l.Set[set].Action
			if act == Alert && s.settled(a.site) && s.strange(a) && s.off(l, a) && worst(s, a).wild() && !s.known(a) && !s.atNight(a) {
				return Kill
			}
			return act
		},
		hit: func(s *state, l *Limits, a *attempt) bool {
			p := of(a)
			if p == nil || int(p.now.calls) < l.Set[set].Max && p.talked < leastTalked*time.Minute || !s.settled(a.site) {
				return false
			}
			o := worst(s, a)
			if p.told && (o.score <= wildScore || !s.strange(a) || !s.off(l, a)) {
				return false // one word an hour
			}
			return o.score > oddScore && (o.metric == minutesTalked || o.now >= float64(l.Set[set].Max))
		},
		then: func(_ *state, a *attempt) {
			of(a).told = true
		},
		say: func(s *state, _ *Limits, a *attempt) string {
			p := of(a)
			if p == nil || p.weeks(s.wallHour(a.site.zone())) < leastWeeks {
				return "too little is known of what is usual"
			}
			return worst(s, a).says(who(a), s.wall(a))
		},
	}
}

// oddity is the least usual of the things that were counted in an hour.
type oddity struct {
	metric                  metric
	now, usual, most, score float64 // most is the most that ever was at that hour
}

// wild says whether an hour is far beyond any other, and not only for somebody
// who does the same every week.
func (o oddity) wild() bool { return o.score > wildScore && o.now > 2*o.most }

var metricNames = [metrics]string{"calls", "minutes talked", "different numbers"}

func (o oddity) says(who string, at time.Time) string {
	return fmt.Sprintf("%s: %.0f %s since %s, usually %.0f on a %s at this hour (score %.1f)",
		who, o.now, metricNames[o.metric], at.Format("15:00"), o.usual, at.Weekday(), o.score)
}

// odd holds this hour against the habit.
func (p *profile) odd(hour int32) (o oddity) {
	if p == nil || p.now.hour != hour {
		return o
	}
	h := p.now
	h.numbers, h.minutes = uint16(len(p.numbers)), short16(int(p.talked/time.Minute))
	spreads, ok := p.spreadsAt(hour)
	if !ok {
		return oddity{}
	}
	o.score = math.Inf(-1)
	for m := range metrics {
		x := float64(*h.metric(m))
		if m == minutesTalked && x < leastTalked {
			continue
		}
		if z := spreads[m].score(x); z > o.score {
			o = oddity{metric: m, now: x, usual: spreads[m].median, most: spreads[m].most, score: z}
		}
	}
	return o
}
