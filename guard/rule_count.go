package guard

import (
	"fmt"
	"time"
)

// concurrent counts what an account has going out at once: open trunk legs, and
// calls that have not reached a trunk yet.
var concurrent = rule{
	id:     "concurrent",
	title:  "many outbound calls of one extension at once",
	when:   whenPlaced,
	action: func(l *Limits, _ *attempt) Action { return l.Concurrent.Action },
	hit: func(_ *state, l *Limits, a *attempt) bool {
		return a.payer.live > l.Concurrent.Max
	},
	say: func(_ *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("%s has %d outbound at once; the limit is %d", a.who(), a.payer.live, l.Concurrent.Max)
	},
}

// concurrentCountry counts what the whole PBX has going to one foreign country,
// so that an attack spread over many extensions is one attack.
var concurrentCountry = rule{
	id:     "concurrent-country",
	title:  "many calls of the whole PBX to one foreign country at once",
	when:   whenPlaced,
	action: func(l *Limits, _ *attempt) Action { return l.ConcurrentCountry.Action },
	hit: func(_ *state, l *Limits, a *attempt) bool {
		return a.foreign != "" && a.site.abroad[a.foreign] > l.ConcurrentCountry.Max
	},
	say: func(_ *state, l *Limits, a *attempt) string {
		if a.foreign == "" {
			return "not an international call"
		}
		return fmt.Sprintf("%d to %s at once; the limit is %d", a.site.abroad[a.foreign], a.foreign, l.ConcurrentCountry.Max)
	},
}

// attemptRate counts tries, answered or not, in the last minute.
var attemptRate = rule{
	id:     "attempts",
	title:  "many call attempts of one extension in a minute",
	when:   whenPlaced,
	action: func(l *Limits, _ *attempt) Action { return l.Attempts.Action },
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.lastMinute(a.payer) > l.Attempts.Max
	},
	say: func(s *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("attempt %[2]d of %[1]s within a minute; the limit is %[3]d", a.who(), s.lastMinute(a.payer), l.Attempts.Max)
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
	id:     "sequential",
	title:  "numbers dialled one after the other that differ only in their last digits",
	when:   whenPlaced,
	action: func(l *Limits, _ *attempt) Action { return l.Sequential.Action },
	hit: func(_ *state, l *Limits, a *attempt) bool {
		return a.payer.run.n > l.Sequential.Max
	},
	say: func(_ *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("number %[2]d of %[1]s in a row that differs only in its last %[3]d digits; the limit is %[4]d",
			a.who(), a.payer.run.n, runDigits, l.Sequential.Max)
	},
}
