package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/testbed"
)

// outage is one way to lose a PBX. lose begins it and mend ends it.
type outage struct {
	name       string
	callsLive  bool                                        // the calls outlive it
	within     func(*office, *testbed.Phone) *testbed.Call // a fraud call that is placed meanwhile
	noticed    bool                                        // the daemon must lose its connections
	lose, mend func(*office)
}

var outages = []outage{
	{name: "core restart now", noticed: true, lose: func(o *office) { o.Restart(o.t) }, mend: func(*office) {}},
	{name: "kill -9", noticed: true, lose: func(o *office) { o.Kill9(o.t) }, mend: func(o *office) { o.Boot(o.t) }},
	{name: "short network cut", callsLive: true, within: answeredFraud, lose: (*office).cut, mend: (*office).join},
	{name: "long network cut", callsLive: true, within: answeredFraud, noticed: true, lose: (*office).cut, mend: (*office).join},
	{
		name: "frozen server", callsLive: true, within: waitingFraud, noticed: true,
		lose: func(o *office) { o.signal(syscall.SIGSTOP) }, mend: func(o *office) { o.signal(syscall.SIGCONT) },
	},
}

// answeredFraud is up before the guard can see it.
func answeredFraud(o *office, p *testbed.Phone) *testbed.Call { return o.answered(p, premium) }

// waitingFraud waits for a server that does not answer yet.
func waitingFraud(_ *office, p *testbed.Phone) *testbed.Call { return p.Invite(premium) }

// TestOutage takes the PBX away from the daemon and gives it back. What the
// daemon knew it still knows, and what it missed it makes up for.
func TestOutage(t *testing.T) {
	for _, version := range []int{16, 22} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			a := testbed.Start(t, version)
			for _, out := range outages {
				t.Run(out.name, func(t *testing.T) { testOutage(t, stack(a, "pjsip", a.SIP), out) })
			}
		})
	}
}

func testOutage(t *testing.T, s server, out outage) {
	o := newOffice(t, s, settings{Calls: "enforce"})
	p100, p102 := o.phone("100"), o.phone("102")
	o.guard.CLI("lock", "103")
	o.guard.CLI("ban", "198.51.100.77", "--for", "1h")
	o.answered(p100, "0205550101")
	o.answered(p102, "0305550102")
	before := o.known()

	began := time.Now()
	out.lose(o)
	var fraud *testbed.Call
	if out.noticed {
		o.guard.await("the daemon notices", 30*time.Second, func() bool { return lost(o.guard.Status()) })
		t.Logf("noticed after %v", time.Since(began).Round(10*time.Millisecond))
	}
	if out.within != nil {
		fraud = out.within(o, p100)
		time.Sleep(3 * time.Second)
	}
	out.mend(o)
	mended := time.Now()
	o.guard.WaitConnected()
	t.Logf("connected again %v after it was mended", time.Since(mended).Round(10*time.Millisecond))

	if fraud != nil {
		o.ends(fraud)
		o.killed("destination", "100")
		t.Logf("the call that was placed meanwhile has ended %v after it was mended", o.ends(fraud).Sub(mended).Round(10*time.Millisecond))
	}
	o.sameCalls(out.callsLive)
	o.stillKnown(before)
	if gaps := o.guard.Status().Gaps; out.noticed && len(gaps) == 0 {
		t.Error("the gap is not on record")
	}
	// And the guard goes on guarding.
	p := o.phone("104")
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(p.Invite(premium))
	o.killed("destination", "104")
	if o.refused(o.phone("103").Invite("71" + honest)); o.killed("locked", "103").Rule == "" {
		t.Error("the lock is forgotten")
	}
}

// lost says whether a daemon knows that it has lost its PBX.
func lost(st control.Status) bool {
	for _, l := range st.PBXs[0].Links {
		if l.State == control.Connected && l.Reconnects == 0 {
			return false
		}
	}
	return true
}

// knowledge is what an outage must not change.
type knowledge struct {
	bans, locks []string
	decisions   []guard.Decision
}

func (o *office) known() (k knowledge) {
	o.t.Helper()
	var bans []guard.Ban
	o.guard.JSON(&bans, "bans")
	for _, b := range bans {
		k.bans = append(k.bans, b.Prefix.String()+" "+b.Until.String())
	}
	for _, l := range o.guard.Status().Engine.Locks {
		k.locks = append(k.locks, l.Account.String())
	}
	k.decisions = o.guard.Decisions()
	return k
}

func (o *office) stillKnown(before knowledge) {
	o.t.Helper()
	now := o.known()
	if len(before.bans) != 1 || !slices.Equal(now.bans, before.bans) {
		o.t.Errorf("bans: got %v, want %v", now.bans, before.bans)
	}
	if len(before.locks) != 1 || !slices.Equal(now.locks, before.locks) {
		o.t.Errorf("locks: got %v, want %v", now.locks, before.locks)
	}
	for i, d := range before.decisions {
		if i >= len(now.decisions) || now.decisions[i].ID != d.ID || now.decisions[i].Reason != d.Reason {
			o.t.Fatalf("the log has changed: got %+v, want %+v at its beginning", now.decisions, before.decisions)
		}
	}
}

// sameCalls waits until the daemon sees the legs that the PBX has, and as many
// outbound calls as there must be.
func (o *office) sameCalls(live bool) {
	o.t.Helper()
	want := 0
	if live {
		want = 2
	}
	o.guard.await("the daemon sees what the PBX does", 15*time.Second, func() bool {
		st := o.guard.Status().Engine
		return st.Sites[0].Legs == o.Legs(o.t) && st.Calls == want
	})
	if got := o.Legs(o.t); got != 2*want {
		o.t.Errorf("the PBX has %d legs, want %d", got, 2*want)
	}
	payers := map[string]bool{}
	for _, c := range o.guard.Calls() {
		payers[c.Payer.Name+" "+c.Number] = true
	}
	if live && !(payers["100 +31205550101"] && payers["102 +31305550102"]) {
		o.t.Errorf("got calls %v", payers)
	}
}

// cut drops every packet between the daemon and AMI.
func (o *office) cut() {
	o.t.Helper()
	_, port, err := net.SplitHostPort(o.control())
	if err != nil {
		o.t.Fatal(err)
	}
	name := "cut" + port
	o.t.Cleanup(func() { exec.Command("nft", "destroy", "table", "inet", name).Run() })
	o.nft("table inet " + name + " { chain input { type filter hook input priority 0; tcp dport " + port + " drop; tcp sport " + port + " drop; }; }")
}

// join lets packets pass again.
func (o *office) join() {
	o.t.Helper()
	_, port, _ := strings.Cut(o.control(), ":")
	o.nft("delete table inet cut" + port)
}

func (o *office) nft(rules string) {
	o.t.Helper()
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		o.t.Fatalf("nft: %v: %s", err, out)
	}
}

func (o *office) signal(s syscall.Signal) {
	o.t.Helper()
	pid := o.Pid(o.t)
	if err := syscall.Kill(pid, s); err != nil {
		o.t.Fatal(err)
	}
	if s == syscall.SIGSTOP {
		o.t.Cleanup(func() { syscall.Kill(pid, syscall.SIGCONT) })
	}
}
