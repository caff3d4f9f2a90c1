package guard

import (
	"fmt"
	"time"
)

// longUsed is how long an address must have worked for an account before a lock
// leaves it alone: an outsider who can make an account look attacked must not
// be able to silence it.
const longUsed = 7 * 24 * time.Hour

// locked ends every call of an account that is locked, unless it comes from an
// address that has long been its own.
var locked = rule{
	doc: doc{
		id: "locked", number: "R-092", about: aboutGuard, fixed: "kill",
		title: "calls of a locked account from addresses it has not long been used from",
		why:   "a lock holds on every way out at once, yet an outsider who makes an extension look attacked cannot silence it",
	},
	when:   whenPlaced,
	action: func(*state, *Limits, *attempt) Action { return Kill },
	hit:    func(s *state, _ *Limits, a *attempt) bool { return s.barred(a) },
	say: func(s *state, _ *Limits, a *attempt) string {
		b := s.barOf(a.payer)
		if b == nil {
			return fmt.Sprintf("extension %s is not locked", a.payer.Name)
		}
		return b.says(a)
	},
}
