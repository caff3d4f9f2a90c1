package numbering

import (
	"sort"
	"strings"
	"testing"
)

func TestClassNames(t *testing.T) {
	for c := Geographic; c <= Unknown; c++ {
		got, err := ParseClass(c.String())
		if err != nil || got != c {
			t.Errorf("%q: got %v, %v want %v", c.String(), got, err, c)
		}
		var read Class
		if err := read.UnmarshalText([]byte(c.String())); err != nil || read != c {
			t.Errorf("%q: got %v, %v want %v", c.String(), read, err, c)
		}
	}
	for _, name := range []string{"", "-", "Premium", "dear"} {
		if got, err := ParseClass(name); err == nil {
			t.Errorf("%q: got %v want an error", name, got)
		}
	}
	if got := NoClass.String(); got != "" {
		t.Errorf("got %q want nothing", got)
	}
}

func TestFlagNames(t *testing.T) {
	all := Flags(1<<len(flagNames) - 1)
	names := strings.Split(all.String(), ",")
	if len(names) != 16 || !sort.StringsAreSorted(names) {
		t.Errorf("got %q want 16 names in order", names)
	}
	if got, err := ParseFlags(all.String()); err != nil || got != all {
		t.Errorf("got %s, %v want %s", got, err, all)
	}
	for flag, want := range map[Flags]string{
		0: "", AssumedIntl: "assumed_intl", TechPrefix: "tech_prefix",
		Protected | OutsidePrefix: "outside_prefix,protected",
		NANPOffshore:              "nanp_offshore", OwnCountryIDD: "own_country_idd",
	} {
		if got := flag.String(); got != want {
			t.Errorf("got %q want %q", got, want)
		}
	}
	if _, err := ParseFlags("protected,cheap"); err == nil {
		t.Error("got no error for an unknown flag")
	}
	if f := Protected | Invalid; !f.Has(Protected) || f.Has(Protected|Letters) {
		t.Errorf("Has is wrong on %s", f)
	}
}

// A Number that nobody filled in is neither an emergency nor domestic.
func TestZeroNumber(t *testing.T) {
	var n Number
	if n.IsEmergency() || n.Kind != Unparseable {
		t.Errorf("got kind %s want unparseable", n.Kind)
	}
}

func TestKindNames(t *testing.T) {
	want := "unparseable emergency harmonised short internal feature national international intl_network"
	var names []string
	for k := Unparseable; k <= IntlNetwork; k++ {
		names = append(names, k.String())
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s want %s", got, want)
	}
	if got := Kind(99).String(); got != "kind(99)" {
		t.Errorf("got %s want kind(99)", got)
	}
}
