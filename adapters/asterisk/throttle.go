package asterisk

import "time"

// throttle lets a report through every 10 s. The zero value is ready for use.
type throttle struct {
	last    time.Time
	pending int
	held    int // how many were held back before the one let through
}

func (t *throttle) allow(at time.Time) bool {
	if !t.last.IsZero() && at.Sub(t.last) < 10*time.Second {
		t.pending++
		return false
	}
	t.last, t.held, t.pending = at, t.pending, 0
	return true
}
