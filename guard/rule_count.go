package guard

import (
	"fmt"
	"time"
)

// concurrent counts what an account has going out at once: open trunk legs, and
// calls that have not reached a trunk yet.
var concurrent = rule{
	doc: doc{
		id: "concurrent", number: "R-020", about: aboutVolume, star: true, table: true,
		title: "many outbound calls of one extension at once",
		why:   "a stolen account is used for as many calls at once as the trunk carries",
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		most := &l.Concurrent
		if most.Action == Kill && most.Max > 0 && a.payer.live >= 3*most.Max {
			return s.sparing(a, Lock) // no slip of a finger
		}
		return s.sparing(a, most.Action)
	},
	hit: func(_ *state, l *Limits, a *attempt) bool {
		return a.payer.live > l.Concurrent.Max
	},
	say: func(_ *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("%s has %s at once; the limit is %d", a.who(), plural(a.payer.live, "outbound call", "outbound calls"), l.Concurrent.Max)
	},
}

// concurrentCountry counts what the whole PBX has going to one foreign country,
// so that an attack spread over many extensions is one attack.
var concurrentCountry = rule{
	doc: doc{
		id: "concurrent-country", number: "R-021", about: aboutVolume, star: true, table: true,
		title: "many calls of the whole PBX to one foreign country at once",
		why:   "an attack spread over many extensions still goes to one place",
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		most := &l.ConcurrentCountry
		if most.Action == Kill && s.policy.Learn > 0 && a.foreign != "" && a.site.abroad[a.foreign] <= 2*most.Max &&
			!s.off(l, a) && !s.hoards(a) {
			return Alert // colleagues who call one country in the office's hours, each once
		}
		return most.Action
	},
	hit: func(_ *state, l *Limits, a *attempt) bool {
		return a.foreign != "" && a.site.abroad[a.foreign] > l.ConcurrentCountry.Max
	},
	say: func(_ *state, l *Limits, a *attempt) string {
		if a.foreign == "" {
			return "not an international call"
		}
		return fmt.Sprintf("%s to %s at once; the limit is %d", plural(a.site.abroad[a.foreign], "call", "calls"), countryName(a.foreign), l.ConcurrentCountry.Max)
	},
}

// hoards says whether one account has several calls to the country of a.
func (s *state) hoards(a *attempt) bool {
	for x := s.first; x != nil; x = x.next {
		for y := x.next; y != nil && x.site == a.site && x.foreign == a.foreign; y = y.next {
			if y.payer == x.payer && y.site == x.site && y.foreign == x.foreign {
				return true
			}
		}
	}
	return false
}

// attemptRate counts tries, answered or not, in the last minute.
var attemptRate = rule{
	doc: doc{
		id: "attempts", number: "R-027", about: aboutVolume, star: true, table: true,
		title: "many call attempts of one extension in a minute",
		why:   "no hand dials that fast",
	},
	when:   whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action { return s.sparing(a, l.Attempts.Action) },
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.lastMinute(a.payer) > l.Attempts.Max
	},
	say: func(s *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("attempt %[2]d of %[1]s within a minute; the limit is %[3]d", a.who(), s.lastMinute(a.payer), l.Attempts.Max)
	},
	near: func(s *state, l *Limits, a *attempt) int {
		if n := s.lastMinute(a.payer); n == l.Attempts.Max/2+1 && l.Attempts.Max >= 10 {
			return nearly // once: half of it is no habit of anybody's hand
		}
		return 0
	},
}

// maxRecent bounds the attempts that are remembered; beyond it any limit is hit.
const maxRecent = 1024

// lastMinute counts the attempts of the last minute and forgets older ones.
func (s *state) lastMinute(acc *account) int {
	old := 0
	for old < len(acc.recent) && s.now.Sub(acc.recent[old]) >= time.Minute {
		old++
	}
	if over := len(acc.recent) - maxRecent; over > old {
		old = over
	}
	if old > 0 {
		acc.recent = acc.recent[:copy(acc.recent, acc.recent[old:])]
	}
	return len(acc.recent)
}

// sequential finds number ranges being tried one by one.
var sequential = rule{
	doc: doc{
		id: "sequential", number: "R-029", about: aboutVolume, star: true, table: true,
		title: "numbers dialled one after the other that differ only in their last digits",
		why:   "the numbers that pay are rented in blocks, and are called one after the other",
	},
	when:   whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action { return s.atHome(a, l.Sequential.Action) },
	hit: func(_ *state, l *Limits, a *attempt) bool {
		return a.payer.run.n > l.Sequential.Max
	},
	say: func(_ *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("number %[2]d of %[1]s in a row that differs only in its last %[3]d digits; the limit is %[4]d",
			a.who(), a.payer.run.n, runDigits, l.Sequential.Max)
	},
}
