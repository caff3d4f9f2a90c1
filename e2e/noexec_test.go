package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// R1: the guard of a real Asterisk is told, in every field that strangers fill
// in, what has made other programs run commands. It never has a child, and
// could have none: the kernel refuses in all of its threads.
func TestR1HostileTextStartsNothing(t *testing.T) {
	a := testbed.Start(t, 22)
	d := walled(t, a, `learn = "0s"`)
	mark := filepath.Join(t.TempDir(), "mark")
	for i, text := range []string{
		"%0a~!%20touch%20" + mark, "$(touch%20" + mark + ")", "`touch%20" + mark + "`", ";touch%20" + mark + ";", "|touch%20" + mark,
		"%0d%0aAction%3a%20Command%0d%0aCommand%3a%20!touch%20" + mark,
	} {
		from := netip.AddrFrom4([4]byte{198, 51, 100, byte(10 + i)})
		p := testbed.NewPhone(t, from, text, "", a.SIP, testbed.FreshCallID())
		for range tried + 1 {
			if err := p.SendRaw(forgery(p, text)); err != nil {
				t.Fatal(err)
			}
		}
		insider := testbed.NewPhone(t, netip.MustParseAddr("198.51.100.2"), "100", testbed.Password("100"), a.SIP)
		call := insider.Invite("0900"+text, testbed.Header("User-Agent: "+text), testbed.From(`"`+text+`" <sip:100@192.0.2.1>`))
		soon, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
		call.Wait(soon) // most are malformed, and not answered
		call.Hangup(soon)
		stop()
		d.childless(t)
	}
	d.await("the guard has heard of it", 20*time.Second, func() bool { return len(d.Decisions()) > 0 })
	d.childless(t)
	if _, err := os.Stat(mark); err == nil {
		t.Error("somebody has run the command")
	}
	d.confined(t)
}

// childless fails the test if the daemon has started a process.
func (d *daemon) childless(t *testing.T) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		name, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == fmt.Sprint(d.cmd.Process.Pid) {
			t.Errorf("the daemon has a child: %s", name)
		}
	}
}

// confined fails the test unless the kernel filters the calls of all threads.
func (d *daemon) confined(t *testing.T) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", d.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("got no threads: %v", err)
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		for _, want := range []string{"\nSeccomp:\t2\n", "\nNoNewPrivs:\t1\n"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: want %q in\n%s", path, want, text)
			}
		}
	}
}
