package e2e

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// TestFreeSWITCHCalls has a FreeSWITCH guarded as an Asterisk is: the same
// calls, rules and deeds of an administrator, with the same ends.
func TestFreeSWITCHCalls(t *testing.T) {
	s := newFreeSWITCH(t)
	for _, tt := range []struct {
		name string
		test func(*testing.T, server)
	}{
		{"enforce", testEnforce},
		{"observe", testObserve},
		{"head start", testHeadStart},
		{"concurrent", testConcurrent},
		{"concurrent country", testConcurrentCountry},
		{"attempts", testAttempts},
		{"sequential", testSequential},
		{"duration", testDuration},
		{"minutes", testMinutes},
		{"emergency", testEmergency},
		{"lock", testLock},
		{"hangup", testHangup},
		{"switch modes", testEnforceNow},
		{"tenants", testTenants},
		{"false caller id", testFalseCallerID},
		{"load", testLoad},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, s) })
	}
}

// TestFreeSWITCHPayer is TestPayer on a FreeSWITCH.
func TestFreeSWITCHPayer(t *testing.T) {
	s := newFreeSWITCH(t)
	for _, w := range ways {
		if w.payer == "trunk" {
			w.payer = "external" // what came in is known by its profile
		}
		t.Run(w.name, func(t *testing.T) {
			o := newOffice(t, s, settings{Calls: "enforce"})
			t.Cleanup(func() { o.ClearForwards(t) })
			t.Run("honest", func(t *testing.T) { testPayer(t, o, w) })
			t.Run("fraud", func(t *testing.T) { testPayerKilled(t, o, w) })
		})
	}
}

// Two domains have an extension 100 and nothing else in common.
func testTenants(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce", Tables: rules("concurrent 1")})
	own, theirs := o.phone("100"), o.phone("100", testbed.Domain(testbed.Tenant))
	first, second := o.answered(own, "0205550101"), o.answered(theirs, "0305550102")
	domains := map[string]string{}
	for _, c := range o.guard.Calls() {
		domains[c.Payer.Domain] = c.Payer.Name + " " + c.Number
	}
	if domains[testbed.Tenant] != "100 +31305550102" || domains[s.freeSWITCH().Domain] != "100 +31205550101" {
		t.Errorf("got calls %v, want one in each domain", domains)
	}
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(theirs.Invite("0405550103"))
	if d := o.killed("concurrent", "100"); d.Account.Domain != testbed.Tenant {
		t.Errorf("got a verdict about %s, want the tenant's", d.Account)
	}
	o.stays(first, 100*time.Millisecond)
	o.stays(second, 100*time.Millisecond)

	o.trunk.SetAnswer(testbed.Accept())
	o.hangUp(first, second)
	o.guard.await("the calls have ended", 5*time.Second, func() bool { return len(o.guard.Calls()) == 0 })
	o.guard.CLI("lock", "100", "--domain", testbed.Tenant)
	o.refused(theirs.Invite("71" + honest))
	o.killed("locked", "100")
	o.stays(o.answered(own, honest), 500*time.Millisecond)
}

// A phone that shows itself to be another's, or the bank's, pays itself.
func testFalseCallerID(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce"})
	p := o.phone("103")
	for i, from := range []string{
		`"Bank" <sip:+12025550100@%s>`, `"Boss" <sip:100@%s>`,
	} {
		call := p.Invite(fmt.Sprintf("0%d05550101", i+2), testbed.From(fmt.Sprintf(from, s.freeSWITCH().Domain)))
		if code, err := call.Wait(o.ctx); err != nil || code != 200 {
			t.Fatalf("got %d, %v; want 200", code, err)
		}
		if out := o.outbound(); out.Payer.Name != "103" {
			t.Errorf("%s: got payer %s, want 103", from, out.Payer)
		}
		o.hangUp(call)
		o.guard.await("no call is left", 5*time.Second, func() bool { return len(o.guard.Calls()) == 0 })
	}
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(p.Invite(premium, testbed.From(fmt.Sprintf(`<sip:100@%s>`, s.freeSWITCH().Domain))))
	if d := o.killed("destination", "103"); d.Action < guard.Kill {
		t.Errorf("got %v", d.Action)
	}
}

// testLoad places ten calls a second. The guard sees all of them and none is left.
func testLoad(t *testing.T, s server) {
	o := newOffice(t, s, settings{})
	load := testbed.Load{Source: netip.MustParseAddr("198.51.100.90"), User: "104", Number: honest, Rate: 10, Calls: 100, Talk: time.Second, Proxy: true}
	good, bad := load.Run(o.ctx, t, s.addr)
	if good != 100 || bad != 0 {
		t.Errorf("%d calls went well and %d did not, want 100 and 0", good, bad)
	}
	if n := len(o.trunk.Arrived()); n != good {
		t.Errorf("%d calls reached the trunk, want %d", n, good)
	}
	o.guard.await("the guard has seen all calls end", 15*time.Second, func() bool {
		st := o.guard.Status().Engine
		return st.Calls == 0 && st.Sites[0].Legs == 0
	})
	records := o.records("all calls are on record", func(r []guard.CallRecord) bool { return len(r) >= good })
	if len(records) != good {
		t.Errorf("%d calls are on record, want %d", len(records), good)
	}
	for _, r := range records {
		if r.Payer.Name != "104" || r.Talked < time.Second/2 {
			t.Fatalf("got record %+v, want one of a call by 104 that talked", r)
		}
	}
}
