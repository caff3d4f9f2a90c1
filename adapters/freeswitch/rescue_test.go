package freeswitch

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"

	"pbxguard/adapters/adaptertest"
	"pbxguard/guard"
)

// R13: should something that FreeSWITCH says make us panic, the connection over
// which it came begins afresh, and the others go on.
func TestR13OneConnectionBeginsAfresh(t *testing.T) {
	e := adaptertest.NewESL(t)
	var reloads atomic.Int32
	p, err := New(Options{
		Name: "f", Address: e.Address(), User: adaptertest.ESLUser, Password: adaptertest.ESLPassword,
		Events: make(chan guard.Event, 4096), Log: slog.New(slog.DiscardHandler),
		OnReload: func() {
			if reloads.Add(1) == 1 {
				panic("what nobody thought of")
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.timing = brisk
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	eventually(t, "all connections", e.Ready)
	eventually(t, "connection for kills", func() bool { return p.link("kills").State == "connected" })
	reload := adaptertest.EventFrame("RELOADXML", nil)
	e.Tell(reload)
	eventually(t, "fresh connection", func() bool { return p.link("events").Reconnects == 1 })
	eventually(t, "the reload that came behind", func() bool { e.Tell(reload); return reloads.Load() > 1 })
	if n := p.link("kills").Reconnects; n != 0 {
		t.Errorf("the connection for kills was made again %d times, want it left alone", n)
	}
}
