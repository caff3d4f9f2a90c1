package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/testbed"
)

// TestLifecycle starts, reloads, stops and restarts the daemon while calls are up.
func TestLifecycle(t *testing.T) {
	for _, version := range []int{16, 22} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			a := testbed.Start(t, version)
			s := stack(a, "pjsip", a.SIP)
			t.Run("reload", func(t *testing.T) { testReload(t, s) })
			t.Run("stop", func(t *testing.T) { testStop(t, s) })
			t.Run("restart", func(t *testing.T) { testRestart(t, s) })
			t.Run("systemd", func(t *testing.T) { testSystemd(t, s) })
		})
	}
}

// A reload judges the calls that are up by the new policy; a file with faults
// changes nothing, and the daemon says so.
func testReload(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce"})
	p := o.phone("100")
	call := o.answered(p, honest)
	o.stays(call, 1500*time.Millisecond)
	o.guard.Reload(settings{Calls: "enforce", Tables: rules(`duration "1s"`)})
	o.ends(call)
	o.killed("duration", "100")

	put(t, o.guard.path(), "[calls]\nmode = \"off\"\nmodes = 1\n")
	o.guard.Signal(syscall.SIGHUP)
	o.guard.await("the daemon complains of the file", 10*time.Second, func() bool {
		return o.guard.log.count("the configuration is not valid; the old one stays in force") >= 2
	})
	for _, words := range []string{"pbxguard.toml:2", "pbxguard.toml:3", "calls.mode", "calls.modes"} {
		if !strings.Contains(o.guard.log.text(), words) {
			t.Errorf("the log does not name %s", words)
		}
	}
	if got := problems(o.guard.Status()); !slices.Contains(got, "configuration") {
		t.Errorf("got problems %v, want one about the configuration", got)
	}
	call = o.answered(p, honest)
	o.ends(call) // by the policy of before

	o.guard.Reload(settings{Calls: "enforce", Tables: rules("country")})
	if got := problems(o.guard.Status()); len(got) != 0 {
		t.Errorf("after a good file: got problems %v", got)
	}
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(p.Invite("0025261234567"))
	o.killed("country", "100")
}

func problems(st control.Status) (names []string) {
	for _, p := range st.Problems {
		names = append(names, p.Name)
	}
	return names
}

// Ten times: a stop takes less than 2 s though calls are up, and leaves them up.
func testStop(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce"})
	var calls []*testbed.Call
	for _, user := range []string{"100", "101", "102", "103"} {
		p := o.phone(user)
		calls = append(calls, o.answered(p, "0205550"+user), o.answered(p, "0305550"+user))
	}
	var took []time.Duration
	for i := range 10 {
		if i > 0 {
			o.guard.Start()
		}
		o.guard.WaitConnected()
		o.guard.await("the calls are seen", 10*time.Second, func() bool { return o.guard.Status().Engine.Calls == len(calls) })
		d := o.guard.Stop()
		if d >= 2*time.Second {
			t.Errorf("stop %d took %v, want less than 2 s", i, d)
		}
		took = append(took, d.Round(time.Millisecond))
	}
	o.guard.Start()
	o.guard.WaitConnected()
	o.signal(syscall.SIGSTOP)
	if d := o.guard.Stop(); d >= 2*time.Second {
		t.Errorf("with a server that does not answer a stop took %v, want less than 2 s", d)
	}
	o.signal(syscall.SIGCONT)
	slices.Sort(took)
	t.Logf("stopped with %d calls up: median %v, longest %v (n = %d)", len(calls), took[len(took)/2], took[len(took)-1], len(took))
	for _, c := range calls {
		o.stays(c, 10*time.Millisecond)
	}
}

// What was used up today, locked and switched is so after a restart, and the
// calls that went on meanwhile are known.
func testRestart(t *testing.T, s server) {
	o := newOffice(t, s, settings{Tables: rules(`minutes_day "4s"`, "country")})
	p := o.phone("100")
	talk := o.answered(p, honest)
	o.stays(talk, 3*time.Second)
	o.hangUp(talk)
	o.guard.CLI("lock", "101")
	o.guard.CLI("enforce", "calls")
	going := o.answered(o.phone("102"), honest)
	o.guard.await("the call is seen", 5*time.Second, func() bool { return len(o.guard.Calls()) == 1 })
	decided := len(o.guard.Decisions())

	o.guard.Restart()

	st := o.guard.Status().Engine
	if st.CallsMode != guard.Enforce || len(st.Locks) != 1 || st.Locks[0].Account.Name != "101" {
		t.Errorf("got calls %v, locks %+v; want what was before", st.CallsMode, st.Locks)
	}
	if got := len(o.guard.Decisions()); got < decided {
		t.Errorf("the log has %d verdicts, had %d", got, decided)
	}
	o.guard.await("the call that goes on is known", 10*time.Second, func() bool {
		calls := o.guard.Calls()
		return len(calls) == 1 && calls[0].Payer.Name == "102" && calls[0].Number == "+31205550123"
	})
	o.hangUp(going)
	o.refused(o.phone("101").Invite("71" + honest))
	o.killed("locked", "101")
	begin := time.Now()
	lasted := o.ends(o.answered(p, honest)).Sub(begin)
	o.killed("minutes-day", "100")
	if lasted > 3500*time.Millisecond {
		t.Errorf("3 of 4 s were used up before the restart, and yet a call lasted %v", lasted)
	}
	t.Logf("3 of 4 s were used up before the restart; the next call lasted %v", lasted)
}

// A service manager is told of each turn of the daemon's life.
func testSystemd(t *testing.T, s server) {
	d := newDaemon(t, s.Asterisk, settings{})
	manager := newManager(t)
	d.env = []string{"NOTIFY_SOCKET=" + manager.path, "WATCHDOG_USEC=600000"}
	d.Start()
	manager.wait(t, "READY=1")
	manager.wait(t, "STATUS=calls: observe, bans: observe")
	manager.wait(t, "WATCHDOG=1")
	d.CLI("enforce", "calls")
	manager.wait(t, "STATUS=calls: enforce, bans: observe")
	d.Signal(syscall.SIGHUP)
	manager.wait(t, "RELOADING=1\nMONOTONIC_USEC=")
	manager.wait(t, "READY=1")
	manager.wait(t, "WATCHDOG=1")
	d.Stop()
	manager.wait(t, "STOPPING=1")

	d.env = append(d.env, fmt.Sprintf("WATCHDOG_PID=%d", os.Getpid())) // somebody else's watchdog
	d.Start()
	manager.wait(t, "READY=1")
	time.Sleep(time.Second)
	if n := manager.count("WATCHDOG=1"); n != 0 {
		t.Errorf("%d answers to a watchdog that is another process's", n)
	}
}
