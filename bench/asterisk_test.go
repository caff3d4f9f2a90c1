package bench

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/firewall"
	"pbxguard/testbed"
)

// allowed is a number of which the bare client thinks otherwise than the rules.
const allowed = "0205550123"

// onAsterisk measures what needs a real PBX: one Asterisk, one daemon that
// enforces everything in the kernel, and its rival beside it.
func onAsterisk(t testing.TB, r *report) {
	pbx := testbed.Start(t, 22)
	removeTable(t)
	t.Cleanup(func() { removeTable(t) })
	trunk := testbed.NewTrunk(t, pbx, testbed.Answering(testbed.AcceptAfter(2*time.Second)))
	startDaemon(t, settings{
		address: pbx.AMI, calls: "enforce", bans: "enforce", firewall: "nftables",
		bansMore: `learn = "0s"`, tables: idle,
	})
	bareProcess(t, pbx.AMI, allowed)
	seen := observe(t, pbx.AMI)
	killOnAsterisk(t, r, pbx, trunk, seen)
	banOnAsterisk(t, r, pbx, seen)
}

func removeTable(t testing.TB) {
	if err := firewall.Remove(""); err != nil {
		t.Fatal(err)
	}
}

// killOnAsterisk has one phone call a number that the daemon ends and one that
// the bare client ends, in turn.
func killOnAsterisk(t testing.TB, r *report, pbx *testbed.Asterisk, trunk *testbed.Phone, seen *observer) {
	p := testbed.NewPhone(t, netip.MustParseAddr("192.0.2.100"), "100", testbed.Password("100"), pbx.SIP)
	if code, err := p.Register(t.Context()); err != nil || code != 200 {
		t.Fatalf("the phone cannot register: %d, %v", code, err)
	}
	n := r.times(100)
	took := map[string][]time.Duration{}
	for i := range 2 * n {
		number := []string{premium, allowed}[i%2]
		seen.calls(number)
		call := p.Invite(number)
		code, err := call.Wait(t.Context())
		if err != nil || code < 400 {
			t.Fatalf("a call to %s ended with %d, %v", number, code, err)
		}
		lasted, err := seen.lasted()
		if err != nil {
			t.Fatalf("a call to %s, the %d., was answered with %d: %v", number, i+1, code, err)
		}
		took[number] = append(took[number], lasted)
		time.Sleep(20 * time.Millisecond) // what is left of the call
	}
	arrived := map[string]float64{}
	for _, c := range trunk.Arrived() {
		arrived[c.Number]++
	}
	r.heading("Kill on a real Asterisk 22: Newchannel event to Hangup event, as a third AMI client sees them; in turn")
	for _, who := range []struct{ name, number string }{{"bare client, a process of its own", allowed}, {"pbxguard run", premium}} {
		r.spread(who.name, took[who.number], "")
		r.share(fmt.Sprintf("  INVITEs of those calls that reached the trunk, %s", who.name), n, arrived[who.number]/float64(n))
	}
}

// observer is an AMI client that only looks, and knows when what came.
type observer struct {
	began, ended chan time.Time // of the call that is awaited
	failures     chan failure

	mu     sync.Mutex
	number string // whose next call is awaited
	leg    string // of that call
}

// failure is a failed login that Asterisk told of.
type failure struct {
	source netip.Addr
	at     time.Time
}

func observe(t testing.TB, address string) *observer {
	t.Helper()
	conn, in, err := testbed.EnterAMI(address, amiUser, amiSecret, "call,security")
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{began: make(chan time.Time, 1), ended: make(chan time.Time, 1), failures: make(chan failure, 1024)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.read(in)
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return o
}

func (o *observer) read(in io.Reader) {
	block := map[string]string{}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if key, v, _ := strings.Cut(lines.Text(), ": "); key != "" {
			block[key] = v
			continue
		}
		o.note(block, time.Now())
		clear(block)
	}
}

func (o *observer) note(block map[string]string, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch leg := block["Uniqueid"]; block["Event"] {
	case "Newchannel":
		if o.leg == "" && o.number != "" && block["Exten"] == o.number {
			o.leg = leg
			o.began <- at
		}
	case "Hangup":
		if leg == o.leg && leg != "" {
			o.leg, o.number = "", ""
			o.ended <- at
		}
	case "ChallengeResponseFailed":
		if parts := strings.Split(block["RemoteAddress"], "/"); len(parts) == 4 {
			if source, err := netip.ParseAddr(parts[2]); err == nil {
				o.failures <- failure{source, at}
			}
		}
	}
}

// calls makes the observer look out for the next call to a number.
func (o *observer) calls(number string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.number = number
}

// lasted is how long that call existed.
func (o *observer) lasted() (time.Duration, error) {
	var at [2]time.Time
	for i, c := range []chan time.Time{o.began, o.ended} {
		select {
		case at[i] = <-c:
		case <-time.After(10 * time.Second):
			return 0, fmt.Errorf("AMI does not tell of its %s", []string{"start", "end"}[i])
		}
	}
	return at[1].Sub(at[0]), nil
}

// failed is when AMI told of a failed login from there.
func (o *observer) failed(t testing.TB, source netip.Addr) time.Time {
	t.Helper()
	for {
		select {
		case f := <-o.failures:
			if f.source == source {
				return f.at
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("AMI does not tell of the failed login from %s", source)
		}
	}
}
