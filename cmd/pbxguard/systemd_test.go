package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
	"time"
)

// notified listens as systemd does and returns what it is told.
func notified(t *testing.T) <-chan string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	said := make(chan string, 100)
	go func() {
		defer close(said)
		buf := make([]byte, 4096)
		for {
			n, err := l.Read(buf)
			if err != nil {
				return
			}
			said <- string(buf[:n])
		}
	}()
	t.Cleanup(func() { l.Close() })
	return said
}

func TestReloadingCarriesItsTime(t *testing.T) {
	said := notified(t)
	tellReloading(slog.New(slog.DiscardHandler))
	if got := <-said; !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=\d+\n$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
}

// The watchdog is fed by the engine's answers and by nothing else.
func TestWatchdog(t *testing.T) {
	said := notified(t)
	t.Setenv("WATCHDOG_USEC", "60000")
	t.Setenv("WATCHDOG_PID", "")
	var stuck atomic.Bool
	alive := func(ctx context.Context) error {
		if stuck.Load() {
			<-ctx.Done()
			return errors.New("stuck")
		}
		return nil
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- watchdog(ctx, alive, slog.New(slog.DiscardHandler)) }()
	for range 3 {
		if got := <-said; got != "WATCHDOG=1" {
			t.Errorf("got %q, want WATCHDOG=1", got)
		}
	}
	stuck.Store(true)
	time.Sleep(50 * time.Millisecond) // for one that was under way
	for len(said) > 0 {
		<-said
	}
	select {
	case got := <-said:
		t.Errorf("while the engine is stuck: got %q", got)
	case <-time.After(200 * time.Millisecond):
	}
	stuck.Store(false)
	if got := <-said; got != "WATCHDOG=1" {
		t.Errorf("after it recovered: got %q", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
