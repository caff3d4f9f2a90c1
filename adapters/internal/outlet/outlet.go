// Package outlet carries events from the goroutines that read a PBX to the one
// that judges them, and never makes a reader wait: a PBX drops a client that does
// not read, and FreeSWITCH stops telling anybody anything while it does so.
package outlet

import (
	"context"
	"sync"

	"pbxguard/guard"
)

// Bounds of what waits behind a full channel, in events of half a kilobyte.
const (
	ChatterLimit = 4096  // beyond it nothing waits that costs no money
	Limit        = 65536 // beyond it nothing waits
)

// Outlet delivers events in order and never makes its callers wait. What the
// guard cannot take yet waits in memory, up to a limit.
type Outlet struct {
	out  chan<- guard.Event
	tell func(lost int, over bool) // at the first loss, and when the queue is empty again
	wake chan struct{}

	mu      sync.Mutex
	waiting queue
	lost    int // since the queue was last empty
	shed    uint64
}

// New returns an Outlet that delivers to out once [Outlet.Run] runs. tell is
// called at the first loss, with over false, and again with the number of events
// lost when all that waited is delivered.
func New(out chan<- guard.Event, tell func(lost int, over bool)) *Outlet {
	return &Outlet{out: out, tell: tell, wake: make(chan struct{}, 1)}
}

// Put delivers an event now or later, or loses it. It does not block.
func (o *Outlet) Put(ev *guard.Event) {
	o.mu.Lock()
	n := o.waiting.len
	if n == 0 {
		select {
		case o.out <- *ev:
			o.mu.Unlock()
			return
		default:
		}
	}
	if n >= Limit || n >= ChatterLimit && isChatter(ev.Kind) {
		o.shed++
		o.lost++
		first := o.lost == 1
		o.mu.Unlock()
		if first {
			o.tell(0, false)
		}
		return
	}
	o.waiting.push(ev)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// isChatter says whether losing events of a kind costs no money and hides no
// failed login.
func isChatter(k guard.Kind) bool {
	switch k {
	case guard.AuthChallenged, guard.Registered, guard.Unregistered, guard.Forged:
		return true
	}
	return false
}

// Run delivers what waits until ctx is done.
func (o *Outlet) Run(ctx context.Context) {
	for {
		select {
		case <-o.wake:
		case <-ctx.Done():
			return
		}
		for {
			ev, ok := o.first()
			if !ok {
				break
			}
			// The event stays in the queue while it is being sent, so that Put
			// does not overtake it.
			select {
			case o.out <- ev:
			case <-ctx.Done():
				return
			}
			o.drop()
		}
	}
}

// first is the event that has waited longest. Once there is none, what was lost
// in the meantime is told to the guard as well.
func (o *Outlet) first() (ev guard.Event, ok bool) {
	o.mu.Lock()
	if o.waiting.len > 0 {
		defer o.mu.Unlock()
		return *o.waiting.front(), true
	}
	lost := o.lost
	o.lost = 0
	o.mu.Unlock()
	if lost > 0 {
		o.tell(lost, true)
	}
	return ev, false
}

// drop forgets the event that was sent.
func (o *Outlet) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting.pop()
}

// Counts tells how many events were lost, ever, and how many wait now.
func (o *Outlet) Counts() (shed uint64, waiting int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.shed, o.waiting.len
}
