package numbering

import (
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

// tokens are what tricks are made of.
var tokens = []string{
	"0", "00", "000", "011", "0011", "+", "1", "9", "99", "112", "911", "999", "110", "116000",
	"#", "*", "*72", "*21*", "#31#", "7788#", "(0)", " ", "-", ".", "/", `\`, "%2B", "%30", "%",
	"16", "1600", "01033", "0100", "1010288", "sip:", "tel:", "@", ";", "31", "+31", "44", "+39",
	"201234567", "900123456", "9008844", "972597562518", "8092345678", "881612345678", "2345678",
	"211", "٩", "０", "a", "\x00",
}

func dialledStrings() *rapid.Generator[string] {
	joined := rapid.Map(rapid.SliceOfN(rapid.SampledFrom(tokens), 0, 8), func(parts []string) string {
		return strings.Join(parts, "")
	})
	return rapid.OneOf(joined, rapid.StringMatching(`[+]?[0-9]{0,20}#?`), rapid.String())
}

// numbers draws strings that are mostly numbers: an example of some country,
// with other last digits, in one of the ways to dial it.
func numbers() *rapid.Generator[string] {
	examples := exampleNumbers()
	return rapid.Custom(func(t *rapid.T) string {
		digits := rapid.SampledFrom(examples).Draw(t, "example")
		last := rapid.StringMatching(`[0-9]{0,3}`).Draw(t, "last")
		head := rapid.SampledFrom([]string{"+", "00", "011", "900", "000", "1600 00", "*7200", "7788#", "", "99"}).Draw(t, "head")
		return head + digits[:len(digits)-len(last)] + last
	})
}

// exampleNumbers returns the E.164 digits of a number of every kind in every
// country and network.
func exampleNumbers() []string {
	var list []string
	add := func(n *phonenumbers.PhoneNumber) {
		if n != nil && n.GetNationalNumber() != 0 {
			list = append(list, phonenumbers.Format(n, phonenumbers.E164)[1:])
		}
	}
	for _, region := range regions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			add(phonenumbers.GetExampleNumberForType(region, kind))
		}
	}
	for _, code := range []int{800, 808, 870, 878, 881, 882, 883, 888, 979} {
		add(phonenumbers.GetExampleNumberForNonGeoEntity(code))
	}
	return list
}

// plansUnderTest returns the plans of the number tables.
func plansUnderTest(t *testing.T) ([]Profile, []*Plan) {
	t.Helper()
	var profiles []Profile
	var plans []*Plan
	for _, profile := range readProfiles(t, "testdata/profiles.toml") {
		profiles = append(profiles, profile)
		plans = append(plans, mustPlan(t, profile))
	}
	return profiles, plans
}

// Any string has an answer that is safe to print and to compare.
func TestAnyStringHasAnAnswer(t *testing.T) {
	_, plans := plansUnderTest(t)
	numbered := numbers()
	rapid.Check(t, func(t *rapid.T) {
		plan := rapid.SampledFrom(plans).Draw(t, "plan")
		dialled := rapid.OneOf(dialledStrings(), numbered).Draw(t, "dialled")
		n := plan.Normalise(dialled)
		checkNumber(t, n)
		if plan.Emergency(dialled) && !n.IsEmergency() {
			t.Errorf("exempt as %q, but of kind %s", dialled, n.Kind)
		}
	})
}

// checkNumber fails when a Number contradicts itself.
func checkNumber(t interface{ Errorf(string, ...any) }, n Number) {
	digits, plus := strings.CutPrefix(n.E164, "+")
	switch {
	case n.E164 != "" && (!plus || !isDigits(digits) || len(digits) > maxDigits):
		t.Errorf("got E.164 %q", n.E164)
	case (n.E164 == "") != (n.Region == ""):
		t.Errorf("got E.164 %q with region %q", n.E164, n.Region)
	case n.Candidate && n.E164 == "":
		t.Errorf("got a candidate without a number: %+v", n)
	case n.Kind == Unparseable && !n.Candidate && n.Class != Unknown:
		t.Errorf("got unparseable of class %s", n.Class)
	case n.Kind == Unparseable && n.Flags.Has(Protected):
		t.Errorf("got unparseable but protected: %+v", n)
	case n.IsEmergency() != (n.Kind == Emergency) || n.IsEmergency() && n.Class != EmergencyClass:
		t.Errorf("got an emergency call of kind %s, class %s", n.Kind, n.Class)
	case n.Flags.Has(Letters) && (n.Kind != Unparseable || n.E164 != ""):
		t.Errorf("got %+v from letters", n)
	}
}

// Digits around an emergency number make something else of it, unless they
// make another way to dial one.
func TestEmergencyIsExact(t *testing.T) {
	profiles, plans := plansUnderTest(t)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(plans)-1).Draw(t, "plan")
		number := rapid.SampledFrom(profiles[i].Emergency).Draw(t, "number")
		before := rapid.StringMatching(`[0-9]{0,12}`).Draw(t, "before")
		after := rapid.StringMatching(`[0-9]{0,12}#?`).Draw(t, "after")
		dialled := before + number + after
		want := reachesEmergency(profiles[i], dialled)
		if got := plans[i].Emergency(dialled); got != want {
			t.Errorf("Emergency(%q): got %v want %v", dialled, got, want)
		}
		if got := plans[i].Normalise(dialled).IsEmergency(); got != want {
			t.Errorf("Normalise(%q).IsEmergency: got %v want %v", dialled, got, want)
		}
	})
}

// reachesEmergency spells the rule out in another way than the plan does.
func reachesEmergency(p Profile, dialled string) bool {
	dialled = strings.TrimSuffix(dialled, "#")
	for _, number := range p.Emergency {
		head, found := strings.CutSuffix(dialled, number)
		if found && (head == "" || head == p.OutsideLine || head == p.TechPrefix) {
			return true
		}
	}
	return false
}

// A number in E.164 form is itself.
func TestNormaliseIsIdempotent(t *testing.T) {
	_, plans := plansUnderTest(t)
	generate := numbers()
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		plan := rapid.SampledFrom(plans).Draw(t, "plan")
		n := plan.Normalise(generate.Draw(t, "dialled"))
		if n.E164 == "" || n.Flags.Has(Invalid) {
			return
		}
		found++
		again := plan.Normalise(n.E164)
		if again.E164 != n.E164 || again.Region != n.Region || again.Class != n.Class || again.Candidate {
			t.Errorf("got %+v want that of %+v", again, n)
		}
	})
	if found == 0 {
		t.Error("no number was valid")
	}
}

// The same call judged on the PBX and on the trunk reaches the same number.
func TestTrunkAgreesWithPhone(t *testing.T) {
	phone := mustPlan(t, mustDefault(t, "NL"))
	profile := mustDefault(t, "NL")
	profile.Trunk, profile.TechPrefix = true, "7788#"
	trunk := mustPlan(t, profile)
	generate := numbers()
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		n := phone.Normalise(generate.Draw(t, "dialled"))
		if n.E164 == "" || n.Flags.Has(Invalid) {
			return
		}
		found++
		sent := trunk.Normalise("7788#" + n.E164[1:])
		if sent.E164 != n.E164 || sent.Class != n.Class || sent.Region != n.Region || !sent.Flags.Has(TechPrefix) {
			t.Errorf("got %+v want that of %+v", sent, n)
		}
	})
	if found == 0 {
		t.Error("no number was valid")
	}
}
