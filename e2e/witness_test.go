package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/testbed"
)

// witness is a client beside the daemon's: what the PBX itself says of who
// speaks to it.
type witness struct {
	mu   sync.Mutex
	seen []sighting
}

// sighting is one security event.
type sighting struct {
	at     time.Time // by the PBX's clock
	event  string
	source netip.Addr
}

// newWitness watches Asterisk until the test ends.
func newWitness(t testing.TB, a *testbed.Asterisk) *witness {
	t.Helper()
	conn, err := net.Dial("tcp", a.AMI)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "Action: Login\r\nUsername: pbxguard\r\nSecret: guard-secret\r\nEvents: security\r\n\r\n")
	w := &witness{}
	in := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() { w.read(conn, sync.OnceFunc(func() { close(in) })) })
	t.Cleanup(func() { conn.Close(); done.Wait() })
	select {
	case <-in:
	case <-time.After(10 * time.Second):
		t.Fatal("the witness cannot log in to AMI")
	}
	return w
}

func (w *witness) read(conn net.Conn, accepted func()) {
	block := map[string]string{}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		if key != "" {
			block[key] = value
			continue
		}
		if block["Message"] == "Authentication accepted" {
			accepted()
		}
		w.note(block)
		clear(block)
	}
}

// newESLWitness watches who speaks to a FreeSWITCH until the test ends.
func newESLWitness(t testing.TB, f *testbed.FreeSWITCH) *witness {
	t.Helper()
	w := &witness{}
	f.Subscribe(t, "plain CUSTOM sofia::pre_register sofia::register_attempt sofia::register", w.noteESL)
	return w
}

// noteESL notes a login: its event is the result, or "" for a challenge.
func (w *witness) noteESL(event map[string]string) {
	stamp, err := strconv.ParseInt(event["Event-Date-Timestamp"], 10, 64)
	if err != nil {
		return
	}
	source, err := netip.ParseAddr(event["network-ip"])
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, sighting{time.UnixMicro(stamp), event["auth-result"], source})
}

func (w *witness) note(block map[string]string) {
	parts := strings.Split(block["RemoteAddress"], "/")
	at, err := time.Parse("2006-01-02T15:04:05.000-0700", block["EventTV"])
	if err != nil || len(parts) != 4 {
		return
	}
	source, err := netip.ParseAddr(parts[2])
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, sighting{at, block["Event"], source})
}

// from lists what was seen of a source so far; of the events named, if any.
func (w *witness) from(source netip.Addr, events ...string) (seen []sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.seen {
		if s.source == source && (len(events) == 0 || slices.Contains(events, s.event)) {
			seen = append(seen, s)
		}
	}
	return seen
}

// failures are the attempts of a source that the PBX turned away, one event each.
func (w *witness) failures(source netip.Addr) []sighting {
	return w.from(source, "ChallengeResponseFailed", "InvalidPassword", "FORBIDDEN")
}
