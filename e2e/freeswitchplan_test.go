package e2e

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/gate"
	"pbxguard/guard"
	"pbxguard/testbed"
)

// asking is a FreeSWITCH whose dial plan asks a gate that a test answers for.
type asking struct {
	*testbed.FreeSWITCH
	t     testing.TB
	ctx   context.Context
	trunk *testbed.Phone
	phone *testbed.Phone
	port  int

	mu    sync.Mutex
	asked []guard.Event
	stop  func() // ends the gate
}

// newAsking has a FreeSWITCH load the dial plan; change may alter what it says.
func newAsking(t testing.TB, change func(*gate.DialPlan)) *asking {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &asking{t: t, port: l.Addr().(*net.TCPAddr).Port}
	l.Close()
	plan := gate.DialPlan{PBX: "freeswitch", Address: a.address(), Emergency: []string{"112"},
		Abroad: []string{"00", "+"}, Home: []string{"0031", "+31"}, Cause: 21}
	change(&plan)
	a.FreeSWITCH = testbed.StartFreeSWITCH(t,
		testbed.WithFile("dialplan/default/50_pbxguard.xml", "<include>\n"+plan.FreeSWITCH("")+"</include>\n"))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	a.ctx, a.trunk = ctx, testbed.NewTrunk(t, a.FreeSWITCH)
	a.phone = testbed.NewPhone(t, netip.MustParseAddr("198.51.100.10"), "100", testbed.Password("100"), a.SIP)
	a.start()
	t.Cleanup(func() { a.stop() })
	return a
}

func (a *asking) address() string { return fmt.Sprintf("127.0.0.1:%d", a.port) }

// start starts the gate, which denies what begins with 0900.
func (a *asking) start() {
	a.t.Helper()
	g, err := gate.New(gate.Options{
		Socket: a.address(), Cause: 21, Alive: func(context.Context) error { return nil },
		Ask: func(_ context.Context, ev guard.Event) guard.Ruling {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.asked = append(a.asked, ev)
			return guard.Ruling{Allow: !strings.HasPrefix(ev.Number, "0900"), By: guard.ByRules}
		},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { g.Run(ctx) })
	a.stop = func() { cancel(); running.Wait() }
	for deadline := time.Now().Add(10 * time.Second); !g.Status().Listeners[0].Listening; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			a.t.Fatal("the gate does not listen")
		}
	}
}

// beat tells the PBX that it may ask for so long.
func (a *asking) beat(d time.Duration) {
	a.t.Helper()
	a.CLI(a.t, fmt.Sprintf("hash insert/pbxguard/until/%d", time.Now().Add(d).Unix()))
}

// call places a call and says how it went and how long the caller waited for
// anything to happen: for the trunk to be called, or to be refused.
func (a *asking) call(number string) (code int, waited time.Duration) {
	a.t.Helper()
	before := len(a.trunk.Arrived())
	c := a.phone.Invite(number)
	code, err := c.Wait(a.ctx)
	if err != nil {
		a.t.Fatal(err)
	}
	waited = time.Since(c.At)
	if in := a.trunk.Arrived(); len(in) > before {
		waited = in[before].At.Sub(c.At)
	}
	if err := c.Hangup(a.ctx); err != nil {
		a.t.Error(err)
	}
	return code, waited
}

func (a *asking) questions() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

// hang has a server in the gate's place that accepts and says nothing, as the
// kernel does for a process that is stopped.
func (a *asking) hang() {
	a.t.Helper()
	a.stop()
	l, err := net.Listen("tcp", a.address())
	if err != nil {
		a.t.Fatal(err)
	}
	a.stop = func() { l.Close() }
}

// TestFreeSWITCHGatePlan has a FreeSWITCH load the dial plan that asks.
func TestFreeSWITCHGatePlan(t *testing.T) {
	t.Run("open", func(t *testing.T) {
		a := newAsking(t, func(*gate.DialPlan) {})
		a.beat(time.Hour)
		a.answers(t)
		a.bound(t, func(string) bool { return true })
	})
	t.Run("closed", func(t *testing.T) {
		a := newAsking(t, func(p *gate.DialPlan) { p.Closed = true })
		a.beat(time.Hour)
		a.answers(t)
		a.bound(t, func(number string) bool { return !strings.HasPrefix(number, "004") })
	})
}

// answers has every kind of call ask, or not.
func (a *asking) answers(t *testing.T) {
	for _, tt := range []struct {
		name, number string
		code, asks   int
		sent         string
	}{
		{"honest", honest, 200, 1, honest},
		{"denied", premium, 603, 1, ""},
		{"abroad", "004930123456", 200, 1, "004930123456"},
		{"by way of a loopback channel", "70" + premium, 603, 2, ""}, // the number behind it asks too
		{"after a pause", "71" + premium, 603, 2, ""},
		{"no number", "0900a1234567", 603, 1, ""},
		{"emergency", "112", 200, 0, "112"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked, arrived := a.questions(), len(a.trunk.Arrived())
			if code, _ := a.call(tt.number); code != tt.code && !(tt.code > 300 && code > 300) {
				t.Errorf("got %d, want %d", code, tt.code)
			}
			if got := a.questions() - asked; got > tt.asks || tt.asks > 0 && got == 0 {
				t.Errorf("asked %d times, want %d", got, tt.asks)
			}
			in := a.trunk.Arrived()[arrived:]
			if got := len(in) == 1 && in[0].Number == tt.sent; got != (tt.sent != "") || len(in) > 1 {
				t.Errorf("%d calls reached the trunk, want %q", len(in), tt.sent)
			}
		})
	}
	t.Run("200 denied", func(t *testing.T) {
		before := len(a.trunk.Arrived())
		n := 200
		if testing.Short() {
			n = 30
		}
		for range n {
			if code, _ := a.call(premium); code < 300 {
				t.Fatalf("got %d", code)
			}
		}
		if got := len(a.trunk.Arrived()) - before; got > 0 {
			t.Errorf("%d of %d denied calls reached the trunk", got, n)
		}
	})
}

// bound takes the gate away in each way; passes says which calls go on then.
// Each caller but one that calls for help waits at most a second or so.
func (a *asking) bound(t *testing.T, passes func(number string) bool) {
	check := func(name string, beats bool, limit time.Duration) {
		for _, number := range []string{honest, "004930123456", "112"} {
			for range 3 {
				if beats {
					a.beat(time.Hour)
				}
				code, waited := a.call(number)
				t.Logf("%s: %s got %d after %v", name, number, code, waited.Round(time.Millisecond))
				if (code == 200) != passes(number) {
					t.Errorf("%s: %s got %d", name, number, code)
				}
				if got := a.CLI(t, "hash select/pbxguard/until"); waited > time.Second && strings.HasPrefix(got, "1") {
					t.Errorf("%s: whoever waited has left the heartbeat %s to others", name, got)
				}
				if waited > limit {
					t.Errorf("%s: the caller of %s waited %v", name, number, waited)
				}
			}
		}
	}
	const patience = 8 * time.Second // a loaded machine; without a bound it is 25 s
	a.stop()
	a.stop = func() {}
	check("down", true, patience)
	a.hang()
	check("hangs", true, patience)
	a.call(honest)
	a.beat(-time.Second)
	check("stale", false, patience)
	a.stop()
	a.stop = func() {}
}
