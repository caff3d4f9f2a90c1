package numbering

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// maxDialled bounds the work on one string, in bytes. No dial plan has numbers
// of that length; what is longer is an attack on us, not a call.
const maxDialled = 128

// A text is a dialled string reduced to what can be dialled: 0-9, +, * and #.
type text struct {
	s     string
	flags Flags
	// zero is where "(0)" was left out behind a country code, or -1.
	zero int
}

// clean decodes and undresses a dialled string. Text with any other character
// is not ok and flagged: libphonenumber would turn letters and foreign digits
// into digits, which no switch does.
func (p *Plan) clean(dialled string) (t text, ok bool) {
	if isDialable(dialled) {
		return text{s: dialled, zero: -1}, true
	}
	s := trimURI(decodePercent(dialled))
	t.zero = -1
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case strings.HasPrefix(s[i:], "(0)") && t.zero < 0 && p.endsAtCountry(string(out)):
			t.zero = len(out)
			t.flags |= Separators
			i += len("0)")
		case strings.IndexByte(` -().\/`, c) >= 0:
			t.flags |= Separators
		case isKey(c):
			out = append(out, c)
		default:
			t.flags |= Letters
			return t, false
		}
	}
	t.s = string(out)
	return t, true
}

// decodePercent decodes %XX. A % without two hexadecimal digits stays, and is
// then a character that cannot be dialled.
func decodePercent(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		out = append(out, c)
	}
	return string(out)
}

// trimURI reduces a SIP or tel URI to its user part without parameters.
func trimURI(s string) string {
	s = strings.TrimLeft(s, " ")
	for _, scheme := range [...]string{"sip:", "sips:", "tel:"} {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = s[len(scheme):]
			break
		}
	}
	if i := strings.IndexAny(s, ";@"); i >= 0 {
		s = s[:i]
	}
	return s
}

// endsAtCountry reports whether s ends with a country code as it stands in
// front of a number: behind + or an IDD prefix. There "(0)" is the trunk
// prefix of a business card, which is not dialled from abroad.
func (p *Plan) endsAtCountry(s string) bool {
	for n := 1; n <= 3 && n <= len(s); n++ {
		head, code := s[:len(s)-n], s[len(s)-n:]
		if !isCallingCode(code) {
			continue
		}
		if p.trunk && (head == "" || head == p.tech) {
			return true
		}
		for _, mark := range [...]string{"+", "00", "011"} {
			if strings.HasSuffix(head, mark) {
				return true
			}
		}
		if slices.ContainsFunc(p.idd, func(idd string) bool { return strings.HasSuffix(head, idd) }) {
			return true
		}
	}
	return false
}

// isCallingCode reports whether the digits are a country code in use.
func isCallingCode(digits string) bool {
	if !isDigits(digits) || digits[0] == '0' {
		return false
	}
	code := 0
	for i := range len(digits) {
		code = 10*code + int(digits[i]-'0')
	}
	return phonenumbers.GetRegionCodeForCountryCode(code) != phonenumbers.UNKNOWN_REGION
}

func isDialable(s string) bool {
	for i := range len(s) {
		if !isKey(s[i]) {
			return false
		}
	}
	return true
}

func isKey(c byte) bool { return isDigit(c) || c == '+' || c == '*' || c == '#' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
