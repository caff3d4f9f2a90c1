package asterisk

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"pbxguard/adapters/internal/pace"
	"pbxguard/guard"
)

// link keeps one of the two connections up.
type link struct {
	pbx     *PBX
	purpose string
	mask    string // the classes of events that it asks for
	trust   class
	log     *slog.Logger
	again   chan struct{} // ends the wait before the next attempt

	mu      sync.Mutex
	session *session // the one that is logged in, or nil
	wasUp   bool
	state   LinkStatus
}

func newLink(p *PBX, purpose, mask string, trust class) *link {
	return &link{
		pbx: p, purpose: purpose, mask: mask, trust: trust,
		log:   p.options.Log.With("pbx", p.options.Name, "connection", purpose),
		again: make(chan struct{}, 1),
		state: LinkStatus{State: "down", Since: p.options.Now()},
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
		l.log.Error(err.Error(), "hint", no.hint(), "retry_in", pause.Round(time.Second))
		return pause
	}
	l.is("down", err)
	pause := broken.Next(t.retry, t.retryMax)
	l.log.Warn("no connection to Asterisk", "address", l.pbx.options.Address, "error", err, "retry_in", pause.Round(time.Millisecond))
	return pause
}

// connect makes a connection, logs in and serves it until it breaks.
func (l *link) connect(ctx context.Context) error {
	conn, err := l.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	s := newSession(l, conn)
	defer context.AfterFunc(ctx, func() { s.fail(errStopped) })()
	if err := s.login(); err != nil {
		return err
	}
	l.up(s)
	defer l.down(s)
	return s.serve()
}

// up announces a session that is logged in.
func (l *link) up(s *session) {
	l.mu.Lock()
	l.session = s
	l.state.State, l.state.Since, l.state.Error, l.state.Banner = "connected", l.pbx.options.Now(), "", s.banner
	if l.wasUp {
		l.state.Reconnects++
	}
	l.wasUp = true
	l.mu.Unlock()
	l.log.Info("connected to Asterisk", "address", l.pbx.options.Address, "banner", s.banner)
	if l.trust&callClass != 0 {
		l.pbx.events.Put(&guard.Event{Kind: guard.Connected, PBX: l.pbx.options.Name, At: l.pbx.options.Now()})
		s.resync()
	}
}

// down takes back what up has announced.
func (l *link) down(s *session) {
	l.mu.Lock()
	l.session = nil
	l.mu.Unlock()
	if l.trust&callClass != 0 {
		l.pbx.events.Put(&guard.Event{Kind: guard.Disconnected, PBX: l.pbx.options.Name, At: l.pbx.options.Now(),
			Number: s.farewell})
	}
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

func (l *link) order(o order) bool {
	s := l.current()
	return s != nil && s.order(o)
}

func (l *link) resync() bool {
	s := l.current()
	return s != nil && s.resync()
}

// redial ends the session, or the wait for one, and so brings about the next.
func (l *link) redial() bool {
	if s := l.current(); s != nil {
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

// newNonce is what our ActionIDs on a connection begin with. Nobody who can
// only write into events can know it.
func newNonce() string { return "pbxguard-" + rand.Text()[:16] + "-" }
