package guard

import (
	"testing"
	"time"

	"pbxguard/numbering"
)

func TestExplain(t *testing.T) {
	p := enforcing(t)
	p.Default.Group = "everybody"
	p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill}
	p.Default.Countries = map[string]bool{"BE": true}
	p.Default.CountryAction = Alert
	p.Default.Hours = HoursLimit{From: 8 * time.Hour, To: 18 * time.Hour, Action: Kill}
	p.Default.Concurrent = CountLimit{Max: 1, Action: Kill}
	night := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, number string
		at           time.Time
		verdict      string
		hits         []string
	}{
		{"national", "0201234567", wednesday, "allow", nil},
		{"premium", "09001234567", wednesday, "kill", []string{"destination"}},
		{"Belgium by day", "003225551234", wednesday, "allow", nil},
		{"Belgium by night", "003225551234", night, "kill", []string{"hours"}},
		{"Somalia by day", "0025261234567", wednesday, "alert", []string{"country"}},
		{"emergency", "112", night, "emergency", nil},
		{"inside", "101", night, "allow", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, p)
			a, err := r.s.explain(Question{Account: "100", Number: tt.number, At: tt.at})
			if err != nil {
				t.Fatal(err)
			}
			if a.Verdict != tt.verdict || a.Group != "everybody" {
				t.Errorf("got %s for %q, want %s for everybody", a.Verdict, a.Group, tt.verdict)
			}
			var hits []string
			for _, f := range a.Findings {
				if f.Hit {
					hits = append(hits, f.Rule)
				}
				if f.Reason == "" {
					t.Errorf("rule %s gives no reason", f.Rule)
				}
			}
			if len(hits) != len(tt.hits) || len(hits) > 0 && hits[0] != tt.hits[0] {
				t.Errorf("got hits %v, want %v", hits, tt.hits)
			}
			if len(r.records) != 0 || len(r.s.accounts) != 0 || len(r.s.sites["a"].abroad) != 0 || r.s.now != r.now {
				t.Error("a question changed the state")
			}
		})
	}
}

func TestExplainCountsWhatIsUp(t *testing.T) {
	p := enforcing(t)
	p.Default.Concurrent = CountLimit{Max: 1, Action: Kill}
	r := newRig(t, p)
	r.place("100", "0201234567")
	for range 3 { // asking again must not count
		a, err := r.s.explain(Question{Account: "100", Number: "0301234567", At: r.now})
		if err != nil || a.Verdict != "kill" {
			t.Fatalf("got %s, %v; want kill: it would be the second call at once", a.Verdict, err)
		}
	}
	if _, err := r.s.explain(Question{PBX: "nowhere"}); err == nil {
		t.Error("an unknown PBX was explained")
	}
}
