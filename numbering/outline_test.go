package numbering

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestEmergencyForms(t *testing.T) {
	p := outlined(t, "NL", func(p *Profile) { p.OutsideLine = "9" })
	forms := p.EmergencyForms()
	for _, want := range []string{"112", "112#", "9112", "+112"} {
		if !slices.Contains(forms, want) {
			t.Errorf("got %q, want %s among them", forms, want)
		}
	}
	for _, f := range forms {
		if !p.Emergency(f) {
			t.Errorf("%s is listed and is no emergency number", f)
		}
	}
}

// leadsAbroad reads a string by its beginning alone, as a dial plan does.
func leadsAbroad(o Outline, s string) bool {
	begins := func(s string, with []string) bool {
		return slices.ContainsFunc(with, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
	}
	for _, head := range o.Heads {
		if rest, ok := strings.CutPrefix(s, head); ok && begins(rest, o.Areas) && len(rest) >= 10 {
			return true
		}
	}
	return begins(s, o.Abroad) && !begins(s, o.Home)
}

func TestOutline(t *testing.T) {
	outside := func(p *Profile) { p.OutsideLine = "9" }
	trunk := func(p *Profile) { p.Trunk = true; p.Extensions = "" }
	for _, tt := range []struct {
		name, country string
		change        func(*Profile)
		abroad, home  []string
	}{
		{"national", "NL", nil, []string{"0025261234567", "+25261234567"}, []string{"0205550123", "0031205550123", "+31205550123", "1888"}},
		{"outside line", "NL", outside, []string{"90025261234567", "0025261234567"}, []string{"90205550123", "90031205550123"}},
		{"e164", "NL", trunk, []string{"25261234567", "+25261234567"}, []string{"31205550123", "+31205550123"}},
		{"united states", "US", nil, []string{"01125261234567", "+25261234567",
			"18762345678", "8762345678", "+18762345678", "01118762345678", // Jamaica
			"12425550123", "18095550123", "14735550123", "16495550123", // islands
			"14165550123", "4165550123", // Toronto
		}, []string{"12025550123", "2025550123", "+12025550123", "8765432", "4165550", "18005550123", "911", "101"}},
		{"united states, outside line", "US", outside, []string{"918762345678", "98762345678", "9+18762345678"}, []string{"912025550123", "92025550123"}},
		{"united states, e164", "US", trunk, []string{"18762345678", "+14165550123"}, []string{"12025550123"}},
		{"canada", "CA", nil, []string{"12025550123", "2025550123", "18762345678"}, []string{"14165550123", "4165550123", "18005550123"}},
		{"russia", "RU", nil, []string{"87012345678", "+77012345678"}, []string{"84952345678", "+74952345678"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := outlined(t, tt.country, tt.change).Outline()
			for _, s := range tt.abroad {
				if !leadsAbroad(o, s) {
					t.Errorf("%s is not told to be abroad by %+v", s, o)
				}
			}
			for _, s := range tt.home {
				if leadsAbroad(o, s) {
					t.Errorf("%s is told to be abroad by %+v", s, o)
				}
			}
		})
	}
}

// TestOutlineAgrees: every number that a plan understands is held abroad by its
// beginning if and only if it is.
func TestOutlineAgrees(t *testing.T) {
	for _, country := range []string{"US", "CA", "JM", "NL"} {
		p := outlined(t, country, nil)
		o := p.Outline()
		for area := 200; area < 1000; area++ {
			for _, head := range []string{"1", "", "+1"} {
				s := fmt.Sprint(head, area, "2345678")
				n := p.Normalise(s)
				if n.Kind != National && n.Kind != International || country == "NL" && head != "+1" {
					continue
				}
				if got, want := leadsAbroad(o, s), n.Kind == International; got != want {
					t.Errorf("in %s, %s, which is in %s: abroad %v, want %v", country, s, n.Region, got, want)
				}
			}
		}
	}
}

func outlined(t *testing.T, country string, change func(*Profile)) *Plan {
	t.Helper()
	profile, err := DefaultProfile(country)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&profile)
	}
	p, err := NewPlan(profile)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
