// Package numbering turns dialled digits into E.164 numbers and says what they
// reach.
//
// A number means nothing without the dial plan of the place where it was seen:
// 000972… is an international call on a PBX whose outside line is 0, and a
// fraudster guessing prefixes on one that has none. A Plan is compiled from a
// Profile and judges numbers in it; a call is judged once in the plan of the
// PBX (what the phone dialled) and once in that of the trunk (what was sent).
//
// Whatever is not understood is never domestic: its class is Unknown, which
// policy treats as the dearest one.
package numbering

import "fmt"

// A Kind says how a dialled string was understood.
type Kind uint8

// The zero Kind is Unparseable, so that a Number nobody filled in is neither
// an emergency call nor a domestic one.
const (
	Unparseable   Kind = iota // not understood in this dial plan
	Emergency                 // exactly a number of the emergency list
	Harmonised                // European harmonised service, 116xxx
	Short                     // listed short number: protected, directory or ordinary
	Internal                  // extension of this PBX
	Feature                   // feature code, perhaps with a number behind it
	National                  // E.164 number of the home country
	International             // E.164 number of another country
	IntlNetwork               // country code that belongs to no country
)

var kindNames = [...]string{
	Unparseable:   "unparseable",
	Emergency:     "emergency",
	Harmonised:    "harmonised",
	Short:         "short",
	Internal:      "internal",
	Feature:       "feature",
	National:      "national",
	International: "international",
	IntlNetwork:   "intl_network",
}

// String returns the kind's name, such as "intl_network".
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// MarshalText returns the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// A Number is what a dialled string turned out to be.
type Number struct {
	Kind Kind
	// E164 is the number reached, with its +; "" when there is none (short
	// numbers, extensions) or none was found. When Candidate is set it is only
	// what the digits seem to be aimed at.
	E164 string
	// Region is the ISO 3166 alpha-2 code of the country reached, "001" for
	// the international networks, "" without a number.
	Region string
	Class  Class
	Flags  Flags
	// Candidate says that E164 is a guess: the string as dialled is not a
	// number of this plan, but a valid one is hidden in it.
	Candidate bool
}

// IsEmergency reports whether the number is exempt from every rule: it is
// exactly a number of the plan's emergency list.
func (n Number) IsEmergency() bool { return n.Kind == Emergency }
