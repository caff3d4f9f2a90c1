// Package adaptertest holds what every adapter must do, whatever its PBX speaks:
// one suite, which each passes against a PBX played to it over a real connection.
package adaptertest

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pbxguard/guard"
)

// PBX is a played PBX. Its methods return when their bytes are written, or at
// once if nobody listens. Legs are named by what [PBX.Leg] makes of a number.
type PBX interface {
	// Leg is the id of the n-th leg, in the PBX's own form.
	Leg(n int) guard.LegID
	// Start tells that an extension has begun to call a number; the leg is up
	// from now on, for lists as well.
	Start(leg guard.LegID, extension, number string)
	// StartUnseen is a Start of which no event tells.
	StartUnseen(leg guard.LegID, extension, number string)
	// Dial tells that a leg calls a number over the trunk called "trunk".
	Dial(leg, trunk guard.LegID, number string)
	Answer(leg guard.LegID)
	// End tells that a leg has ended, with Q.850 cause 16.
	End(leg guard.LegID)
	// Fail tells that somebody at a source gave a wrong password for an extension,
	// with all the events that one such attempt causes.
	Fail(extension string, source netip.AddrPort)
	// Chatter sends n events that cost no money and hide no failure.
	Chatter(n int)
	// Hostile sends what no such PBX sends, on the connection that carries
	// calls: text without form, long lines, bytes of all values. It may break
	// the connection.
	Hostile()
	// Break closes all connections, as a PBX does that is killed. It takes new
	// ones at once.
	Break()
	// Killed are the legs whose end was ordered, in order. A leg that is up ends
	// with it, and its end is told.
	Killed() []guard.LegID
	// Ready says whether every connection that the adapter wants is there.
	Ready() bool
}

// Adapter is what is tested.
type Adapter interface {
	guard.PBX
	Run(context.Context) error
}

// Kit says how to play the PBX and how to watch it. The adapter must wait for no
// more than some ten milliseconds before it connects again.
type Kit struct {
	Play  func(t *testing.T) PBX
	Watch func(t *testing.T, p PBX, events chan<- guard.Event, log *slog.Logger) Adapter
	// Domain is that of accounts, if the PBX has such.
	Domain string
}

// patience is how long something may take that takes a moment on a quiet machine.
const patience = 30 * time.Second

// stage is one adapter that watches one PBX.
type stage struct {
	PBX
	Adapter
	t      *testing.T
	kit    Kit
	events chan guard.Event
	log    *logged
	stop   func() // ends the adapter and waits for it
}

// name is that of the PBX in events.
const name = "played"

// set starts an adapter and, unless nobody is to read its events, waits for its
// connections and its first list.
func (k Kit) set(t *testing.T, room int) *stage {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	s := &stage{PBX: k.Play(t), t: t, kit: k, events: make(chan guard.Event, room), log: new(logged)}
	s.Adapter = k.Watch(t, s.PBX, s.events, slog.New(slog.NewTextHandler(s.log, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end with its context")
		}
	})
	t.Cleanup(s.stop)
	s.next(guard.Connected)
	s.next(guard.ResyncStarted)
	s.next(guard.ResyncEnded)
	s.eventually("all connections", s.Ready)
	return s
}

// next waits for the next event of a kind, and passes over others.
func (s *stage) next(kind guard.Kind) guard.Event {
	s.t.Helper()
	return s.find(kind.String(), func(ev guard.Event) bool { return ev.Kind == kind })
}

// of waits for the next event of a kind about a leg.
func (s *stage) of(kind guard.Kind, leg guard.LegID) guard.Event {
	s.t.Helper()
	return s.find(fmt.Sprintf("%v of %s", kind, leg), func(ev guard.Event) bool {
		return ev.Kind == kind && (ev.Leg == leg || kind == guard.LegDialling && ev.Other == leg)
	})
}

func (s *stage) find(what string, is func(guard.Event) bool) guard.Event {
	s.t.Helper()
	end := time.After(patience)
	for {
		select {
		case ev := <-s.events:
			if ev.PBX != name {
				s.t.Errorf("got an event of PBX %q, want %q", ev.PBX, name)
			}
			if ev.At.IsZero() {
				s.t.Errorf("got %v without a time", ev.Kind)
			}
			if is(ev) {
				return ev
			}
		case <-end:
			s.t.Fatalf("no event %q within %v; the log says:\n%s", what, patience, s.log)
		}
	}
}

func (s *stage) eventually(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("no %s within %v; the log says:\n%s", what, patience, s.log)
		}
	}
}

// order has a leg ended. The PBX may know of a connection before the adapter
// knows that it may use it.
func (s *stage) order(leg guard.LegID, cause int) {
	s.t.Helper()
	s.eventually("order to end a leg", func() bool { return s.Hangup(leg, cause) })
}

func (s *stage) killed(leg guard.LegID) bool { return slices.Contains(s.Killed(), leg) }

// Name is what the adapter under test must call its PBX in events.
func (Kit) Name() string { return name }

// logged is a log that can be read while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
