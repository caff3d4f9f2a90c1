package drill

import (
	"regexp"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/numbering"
	"pbxguard/traffic"
)

func plan(t testing.TB, country string, change func(*numbering.Profile)) *numbering.Plan {
	t.Helper()
	p, err := numbering.DefaultProfile(country)
	if err != nil {
		t.Fatal(err)
	}
	p.Extensions = `^2\d\d$`
	if change != nil {
		change(&p)
	}
	made, err := numbering.NewPlan(p)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func options(t testing.TB, limits guard.Limits) Options {
	phones := plan(t, "NL", nil)
	trunk := plan(t, "NL", func(p *numbering.Profile) { p.Trunk = true })
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Place: Place{PBX: "pbx", Trunk: "trunk", Dial: Dialler(phones), Send: Dialler(trunk)},
		Policy: &guard.Policy{
			Bans: guard.DefaultBans(), Default: limits,
			PBXs: map[string]*guard.Site{"pbx": {Plan: phones, TrunkPlan: trunk, Zone: zone, Trunks: regexp.MustCompile(`^trunk$`)}},
		},
		Seed: 1, Past: 1,
	}
}

// TestRunNoRules: a policy without rules stops nothing, and is told so.
func TestRunNoRules(t *testing.T) {
	outcomes, err := Run(options(t, guard.Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	if len(outcomes) != 18 {
		t.Fatalf("got %d outcomes, want 18", len(outcomes))
	}
	for _, o := range outcomes {
		if o.Stopped || o.Reported || o.Total != o.Without || o.Loss != o.Total || o.Calls != o.Tries || o.Through != o.Tries {
			t.Errorf("%s: got %+v, want nothing stopped and all of it lost", o.Attack, o)
		}
		if o.Without <= 0 {
			t.Errorf("%s costs %s", o.Attack, o.Without)
		}
	}
}

// TestRunCountry: a policy that ends every call abroad stops all that goes
// there, at once; what stays at home it does not.
func TestRunCountry(t *testing.T) {
	for _, gate := range []bool{false, true} {
		o := options(t, guard.Limits{Countries: map[string]bool{"NL": true, "BE": true, "DE": true}, CountryAction: guard.Kill})
		o.Gate = gate
		outcomes, err := Run(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range outcomes {
			switch o.Attack {
			case "spoofing":
				if o.Stopped {
					t.Errorf("%s: got %+v, want it not stopped", o.Attack, o)
				}
			default:
				if !o.Stopped || o.Total != 0 || o.Loss != 0 || o.Calls != 1 && o.Attack != "prefix-guessing" {
					t.Errorf("gate %v: %s: got %+v, want its first call ended, for nothing", gate, o.Attack, o)
				}
			}
		}
	}
}

// TestRunCount: what is lost until the fourth call at once is counted.
func TestRunCount(t *testing.T) {
	outcomes, err := Run(options(t, guard.Limits{Concurrent: guard.CountLimit{Max: 3, Action: guard.Kill}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Attack == "burst" && (!o.Stopped || o.Calls != 4 || o.Rule != "concurrent" || o.Loss <= 0 || o.Loss > o.Total || o.Total >= o.Without) {
			t.Errorf("got %+v, want the fourth call ended and three paid", o)
		}
	}
}

// TestHome: wherever a PBX stands, its honest calls stay at home, and its phones
// can dial them.
func TestHome(t *testing.T) {
	for _, country := range []string{"US", "GB", "IT", "LU", "DK", "SM", "CU", "NL"} {
		t.Run(country, func(t *testing.T) {
			home := Home(country)
			if country == "NL" {
				if home != nil || Code(country) != "" {
					t.Error("the numbers of the Netherlands are changed there")
				}
				return
			}
			p := plan(t, country, nil)
			dial := Dialler(p)
			for _, of := range []string{"+31612345678", "+31201234217", "+31880001234"} {
				n := p.Normalise(dial(home(of)))
				if n.Kind != numbering.National || n.E164 != home(of) {
					t.Errorf("got %s of %s, which is %v", home(of), of, n)
				}
			}
		})
	}
}

// TestDrillAbroad: on another clock and behind an outside line an office works
// in its own hours, and none of its fraud stays at home.
func TestDrillAbroad(t *testing.T) {
	o := options(t, guard.Limits{Countries: map[string]bool{"GB": true}, CountryAction: guard.Kill})
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	phones := plan(t, "GB", func(p *numbering.Profile) { p.OutsideLine = "9" })
	site := o.Policy.PBXs["pbx"]
	site.Plan, site.TrunkPlan, site.Zone = phones, plan(t, "GB", nil), zone
	o.Place = Place{PBX: "pbx", Trunk: "trunk", Home: Home("GB"), Code: Code("GB"), Zone: zone, Dial: Dialler(phones), Send: Dialler(site.TrunkPlan)}
	outcomes, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if !o.Stopped && o.Attack != "spoofing" {
			t.Errorf("%s: got %+v, want it ended as a call abroad", o.Attack, o)
		}
	}
	s := script{place: o.Place}
	s.write(traffic.Story{Calls: []traffic.Call{{Start: time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC), Path: traffic.Out, Extension: "201", Number: "+31612345678"}}})
	if at := s.calls[0].Start.In(zone); at.Hour() != 9 {
		t.Errorf("got %v, want nine on the wall of the PBX", at)
	}
}

func TestDialler(t *testing.T) {
	for _, tt := range []struct {
		name, country string
		change        func(*numbering.Profile)
		e164, want    string
	}{
		{"national", "NL", nil, "+31201234567", "0201234567"},
		{"abroad", "NL", nil, "+25261234567", "0025261234567"},
		{"behind a 9", "NL", func(p *numbering.Profile) { p.OutsideLine = "9" }, "+25261234567", "90025261234567"},
		{"behind a 0", "NL", func(p *numbering.Profile) { p.OutsideLine = "0" }, "+31201234567", "00201234567"},
		{"from America", "US", nil, "+25261234567", "01125261234567"},
		{"in America", "US", nil, "+12125551234", "2125551234"},
		{"a trunk's", "NL", func(p *numbering.Profile) { p.Trunk = true }, "+25261234567", "25261234567"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan(t, tt.country, tt.change)
			got := Dialler(p)(tt.e164)
			if n := p.Normalise(got); n.E164 != tt.e164 || n.Candidate {
				t.Errorf("got %q, which is read as %+v", got, n)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
