package numbering

import (
	"fmt"

	"github.com/nyaruka/phonenumbers"
)

// Examples are a fixed line's and a mobile's number of a country in E.164, as
// its plan is illustrated with; "" where it has none.
func Examples(country string) (fixed, mobile string) {
	of := func(kind phonenumbers.PhoneNumberType) string {
		n := phonenumbers.GetExampleNumberForType(country, kind)
		if n == nil {
			return ""
		}
		return phonenumbers.Format(n, phonenumbers.E164)
	}
	return of(phonenumbers.FIXED_LINE), of(phonenumbers.MOBILE)
}

// Valid says whether a number in E.164, with its +, is one that its country's
// plan has.
func Valid(e164 string) bool {
	n, err := phonenumbers.Parse(e164, worldRegion)
	return err == nil && phonenumbers.IsValidNumber(n)
}

// CallingCode is the code of a country, with a +, or "" if there is no such
// country.
func CallingCode(country string) string {
	if code := phonenumbers.GetCountryCodeForRegion(country); code != 0 {
		return fmt.Sprint("+", code)
	}
	return ""
}
