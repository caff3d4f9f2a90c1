package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/testbed"
)

// TestFreeSWITCHOutage is TestOutage on a FreeSWITCH.
func TestFreeSWITCHOutage(t *testing.T) {
	s := newFreeSWITCH(t)
	for _, out := range outages {
		name := strings.Replace(out.name, "core restart now", "fsctl shutdown restart", 1)
		t.Run(name, func(t *testing.T) { testOutage(t, s, out) })
	}
}

// A guard that does not read for a while makes nobody wait, and knows afterwards
// what it missed.
func TestFreeSWITCHSlowReader(t *testing.T) {
	s := newFreeSWITCH(t)
	o := newOffice(t, s, settings{Calls: "enforce"})
	p := o.phone("100")
	gone, kept := o.answered(p, "0205550101"), o.answered(p, "0305550102")
	o.guard.Signal(syscall.SIGSTOP)
	stopped := time.Now()
	o.hangUp(gone)
	fraud := o.answered(p, premium)
	var slowest time.Duration
	n := 0
	for ; time.Since(stopped) < 12*time.Second; n++ {
		begun := time.Now()
		o.hangUp(o.answered(p, honest))
		o.Legs(t) // over a connection beside the guard's
		slowest = max(slowest, time.Since(begun))
	}
	t.Logf("%d calls meanwhile, the slowest took %v", n, slowest)
	if slowest > 5*time.Second {
		t.Error("the event socket made calls or other clients wait")
	}
	o.guard.Signal(syscall.SIGCONT)
	o.ends(fraud)
	o.killed("destination", "100")
	o.guard.WaitConnected()
	o.guard.await("the guard sees what FreeSWITCH does", 15*time.Second, func() bool {
		st := o.guard.Status().Engine
		return st.Sites[0].Legs == 2 && st.Calls == 1
	})
	o.stays(kept, 300*time.Millisecond)
}

// TestFreeSWITCHLogin has the daemon log in to the event socket in every way
// there is, and end a call.
func TestFreeSWITCHLogin(t *testing.T) {
	s := newFreeSWITCH(t)
	for _, tt := range []struct {
		name string
		conf settings
	}{
		{"userauth", settings{}},
		{"the administrator's password", settings{User: "none", Secret: testbed.ESLPassword}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.conf.User == "none" {
			}
			tt.conf.Calls = "enforce"
			o := newOffice(t, s, tt.conf)
			o.trunk.SetAnswer(testbed.AcceptAfter(rings))
			o.refused(o.phone("100").Invite(premium))
			o.killed("destination", "100")
		})
	}
	t.Run("wrong secret", func(t *testing.T) {
		d := newDaemon(t, s.PBX, settings{Secret: "wrong"})
		d.Start()
		d.await("the status tells of it", 20*time.Second, func() bool {
			st := d.Status()
			for _, l := range st.PBXs[0].Links {
				if l.State == "refused" {
					return len(st.Problems) > 0
				}
			}
			return false
		})
		if strings.Contains(d.log.text(), "guard-secret") || strings.Contains(d.log.text(), "wrong\"") {
			t.Error("the log shows the secret")
		}
		d.Reload(settings{})
		d.WaitConnected()
	})
}
