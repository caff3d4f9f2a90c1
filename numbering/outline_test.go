package numbering

import (
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

func TestForeignPrefixes(t *testing.T) {
	for _, tt := range []struct {
		name, country string
		change        func(*Profile)
		abroad, home  []string
	}{
		{"national", "NL", nil, []string{"0025261234567", "+25261234567"}, []string{"0205550123", "0031205550123", "+31205550123", "1888"}},
		{"outside line", "NL", func(p *Profile) { p.OutsideLine = "9" }, []string{"90025261234567", "0025261234567"}, []string{"90205550123", "90031205550123"}},
		{"e164", "NL", func(p *Profile) { p.Trunk = true; p.Extensions = "" }, []string{"25261234567", "+25261234567"}, []string{"31205550123", "+31205550123"}},
		{"north america", "US", nil, []string{"01125261234567", "+25261234567"}, []string{"12025550123", "2025550123", "+12025550123"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			abroad, home := outlined(t, tt.country, tt.change).ForeignPrefixes()
			begins := func(s string, with []string) bool {
				return slices.ContainsFunc(with, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
			}
			for _, s := range tt.abroad {
				if !begins(s, abroad) || begins(s, home) {
					t.Errorf("%s is not told to be abroad by %q and %q", s, abroad, home)
				}
			}
			for _, s := range tt.home {
				if begins(s, abroad) && !begins(s, home) {
					t.Errorf("%s is told to be abroad by %q and %q", s, abroad, home)
				}
			}
		})
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
