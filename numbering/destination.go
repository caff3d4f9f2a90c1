package numbering

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// maxDigits is the longest number worth a look-up: a country code and the 17
// national digits that libphonenumber takes.
const maxDigits = 20

// worldRegion is the region of the country codes of no country.
const worldRegion = "001"

// A destination is what E.164 digits reach, seen from the plan's country.
type destination struct {
	e164     string // with +, as it must be dialled from abroad
	region   string
	class    Class
	flags    Flags
	valid    bool // such a number can exist
	possible bool // its length can exist
}

// lookup finds what E.164 digits (without +) reach. It is not ok when they do
// not start with a country code or are no number at all.
//
// What is said of a number is said of all that the numbering plans do not tell
// apart from it, so libphonenumber is asked once for all of them.
func (p *Plan) lookup(digits string) (d destination, ok bool) {
	if len(digits) > maxDigits || digits == "" || digits[0] == '0' {
		return d, false
	}
	s, somewhere := p.world.find(digits)
	switch {
	case !somewhere:
		return d, false
	case s == nil:
		return p.consult(digits)
	}
	a := s.answer.Load()
	if a == nil {
		a = new(answer)
		a.destination, a.ok = p.consult(digits)
		if a.ok && a.e164[1:] != digits {
			return a.destination, a.ok
		}
		a.e164 = ""
		s.answer.Store(a)
	}
	if !a.ok {
		return d, false
	}
	d = a.destination
	d.e164 = "+" + digits
	return d, true
}

// consult asks libphonenumber about a number, which sees nothing but the + form
// and region ZZ: left to guess prefixes it made +3100972… of 000972…, dialled in
// the Netherlands.
func (p *Plan) consult(digits string) (d destination, ok bool) {
	num, err := phonenumbers.Parse("+"+digits, phonenumbers.UNKNOWN_REGION)
	if err != nil {
		return d, false // the reason is of no use: no country code, or too short
	}
	d.e164 = phonenumbers.Format(num, phonenumbers.E164)
	if d.e164[1:] != digits {
		d.flags |= Normalised
	}
	kind := phonenumbers.GetNumberType(num)
	d.valid = kind != phonenumbers.UNKNOWN
	d.possible = d.valid || phonenumbers.IsPossibleNumber(num)
	d.region = p.region(num, d.valid)
	p.classify(&d, kind)
	p.markIslands(&d)
	return d, true
}

// region names the country of a number. Where several share a country code, a
// number that could be of the home country as well, such as +1 800, is taken
// for domestic; an invalid one counts for the home country or else for the
// main one.
func (p *Plan) region(num *phonenumbers.PhoneNumber, valid bool) string {
	region := phonenumbers.GetRegionCodeForNumber(num)
	code := int(num.GetCountryCode())
	atHome := code == p.callingCode
	switch {
	case region == p.country:
		return region
	case region == "" && atHome:
		return p.country
	case region == "":
		return phonenumbers.GetRegionCodeForCountryCode(code)
	case valid && atHome && phonenumbers.IsValidNumberForRegion(num, p.country):
		return p.country
	}
	return region
}

// classify sets the class and what follows from it. The overlay decides before
// libphonenumber's type does.
func (p *Plan) classify(d *destination, kind phonenumbers.PhoneNumberType) {
	digits := d.e164[1:]
	own, special := findSpecial(digits)
	if !d.valid {
		d.flags |= Invalid
	}
	switch {
	case special && (d.valid || own.sure):
		d.class = own.class
	case !d.valid:
		d.class = Unknown
	case isNANP976(digits) && (d.region == "US" || d.region == "CA"):
		d.class = Premium
	default:
		d.class = classOf(kind)
	}
}

// markIslands flags the countries that hide behind the code of a bigger one.
func (p *Plan) markIslands(d *destination) {
	abroad := d.region != p.country
	switch {
	case abroad && d.e164[1] == '1' && d.region != "US" && d.region != "CA":
		d.flags |= NANPOffshore
	case abroad && slices.Contains(crownDependencies, d.region), !d.valid && hasCrownPrefix(d.e164[1:]):
		d.flags |= CrownDependency
	}
}

func hasCrownPrefix(digits string) bool {
	return slices.ContainsFunc(crownPrefixes[:], func(prefix string) bool {
		return strings.HasPrefix(digits, prefix)
	})
}

// classOf translates libphonenumber's types. Voice mail boxes have no class of
// their own, and what they cost is not known.
func classOf(kind phonenumbers.PhoneNumberType) Class {
	switch kind {
	case phonenumbers.FIXED_LINE:
		return Geographic
	case phonenumbers.MOBILE:
		return Mobile
	case phonenumbers.FIXED_LINE_OR_MOBILE:
		return FixedOrMobile
	case phonenumbers.TOLL_FREE:
		return TollFree
	case phonenumbers.PREMIUM_RATE:
		return Premium
	case phonenumbers.SHARED_COST:
		return SharedCost
	case phonenumbers.VOIP:
		return VoIP
	case phonenumbers.PERSONAL_NUMBER:
		return Personal
	case phonenumbers.PAGER:
		return Pager
	case phonenumbers.UAN:
		return UAN
	}
	return Unknown
}
