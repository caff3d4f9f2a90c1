package uplink

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pbxguard/adapters/internal/pace"
)

// fake is a session that lasts until it is made to fail.
type fake struct{ cause chan error }

func (f *fake) Serve() error { return <-f.cause }

func (f *fake) Fail(cause error) {
	select {
	case f.cause <- cause:
	default:
	}
}

// exchange is a PBX that can be reached as its err says.
type exchange struct {
	err      error
	attempts int
	told     []string
}

func (e *exchange) link() *Link[*fake] {
	pauses := Usual
	return New(Options[*fake]{
		PBX: "Asterisk", Address: "192.0.2.1:5038", Purpose: "calls", Pauses: &pauses,
		Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Open: func(context.Context) (*fake, error) {
			e.attempts++
			if e.err != nil {
				return nil, e.err
			}
			return &fake{cause: make(chan error, 1)}, nil
		},
		Began: func(*fake) { e.told = append(e.told, "began") },
		Ended: func(*fake) { e.told = append(e.told, "ended") },
	})
}

// TestRefusalIsRetriedSlowly: a wrong secret is not tried four times a second.
func TestRefusalIsRetriedSlowly(t *testing.T) {
	l := new(exchange).link()
	var broken, refused pace.Backoff
	for i, want := range []time.Duration{30, 60, 120, 240, 300, 300} {
		want *= time.Second
		if got := l.failed(&Refusal{What: "no"}, &broken, &refused); got < want/2 || got > want {
			t.Errorf("refusal %d: got %v, want between %v and %v", i+1, got, want/2, want)
		}
	}
	for i, want := range []time.Duration{250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000} {
		want *= time.Millisecond
		if got := l.failed(io.EOF, &broken, &refused); got < want/2 || got > want {
			t.Errorf("failure %d: got %v, want between %v and %v", i+1, got, want/2, want)
		}
	}
}

// TestConnectsAgain: a connection that breaks is followed by another, soon if it
// lasted, and each is announced and taken back.
func TestConnectsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(exchange)
		l := e.link()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); l.Run(ctx) }()
		for want := range uint64(3) {
			synctest.Wait()
			if st := l.Status(); st.State != "connected" || st.Reconnects != want {
				t.Fatalf("got %s after %d reconnections, want connected after %d", st.State, st.Reconnects, want)
			}
			time.Sleep(time.Minute)
			l.Session().Fail(io.EOF)
			synctest.Wait()
			if st := l.Status(); st.State != "down" || st.Error != "EOF" || l.Up() {
				t.Fatalf("got %s because of %q, want down because of EOF", st.State, st.Error)
			}
			time.Sleep(Usual.Retry)
		}
		stop()
		<-ended
		if got, want := strings.Join(e.told, " "), strings.TrimSpace(strings.Repeat("began ended ", 4)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if st := l.Status(); st.State != "down" {
			t.Errorf("got %s after the end, want down", st.State)
		}
	})
}

// TestShortSessionsDoNotBlind: a PBX that lets us in and is gone again soon, time
// after time, is never left alone for long.
func TestShortSessionsDoNotBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(exchange).link()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); l.Run(ctx) }()
		for n := range 20 {
			synctest.Wait()
			if st := l.Status(); st.State != "connected" {
				t.Fatalf("got %s %v after the end of session %d, want connected again", st.State, brief, n)
			}
			time.Sleep(steady / 2)
			l.Session().Fail(io.EOF)
			time.Sleep(brief)
		}
		stop()
		<-ended
	})
}

// TestRedial: the wait after a failure ends at once, and so does a session.
func TestRedial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &exchange{err: &Refusal{What: "no entry"}}
		l := e.link()
		go l.Run(t.Context())
		synctest.Wait()
		if st := l.Status(); st.State != "refused" || st.Error != "no entry" {
			t.Fatalf("got %s because of %q, want refused because of no entry", st.State, st.Error)
		}
		if l.Expected(time.Second) {
			t.Error("a session is expected that nobody has asked for")
		}
		e.err = nil
		l.Redial()
		if !l.Expected(time.Second) {
			t.Error("no session is expected after it was asked for")
		}
		synctest.Wait()
		first := l.Session()
		if first == nil || e.attempts != 2 {
			t.Fatalf("got session %v after %d attempts, want one after 2", first, e.attempts)
		}
		l.Redial()
		synctest.Wait()
		if st := l.Status(); l.Session() == first || st.Reconnects != 1 {
			t.Errorf("got %+v, want another session", st)
		}
	})
}
