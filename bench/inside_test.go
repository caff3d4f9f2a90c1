package bench

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pbxguard/adapters/asterisk"
	"pbxguard/firewall"
	"pbxguard/guard"
	"pbxguard/store"
)

// watch puts the daemon's parts together in this process, as the daemon does,
// until the test ends. Its calls go through the stopwatch.
func watch(t testing.TB, s settings) *stopwatch {
	t.Helper()
	dir := t.TempDir()
	conf := s.load(t, dir)
	policy, err := conf.Policy(nil)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := store.Open(filepath.Join(dir, "pbxguard.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wall := firewall.OpenDry(firewall.Options{})
	pbxs := map[string]guard.PBX{}
	engine := guard.New(policy, guard.Outside{PBXs: pbxs, Firewall: wall, Ledger: ledger}, guard.Memory{}, time.Now())
	w := &stopwatch{engine: engine, took: make(chan time.Duration, 1024)}
	pbx, err := asterisk.New(asterisk.Options{
		Name: "asterisk", Address: s.address, Username: amiUser, Secret: amiSecret,
		Events: engine.Events(), Log: slog.New(slog.DiscardHandler), Dial: w.dial,
	})
	if err != nil {
		t.Fatal(err)
	}
	pbxs["asterisk"] = pbx
	background(t, ledger.Run, wall.Run, engine.Run, pbx.Run)
	t.Cleanup(func() {
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// background runs the parts until the test ends; the last one ends first.
func background(t testing.TB, parts ...func(context.Context) error) {
	for _, part := range parts {
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() {
			if err := part(ctx); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(func() { stop(); running.Wait() })
	}
}

// stopwatch takes the time from the return of the read that brought an event to
// the write of the hangup.
type stopwatch struct {
	engine *guard.Engine
	read   atomic.Int64 // when the latest read returned, in ns since start
	took   chan time.Duration
}

var start = time.Now()

func (w *stopwatch) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return timed{conn, w}, nil
}

// timed is a connection under a stopwatch.
type timed struct {
	net.Conn
	watch *stopwatch
}

func (c timed) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.watch.read.Store(int64(time.Since(start)))
	return n, err
}

func (c timed) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("Action: Hangup\r\n")) {
		c.watch.took <- time.Since(start) - time.Duration(c.watch.read.Load())
	}
	return c.Conn.Write(b)
}

var _ io.ReadWriter = timed{}
