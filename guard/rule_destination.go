package guard

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pbxguard/numbering"
)

// destination judges by what a number reaches: premium rates, satellites,
// networks without a country, and whatever is not understood.
var destination = rule{
	doc: doc{
		id: "destination", number: "R-002", star: true, table: true,
		title: "premium, satellite, international-network and unknown numbers",
		why:   "premium and satellite numbers share their price with whoever has them called",
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Class[a.class()]
		if act >= Kill && a.class() == numbering.Unknown && s.slip(a) {
			return Alert
		}
		return act
	},
	hit: func(_ *state, l *Limits, a *attempt) bool { return l.Class[a.class()] != Allow },
	say: func(_ *state, l *Limits, a *attempt) string {
		where := in(a.number.Region)
		switch {
		case l.Class[a.class()] == Allow:
			return fmt.Sprintf("%s%s is of class %s, which is allowed", a.shown(), where, a.class())
		case a.class() == numbering.Unknown:
			return fmt.Sprintf("call of %s to %s%s, a number that no numbering plan has", a.who(), a.shown(), where)
		}
		return fmt.Sprintf("%s call of %s to %s%s", a.class(), a.who(), a.shown(), where)
	},
}

// country judges by where a number lies.
var country = rule{
	doc: doc{
		id: "country", number: "R-003", star: true, table: true,
		title: "countries outside the allow list",
		why:   "lists of bad countries age within months; a list of the countries one calls does not",
	},
	when:   whenPlaced,
	action: func(_ *state, l *Limits, _ *attempt) Action { return l.CountryAction },
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.isForeign(a) && !l.Countries[a.number.Region]
	},
	say: func(s *state, l *Limits, a *attempt) string {
		allowed := strings.Join(slices.Sorted(maps.Keys(l.Countries)), " ")
		if allowed == "" {
			allowed = "none"
		}
		switch {
		case !s.isForeign(a):
			return "not an international call"
		case l.Countries[a.number.Region]:
			return countryName(a.number.Region) + " is on the allow list"
		}
		return fmt.Sprintf("call of %s to %s%s, which is not on the allow list (%s)",
			a.who(), a.shown(), in(a.number.Region), allowed)
	},
}

// class is what an attempt is judged as: a number that is not understood is
// held to be of the dearest class, whatever a part of it would be.
func (a *attempt) class() numbering.Class {
	if a.number.Kind == numbering.Unparseable {
		return numbering.Unknown
	}
	return a.number.Class
}

// shown is the number for people.
func (a *attempt) shown() string {
	if a.number.E164 != "" && !a.number.Candidate {
		return a.number.E164
	}
	if a.sent != "" {
		return a.sent
	}
	return a.dialled
}

// who names the payer and how it came to pay.
func (a *attempt) who() string {
	switch a.via {
	case "":
		return "extension " + a.payer.Name
	case "trunk":
		return "trunk " + a.payer.Name
	}
	return fmt.Sprintf("extension %s (by %s)", a.payer.Name, a.via)
}

// in says behind a number in which country it lies. Of a number that belongs to
// none, such as a satellite's, it says nothing.
func in(region string) string {
	if region == "" || region == noCountry {
		return ""
	}
	return " in " + region
}

// noCountry is the region of numbers that belong to no country.
const noCountry = "001"

// countryName names a region for people.
func countryName(region string) string {
	switch region {
	case "":
		return "an unknown country"
	case noCountry:
		return "a network of no country"
	}
	return region
}
