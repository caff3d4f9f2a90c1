package numbering

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Flags say what was done to a dialled string to understand it, and what is
// odd about it.
type Flags uint32

// The flags stand in the order of their names, so that a walk over the bits is
// sorted.
const (
	AssumedIntl     Flags = 1 << iota // an international number without + or IDD prefix, or with a foreign one
	CarrierSelect                     // a carrier selection code was in front
	CrownDependency                   // Guernsey, Jersey or Man behind +44, at its own rates
	Embedded                          // the number stood behind a feature code
	Invalid                           // no such number exists in its country's plan
	JunkPrefix                        // digits in front of an international number, as prefix guessing leaves them
	Letters                           // a character that cannot be dialled
	LocalCompleted                    // the area code was added
	NANPOffshore                      // a country or territory behind +1 at international rates
	NoOutsidePrefix                   // the plan has an outside line code and it was not dialled
	Normalised                        // digits were changed to make the E.164 form, such as a trunk 0 after +31
	OutsidePrefix                     // the outside line code was in front
	OwnCountryIDD                     // the home country dialled through the IDD prefix
	Protected                         // emergency and help lines, which no rule may cut
	Separators                        // spaces, dots, brackets and the like were removed
	TechPrefix                        // the trunk's tech prefix was in front
)

var flagNames = [...]string{
	"assumed_intl", "carrier_select", "crown_dependency", "embedded",
	"invalid", "junk_prefix", "letters", "local_completed", "nanp_offshore",
	"no_outside_prefix", "normalised", "outside_prefix", "own_country_idd",
	"protected", "separators", "tech_prefix",
}

// Has reports whether every flag of g is set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// String returns the names of the set flags, sorted and separated by commas.
func (f Flags) String() string {
	var names []string
	for rest := uint32(f); rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest)
		if i >= len(flagNames) {
			return fmt.Sprintf("flags(%#x)", uint32(f))
		}
		names = append(names, flagNames[i])
	}
	return strings.Join(names, ",")
}

// ParseFlags reads what Flags.String writes; the order does not matter.
func ParseFlags(list string) (Flags, error) {
	var f Flags
	if list == "" {
		return 0, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.Index(flagNames[:], name)
		if i < 0 {
			return 0, fmt.Errorf("cannot find flag %q: it is one of %q", name, flagNames)
		}
		f |= 1 << i
	}
	return f, nil
}

// MarshalText returns what String does.
func (f Flags) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
