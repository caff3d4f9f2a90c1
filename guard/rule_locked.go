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
	id:     "locked",
	title:  "calls of a locked account from addresses it has not long been used from",
	when:   whenPlaced,
	action: func(*Limits, *attempt) Action { return Kill },
	hit: func(s *state, _ *Limits, a *attempt) bool {
		b := a.payer.bar
		if b == nil || !b.Until.IsZero() && !s.now.Before(b.Until) {
			return false
		}
		return !a.source.IsValid() || s.sources.known(a.payer.Account, a.source, s.now) < longUsed
	},
	say: func(s *state, _ *Limits, a *attempt) string {
		b := a.payer.bar
		if b == nil {
			return fmt.Sprintf("extension %s is not locked", a.payer.Name)
		}
		return fmt.Sprintf("extension %s is locked since %s: %s", a.payer.Name,
			b.At.In(a.site.zone()).Format("2006-01-02 15:04"), b.Reason)
	},
}
