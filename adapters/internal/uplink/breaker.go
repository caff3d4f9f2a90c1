package uplink

import (
	"io"
	"sync"
)

// Breaker closes a connection from this side, and remembers why. A session has one
// in it.
type Breaker struct {
	conn  io.Closer
	mu    sync.Mutex
	cause error
}

// NewBreaker returns a Breaker of a connection.
func NewBreaker(conn io.Closer) *Breaker { return &Breaker{conn: conn} }

// Fail closes the connection for a reason. Only the first is kept: the others
// follow from it.
func (b *Breaker) Fail(cause error) {
	b.mu.Lock()
	if b.cause == nil {
		b.cause = cause
	}
	b.mu.Unlock()
	b.conn.Close()
}

// Cause is why the connection was closed from this side, nil if it was not.
func (b *Breaker) Cause() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cause
}
