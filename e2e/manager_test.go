package e2e

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manager listens as systemd does to a service of Type=notify.
type manager struct {
	path string
	said chan string
}

func newManager(t testing.TB) *manager {
	t.Helper()
	m := &manager{path: filepath.Join(t.TempDir(), "notify"), said: make(chan string, 1000)}
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := l.Read(buf)
			if err != nil {
				return
			}
			m.said <- string(buf[:n])
		}
	}()
	return m
}

// wait waits for a message that begins so, past all others.
func (m *manager) wait(t testing.TB, begin string) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	var others []string
	for {
		select {
		case s := <-m.said:
			if strings.HasPrefix(s, begin) {
				return
			}
			others = append(others, s)
		case <-timeout:
			t.Fatalf("systemd was not told %q but %q", begin, others)
		}
	}
}

// count takes what was said and has not been looked at, and counts messages in it.
func (m *manager) count(message string) (n int) {
	for {
		select {
		case s := <-m.said:
			if s == message {
				n++
			}
		default:
			return n
		}
	}
}
