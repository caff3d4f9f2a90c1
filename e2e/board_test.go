package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// writes is what lets the guard write the server's own database.
func (s server) writes() string {
	if s.freeSWITCH() != nil {
		return "forwards = [\"db/cfwd\"]\n"
	}
	return "admin_username = \"pbxguard-admin\"\nadmin_secret = \"admin-secret\"\n"
}

// kept is what the server's database holds: a forward of an extension.
func (s server) kept(t testing.TB, ext string) string {
	t.Helper()
	if f := s.freeSWITCH(); f != nil {
		return strings.TrimSpace(strings.Replace(f.CLI(t, "db select/cfwd/"+ext), "-ERR no reply", "", 1))
	}
	return s.astDB(t, "CF "+ext)
}

// astDB is a value of AstDB, "" if there is none.
func (s server) astDB(t testing.TB, key string) string {
	t.Helper()
	value, ok := strings.CutPrefix(strings.TrimSpace(s.Asterisk.CLI(t, "database get "+key)), "Value: ")
	if !ok {
		return ""
	}
	return value
}

// lockedIn is the lock of an extension as the server's dial plan sees it.
func (s server) lockedIn(t testing.TB, ext string) string {
	t.Helper()
	if f := s.freeSWITCH(); f != nil {
		return strings.TrimSpace(strings.Replace(f.CLI(t, "hash select/pbxguard/lock_"+ext+"@"+f.Domain), "-ERR no reply", "", 1))
	}
	return s.astDB(t, "pbxguard/lock "+ext)
}

// TestForwardOff: the forward that a call was ended for is gone from the PBX's
// database, and comes back by undo.
func TestForwardOff(t *testing.T) { onServers(t, testForwardOff) }

func TestFreeSWITCHForwardOff(t *testing.T) { testForwardOff(t, newFreeSWITCH(t)) }

func testForwardOff(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce", Tables: rules("diverted"), PBX: s.writes()})
	o.phone("101")
	o.forward("101", abroad)
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(o.fromOutside("31205550101"))
	o.killed("diverted", "101")
	o.guard.await("the forward is switched off", 30*time.Second, func() bool { return s.kept(t, "101") == "" })
	var id uint64
	o.guard.await("it is told that it is", 10*time.Second, func() bool {
		for _, d := range o.guard.Decisions() {
			if d.Rule == "forward-off" && strings.Contains(d.Reason, "is switched off") {
				id = d.ID
			}
		}
		return id != 0
	})
	o.guard.CLI("undo", fmt.Sprint(id))
	o.guard.await("the forward is back", 30*time.Second, func() bool { return s.kept(t, "101") == abroad })
}

// TestLockInDialPlan: a lock stands in the PBX's own database until it is lifted,
// and its dial plan obeys it while the guard is gone.
func TestLockInDialPlan(t *testing.T) { onServers(t, testLockInDialPlan) }

func TestFreeSWITCHLockInDialPlan(t *testing.T) { testLockInDialPlan(t, newFreeSWITCH(t)) }

func testLockInDialPlan(t *testing.T, s server) {
	g := newGated(t, s, settings{Calls: "enforce", Tables: destinations, PBX: s.writes()}, `when_down = "open"`)
	p, other := g.phone("100"), g.phone("102")
	g.guard.CLI("lock", "100", "--reason", "lost phone")
	g.guard.await("the lock stands in the database", 30*time.Second, func() bool { return strings.HasPrefix(s.lockedIn(t, "100"), "all:") })
	g.guard.Kill9()
	g.stopsHere(p, honest)
	g.passes(p, "112")
	g.passes(other, honest)
	g.guard.Start()
	g.guard.await("the lock is lifted", 30*time.Second, func() bool { return len(g.guard.Status().Engine.Locks) == 1 })
	g.guard.CLI("unlock", "100")
	g.guard.await("the lock is gone from the database", 40*time.Second, func() bool { return s.lockedIn(t, "100") == "" })
	g.guard.Kill9()
	g.passes(p, honest)
}
