package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// TestAct has an administrator act by the command line while calls are up.
func TestAct(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		t.Run("lock", func(t *testing.T) { testLock(t, s) })
		t.Run("hangup", func(t *testing.T) { testHangup(t, s) })
		t.Run("enforce", func(t *testing.T) { testEnforceNow(t, s) })
	})
}

// A lock ends the next call though calls are only observed, and no other's.
func testLock(t *testing.T, s server) {
	o := newOffice(t, s, settings{})
	p := o.phone("100")
	running := o.answered(p, "0205550101")
	o.guard.CLI("lock", "100", "--reason", "lost phone")
	o.refused(p.Invite("71" + honest))
	d := o.killed("locked", "100")
	if !strings.Contains(d.Reason, "lost phone") {
		t.Errorf("got reason %q, want why it is locked", d.Reason)
	}
	if n := len(o.trunk.Arrived()); n != 1 {
		t.Errorf("%d calls reached the trunk, want the one from before the lock", n)
	}
	o.stays(running, 500*time.Millisecond)
	o.stays(o.answered(o.phone("102"), honest), 300*time.Millisecond)
	if locks := o.guard.Status().Engine.Locks; len(locks) != 1 || locks[0].By == "" {
		t.Errorf("got locks %+v, want the one, and who made it", locks)
	}
	o.guard.CLI("unlock", "100")
	o.stays(o.answered(p, honest), 500*time.Millisecond)
}

// A call is ended by the id of the call or of its leg; others go on.
func testHangup(t *testing.T, s server) {
	o := newOffice(t, s, settings{})
	p100, p102 := o.phone("100"), o.phone("102")
	id := map[string]func(guard.LiveCall) string{
		"call": func(c guard.LiveCall) string { return string(c.Call) },
		"leg":  func(c guard.LiveCall) string { return string(c.Leg) },
	}
	for name, of := range id {
		t.Run(name, func(t *testing.T) {
			o := o.in(t)
			call, other := o.answered(p100, "0205550101"), o.answered(p102, "0305550102")
			for _, c := range o.guard.Calls() {
				if c.Payer.Name == "100" {
					o.guard.CLI("hangup", of(c))
				}
			}
			o.ends(call)
			if d := o.killed("by-hand", "100"); d.By == "" {
				t.Error("nobody is named who ended the call")
			}
			o.stays(other, 300*time.Millisecond)
			o.hangUp(other)
			o.guard.await("no call is left", 5*time.Second, func() bool { return len(o.guard.Calls()) == 0 })
		})
	}
	if _, code, err := o.guard.try("hangup", "1.1"); err == nil || code != 1 {
		t.Errorf("hangup of no call: got exit code %d, %v; want 1", code, err)
	}
}

// Modes switch while the daemon runs, and in the file for its next start.
func testEnforceNow(t *testing.T, s server) {
	o := newOffice(t, s, settings{})
	p := o.phone("100")
	running := o.answered(p, premium)
	o.guard.CLI("enforce", "calls")
	if st := o.guard.Status().Engine; st.CallsMode != guard.Enforce || st.BansMode != guard.Observe {
		t.Errorf("got calls %v and bans %v, want enforce and observe", st.CallsMode, st.BansMode)
	}
	text, err := os.ReadFile(o.guard.path())
	if err != nil || !strings.Contains(string(text), "[calls]\nmode = \"enforce\"") {
		t.Errorf("the file says: %s, %v", text, err)
	}
	o.stays(running, 1500*time.Millisecond) // it was judged already
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(p.Invite(premium))
	o.killed("destination", "100")
	o.guard.CLI("observe", "calls")
	o.trunk.SetAnswer(testbed.Accept())
	o.stays(o.answered(p, premium), 500*time.Millisecond)
}
