package audit

import (
	"fmt"
	"slices"
	"strings"

	"pbxguard/numbering"
)

// risky are the classes that a forward or a dial string never reaches honestly.
var risky = []numbering.Class{
	numbering.Premium, numbering.Satellite, numbering.IntlNetworkClass, numbering.Unknown, numbering.Personal,
}

// A Reach is where a number leads and how bad that is for something which dials
// it by itself, such as a forward.
type Reach struct {
	Rule     string // FWD-001, FWD-002 or FWD-003; "" for a number of the PBX itself
	Severity Severity
	What     string // "premium", "international, SO", …; without the number
}

// Outside judges a number in the site's dial plan by rules FWD-001 to FWD-003.
// Without a plan, nothing but its form is known. What is internal, an emergency
// number or free has an empty Rule.
func (s *Site) Outside(number string) Reach {
	if s.Plan == nil {
		return withoutPlan(number)
	}
	n := s.Plan.Normalise(number)
	switch {
	case n.Kind == numbering.Internal || n.Kind == numbering.Feature && n.E164 == "" || n.IsEmergency():
		return Reach{}
	case n.Kind == numbering.Unparseable || n.Class == numbering.Unknown:
		return Reach{"FWD-001", Critical, "a number that no dial plan knows"}
	case slices.Contains(risky, n.Class) || n.Flags.Has(numbering.NANPOffshore):
		return Reach{"FWD-001", Critical, fmt.Sprintf("%s, %s", n.Class, n.Region)}
	case n.Kind == numbering.International || n.Kind == numbering.IntlNetwork:
		return Reach{"FWD-002", High, "international, " + n.Region}
	}
	return Reach{"FWD-003", Medium, "an outside number, " + n.Class.String()}
}

// withoutPlan judges by form: an extension has at most six digits, and what
// begins as numbers abroad do is one.
func withoutPlan(number string) Reach {
	if len(number) <= 6 && digits(number) == len(number) {
		return Reach{}
	}
	for _, idd := range []string{"+", "00", "011"} {
		if rest, ok := strings.CutPrefix(number, idd); ok && len(rest) >= 7 && digits(rest) == len(rest) {
			return abroad(rest)
		}
	}
	for _, premium := range []string{"0900", "0906", "0909", "1900", "1976", "0898"} {
		if strings.HasPrefix(number, premium) {
			return Reach{"FWD-001", Critical, "a number that looks like a premium one"}
		}
	}
	return Reach{"FWD-003", Medium, "an outside number; without a dial plan its cost is not known"}
}

// elsewhere is the smallest country with a telephone network, Niue: seen from
// there, what is dialled is abroad.
const elsewhere = "NU"

// abroad judges the digits of an E.164 number, from anywhere.
func abroad(digits string) Reach {
	somewhere := Reach{"FWD-002", High, "international"}
	profile, err := numbering.DefaultProfile(elsewhere)
	if err != nil {
		return somewhere
	}
	plan, err := numbering.NewPlan(profile)
	if err != nil {
		return somewhere
	}
	s := Site{Plan: plan}
	if to := s.Outside("+" + digits); to.Severity.AtLeast(High) && to.Rule != "" {
		return to
	}
	return somewhere // a number of that country itself
}
