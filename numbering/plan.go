package numbering

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// A Plan is a compiled Profile. It does not change but for what it has worked out
// already, so any number of goroutines may use it.
type Plan struct {
	country     string
	callingCode int
	cc          string // callingCode in digits

	tech    string
	trunk   bool
	outside string
	idd     []string // longest first

	nationalPrefix string
	national       []pattern
	area           string
	localLength    int
	extensions     *regexp.Regexp // nil when there are none

	exempt    map[string]struct{} // every string that Emergency is true for
	exact     map[string]Number   // emergency numbers
	lists     []list              // other short numbers
	protected map[string]struct{} // E.164 numbers, with +
	carriers  []pattern           // longest first
	features  []pattern           // longest first

	world *world
}

// A list is what a number is when one of the patterns matches it.
type list struct {
	patterns []pattern
	number   Number
}

// Limits on the digits of a profile's numbers.
const (
	maxPrefix    = 16 // outside line, IDD, area, tech prefix
	maxLocal     = 12 // E.164 leaves 15 for country, area and subscriber
	maxShort     = 8  // emergency and other short numbers
	maxExtension = 1 << 10
)

// NewPlan compiles a profile. The error names the fields in it that are wrong,
// as the configuration file writes them, and is nil when all are right.
func NewPlan(profile Profile) (*Plan, error) {
	p := &Plan{
		country:        profile.Country,
		callingCode:    phonenumbers.GetCountryCodeForRegion(profile.Country),
		trunk:          profile.Trunk,
		tech:           profile.TechPrefix,
		outside:        profile.OutsideLine,
		nationalPrefix: profile.NationalPrefix,
		area:           profile.Area,
		localLength:    profile.LocalLength,
		world:          new(world),
	}
	if p.callingCode == 0 {
		return nil, fmt.Errorf("country: %q is not a country with a telephone network", profile.Country)
	}
	p.cc = fmt.Sprint(p.callingCode)
	err := errors.Join(
		p.checkPrefixes(),
		p.setIDD(profile.IDD),
		p.setExtensions(profile.Extensions),
		p.setEmergency(profile.Emergency),
		p.setLists(profile),
		p.setPatterns(profile),
	)
	if err != nil {
		return nil, err
	}
	if p.trunk {
		p.dropPhoneRules()
	}
	p.exempt = p.exemptForms()
	return p, nil
}

func (p *Plan) checkPrefixes() error {
	var errs []error
	for _, f := range [...]struct{ name, value, alphabet string }{
		{"outside_line", p.outside, keypad},
		{"national_prefix", p.nationalPrefix, decimal},
		{"area", p.area, decimal},
		{"tech_prefix", p.tech, keypad},
	} {
		if strings.Trim(f.value, f.alphabet) != "" || len(f.value) > maxPrefix {
			errs = append(errs, fmt.Errorf("%s: %.40q is not up to %d of %s", f.name, f.value, maxPrefix, f.alphabet))
		}
	}
	switch {
	case p.localLength < 0 || p.localLength > maxLocal:
		errs = append(errs, fmt.Errorf("local_length: %d is not between 0 and %d", p.localLength, maxLocal))
	case p.localLength > 0 && p.area == "":
		errs = append(errs, errors.New("area: is needed to complete local numbers"))
	}
	return errors.Join(errs...)
}

func (p *Plan) setIDD(prefixes []string) error {
	if len(prefixes) == 0 {
		var err error
		if prefixes, err = countryIDD(p.country); err != nil {
			return fmt.Errorf("idd: %w", err)
		}
	}
	for _, prefix := range prefixes {
		if !isDigits(prefix) || len(prefix) > maxPrefix {
			return fmt.Errorf("idd: %.40q is not up to %d digits", prefix, maxPrefix)
		}
	}
	p.idd = slices.Clone(prefixes)
	slices.SortStableFunc(p.idd, func(a, b string) int { return len(b) - len(a) })
	return nil
}

func (p *Plan) setExtensions(expr string) error {
	if expr == "" {
		return nil
	}
	if len(expr) > maxExtension {
		return fmt.Errorf("extensions: longer than %d bytes", maxExtension)
	}
	if _, err := regexp.Compile(expr); err != nil {
		return fmt.Errorf("extensions: %w", err)
	}
	whole, err := regexp.Compile(`^(?:` + expr + `)$`)
	if err != nil { // \Q without \E is right alone and swallows the end here
		return fmt.Errorf("extensions: %q cannot stand for a whole number: %w", expr, err)
	}
	p.extensions = whole
	for _, probe := range [...]string{"", "+12125550123", "0012125550123", "01112125550123"} {
		if p.extensions.MatchString(probe) {
			return fmt.Errorf("extensions: %q matches %q, which is no extension", expr, probe)
		}
	}
	return nil
}

// setEmergency files the emergency numbers, which are compared as wholes. A
// phone that writes every number in full makes +112 of 112; nothing else can
// be meant by so few digits behind a +.
func (p *Plan) setEmergency(numbers []string) error {
	if len(numbers) == 0 {
		return errors.New("emergency: at least one number is needed")
	}
	p.exact = make(map[string]Number, 2*len(numbers))
	for _, number := range numbers {
		if !isDigits(number) || len(number) > maxShort {
			return fmt.Errorf("emergency: %.40q is not up to %d digits", number, maxShort)
		}
		n := Number{Kind: Emergency, Class: EmergencyClass, Flags: Protected}
		p.exact[number] = n
		n.Flags |= Normalised
		if len(number) <= maxPlus {
			p.exact["+"+number] = n
		}
	}
	return nil
}

// maxPlus is the length up to which digits behind a + cannot be an E.164
// number: the shortest there are have seven.
const maxPlus = 5

// exemptForms spells out every string that reaches an emergency number: as it
// is, behind the outside line or tech prefix, and with # at the end.
func (p *Plan) exemptForms() map[string]struct{} {
	forms := make(map[string]struct{})
	for number := range p.exact {
		for _, head := range [...]string{"", p.tech, p.outside, p.tech + p.outside} {
			forms[head+number] = struct{}{}
			forms[head+number+"#"] = struct{}{}
		}
	}
	return forms
}

// dropPhoneRules forgets what only a phone dials: on a trunk the digits are
// E.164.
func (p *Plan) dropPhoneRules() {
	p.outside, p.idd, p.nationalPrefix = "", nil, ""
	p.national, p.area, p.localLength = nil, "", 0
	p.extensions, p.carriers, p.features = nil, nil, nil
}

// Country returns the plan's home country, as ISO 3166 alpha-2 code.
func (p *Plan) Country() string { return p.country }

// Emergency reports whether the string, exactly as it is, reaches an emergency
// number. It is asked before anything else, and does not allocate. It never
// looks at a part of the string: 112 in front of a number is a trick.
func (p *Plan) Emergency(dialled string) bool {
	_, ok := p.exempt[dialled]
	return ok
}

// Internal reports whether the string is an extension of the PBX.
func (p *Plan) Internal(dialled string) bool {
	return p.extensions != nil && len(dialled) <= maxDialled && p.extensions.MatchString(dialled)
}
