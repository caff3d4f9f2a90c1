package guard

import (
	"math"
	"testing"
	"time"
)

func TestScore(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		name   string
		x      float64
		usual  []float64
		z, mid float64
	}{
		{"as ever", 5, []float64{5, 4, 6, 5, 5, 4, 6, 5}, 0, 5},
		{"by the book", 20, []float64{8, 10, 12, 9, 11, 10, 8, 12}, 0.6745 * 10 / 1.5, 10},
		{"nothing ever", 10, []float64{0, 0, 0, 0, 0, 0, 0, 0}, 10, 0},
		{"always the same", 13, []float64{9, 9, 9, 9}, 4.0 / 3, 9},
		{"three weeks", 4, []float64{1, 2, 3, nan, nan}, 0.6745 * 2, 2},
		{"one wild week changes little", 20, []float64{8, 10, 12, 9, 11, 10, 8, 500}, 0.6745 * 10 / 1.5, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := spreadOf(tt.usual)
			z, mid := u.score(tt.x), u.median
			if math.Abs(z-tt.z) > 1e-9 || mid != tt.mid {
				t.Errorf("got %v over %v, want %v over %v", z, mid, tt.z, tt.mid)
			}
		})
	}
}

// TestHabitsAreLearnt: what an extension does for weeks is its habit, from live
// calls alone, through a restart, and in the hours of its own wall.
func TestHabitsAreLearnt(t *testing.T) {
	p := only(t, "first-country")
	learns(p)
	p.Default.Set[setHabits] = DefaultSettings()[setHabits]
	r := newRig(t, p)
	// Through the change to winter time, which must not move nine o'clock.
	r.now = time.Date(2026, 10, 7, 7, 0, 0, 0, time.UTC)
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, Memory{}, r.now)
	zone := amsterdam(t)
	for week := range 6 {
		wall := time.Date(2026, 10, 7+7*week, 9, 5, 0, 0, zone)
		r.now = wall
		tries(12, time.Minute, 30*time.Second, 16, each("00493012345%02d"))(r)
	}
	var m Memory
	for _, rec := range r.records {
		switch v := rec.(type) {
		case Hour:
			m.Hours = append(m.Hours, v)
		case Seen:
			m.Seen = append(m.Seen, v)
		}
	}
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, m, r.now)
	r.records = nil
	r.now = time.Date(2026, 11, 18, 9, 5, 0, 0, zone)
	tries(12, time.Minute, 30*time.Second, 16, each("00493012345%02d"))(r)
	if got := r.decided(); len(got) != 0 {
		t.Errorf("got %v of what it always does", got)
	}
	r.now = time.Date(2026, 11, 18, 15, 5, 0, 0, zone)
	tries(12, time.Minute, 0, 16, each("00493012345%02d"))(r)
	if d, ok := r.last("habits"); !ok || d.Action != Alert {
		t.Errorf("got %v, want a word on twelve calls at an hour at which it never calls", r.decided())
	}
	n := 0
	for _, id := range r.decided() {
		if id == "habits" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("told %d times within an hour, want once", n)
	}
}

// TestProfileIsBounded: a habit holds eight weeks of hours and no more.
func TestProfileIsBounded(t *testing.T) {
	var p profile
	for hour := range int32(20 * weekHours) {
		p.keep(hourly{hour: hour + 1, calls: 1})
	}
	if len(p.past) > habitHours+1 {
		t.Errorf("got %d hours, want %d at most", len(p.past), habitHours+1)
	}
}

// TestTamedLearns: what is as ever is learnt as it is, however few weeks were
// seen, and what exceeds it only so far.
func TestTamedLearns(t *testing.T) {
	for weeks := range int32(2 * habitWeeks) {
		p := profile{since: 1}
		for w := range weeks {
			p.keep(hourly{hour: 1 + w*weekHours, calls: 30, minutes: 60, numbers: 12})
		}
		at := 1 + weeks*weekHours
		if got, want := p.tamed(hourly{hour: at, calls: 30, minutes: 60, numbers: 12}), (hourly{hour: at, calls: 30, minutes: 60, numbers: 12}); got != want {
			t.Errorf("after %d weeks: got %+v, want %+v", weeks, got, want)
		}
		want := uint16(36)
		if weeks < leastWeeks {
			want = 500
		}
		if got := p.tamed(hourly{hour: at, calls: 500}).calls; got != want {
			t.Errorf("after %d weeks: got %d calls of 500, want %d", weeks, got, want)
		}
	}
}
