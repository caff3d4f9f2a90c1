package guard

import (
	"fmt"
	"testing"
	"time"
)

func TestConcurrent(t *testing.T) {
	p := enforcing(t)
	p.Default.Concurrent = CountLimit{Max: 2, Action: Kill}
	r := newRig(t, p)
	a, at := r.place("100", "0201234567")
	r.place("100", "0201234568")
	r.place("101", "0201234569") // somebody else
	r.phone("100", "101")        // inside
	if len(r.hungUp) != 0 {
		t.Fatalf("hung up %v at the limit", r.hungUp)
	}
	r.end(at, a)
	r.place("100", "0201234570")
	if len(r.hungUp) != 0 {
		t.Fatalf("hung up %v though one had ended", r.hungUp)
	}
	third := r.phone("100", "0201234571")
	if len(r.hungUp) != 1 || r.hungUp[0] != third {
		t.Errorf("hung up %v, want the third leg %s", r.hungUp, third)
	}
}

func TestConcurrentForkCountsTrunkLegs(t *testing.T) {
	p := enforcing(t)
	p.Default.Concurrent = CountLimit{Max: 2, Action: Kill}
	r := newRig(t, p)
	leg := r.phone("100", "0201234567")
	for i := range 3 {
		r.out(leg, fmt.Sprintf("02012345%02d", i))
	}
	if len(r.hungUp) == 0 {
		t.Error("three trunk legs of one caller counted as fewer than three calls")
	}
}

func TestConcurrentCountry(t *testing.T) {
	p := enforcing(t)
	p.Default.ConcurrentCountry = CountLimit{Max: 2, Action: Kill}
	r := newRig(t, p)
	r.place("100", "0025261234567")
	r.place("101", "0025261234568")
	r.place("102", "003225551234")
	r.place("103", "0201234567")
	if len(r.hungUp) != 0 {
		t.Fatalf("hung up %v at the limit", r.hungUp)
	}
	third, _ := r.place("104", "0025261234569")
	if len(r.hungUp) == 0 || r.hungUp[0] != third {
		t.Errorf("hung up %v, want %s, the third call to Somalia", r.hungUp, third)
	}
}

func TestAttempts(t *testing.T) {
	p := enforcing(t)
	p.Default.Attempts = CountLimit{Max: 3, Action: Kill}
	r := newRig(t, p)
	for i := range 3 {
		leg, trunk := r.place("100", fmt.Sprintf("020123450%d", i))
		r.end(trunk, leg)
	}
	r.wait(time.Minute)
	leg, trunk := r.place("100", "0201234510")
	r.end(trunk, leg)
	if len(r.hungUp) != 0 {
		t.Fatalf("hung up %v", r.hungUp)
	}
	for i := range 3 {
		r.phone("100", fmt.Sprintf("020123452%d", i))
	}
	if len(r.hungUp) != 1 {
		t.Errorf("hung up %v, want the fourth attempt of the minute", r.hungUp)
	}
}

func TestRetryOverAnotherTrunkIsOneAttempt(t *testing.T) {
	p := enforcing(t)
	p.Default.Attempts = CountLimit{Max: 1, Action: Kill}
	r := newRig(t, p)
	leg := r.phone("100", "0201234567")
	r.end(r.out(leg, "0201234567"))
	r.out(leg, "0201234567")
	if len(r.hungUp) != 0 {
		t.Errorf("hung up %v for a call that took a second trunk", r.hungUp)
	}
}

func TestSequential(t *testing.T) {
	for _, tt := range []struct {
		name    string
		numbers []string
		want    bool
	}{
		{"a range tried one by one", []string{"0025261234501", "0025261234502", "0025261234503", "0025261234504"}, true},
		{"redialling", []string{"0025261234501", "0025261234501", "0025261234501", "0025261234501"}, false},
		{"different places", []string{"0201234567", "0301234567", "0401234567", "0501234567"}, false},
		{"a colleague between", []string{"0025261234501", "0025261234502", "0201234567", "0025261234503", "0025261234504"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.Default.Sequential = CountLimit{Max: 3, Action: Kill}
			r := newRig(t, p)
			for _, n := range tt.numbers {
				leg, trunk := r.place("100", n)
				r.end(trunk, leg)
			}
			if got := len(r.hungUp) > 0; got != tt.want {
				t.Errorf("killed: got %v want %v", got, tt.want)
			}
		})
	}
}
