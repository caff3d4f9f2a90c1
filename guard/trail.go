package guard

import (
	"math"
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
	land    uint64 // its country
	what    traits
	talked  time.Duration // since it ended
	attempt *attempt      // while it lasts
}

// traits are what an attempt was and came to.
type traits uint16

const (
	isAbroad  traits = 1 << iota
	isGuess          // digits tried in front of an international number
	isNewLand        // a country that the account had not called before
	hasEnded
	wasAnswered
	hasFailed // the number does not exist, or was refused
	wasKilled
	isOdd     // a number that no plan has
	isNewSite // a country that nobody here usually calls
)

func (t traits) has(u traits) bool { return t&u == u }

// trail is the latest attempts of an account, in the order of their start.
type trail struct {
	steps []step
	first int    // of the oldest: once there are maxTrail, a ring
	some  traits // what any of them is, and perhaps what one was that is forgotten
}

// tread notes an attempt that has just got its number.
func (s *state) tread(a *attempt) {
	n := a.number
	p := step{at: s.now, attempt: a}
	if n.E164 != "" {
		p.number = s.hash(n.E164)
		p.block = s.hash(n.E164[:max(0, len(n.E164)-2)])
		p.area = s.area(n)
		p.land = s.hash(n.Region)
	}
	if s.isForeign(a) {
		p.what |= isAbroad
		if s.strange(a) {
			p.what |= isNewLand
		}
		if !s.known(a) {
			p.what |= isNewSite
		}
	}
	if guessed(n) {
		p.what |= isGuess
	}
	if oddNumber(n) {
		p.what |= isOdd
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
func (t *trail) index(a *attempt) int {
	for i := len(t.steps) - 1; i >= 0; i-- {
		if t.step(i).attempt == a {
			return i
		}
	}
	return -1
}

// step is the i-th, of which 0 is the oldest.
func (t *trail) step(i int) *step {
	if i += t.first; i >= maxTrail {
		i -= maxTrail
	}
	return &t.steps[i]
}

func (t *trail) push(p step) {
	if len(t.steps) < maxTrail {
		t.steps = append(t.steps, p)
	} else {
		t.steps[t.first] = p
		if t.first++; t.first == maxTrail {
			t.first = 0
			t.recount()
		}
	}
	t.some |= p.what
}

// forever is longer than any call.
const forever = time.Duration(math.MaxInt64)

func (t *trail) recount() {
	t.some = 0
	for i := range t.steps {
		t.some |= t.steps[i].what
	}
}

// take removes the i-th step and returns it.
func (t *trail) take(i int) step {
	p := *t.step(i)
	rest := make([]step, 0, len(t.steps))
	for k := range t.steps {
		if k != i {
			rest = append(rest, *t.step(k))
		}
	}
	t.steps, t.first = rest, 0
	return p
}

// mark adds to what the i-th step is.
func (t *trail) mark(i int, what traits) *step {
	p := t.step(i)
	p.what |= what
	t.some |= what
	return p
}

// count counts the steps of the time before now that are all of what and
// talked for less than most. Most accounts have none of the kind that is asked
// for, which is known at once.
func (t *trail) count(now time.Time, within time.Duration, what traits, most time.Duration) (n int) {
	if !t.some.has(what) {
		return 0
	}
	for i := len(t.steps) - 1; i >= 0; i-- {
		p := t.step(i)
		if now.Sub(p.at) >= within {
			break
		}
		if p.what.has(what) && p.talked < most {
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
	what := hasEnded
	switch {
	case a.killed:
		what |= wasKilled
	case !a.answered.IsZero():
		what |= wasAnswered
	case failures[cause]:
		what |= hasFailed
	}
	p := a.payer.trail.mark(i, what)
	p.attempt, p.talked = nil, talked
}
