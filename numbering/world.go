package numbering

import (
	"sync"
	"sync/atomic"

	"github.com/nyaruka/phonenumbers"
)

// A world knows what E.164 digits reach without asking libphonenumber, which
// takes tens of microseconds: it asks once for all numbers that the numbering
// plans do not tell apart.
//
// Everything that is said of a number but the number itself follows from which of
// the patterns of its country code it matches, and from its length. An automaton
// that runs through all these patterns at once, a digit a step, ends in the same
// state for all numbers of which the same is said. It is built as numbers need
// it, and begins anew when it has grown too large.
type world struct {
	mu    sync.Mutex // of whoever adds to it
	codes [1000]atomic.Pointer[code]
	made  int // states
}

// maxStates bounds the states of a world. An office meets a few hundred.
const maxStates = 1 << 14

// code is the automaton of one country code.
type code struct {
	program program
	states  map[string]*reached
	start   *reached // nil: no automaton can be made
}

// reached is a state: where in all patterns some digits have led.
type reached struct {
	at     []uint16 // instructions of the program, in order
	depth  uint8
	odd    bool // something may be cut off: the number that is reached is another
	next   [10]atomic.Pointer[reached]
	answer atomic.Pointer[answer]
}

// answer is what is said of all numbers that end in a state, but for their E164.
type answer struct {
	destination
	ok bool
}

// find follows the digits as far as their country code, and from there to their
// state, which is nil where each number must be looked up by itself. Without a
// country code in front they reach nothing.
func (w *world) find(digits string) (s *reached, somewhere bool) {
	n := 0
	for i := 0; i < len(digits) && i < 3; i++ {
		if !isDigit(digits[i]) {
			return nil, true
		}
		n = 10*n + int(digits[i]-'0')
		if c := w.codes[n].Load(); c != nil {
			return w.follow(c, digits[i+1:]), true
		}
		if phonenumbers.GetRegionCodeForCountryCode(n) != phonenumbers.UNKNOWN_REGION {
			return w.follow(w.open(n), digits[i+1:]), true
		}
	}
	return nil, false
}

func (w *world) follow(c *code, rest string) *reached {
	if c.start == nil {
		return nil
	}
	s := c.start
	for i := 0; i < len(rest); i++ {
		d := rest[i] - '0'
		if d > 9 {
			return nil
		}
		next := s.next[d].Load()
		if next == nil {
			if next = w.extend(c, s, d); next == nil {
				return nil
			}
		}
		s = next
	}
	if s.odd {
		return nil
	}
	return s
}

// open makes the automaton of a country code.
func (w *world) open(n int) *code {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.codes[n].Load(); c != nil {
		return c
	}
	c := &code{states: map[string]*reached{}}
	if p, ok := compile(n); ok {
		c.program = p
		c.start = c.state(p.starts(), 0)
		if c.start.odd {
			c.start = nil // something may be cut off of all numbers
		}
	}
	w.codes[n].Store(c)
	return c
}

// extend adds the state that a digit leads to. It is nil when the world had
// grown too large and begins anew.
func (w *world) extend(c *code, s *reached, digit byte) *reached {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.made >= maxStates {
		for i := range w.codes {
			w.codes[i].Store(nil)
		}
		w.made = 0
		return nil
	}
	next := c.state(c.program.step(s.at, digit), s.depth+1)
	w.made++
	s.next[digit].Store(next)
	return next
}

// state returns the state of so many digits that led to these instructions.
func (c *code) state(at []uint16, depth uint8) *reached {
	key := make([]byte, 0, 1+2*len(at))
	key = append(key, depth)
	for _, pc := range at {
		key = append(key, byte(pc), byte(pc>>8))
	}
	s := c.states[string(key)]
	if s == nil {
		s = &reached{at: at, depth: depth, odd: c.program.cuts(at)}
		c.states[string(key)] = s
	}
	return s
}
