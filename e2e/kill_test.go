package e2e

import (
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// frauds are calls that the rules of frauds' settings end.
var frauds = []struct{ name, number, rule, class, country string }{
	{"premium", "09001234567", "destination", "premium", "NL"},
	{"satellite", "00881612345678", "destination", "satellite", "001"},
	{"country", "0025261234567", "country", "", "SO"},
}

const (
	honest  = "0205550123"
	premium = "09001234567"
)

// rings is how long the provider lets a phone ring: no real one answers at once.
const rings = 2 * time.Second

func TestKill(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		t.Run("enforce", func(t *testing.T) { testEnforce(t, s) })
		t.Run("observe", func(t *testing.T) { testObserve(t, s) })
		t.Run("head start", func(t *testing.T) { testHeadStart(t, s) })
	})
}

func testEnforce(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce", Tables: rules("country")})
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	p := o.phone("100")
	for _, tt := range frauds {
		begin := time.Now()
		call := p.Invite(tt.number)
		o.refused(call)
		d := o.killed(tt.rule, "100")
		if d.Dialled != tt.number || d.Country != tt.country || tt.class != "" && d.Class != tt.class {
			t.Errorf("%s: got a verdict on %s, %s, %s", tt.name, d.Dialled, d.Class, d.Country)
		}
		if d.Source != p.Local.Addr() {
			t.Errorf("%s: got source %v, want %v", tt.name, d.Source, p.Local.Addr())
		}
		t.Logf("%s: ended after %v, confirmed after %v", tt.name, o.ends(call).Sub(begin), d.After)
	}
	for _, c := range o.trunk.Arrived() {
		o.refused(c)
		t.Logf("the trunk saw %s, which ended unanswered", c.Number)
	}
	o.trunk.SetAnswer(testbed.Accept())
	o.stays(o.answered(p, honest), time.Second)
	if st := o.guard.Status().Engine; st.Kills != 3 || st.Confirmed != 3 {
		t.Errorf("got %d kills of which %d are confirmed, want 3", st.Kills, st.Confirmed)
	}
}

func testObserve(t *testing.T, s server) {
	o := newOffice(t, s, settings{Tables: rules("country")})
	p := o.phone("100")
	for _, tt := range frauds {
		call := o.answered(p, tt.number)
		o.stays(call, time.Second)
		d := o.verdict(tt.rule, "100", func(guard.Decision) bool { return true })
		if d.Enforced || d.Action != guard.Kill || d.Outcome != "" {
			t.Errorf("%s: got %+v, want what would have been done", tt.name, d)
		}
		o.hangUp(call)
	}
	st := o.guard.Status()
	if st.Engine.Kills != 0 || st.Engine.WouldKill != 3 || st.Day.WouldKill != 3 || st.Day.Killed != 0 {
		t.Errorf("got %d kills, %d would be, %+v; want 0 and 3", st.Engine.Kills, st.Engine.WouldKill, st.Day)
	}
}

// With 50 ms in the dial plan before the trunk is called, the guard always wins.
func testHeadStart(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce", CallsMore: "hangup_cause = 21",
		Tables: rules("country") + "[rules.attempts]\naction = \"allow\"\n"})
	p := o.phone("100")
	for range 20 {
		o.refused(p.Invite("71" + premium))
	}
	if n := len(o.trunk.Arrived()); n != 0 {
		t.Errorf("%d of 20 calls reached the trunk, want none", n)
	}
	o.guard.await("20 kills are confirmed", 5*time.Second, func() bool { return o.guard.Status().Engine.Confirmed == 20 })
}
