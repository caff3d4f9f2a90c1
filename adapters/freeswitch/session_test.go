package freeswitch

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pbxguard/adapters/adaptertest"
	"pbxguard/guard"
)

// watchESL runs an adapter on a played FreeSWITCH until the test ends.
func watchESL(t *testing.T, e *adaptertest.ESL, password string) (*PBX, chan guard.Event) {
	t.Helper()
	events := make(chan guard.Event, 4096)
	p, err := New(Options{Name: "f", Address: e.Address(), User: adaptertest.ESLUser, Password: password, Events: events, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p.timing = brisk
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p, events
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s within 30 s", what)
		}
	}
}

// link is the status of a connection.
func (p *PBX) link(purpose string) (l LinkStatus) {
	for _, l := range p.Status().Links {
		if l.Purpose == purpose {
			return l
		}
	}
	return l
}

// TestWakes: line feeds that belong to no command keep coming.
func TestWakes(t *testing.T) {
	e := adaptertest.NewESL(t)
	watchESL(t, e, adaptertest.ESLPassword)
	eventually(t, "line feeds", func() bool { return e.Wakes() > 50 })
}

// TestRefusals: what the user may not do is named, and the rest goes on.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct{ deny, purpose, want string }{
		{"event", "events", "does not let the user have the events"},
		{"log", "log", "does not let the user have its log"},
	} {
		t.Run(tt.purpose, func(t *testing.T) {
			e := adaptertest.NewESL(t)
			e.Deny(tt.deny)
			p, _ := watchESL(t, e, adaptertest.ESLPassword)
			eventually(t, "refusal", func() bool { return strings.Contains(p.link(tt.purpose).Error, tt.want) })
			eventually(t, "connection for kills", func() bool { return p.link("kills").State == "connected" })
		})
	}
	t.Run("login", func(t *testing.T) {
		p, _ := watchESL(t, adaptertest.NewESL(t), "wrong")
		eventually(t, "refusal", func() bool { return strings.Contains(p.link("kills").Error, "ESL login refused") })
	})
	t.Run("list in full", func(t *testing.T) {
		e := adaptertest.NewESL(t)
		e.Deny("api uuid_dump")
		e.StartUnseen(e.Leg(1), "100", "0025261234567")
		p, _ := watchESL(t, e, adaptertest.ESLPassword)
		eventually(t, "word on the list", func() bool { return strings.Contains(p.Status().ListError, "uuid_dump") })
	})
}

// TestDisconnectNotice: why FreeSWITCH ends the connection is passed on.
func TestDisconnectNotice(t *testing.T) {
	e := adaptertest.NewESL(t)
	_, events := watchESL(t, e, adaptertest.ESLPassword)
	eventually(t, "all connections", e.Ready)
	const text = "The system is being shut down.\n"
	e.Tell(fmt.Sprintf("Content-Type: text/disconnect-notice\nContent-Length: %d\n\n%s", len(text), text))
	e.Break()
	end := time.After(30 * time.Second)
	for {
		select {
		case ev := <-events:
			if ev.Kind != guard.Disconnected {
				continue
			}
			// The connection may break before the notice is read.
			if ev.Number == "" {
				t.Error("no reason is given")
			}
			return
		case <-end:
			t.Fatal("the end of the connection is not told")
		}
	}
}
