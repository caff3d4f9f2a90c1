// Package pace says when to try again and when to speak again.
package pace

import "time"

// Throttle lets a report through every 10 s. The zero value is ready for use.
type Throttle struct {
	last    time.Time
	pending int
	Held    int // how many were held back before the one let through
}

// Allow says whether to report at a time.
func (t *Throttle) Allow(at time.Time) bool {
	if !t.last.IsZero() && at.Sub(t.last) < 10*time.Second {
		t.pending++
		return false
	}
	t.last, t.Held, t.pending = at, t.pending, 0
	return true
}
