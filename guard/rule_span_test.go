package guard

import (
	"testing"
	"time"
)

func TestDurationWhileUp(t *testing.T) {
	p := enforcing(t)
	p.Default.Duration = SpanLimit{Max: 10 * time.Minute, Action: Kill}
	r := newRig(t, p)
	leg, trunk := r.place("100", "0201234567")
	r.wait(20 * time.Minute) // ringing is not talking
	r.answer(trunk, leg)
	r.wait(10*time.Minute - time.Second)
	if len(r.hungUp) != 0 {
		t.Fatalf("hung up %v at the limit", r.hungUp)
	}
	r.wait(2 * time.Second)
	if r.s.count.kills != 1 || r.hungUp[0] != leg {
		t.Errorf("hung up %v, want %s", r.hungUp, leg)
	}
}

func TestMinutes(t *testing.T) {
	p := enforcing(t)
	p.Default.MinutesHour = SpanLimit{Max: 30 * time.Minute, Action: Kill}
	r := newRig(t, p)
	talk := func(d time.Duration) {
		leg, trunk := r.place("100", "0201234567")
		r.answer(trunk, leg)
		r.wait(d)
		r.end(trunk, leg)
	}
	talk(20 * time.Minute)
	r.wait(45 * time.Minute)
	talk(20 * time.Minute) // 15 of the first twenty are more than an hour ago by its end
	if len(r.hungUp) != 0 {
		t.Fatalf("hung up %v", r.hungUp)
	}
	talk(15 * time.Minute)
	if r.s.count.kills != 1 {
		t.Errorf("hung up %v, want one call after 30 minutes within the hour", r.hungUp)
	}
}

func TestMinutesDayStartsAtMidnightOfTheZone(t *testing.T) {
	p := enforcing(t)
	p.Default.MinutesDay = SpanLimit{Max: 30 * time.Minute, Action: Kill}
	r := newRig(t, p)
	r.now = time.Date(2026, 11, 25, 22, 25, 0, 0, time.UTC) // 23:25 on the wall
	r.feed(Event{Kind: Tick, At: r.now})
	leg, trunk := r.place("100", "0201234567")
	r.answer(trunk, leg)
	r.wait(29 * time.Minute)
	r.end(trunk, leg)
	r.wait(7 * time.Minute) // past midnight
	leg, trunk = r.place("100", "0201234567")
	r.answer(trunk, leg)
	r.wait(29 * time.Minute)
	if len(r.hungUp) != 0 {
		t.Fatalf("hung up %v: yesterday's minutes count today", r.hungUp)
	}
	r.wait(2 * time.Minute)
	if r.s.count.kills != 1 {
		t.Errorf("hung up %v, want one after 30 minutes", r.hungUp)
	}
}

func TestUsageOfBeforeTheRestartCounts(t *testing.T) {
	p := enforcing(t)
	p.Default.MinutesDay = SpanLimit{Max: 30 * time.Minute, Action: Kill}
	r := newRig(t, p)
	mem := Memory{Usage: []Usage{{Account: ext("100"), At: r.now.Add(-2 * time.Hour), Talked: 31 * time.Minute}}}
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, mem, r.now)
	r.place("100", "0201234567")
	if len(r.hungUp) == 0 {
		t.Error("a restart made the guard forget the minutes of today")
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		2 * time.Hour: "2h", 90 * time.Minute: "1h30m", 45 * time.Second: "45s", 0: "0s",
		time.Hour + time.Second: "1h0m1s", 61 * time.Second: "1m1s", 10*time.Minute + 300*time.Millisecond: "10m",
	} {
		if got := short(d); got != want {
			t.Errorf("%d: got %s want %s", d, got, want)
		}
	}
}

// A long call that was spread over hours does not weigh on the last one alone,
// and what was talked before midnight not on the day.
func TestUsageIsSpreadOverItsTime(t *testing.T) {
	p := enforcing(t)
	r := newRig(t, p)
	mem := Memory{Usage: []Usage{
		{Account: ext("100"), At: r.now.Add(-30 * time.Minute), Talked: 2 * time.Hour},
		{Account: ext("101"), At: r.now, Talked: 20 * time.Hour}, // noon by the wall
	}}
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, mem, r.now)
	for _, tt := range []struct {
		name        string
		hour, today time.Duration
	}{
		{"100", 30 * time.Minute, 2 * time.Hour},
		{"101", time.Hour, 12 * time.Hour},
	} {
		got := r.s.account(ext(tt.name)).talk
		if d := got.hour() - tt.hour; d < -time.Minute || d > time.Minute {
			t.Errorf("%s: got %v within the hour, want %v", tt.name, got.hour(), tt.hour)
		}
		if d := got.today - tt.today; d < -time.Minute || d > time.Minute {
			t.Errorf("%s: got %v today, want %v", tt.name, got.today, tt.today)
		}
	}
}

func TestMinutesOfACallThatIsFoundUpCount(t *testing.T) {
	p := enforcing(t)
	p.Default.MinutesDay = SpanLimit{Max: 30 * time.Minute, Action: Kill}
	r := newRig(t, p)
	r.feed(Event{Kind: ResyncStarted})
	r.feed(listed("1.1", "1.1", "100", "0201234567", 20*time.Minute))
	r.feed(listed("1.2", "1.1", "trunk", "", 20*time.Minute))
	r.feed(Event{Kind: ResyncEnded})
	r.wait(9 * time.Minute)
	if len(r.hungUp) != 0 {
		t.Fatalf("hung up %v after 29 minutes", r.hungUp)
	}
	r.wait(2 * time.Minute)
	if len(r.hungUp) == 0 {
		t.Error("what was talked before the guard came does not count")
	}
}
