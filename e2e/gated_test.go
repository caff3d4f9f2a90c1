package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/testbed"
)

// gated is an office whose dial plan asks before a call leaves: the one that
// "pbxguard setup --gate" prints.
type gated struct {
	*office
	port int
}

// newGated opens an office with a gate. gate are further lines of [gate].
func newGated(t testing.TB, s server, conf settings, gate string) *gated {
	t.Helper()
	g := &gated{port: freePort(t)}
	conf.Tables += fmt.Sprintf("[gate]\nenabled = true\n%s = \"127.0.0.1:%d\"\nusers = [\"%d\"]\n%s\n", s.listener(), g.port, s.uid(t), gate)
	g.office = newOffice(t, s, conf)
	g.install()
	g.guard.await("the PBX is told of the gate", 20*time.Second, func() bool {
		st := g.guard.Status().Gate
		return st != nil && len(st.Hearts) == 1 && st.Hearts[0].Beating
	})
	return g
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// uid is the user that the server runs as.
func (s server) uid(t testing.TB) uint32 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(fmt.Sprintf("/proc/%d", s.Pid(t)), &st); err != nil {
		t.Fatal(err)
	}
	return st.Uid
}

// listener is the key of the listener that the server asks.
func (s server) listener() string {
	if s.freeSWITCH() != nil {
		return "socket"
	}
	return "fastagi"
}

// installFreeSWITCH puts the printed extensions before those that lead outside.
func (g *gated) installFreeSWITCH(f *testbed.FreeSWITCH) {
	g.t.Helper()
	printed := g.guard.CLI("setup", "--gate=freeswitch")
	_, printed, found := strings.Cut(printed, "to a gateway:\n")
	plan, _, ok := strings.Cut(printed, "\nIt needs mod_hash")
	if !found || !ok {
		g.t.Fatalf("setup --gate printed no extensions:\n%s", printed)
	}
	path := filepath.Join(f.Conf(), "dialplan/default/50_pbxguard.xml")
	put(g.t, path, "<include>\n"+plan+"\n</include>\n")
	g.t.Cleanup(func() {
		if err := os.Remove(path); err != nil {
			g.t.Error(err)
		}
		f.CLI(g.t, "hash delete/pbxguard/until")
		f.CLI(g.t, "reloadxml")
	})
	if out := f.CLI(g.t, "reloadxml"); !strings.HasPrefix(out, "+OK") {
		g.t.Fatalf("FreeSWITCH has not loaded it: %s", out)
	}
}

// until is until when the PBX may ask, in seconds since 1970; 0 is no longer.
func (g *gated) until() (until int64) {
	g.t.Helper()
	if f := g.freeSWITCH(); f != nil {
		fmt.Sscan(f.CLI(g.t, "hash select/pbxguard/until"), &until)
		return until
	}
	fmt.Sscan(g.global("PBXGUARD_UNTIL"), &until)
	return until
}

// install puts the printed dial plan into that of the server, with its one line
// before each Dial to the trunk.
func (g *gated) install() {
	g.t.Helper()
	if f := g.freeSWITCH(); f != nil {
		g.installFreeSWITCH(f)
		return
	}
	printed := g.guard.CLI("setup", "--gate=asterisk")
	_, printed, _ = strings.Cut(printed, "as a context of its own:\n")
	context, _, ok := strings.Cut(printed, "\n\n")
	if !ok {
		g.t.Fatalf("setup --gate printed no context:\n%s", printed)
	}
	path := filepath.Join(g.Asterisk.Root, "etc/extensions.conf")
	plan, err := os.ReadFile(path)
	if err != nil {
		g.t.Fatal(err)
	}
	plain := string(plan)
	g.t.Cleanup(func() {
		put(g.t, path, plain)
		g.Asterisk.CLI(g.t, "dialplan reload")
	})
	const asks = " same => n,Gosub(pbxguard-gate,s,1(trunk,${EXTEN}))\n"
	text := strings.NewReplacer(
		" same => n,Dial(PJSIP/${EXTEN}@trunk,60)\n", asks+" same => n,Dial(PJSIP/${EXTEN}@trunk,60)\n",
		" same => n(sip),Dial(SIP/trunk/${EXTEN},60)\n", " same => n(sip),Gosub(pbxguard-gate,s,1(trunk,${EXTEN}))\n same => n,Dial(SIP/trunk/${EXTEN},60)\n",
	).Replace(plain)
	if strings.Count(text, "pbxguard-gate") != 2 {
		g.t.Fatal("the testbed's dial plan does not dial the trunk twice")
	}
	if strings.Contains(text, "[pbxguard-gate]") {
		g.t.Fatal("the gate is in the dial plan already")
	}
	if err := os.WriteFile(path, []byte(text+"\n"+strings.ReplaceAll("\n"+context, "\n    ", "\n")+"\n"), 0o644); err != nil {
		g.t.Fatal(err)
	}
	g.Asterisk.CLI(g.t, "dialplan reload")
	out := g.Asterisk.CLI(g.t, "dialplan show pbxguard-gate")
	for _, want := range []string{"'s' =>", "'T' =>", "'h' =>", "AGI(agi://127.0.0.1:"} {
		if !strings.Contains(out, want) {
			g.t.Fatalf("Asterisk %d has not loaded %q:\n%s", g.Asterisk.Version, want, out)
		}
	}
}

func (g *gated) gate() control.Gate {
	g.t.Helper()
	st := g.guard.Status().Gate
	if st == nil {
		g.t.Fatal("status says nothing of the gate")
	}
	return *st
}

// leaves waits for a call at the trunk and says how long it took from its INVITE.
// The phone answers a challenge in between, a few milliseconds.
func (g *gated) leaves(c *testbed.Call) time.Duration {
	g.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		for _, in := range g.trunk.Arrived() {
			if in.Number == c.Number && !in.At.Before(c.At) {
				return in.At.Sub(c.At)
			}
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("the call to %s does not reach the trunk", c.Number)
		}
	}
}
