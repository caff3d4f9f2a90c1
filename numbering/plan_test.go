package numbering

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestNewPlanErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*Profile)
		want  string
	}{
		{"country unknown", func(p *Profile) { p.Country = "XX" }, `country: "XX"`},
		{"country empty", func(p *Profile) { p.Country = "" }, `country: ""`},
		{"country of no country", func(p *Profile) { p.Country = "001" }, `country: "001"`},
		{"country in lower case", func(p *Profile) { p.Country = "nl" }, `country: "nl"`},
		{"outside line", func(p *Profile) { p.OutsideLine = "nine" }, "outside_line: "},
		{"idd", func(p *Profile) { p.IDD = []string{"00", "+"} }, `idd: "+"`},
		{"idd empty", func(p *Profile) { p.IDD = []string{""} }, `idd: ""`},
		{"national prefix", func(p *Profile) { p.NationalPrefix = "0x" }, "national_prefix: "},
		{"national", func(p *Profile) { p.National = []string{"14-20"} }, "national: "},
		{"area", func(p *Profile) { p.Area = "0 20" }, "area: "},
		{"area missing", func(p *Profile) { p.Area, p.LocalLength = "", 7 }, "area: is needed"},
		{"local length", func(p *Profile) { p.LocalLength = -1 }, "local_length: -1"},
		{"local length too long", func(p *Profile) { p.LocalLength = 20 }, "local_length: 20"},
		{"extensions", func(p *Profile) { p.Extensions = `^(2\d\d` }, "extensions: "},
		{"extensions match nothing dialled", func(p *Profile) { p.Extensions = `\d*` }, "extensions: "},
		{"extensions match everything", func(p *Profile) { p.Extensions = `.+` }, "extensions: "},
		{"extensions match any digits", func(p *Profile) { p.Extensions = `\d+` }, "extensions: "},
		{"extensions too long", func(p *Profile) { p.Extensions = strings.Repeat("1", 2000) }, "extensions: "},
		{"extensions of other syntax", func(p *Profile) { p.Extensions = `(?=2)\d+` }, "extensions: "},
		{"emergency missing", func(p *Profile) { p.Emergency = nil }, "emergency: at least one"},
		{"emergency pattern", func(p *Profile) { p.Emergency = []string{"11x"} }, `emergency: "11x"`},
		{"emergency empty", func(p *Profile) { p.Emergency = []string{""} }, `emergency: ""`},
		{"harmonised", func(p *Profile) { p.Harmonised = []string{"116*"} }, "harmonised: "},
		{"protected long without plus", func(p *Profile) { p.Protected = []string{"0900123456"} }, "protected: "},
		{"protected pattern with plus", func(p *Profile) { p.Protected = []string{"+31900xxxx"} }, "protected: "},
		{"directory", func(p *Profile) { p.Directory = []string{""} }, "directory: "},
		{"short", func(p *Profile) { p.Short = []string{"12ab"} }, "short: "},
		{"carrier select", func(p *Profile) { p.CarrierSelect = []string{"16yy"} }, "carrier_select: "},
		{"feature codes", func(p *Profile) { p.FeatureCodes = []string{"*7 2"} }, "feature_codes: "},
		{"tech prefix", func(p *Profile) { p.TechPrefix = "77\n" }, "tech_prefix: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			profile := mustDefault(t, "NL")
			tt.spoil(&profile)
			_, err := NewPlan(profile)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v want %s…", err, tt.want)
			}
		})
	}
}

func TestNewPlanNamesEveryField(t *testing.T) {
	_, err := NewPlan(Profile{Country: "NL", OutsideLine: "x", Extensions: "(", Directory: []string{"-"}})
	for _, field := range []string{"outside_line: ", "extensions: ", "emergency: ", "directory: "} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("got %v want %s", err, field)
		}
	}
}

func TestDefaultProfile(t *testing.T) {
	for _, tt := range []struct{ country, want string }{
		{"NL", "idd 00 national 0 emergency 112,911 harmonised 116xxx protected 113,144,+319008844,+318008112,+318000113 directory 18xx carrier 16xx"},
		{"US", "idd 011 national 1 emergency 911,112 harmonised  protected 988,933,211,311 directory 411 carrier 101xxxx"},
		{"GB", "idd 00 national 0 emergency 999,112 harmonised 116xxx protected 101,111,105 directory 118xxx carrier "},
		{"DE", "idd 00 national 0 emergency 110,112 harmonised 116xxx protected 115 directory 118xx,118xxx carrier 010xx,0100xx"},
	} {
		t.Run(tt.country, func(t *testing.T) {
			p := mustDefault(t, tt.country)
			list := func(s []string) string { return strings.Join(s, ",") }
			got := "idd " + list(p.IDD) + " national " + p.NationalPrefix + " emergency " + list(p.Emergency) +
				" harmonised " + list(p.Harmonised) + " protected " + list(p.Protected) +
				" directory " + list(p.Directory) + " carrier " + list(p.CarrierSelect)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDefaultProfileUnknown(t *testing.T) {
	for _, country := range []string{"", "XX", "001", "nl", "NLD"} {
		if p, err := DefaultProfile(country); err == nil {
			t.Errorf("%q: got %+v want an error", country, p)
		}
	}
}

// A default profile is the caller's own: adding to it must not change the next.
func TestDefaultProfileIsACopy(t *testing.T) {
	p := mustDefault(t, "NL")
	p.Emergency[0], p.Protected[0], p.FeatureCodes[0] = "000", "000", "*00"
	if again := mustDefault(t, "NL"); again.Emergency[0] != "112" || again.Protected[0] != "113" || again.FeatureCodes[0] == "*00" {
		t.Errorf("got %+v", again)
	}
}

// In every country's plan the country's example numbers, dialled as at home,
// are found.
func TestEveryCountry(t *testing.T) {
	kinds := []phonenumbers.PhoneNumberType{
		phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.PREMIUM_RATE,
		phonenumbers.TOLL_FREE, phonenumbers.SHARED_COST, phonenumbers.UAN,
		phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER,
	}
	for _, country := range regions() {
		t.Run(country, func(t *testing.T) {
			profile := mustDefault(t, country)
			plan := mustPlan(t, profile)
			for _, kind := range kinds {
				example := phonenumbers.GetExampleNumberForType(country, kind)
				if example == nil || example.GetNationalNumber() == 0 {
					continue
				}
				national := phonenumbers.GetNationalSignificantNumber(example)
				dialled := profile.NationalPrefix + national
				if matchesAny(plan.national, national) {
					dialled = national
				}
				got := plan.Normalise(dialled)
				if want := phonenumbers.Format(example, phonenumbers.E164); got.E164 != want || got.Candidate {
					t.Errorf("%s: got %+v want %s", dialled, got, want)
				}
			}
		})
	}
}

// The emergency numbers of a plan are exactly those of the metadata, 112, 911
// and our own list.
func TestEmergencyAgreesWithMetadata(t *testing.T) {
	for _, country := range regions() {
		plan := mustPlan(t, mustDefault(t, country))
		for n := range 1000 {
			for _, dialled := range numerals(n) {
				want := phonenumbers.IsEmergencyNumber(dialled, country)
				if countries[country].emergency == nil {
					want = want || dialled == "112" || dialled == "911"
				}
				if got := plan.Emergency(dialled); got != want {
					t.Errorf("%s %s: got %v want %v", country, dialled, got, want)
				}
			}
		}
	}
}

// numerals writes n in three digits, and in fewer where it fits.
func numerals(n int) []string {
	digits := fmt.Sprintf("%03d", n)
	switch {
	case n < 10:
		return []string{digits, digits[1:], digits[2:]}
	case n < 100:
		return []string{digits, digits[1:]}
	}
	return []string{digits}
}

func regions() []string {
	var list []string
	for region := range phonenumbers.GetSupportedRegions() {
		list = append(list, region)
	}
	sort.Strings(list)
	return list
}

func TestEmergencyDoesNotAllocate(t *testing.T) {
	plan := mustPlan(t, mustDefault(t, "NL"))
	for _, dialled := range []string{"112", "112#", "00972597562518", strings.Repeat("1", 5000)} {
		if n := testing.AllocsPerRun(100, func() { plan.Emergency(dialled) }); n != 0 {
			t.Errorf("%.20s: got %v allocations want 0", dialled, n)
		}
	}
}

func TestInternal(t *testing.T) {
	profile := mustDefault(t, "NL")
	profile.Extensions = `[23]\d\d|9`
	plan := mustPlan(t, profile)
	for dialled, want := range map[string]bool{
		"211": true, "9": true, "": false, "2110": false, "0211": false, "99": false, "211\n": false,
	} {
		if got := plan.Internal(dialled); got != want {
			t.Errorf("%q: got %v want %v", dialled, got, want)
		}
	}
}

// An emergency number is exempt though an extension, a list or the outside
// line collides with it.
func TestEmergencyWinsCollisions(t *testing.T) {
	profile := mustDefault(t, "NL")
	profile.Extensions = `\d{3,4}`
	profile.OutsideLine = "1"
	profile.Directory = []string{"11x"}
	profile.FeatureCodes = []string{"*xx"}
	plan := mustPlan(t, profile)
	for _, dialled := range []string{"112", "1112", "112#", "1112#", "+112"} {
		if !plan.Emergency(dialled) || !plan.Normalise(dialled).IsEmergency() {
			t.Errorf("%s: got %v %+v want emergency", dialled, plan.Emergency(dialled), plan.Normalise(dialled))
		}
	}
}

// A plan is shared by the engine, the gate and the command line.
func TestPlanIsConcurrent(t *testing.T) {
	plan := mustPlan(t, mustDefault(t, "NL"))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for _, digits := range exampleNumbers() {
				if n := plan.Normalise("00" + digits); n.E164 == "" {
					t.Errorf("00%s: got %+v", digits, n)
				}
			}
		})
	}
	group.Wait()
}

func TestLongStringsAreUnparseable(t *testing.T) {
	plan := mustPlan(t, mustDefault(t, "NL"))
	got := plan.Normalise("00972597562518" + strings.Repeat(" ", maxDialled))
	if want := (Number{Kind: Unparseable, Class: Unknown}); got != want {
		t.Errorf("got %+v want %+v", got, want)
	}
}

func TestExpand(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{"00", "00"},
		{"112|9(?:11|99)", "112 911 999"},
		{`0(?:0|1[2-4])`, "00 012 013 014"},
		{"00(?:1)?", "00 001"},
		{`1\d`, "10 11 12 13 14 15 16 17 18 19"},
	} {
		got, err := expand(tt.expr)
		slices.Sort(got)
		want := strings.Fields(tt.want)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v want %q", tt.expr, got, err, want)
		}
	}
	for _, expr := range []string{"(", `\d+`, "0*", `\d{4}`, "NA", ".", `[^0]`} {
		if got, err := expand(expr); err == nil {
			t.Errorf("%s: got %d strings want an error", expr, len(got))
		}
	}
}
