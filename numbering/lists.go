package numbering

import (
	"errors"
	"fmt"
	"strings"
)

// setLists files the short numbers. The first list that has a number decides,
// so a helpline stays protected though a site lists its range as directory.
func (p *Plan) setLists(profile Profile) error {
	protected, err := p.setProtected(profile.Protected)
	errs := []error{err}
	for _, l := range [...]struct {
		field    string
		patterns []string
		number   Number
	}{
		{"harmonised", profile.Harmonised, Number{Kind: Harmonised, Class: ShortCode, Flags: Protected}},
		{"protected", protected, Number{Kind: Short, Class: ShortCode, Flags: Protected}},
		{"directory", profile.Directory, Number{Kind: Short, Class: Directory}},
		{"short", profile.Short, Number{Kind: Short, Class: ShortCode}},
	} {
		patterns, err := parsePatterns(l.field, l.patterns, decimal, maxShort)
		errs = append(errs, err)
		p.lists = append(p.lists, list{patterns, l.number})
	}
	return errors.Join(errs...)
}

// setProtected files the full numbers and returns the short ones.
func (p *Plan) setProtected(numbers []string) (short []string, err error) {
	p.protected = make(map[string]struct{})
	for _, number := range numbers {
		digits, full := strings.CutPrefix(number, "+")
		switch {
		case !full && len(number) > maxShort:
			return nil, fmt.Errorf("protected: %.40q has more than %d digits: write it with + and country code", number, maxShort)
		case !full:
			short = append(short, number)
		case !isDigits(digits) || len(digits) > maxDigits:
			return nil, fmt.Errorf("protected: %.40q is not + and up to %d digits", number, maxDigits)
		default:
			p.protected[number] = struct{}{}
		}
	}
	return short, nil
}

// setPatterns compiles what is cut from the front of a number, and the
// national numbers without a prefix.
func (p *Plan) setPatterns(profile Profile) error {
	var errs [3]error
	p.national, errs[0] = parsePatterns("national", profile.National, decimal, maxDigits)
	p.carriers, errs[1] = parsePatterns("carrier_select", profile.CarrierSelect, keypad, maxPrefix)
	p.features, errs[2] = parsePatterns("feature_codes", profile.FeatureCodes, keypad, maxPrefix)
	sortPatterns(p.carriers)
	sortPatterns(p.features)
	return errors.Join(errs[:]...)
}

func parsePatterns(field string, list []string, alphabet string, longest int) ([]pattern, error) {
	patterns := make([]pattern, 0, len(list))
	for _, s := range list {
		p, err := parsePattern(s, alphabet, longest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

// listed returns what the plan's lists say about a number as a whole.
func (p *Plan) listed(s string) (Number, bool) {
	if n, ok := p.exact[s]; ok {
		return n, true
	}
	for _, l := range p.lists {
		if matchesAny(l.patterns, s) {
			return l.number, true
		}
	}
	return Number{}, false
}
