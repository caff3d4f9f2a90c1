package drill

import (
	"strings"

	"pbxguard/numbering"
)

// Home returns what makes a number of a country of an invented one of the
// Netherlands: a mobile's of a mobile's, and a fixed line's of any other, each
// with the same last digits as far as the country has such numbers. It is nil
// for the Netherlands, and for a country of which no example is known.
func Home(country string) func(e164 string) string {
	fixed, mobile := numbering.Examples(country)
	if country == "NL" || fixed == "" {
		return nil
	}
	if mobile == "" {
		mobile = fixed
	}
	return remembered(func(e164 string) string {
		like := fixed
		if strings.HasPrefix(e164, "+316") {
			like = mobile
		}
		const last = 4
		if n := like[:len(like)-last] + e164[len(e164)-last:]; numbering.Valid(n) {
			return n
		}
		return like
	})
}

// Code is the calling code of a country, with a +, or "" for the Netherlands.
func Code(country string) string {
	if country == "NL" {
		return ""
	}
	return numbering.CallingCode(country)
}
