package numbering

// A special is a range whose class libphonenumber does not know, or calls by a
// name that hides what it costs.
type special struct {
	class Class
	// sure means that the class stands even when libphonenumber thinks the
	// number invalid: it knows little of the range.
	sure bool
}

// specials maps prefixes of E.164 digits to their class. Every entry differs
// from what libphonenumber's metadata says about the range, or is one of its
// non-geographical codes.
var specials = map[string]special{
	"800":   {class: TollFree, sure: true},
	"808":   {class: SharedCost, sure: true},
	"870":   {class: Satellite, sure: true}, // Inmarsat; the metadata says mobile
	"878":   {class: IntlNetworkClass, sure: true},
	"881":   {class: Satellite, sure: true}, // Iridium, Globalstar; the metadata says mobile
	"882":   {class: IntlNetworkClass, sure: true},
	"88213": {class: Satellite, sure: true}, // EMSAT
	"88216": {class: Satellite, sure: true}, // Thuraya; the metadata says VoIP
	"883":   {class: IntlNetworkClass, sure: true},
	"888":   {class: IntlNetworkClass, sure: true},
	"979":   {class: Premium, sure: true},

	"3184": {class: Personal}, // the metadata has one UAN class for 084, 087, 088 and 14
	"3187": {class: Personal},
	"3197": {class: M2M},        // the metadata says mobile
	"4484": {class: SharedCost}, // service charge numbers; the metadata says premium
	"4487": {class: SharedCost},
	"4932": {class: VoIP, sure: true}, // not geographic, as the metadata has some
}

// The length of the keys of specials.
const minSpecial, maxSpecial = 3, 5

// findSpecial returns the longest prefix of E.164 digits that is special.
func findSpecial(digits string) (special, bool) {
	for n := min(maxSpecial, len(digits)); n >= minSpecial; n-- {
		if s, ok := specials[digits[:n]]; ok {
			return s, true
		}
	}
	return special{}, false
}

// crownDependencies are the islands behind +44.
var crownDependencies = []string{"GG", "JE", "IM"}

// crownPrefixes are the ranges of the Crown dependencies. For valid numbers
// libphonenumber names the island; of the others it only knows +44.
var crownPrefixes = [...]string{
	"441481", "447781", "447839", // Guernsey
	"441534", "447509", "447797", "447937", // Jersey
	"441624", "447524", "447624", "447924", // Isle of Man
}

// isNANP976 reports whether E.164 digits are of the 976 exchange, which is
// premium in every area of the United States and Canada.
func isNANP976(digits string) bool {
	return len(digits) == 11 && digits[0] == '1' && digits[4:7] == "976"
}
