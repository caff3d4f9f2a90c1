package e2e

import (
	"fmt"
	"testing"
	"time"

	"pbxguard/testbed"
)

// TestRules breaks each rule on a real server. What is within the limits stays.
func TestRules(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		t.Run("concurrent", func(t *testing.T) { testConcurrent(t, s) })
		t.Run("concurrent country", func(t *testing.T) { testConcurrentCountry(t, s) })
		t.Run("attempts", func(t *testing.T) { testAttempts(t, s) })
		t.Run("sequential", func(t *testing.T) { testSequential(t, s) })
		t.Run("duration", func(t *testing.T) { testDuration(t, s) })
		t.Run("minutes", func(t *testing.T) { testMinutes(t, s) })
		t.Run("hours", func(t *testing.T) { testHours(t, s) })
		t.Run("emergency", func(t *testing.T) { testEmergency(t, s) })
	})
}

func testConcurrent(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce", Tables: rules("concurrent 2")})
	p := o.phone("100")
	first, second := o.answered(p, "0205550101"), o.answered(p, "0305550102")
	other := o.answered(o.phone("102"), "0405550103")
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(p.Invite("0505550104"))
	o.killed("concurrent", "100")
	for _, c := range []*testbed.Call{first, second, other} {
		o.stays(c, 100*time.Millisecond)
	}
	o.trunk.SetAnswer(testbed.Accept())
	o.hangUp(first)
	o.guard.await("the call has ended", 5*time.Second, func() bool { return len(o.guard.Calls()) == 2 })
	o.stays(o.answered(p, "0505550105"), 500*time.Millisecond)
}

func testConcurrentCountry(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce", Tables: rules("concurrent_country 2")})
	up := []*testbed.Call{
		o.answered(o.phone("100"), "004930123456"),
		o.answered(o.phone("101"), "004940123456"),
		o.answered(o.phone("102"), "003225551234"),
	}
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(o.phone("103").Invite("004989123456"))
	if d := o.killed("concurrent-country", "103"); d.Country != "DE" {
		t.Errorf("got a verdict about %s, want DE", d.Country)
	}
	for _, c := range up {
		o.stays(c, 100*time.Millisecond)
	}
}

func testAttempts(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce", Tables: rules("attempts 3")})
	p := o.phone("100")
	for i := range 3 {
		o.hangUp(o.answered(p, fmt.Sprintf("0%d05550101", i+2)))
	}
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(p.Invite("0705550101"))
	o.killed("attempts", "100")
}

func testSequential(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce", Tables: rules("sequential 3")})
	p := o.phone("100")
	for i := range 3 {
		o.hangUp(o.answered(p, fmt.Sprintf("020555010%d", i)))
	}
	o.hangUp(o.answered(p, "0205550102")) // redialled
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	o.refused(p.Invite("0205550103"))
	o.killed("sequential", "100")
}

// A call that is too long is ended while it is up; ringing does not count.
func testDuration(t *testing.T, s server) {
	const limit = 3 * time.Second
	o := newOffice(t, s, settings{Calls: "enforce", Tables: rules(`duration "3s"`)})
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	call := o.answered(o.phone("100"), honest)
	up := time.Now()
	lasted := o.ends(call).Sub(up)
	if o.killed("duration", "100"); lasted < limit-100*time.Millisecond || lasted > limit+3*time.Second {
		t.Errorf("the call was up for %v, want a little over %v", lasted, limit)
	}
	t.Logf("a limit of %v ended the call after %v", limit, lasted)
}

// Calls at once add up, and who has used the minutes up gets no further call.
func testMinutes(t *testing.T, s server) {
	for _, tt := range []struct{ name, rule, id string }{
		{"hour", `minutes_hour "6s"`, "minutes-hour"},
		{"day", `minutes_day "6s"`, "minutes-day"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, s, settings{Calls: "enforce", Tables: rules(tt.rule)})
			p := o.phone("100")
			begin := time.Now()
			first, second := o.answered(p, "0205550101"), o.answered(p, "0305550102")
			lasted := max(o.ends(first).Sub(begin), o.ends(second).Sub(begin))
			if lasted < 2900*time.Millisecond || lasted > 7*time.Second {
				t.Errorf("two calls used 6 s up in %v, want a little over 3 s", lasted)
			}
			o.killed(tt.id, "100")
			o.trunk.SetAnswer(testbed.AcceptAfter(rings))
			o.refused(p.Invite("0405550103"))
			o.trunk.SetAnswer(testbed.Accept())
			o.stays(o.answered(o.phone("102"), honest), 500*time.Millisecond)
		})
	}
}

// The office is closed at this hour, and today, by the clock of its own zone.
func testHours(t *testing.T, s server) {
	const zone = "Pacific/Kiritimati" // UTC+14: often another day than here
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(loc)
	clock := func(d time.Duration) string { return now.Add(d).Format("15:04") }
	for _, tt := range []struct{ name, id, tables string }{
		{"hours", "hours", fmt.Sprintf("[rules.hours]\nopen = %q\nclose = %q\naction = \"kill\"\n", clock(2*time.Hour), clock(20*time.Hour))},
		{"holiday", "holiday", rules("holiday") + fmt.Sprintf("[closed]\ndays = [%q]\n", now.Format("01-02"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, s, settings{Calls: "enforce", PBX: fmt.Sprintf("time_zone = %q", zone), Tables: tt.tables})
			p := o.phone("100")
			o.stays(o.answered(p, honest), 300*time.Millisecond)
			o.trunk.SetAnswer(testbed.AcceptAfter(rings))
			o.refused(p.Invite("004930123456"))
			o.killed(tt.id, "100")
		})
	}
}

// Every rule is as harsh as can be and the extension is locked: an emergency
// call is never touched.
func testEmergency(t *testing.T, s server) {
	o := newOffice(t, s, settings{Calls: "enforce", Tables: rules("country", "hours", "weekend", "holiday",
		"concurrent 0", "concurrent_country 0", "attempts 1", "sequential 2", `duration "1s"`, `minutes_hour "1s"`, `minutes_day "1s"`)})
	o.guard.CLI("lock", "100")
	p := o.phone("100")
	help := []*testbed.Call{o.answered(p, "112"), o.answered(p, "112")}
	o.refused(p.Invite("71" + honest))
	o.killed("locked", "100")
	for _, c := range o.guard.Calls() {
		if !c.Emergency {
			t.Errorf("got %+v, want an emergency call", c)
			continue
		}
		if out, _, err := o.guard.try("hangup", string(c.Leg)); err == nil {
			t.Errorf("hangup of an emergency call: got %q, want it refused", out)
		}
	}
	o.stays(help[0], 6*time.Second)
	o.stays(help[1], 100*time.Millisecond)
	for _, d := range o.guard.Decisions() {
		if d.Dialled == "112" {
			t.Errorf("got a verdict on 112: %+v", d)
		}
	}
	o.hangUp(help...)
}
