// Package uplink keeps a connection to a PBX up. It is made again whenever it has
// broken, soon at first and then less often, and says what it is doing.
package uplink

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"pbxguard/adapters/internal/pace"
)

// Session is one connection that is logged in.
type Session interface {
	comparable
	// Serve does what the connection is for until it breaks, and says why it did.
	Serve() error
	// Fail closes it for a reason.
	Fail(cause error)
}

// Refusal is why a PBX does not let us in, or do what we need, which trying again
// soon will not change.
type Refusal struct {
	What string
	Hint string // what to look at
}

func (r *Refusal) Error() string { return r.What }

// Pauses are the waits before the next attempt: the first, and the longest that
// doubling it leads to.
type Pauses struct {
	Retry, RetryMax    time.Duration // after a connection that broke or could not be made
	Refused, RefuseMax time.Duration // after a refusal
}

// Usual are the pauses of the daemon.
var Usual = Pauses{
	Retry: 250 * time.Millisecond, RetryMax: 30 * time.Second,
	Refused: 30 * time.Second, RefuseMax: 5 * time.Minute,
}

// Options say what a link is and how it is made.
type Options[S Session] struct {
	PBX     string // "Asterisk"
	Address string
	Purpose string // "calls"
	Pauses  *Pauses
	Log     *slog.Logger
	Now     func() time.Time

	// Open makes a connection and logs in.
	Open func(context.Context) (S, error)
	// Began is told of a session that is about to be served, Ended that it is over.
	Began, Ended func(S)
}

// Link keeps one connection up.
type Link[S Session] struct {
	options Options[S]
	again   chan struct{} // ends the wait before the next attempt
	served  bool          // the latest attempt led to a session; belongs to Run

	mu        sync.Mutex
	session   S // the one that is served, or zero
	wasUp     bool
	redialled time.Time
	status    Status
}

// New returns a link that has yet to [Link.Run].
func New[S Session](o Options[S]) *Link[S] {
	return &Link[S]{
		options: o, again: make(chan struct{}, 1),
		status: Status{Purpose: o.Purpose, State: "down", Since: o.Now()},
	}
}

// steady is how long a connection must have lasted for the next to be made soon.
const steady = 20 * time.Second

// brief is the longest wait after a session, however short it was: a PBX that has
// just let us in is there, and each moment without a session hides calls. One
// that keeps restarting, or somebody who can reset connections, must not make
// the guard look away for longer than that.
const brief = 2 * time.Second

// Run connects, again and again, until ctx is done.
func (l *Link[S]) Run(ctx context.Context) {
	var broken, refused pace.Backoff
	for ctx.Err() == nil {
		l.is("connecting", nil)
		l.served = false
		began := time.Now()
		err := l.connect(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > steady {
			broken, refused = pace.Backoff{}, pace.Backoff{}
		}
		select {
		case <-time.After(l.failed(err, &broken, &refused)):
		case <-l.again:
		case <-ctx.Done():
		}
	}
	l.is("down", nil)
}

// failed notes and reports why a connection ended or was not made, and says how
// long to wait before the next.
func (l *Link[S]) failed(err error, broken, refused *pace.Backoff) time.Duration {
	o := &l.options
	if no := new(Refusal); errors.As(err, &no) {
		l.is("refused", err)
		pause := refused.Next(o.Pauses.Refused, o.Pauses.RefuseMax)
		o.Log.Error(err.Error(), "hint", no.Hint, "retry_in", pause.Round(time.Second))
		return pause
	}
	l.is("down", err)
	most := o.Pauses.RetryMax
	if l.served {
		most = min(most, brief)
	}
	pause := broken.Next(o.Pauses.Retry, most)
	o.Log.Warn("no connection to "+o.PBX, "address", o.Address, "error", err, "retry_in", pause.Round(time.Millisecond))
	return pause
}

// connect makes a connection and has it served until it breaks. Should we not be
// able to cope with what the PBX says, that ends the connection, not the guard.
func (l *Link[S]) connect(ctx context.Context) (err error) {
	defer pace.Rescue(l.options.Log, &err)
	s, err := l.options.Open(ctx)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { s.Fail(ErrStopped) })()
	l.served = true
	l.began(s)
	defer l.ended(s)
	err = l.serve(s)
	s.Fail(err)
	return err
}

func (l *Link[S]) serve(s S) (err error) {
	defer pace.Rescue(l.options.Log, &err)
	return s.Serve()
}

// began announces a session.
func (l *Link[S]) began(s S) {
	l.mu.Lock()
	l.session = s
	l.status.State, l.status.Since, l.status.Error = "connected", l.options.Now(), ""
	if l.wasUp {
		l.status.Reconnects++
	}
	l.wasUp = true
	l.mu.Unlock()
	l.options.Log.Info("connected to "+l.options.PBX, "address", l.options.Address)
	l.options.Began(s)
}

// ended takes back what began has announced.
func (l *Link[S]) ended(s S) {
	l.mu.Lock()
	l.session = *new(S)
	l.mu.Unlock()
	l.options.Ended(s)
}

// Session is the one that is served now, or zero.
func (l *Link[S]) Session() S {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session
}

// Up says whether there is a session.
func (l *Link[S]) Up() bool { return l.Session() != *new(S) }

// Expected says whether there is a session, or one has been asked for no longer
// ago than so.
func (l *Link[S]) Expected(within time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session != *new(S) || !l.redialled.IsZero() && time.Since(l.redialled) < within
}

// Redial ends the session, or the wait for one, and so brings about the next.
func (l *Link[S]) Redial() {
	l.mu.Lock()
	s := l.session
	l.redialled = time.Now()
	l.mu.Unlock()
	if s != *new(S) {
		s.Fail(errRedial)
	}
	select {
	case l.again <- struct{}{}:
	default:
	}
}

// ErrStopped is why a session ends whose link's context is done.
var ErrStopped = errors.New("the guard stopped watching")

var errRedial = errors.New("a fresh connection was asked for")
