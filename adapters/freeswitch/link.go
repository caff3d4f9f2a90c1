package freeswitch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"pbxguard/adapters/internal/pace"
)

// duty is what a connection is for.
type duty interface {
	// begin asks for what is needed, right after the login.
	begin(c *conn) error
	// joined is told of a session that has begun, left when it ends and why.
	joined(s *session)
	left(s *session, why string)
	// take deals with one message.
	take(s *session, f *frame) error
	// write writes until the session ends, or the connection fails.
	write(s *session) error
}

// link keeps one of the connections up.
type link struct {
	pbx     *PBX
	purpose string
	duty    duty
	log     *slog.Logger
	again   chan struct{} // ends the wait before the next attempt

	mu        sync.Mutex
	session   *session // the one that has begun, or nil
	wasUp     bool
	redialled time.Time
	state     LinkStatus
}

func newLink(p *PBX, purpose string, d duty) *link {
	return &link{
		pbx: p, purpose: purpose, duty: d,
		log:   p.options.Log.With("pbx", p.options.Name, "connection", purpose),
		again: make(chan struct{}, 1),
		state: LinkStatus{Purpose: purpose, State: "down", Since: p.options.Now()},
	}
}

// steady is how long a connection must have lasted for the next to be made soon.
const steady = 20 * time.Second

// run connects, again and again, until ctx is done.
func (l *link) run(ctx context.Context) {
	var broken, refused pace.Backoff
	for ctx.Err() == nil {
		l.is("connecting", nil)
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
func (l *link) failed(err error, broken, refused *pace.Backoff) time.Duration {
	t := &l.pbx.timing
	if no := new(refusedError); errors.As(err, &no) {
		l.is("refused", err)
		pause := refused.Next(t.refused, t.refuseMax)
		l.log.Error(err.Error(), "hint", no.hint, "retry_in", pause.Round(time.Second))
		return pause
	}
	l.is("down", err)
	pause := broken.Next(t.retry, t.retryMax)
	l.log.Warn("no connection to FreeSWITCH", "address", l.pbx.options.Address, "error", err, "retry_in", pause.Round(time.Millisecond))
	return pause
}

// connect makes a connection, logs in and serves it until it breaks.
func (l *link) connect(ctx context.Context) error {
	c, err := l.pbx.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	s := newSession(l, c)
	defer context.AfterFunc(ctx, func() { s.fail(errStopped) })()
	if err := c.SetDeadline(time.Now().Add(l.pbx.timing.login)); err != nil {
		return err
	}
	if err := l.duty.begin(c); err != nil {
		return s.end(err)
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return s.end(err)
	}
	l.began(s)
	defer l.ended(s)
	return s.serve()
}

// began announces a session that does its duty.
func (l *link) began(s *session) {
	l.mu.Lock()
	l.session = s
	l.state.State, l.state.Since, l.state.Error = "connected", l.pbx.options.Now(), ""
	if l.wasUp {
		l.state.Reconnects++
	}
	l.wasUp = true
	l.mu.Unlock()
	l.log.Info("connected to FreeSWITCH", "address", l.pbx.options.Address)
	l.duty.joined(s)
}

// ended takes back what began has announced.
func (l *link) ended(s *session) {
	l.mu.Lock()
	l.session = nil
	l.mu.Unlock()
	l.duty.left(s, s.farewell)
}

func (l *link) is(state string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.State != state {
		l.state.State, l.state.Since = state, l.pbx.options.Now()
	}
	if err != nil {
		l.state.Error = err.Error()
	}
}

// status reports what the link is doing.
func (l *link) status() LinkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// count changes the link's counters.
func (l *link) count(f func(*LinkStatus)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.state)
}

func (l *link) current() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session
}

func (l *link) up() bool { return l.current() != nil }

// canOrder says whether an order given now is likely to be sent: there is a
// connection, or a fresh one is on its way.
func (l *link) canOrder() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session != nil || !l.redialled.IsZero() && time.Since(l.redialled) < l.pbx.timing.stale
}

// redial ends the session, or the wait for one, and so brings about the next.
func (l *link) redial() bool {
	l.mu.Lock()
	s := l.session
	l.redialled = time.Now()
	l.mu.Unlock()
	if s != nil {
		s.fail(errRedial)
	}
	select {
	case l.again <- struct{}{}:
	default:
	}
	return true
}

var (
	errRedial  = errors.New("a fresh connection was asked for")
	errStopped = errors.New("the guard stopped watching")
)
