package guard

import (
	"time"

	"pbxguard/numbering"
)

// maxTrail bounds the latest attempts that are remembered of an account.
const maxTrail = 128

// step is one attempt of an account, as rules count it.
type step struct {
	at      time.Time
	number  uint64 // what was called, hashed
	block   uint64 // all but its last two digits
	area    uint64 // its country and the next two digits
	what    traits
	talked  time.Duration // since it ended
	attempt *attempt      // while it lasts
}

// traits are what an attempt was and came to.
type traits uint8

const (
	isAbroad  traits = 1 << iota
	isGuess          // digits tried in front of an international number
	isNewLand        // a country that the account had not called before
	hasEnded
	wasAnswered
	hasFailed // the number does not exist, or was refused
	wasKilled
)

func (t traits) has(u traits) bool { return t&u == u }

// trail is the latest attempts of an account, in the order of their start.
type trail []step

// tread notes an attempt that has just got its number.
func (s *state) tread(a *attempt) {
	n := a.number
	p := step{at: s.now, attempt: a}
	if n.E164 != "" {
		p.number = s.hash(n.E164)
		p.block = s.hash(n.E164[:max(0, len(n.E164)-2)])
		p.area = s.area(n)
	}
	if s.isForeign(a) {
		p.what |= isAbroad
		if s.strange(a) {
			p.what |= isNewLand
		}
	}
	if guessed(n) {
		p.what |= isGuess
	}
	a.payer.trail.push(p)
}

// guessed says whether a number looks as if somebody tried how to dial abroad.
func guessed(n numbering.Number) bool {
	return n.Kind == numbering.Unparseable && n.Candidate && (n.Flags.Has(numbering.JunkPrefix) || n.Flags.Has(numbering.AssumedIntl))
}

// area is the country of a number and the next two digits.
func (s *state) area(n numbering.Number) uint64 {
	const digits = len("+") + 3 + 2 // country codes have at most three
	return s.hash(n.Region + n.E164[:min(len(n.E164), digits)])
}

// index finds the step of an attempt, from the newest; -1 if it is forgotten.
func (t trail) index(a *attempt) int {
	for i := len(t) - 1; i >= 0; i-- {
		if t[i].attempt == a {
			return i
		}
	}
	return -1
}

func (t *trail) push(p step) {
	if len(*t) >= maxTrail {
		*t = (*t)[:copy(*t, (*t)[1:])]
	}
	*t = append(*t, p)
}

// count counts the steps of the time before now that f wants.
func (t trail) count(now time.Time, within time.Duration, f func(*step) bool) (n int) {
	for i := len(t) - 1; i >= 0 && now.Sub(t[i].at) < within; i-- {
		if f(&t[i]) {
			n++
		}
	}
	return n
}

// The Q.850 causes of a number that does not exist or is refused.
var failures = map[int]bool{1: true, 2: true, 3: true, 21: true, 22: true, 28: true, 57: true}

// ended notes in the trail what an attempt came to.
func (a *attempt) ended(talked time.Duration, cause int) {
	i := a.payer.trail.index(a)
	if i < 0 {
		return
	}
	p := &a.payer.trail[i]
	p.attempt = nil
	p.what |= hasEnded
	p.talked = talked
	switch {
	case a.killed:
		p.what |= wasKilled
	case !a.answered.IsZero():
		p.what |= wasAnswered
	case failures[cause]:
		p.what |= hasFailed
	}
}
