package e2e

import (
	"context"
	"strconv"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// TestGate has the dial plan ask: what the rules deny does not reach the trunk.
func TestGate(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		t.Run("enforce", func(t *testing.T) { testGateEnforce(t, s) })
		t.Run("observe", func(t *testing.T) { testGateObserve(t, s) })
		t.Run("announce", func(t *testing.T) { testGateAnnounce(t, s) })
	})
}

func testGateEnforce(t *testing.T, s server) {
	g := newGated(t, s, settings{Calls: "enforce", Tables: destinations},
		// An announcement, be there none of that name, leaves the verdict to the
		// gate alone: without it two of three calls are hung up before they ask.
		"announcement = \"pbxguard-none\"")
	p := g.phone("100")
	g.hangUp(g.answered(p, honest)) // from now on the guard knows that the gate is used
	numbers := []string{premium, "00881612345678", "0025261234567"}
	n := 200
	if testing.Short() {
		n = 30
	}
	for i := range n {
		g.refused(p.Invite(numbers[i%len(numbers)]))
	}
	if got := len(g.trunk.Arrived()) - 1; got != 0 {
		t.Errorf("%d of %d denied calls reached the trunk, want none", got, n)
	}
	g.hangUp(g.answered(p, "112"))
	if got := len(g.trunk.Arrived()); got != 2 {
		t.Errorf("%d calls reached the trunk, want the honest one and the emergency", got)
	}
	g.guard.await("all kills are confirmed", 10*time.Second, func() bool {
		st := g.guard.Status().Engine
		return st.Confirmed == uint64(n) && st.Kills == uint64(n)
	})
	st := g.gate()
	t.Logf("asked %d, denied %d, in vain %d; slowest answer %v", st.Asked, st.Denied, st.Default, st.Slowest)
	if st.Asked != uint64(n)+1 || st.Denied != uint64(n) {
		t.Errorf("asked %d, denied %d; want %d and %d", st.Asked, st.Denied, n+1, n)
	}
	if st.Garbled+st.Strangers > 0 || st.Default > 0 {
		t.Errorf("got %d garbled questions, %d strangers, %d in vain; want none", st.Garbled, st.Strangers, st.Default)
	}
}

// In observe mode the gate lets everything go, and what it would have denied is
// written down once, not a second time when the call goes out.
func testGateObserve(t *testing.T, s server) {
	g := newGated(t, s, settings{Tables: rules("country")}, "")
	p := g.phone("100")
	for range 3 {
		g.hangUp(g.answered(p, premium))
	}
	if st := g.gate(); st.Asked != 3 || st.Denied != 0 {
		t.Errorf("asked %d, denied %d; want 3 and 0", st.Asked, st.Denied)
	}
	g.guard.await("three verdicts are written down", 10*time.Second, func() bool { return len(g.guard.Decisions()) >= 3 })
	if st := g.guard.Status().Engine; len(g.guard.Decisions()) != 3 || st.WouldKill != 3 || st.Kills != 0 {
		t.Errorf("got %v, %d would be kills, %d kills; want one verdict on each of 3 calls", g.guard.Decisions(), st.WouldKill, st.Kills)
	}
}

// A denied caller hears the announcement to its end and then gets the cause.
func testGateAnnounce(t *testing.T, s server) {
	g := newGated(t, s, settings{Calls: "enforce", Tables: rules("country")}, "announcement = \"en/vm-goodbye\"")
	p := g.phone("100")
	g.hangUp(g.answered(p, honest)) // from now on the guard knows that the gate is used
	for i := range 5 {
		c := p.Invite(premium)
		g.refused(c)
		if code, _ := c.Wait(g.ctx); code == 480 {
			t.Errorf("call %d: got 480, want the cause of a rejected call", i)
		}
		d := g.verdict("destination", "100", func(d guard.Decision) bool { return d.Outcome != "" })
		if d.Outcome != "denied" {
			t.Errorf("call %d: got outcome %q, want it denied by the gate and not hung up before", i, d.Outcome)
		}
	}
	if n := len(g.trunk.Arrived()); n != 1 {
		t.Errorf("%d calls reached the trunk, want the honest one", n)
	}
}

// oddNumbers hold what means something to a dial plan, as a SIP address writes it.
var oddNumbers = []string{
	"0205550100&PJSIP/09001234567%40trunk", "09001234567,60", "09001234567)", "(09001234567", "09001234567%22",
	"0900%22%20=%20%22112", "0900%24%7BEXTEN%7D", "0900123%0d%0aagi_request%3a%20agi%3a//x", "09001234567%0a%0a112",
}

// A number that holds what means something to a dial plan is judged like any
// other, and does not get by as an emergency call.
func TestGateOddNumbers(t *testing.T) {
	for _, version := range []int{16, 22} {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			a := testbed.Start(t, version)
			g := newGated(t, stack(a, "pjsip", a.SIP), settings{Calls: "enforce", Tables: destinations}, "")
			p := g.phone("100")
			for _, number := range oddNumbers {
				ctx, cancel := context.WithTimeout(g.ctx, 5*time.Second)
				if code, err := p.Invite(number).Wait(ctx); err != nil || code < 300 {
					t.Errorf("%s: got %d, %v; want it refused", number, code, err)
				}
				cancel()
			}
			for _, c := range g.trunk.Arrived() {
				t.Errorf("%s reached the trunk", c.Number)
			}
		})
	}
}
