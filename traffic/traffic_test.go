package traffic

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// TestSharesNothing: what is held against the guard must not know it.
func TestSharesNothing(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(pkg, "pbxguard/") && pkg != "pbxguard/traffic" || strings.Contains(strings.Split(pkg, "/")[0], ".") {
			t.Errorf("imports %s", pkg)
		}
	}
}

func made(t *testing.T, seed uint64, weeks int) Story {
	t.Helper()
	s, err := Office(seed, start, weeks)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOffice looks for everything that an honest office does.
func TestOffice(t *testing.T) {
	s := made(t, 1, 8)
	zone, err := Zone()
	if err != nil {
		t.Fatal(err)
	}
	var n struct{ out, in, inside, diverted, abroad, night, poland, emergency, long, dialler, machine, holiday, early int }
	extensions := map[string]bool{}
	last := time.Time{}
	for _, c := range s.Calls {
		extensions[c.Extension] = true
		at := c.Start.In(zone)
		if c.Start.Before(last) {
			t.Fatalf("calls are not in order at %v", at)
		}
		last = c.Start
		switch c.Path {
		case Out:
			n.out++
		case In:
			n.in++
		case Inside:
			n.inside++
		case Diverted:
			n.diverted++
		}
		count := func(of *int, when bool) {
			if when {
				*of++
			}
		}
		abroad := c.Path == Out && c.Number != "" && !strings.HasPrefix(c.Number, "+31")
		count(&n.abroad, abroad)
		count(&n.night, abroad && (at.Hour() >= 22 || at.Hour() < 6))
		count(&n.poland, strings.HasPrefix(c.Number, "+48"))
		if strings.HasPrefix(c.Number, "+48") && c.Start.Before(start.AddDate(0, 0, 27)) {
			n.early++
		}
		count(&n.emergency, c.Dialled == "112")
		count(&n.long, c.Talk > 2*time.Hour)
		count(&n.dialler, c.Extension == "244" || c.Extension == "245")
		count(&n.machine, c.Extension >= "246" && c.Extension <= "248")
		count(&n.holiday, at.Format(time.DateOnly) == "2026-04-06" && c.Path == Out && c.Extension <= "238" && c.Dialled == "")
		if c.Attack != "" || c.Talk < 0 || c.Ring < 0 {
			t.Fatalf("got %+v", c)
		}
	}
	for _, c := range []struct {
		name      string
		got, a, b int
	}{
		{"calls out", n.out, 20_000, 120_000}, {"calls in", n.in, 5_000, 20_000}, {"internal", n.inside, 1_000, 10_000},
		{"forwarded", n.diverted, 50, 300}, {"abroad", n.abroad, 1_500, 15_000}, {"abroad by night", n.night, 300, 3_000},
		{"Poland", n.poland, 200, 3_000}, {"Poland too early", n.early, 0, 0}, {"emergency", n.emergency, 8, 16},
		{"meetings over two hours", n.long, 3, 60}, {"dialler", n.dialler, 10_000, 90_000}, {"machines", n.machine, 100, 500},
		{"at Easter", n.holiday, 0, 0}, {"extensions", len(extensions), 50, 50},
	} {
		if c.got < c.a || c.got > c.b {
			t.Errorf("%s: got %d, want %d to %d", c.name, c.got, c.a, c.b)
		}
	}
	if got := len(s.Logins); got != 8*7*50*2 {
		t.Errorf("got %d logins", got)
	}
}

func TestOfficeFollowsFromSeed(t *testing.T) {
	a, b, c := made(t, 3, 1), made(t, 3, 1), made(t, 4, 1)
	if !reflect.DeepEqual(a, b) {
		t.Error("one seed gives two offices")
	}
	if reflect.DeepEqual(a.Calls, c.Calls) {
		t.Error("two seeds give one office")
	}
}

func TestAttacks(t *testing.T) {
	v := Victim{Extension: "217", Source: inHouse(217), Agent: deskPhone, Staff: []string{"201", "202", "203", "204", "205"}}
	seen := map[string]bool{}
	for _, a := range Attacks() {
		if seen[a.Name] || a.About == "" {
			t.Errorf("%s: twice, or without a word", a.Name)
		}
		seen[a.Name] = true
		s := a.Make(1, start, v)
		if !reflect.DeepEqual(s, a.Make(1, start, v)) || reflect.DeepEqual(s, a.Make(2, start, v)) {
			t.Errorf("%s does not follow from its seed", a.Name)
		}
		talk := time.Duration(0)
		for _, c := range s.Calls {
			if c.Attack != a.Name || c.Start.Before(start) || c.Dialled == "112" {
				t.Errorf("%s: got %+v", a.Name, c)
			}
			talk += c.Talk
		}
		if len(s.Calls) < 12 && a.Name != "one-long-call" || talk < 8*time.Minute {
			t.Errorf("%s: got %d calls of %v", a.Name, len(s.Calls), talk)
		}
	}
	if len(seen) != 18 {
		t.Errorf("got %d attacks, want 18", len(seen))
	}
}
