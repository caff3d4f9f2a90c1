package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/testbed"
)

// TestGatePlan holds the dial plan that is printed to what it may not disturb.
func TestGatePlan(t *testing.T) {
	for _, version := range []int{16, 22} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			a := testbed.Start(t, version)
			g := newGated(t, stack(a, "pjsip", a.SIP), settings{Calls: "enforce", Tables: destinations}, "")
			g.trunk.SetAnswer(testbed.Accept())
			t.Run("time limit", func(t *testing.T) { testGateLimit(t, g) })
			t.Run("hangup", func(t *testing.T) { testGateHangup(t, g) })
		})
	}
}

// extend adds lines to the dial plan.
func (g *gated) extend(lines string) {
	g.t.Helper()
	path := filepath.Join(g.Asterisk.Root, "etc/extensions.conf")
	text, err := os.ReadFile(path)
	if err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, lines...), 0o644); err != nil {
		g.t.Fatal(err)
	}
	g.Asterisk.CLI(g.t, "dialplan reload")
}

// A time limit that the call had before is there afterwards, and none that it
// had not.
func testGateLimit(t *testing.T, g *gated) {
	g.extend(`
[internal]
exten => _80.,1,Set(TIMEOUT(absolute)=100)
 same => n,Gosub(pbxguard-gate,s,1(trunk,0205550123))
 same => n,Set(GLOBAL(LEFT)=${TIMEOUT(absolute)})
 same => n,Answer()
exten => _81.,1,Gosub(pbxguard-gate,s,1(trunk,0205550123))
 same => n,Set(GLOBAL(LEFT)=none ${TIMEOUT(absolute)})
 same => n,Answer()
`)
	p := g.phone("100")
	asked := g.gate().Asked
	g.hangUp(g.answered(p, "800"))
	var left float64
	if _, err := fmt.Sscan(g.global("LEFT"), &left); err != nil || left < 50 || left > 100 {
		t.Errorf("of 100 s there are %q left, %v", g.global("LEFT"), err)
	}
	g.hangUp(g.answered(p, "810"))
	if got := g.global("LEFT"); got != "none 0" && got != "none 0.000" {
		t.Errorf("got %q, want no limit", got)
	}
	if n := g.gate().Asked - asked; n != 2 {
		t.Errorf("%d of 2 calls have asked", n)
	}
}

// A caller who hangs up while the guard is stopped leaves nothing behind, and
// what the calling context does at a hangup is done.
func testGateHangup(t *testing.T, g *gated) {
	g.extend(`
[internal]
exten => _82.,1,Gosub(pbxguard-gate,s,1(trunk,0205550123))
 same => n,Dial(PJSIP/0205550123@trunk)
exten => h,1,Set(GLOBAL(HUNGUP)=yes)
`)
	p := g.phone("100")
	before, beat := len(g.trunk.Arrived()), g.gate().Hearts[0].Last
	g.guard.await("the heart beats again", 20*time.Second, func() bool { return g.gate().Hearts[0].Last.After(beat) })
	g.guard.Signal(syscall.SIGSTOP)
	c := p.Invite("820")
	g.guard.await("the call asks", 10*time.Second, func() bool {
		return strings.Contains(g.Asterisk.CLI(t, "core show channels concise"), "!AGI!")
	})
	g.hangUp(c)
	g.guard.await("the channel is gone", 10*time.Second, func() bool { return g.Legs(t) == 0 })
	g.guard.Signal(syscall.SIGCONT)
	if got := g.global("HUNGUP"); got != "yes" {
		t.Errorf("got %q, want the calling context's h to have run", got)
	}
	if n := len(g.trunk.Arrived()) - before; n != 0 {
		t.Errorf("%d calls reached the trunk after their caller had hung up", n)
	}
}

// TestGateFreePBX has FreePBX's way of dialling a trunk call the printed hook: by
// Macro on Asterisk 16, by Gosub on 22.
func TestGateFreePBX(t *testing.T) {
	for version, how := range map[int]struct{ call, leave string }{
		16: {"Macro(dialout-trunk-predial-hook,)", "MacroExit()"},
		22: {"Gosub(macro-dialout-trunk-predial-hook,s,1())", "Return()"},
	} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			a := testbed.Start(t, version)
			g := newGated(t, stack(a, "pjsip", a.SIP), settings{Calls: "enforce", Tables: destinations}, "announcement = \"pbxguard-none\"")
			printed := g.guard.CLI("setup", "--gate=freepbx")
			_, hook, ok := strings.Cut(printed, "    [macro-dialout-trunk-predial-hook]\n")
			hook, _, _ = strings.Cut(hook, "\nIf that file")
			if !ok {
				t.Fatalf("no hook in\n%s", printed)
			}
			call := "Gosub(macro-dialout-trunk,s,1())"
			if version == 16 {
				call = "Macro(dialout-trunk,s)"
			}
			g.extend(fmt.Sprintf(`
[internal]
include => from-internal-custom
exten => _83.,1,Set(DIAL_TRUNK=1)
 same => n,Set(OUT_1=PJSIP/trunk)
 same => n,Set(OUTNUM=${EXTEN:2})
 same => n,%s
 same => n,Hangup()
exten => _84.,1,Set(EMERGENCYROUTE=YES)
 same => n,Goto(internal,83${EXTEN:2},1)
[macro-dialout-trunk]
exten => s,1,%s
 same => n,Dial(PJSIP/${OUTNUM}@trunk,60)
 same => n,%s
[macro-dialout-trunk-predial-hook]
%s
`, call, how.call, how.leave, strings.ReplaceAll(hook, "    ", "")))
			p := g.phone("100")
			g.leavesAs(p, "83"+honest, honest)
			for range 20 {
				g.stopsHere(p, "83"+abroad)
			}
			g.leavesAs(p, "84112", "112")
			if n := g.gate().Asked; n != 21 {
				t.Errorf("%d calls have asked, want all of 21 but the emergency", n)
			}
			beat := g.gate().Hearts[0].Last
			g.guard.await("the heart beats again", 20*time.Second, func() bool { return g.gate().Hearts[0].Last.After(beat) })
			g.guard.Signal(syscall.SIGSTOP)
			for range 2 {
				begin := time.Now()
				g.leavesAs(p, "83"+honest, honest)
				t.Logf("the guard is stopped: the call was answered and over after %v", time.Since(begin))
			}
			g.guard.Signal(syscall.SIGCONT)
		})
	}
}

// leavesAs places a call that must reach the trunk with another number.
func (g *gated) leavesAs(p *testbed.Phone, dialled, sent string) {
	g.t.Helper()
	before := len(g.trunk.Arrived())
	g.hangUp(g.answered(p, dialled))
	in := g.trunk.Arrived()[before:]
	if len(in) != 1 || in[0].Number != sent {
		g.t.Errorf("%s: %d calls reached the trunk, want one to %s", dialled, len(in), sent)
	}
}
