package wire

import (
	"io"
	"time"
)

// breath is how long a Breather waits, which the kernel doubles. What it can read
// stays above 400,000 failed logins a second.
const breath = 50 * time.Microsecond

// Breather is a reader for a connection of which a storm may come, beside one
// that must not wait for it. Go's scheduler looks for connections that have
// something to say when a core is idle, or else every 10 ms; on a host with two
// cores the storm and who judges it leave none idle. So a Breather waits a moment
// whenever much of what it asked for was there already.
type Breather struct{ io.Reader }

// Read reads once.
func (b Breather) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == nil && n >= len(p)/4 {
		time.Sleep(breath)
	}
	return n, err
}
