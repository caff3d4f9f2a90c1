package pace

import (
	"math/rand/v2"
	"time"
)

// Backoff doubles a wait from one failure to the next. The zero value is ready
// for use.
type Backoff struct{ last time.Duration }

// Next is a random wait between half of and the whole of what is due, so that
// many connections do not come at once. The first is due after from, none after
// more than to.
func (b *Backoff) Next(from, to time.Duration) time.Duration {
	b.last = min(max(2*b.last, from), to)
	return b.last/2 + rand.N(b.last/2+1)
}
