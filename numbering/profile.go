package numbering

// A Profile is a dial plan in words an administrator can write. Start from
// DefaultProfile, which knows the country, and add what only the site knows:
// the outside line, the area and the extensions.
//
// Numbers in lists are digits, in which x stands for any one digit where the
// field says that patterns are allowed.
type Profile struct {
	// Country is the home country, as ISO 3166 alpha-2 code ("NL").
	Country string `toml:"country"`

	// OutsideLine is what a phone dials first to get a line ("9" or "0");
	// empty when numbers are dialled as they are.
	OutsideLine string `toml:"outside_line"`

	// IDD lists the prefixes in front of an international number ("00",
	// "011"). Empty means those of the country.
	IDD []string `toml:"idd"`

	// NationalPrefix is the trunk prefix in front of a national number ("0" in
	// the Netherlands, "1" in North America); empty in countries that have
	// none, where a national number is dialled as it is.
	NationalPrefix string `toml:"national_prefix"`

	// National lists patterns of national numbers that are dialled without the
	// national prefix, such as the Dutch municipalities' "14xxx".
	National []string `toml:"national"`

	// Area is the area code added to a local number, without the national
	// prefix ("20" for Amsterdam). Needed when LocalLength is set.
	Area string `toml:"area"`

	// LocalLength is the number of digits of a local number; 0 when local
	// numbers are not dialled without their area code.
	LocalLength int `toml:"local_length"`

	// Extensions is a regular expression (RE2) that matches the whole of every
	// internal number, and nothing else. Empty means that there are none.
	Extensions string `toml:"extensions"`

	// Emergency lists the numbers which are never counted, cut, locked or
	// banned. They are compared as whole strings, never as prefixes, so
	// patterns are not allowed.
	Emergency []string `toml:"emergency"`

	// Harmonised lists patterns of the European helplines ("116xxx").
	Harmonised []string `toml:"harmonised"`

	// Protected lists further numbers that no rule may cut: patterns of short
	// numbers ("144"), or full numbers with + and country code
	// ("+319008844", the Dutch police).
	Protected []string `toml:"protected"`

	// Directory lists patterns of directory enquiries ("18xx"), short numbers
	// that are often very dear.
	Directory []string `toml:"directory"`

	// Short lists patterns of other short numbers that are in ordinary use,
	// such as the carrier's voice mail. A short number on no list is Unknown.
	Short []string `toml:"short"`

	// CarrierSelect lists patterns of the codes that choose a carrier for one
	// call ("16xx", "010xx", "101xxxx"). What follows is the number.
	CarrierSelect []string `toml:"carrier_select"`

	// FeatureCodes lists patterns of the codes that switch a feature of the
	// PBX ("*72", "*21*"). What follows, if anything, is a number that the
	// feature acts on. A code written with x is taken for a feature without a
	// number when up to four digits follow that are nothing else.
	FeatureCodes []string `toml:"feature_codes"`

	// TechPrefix is what the PBX puts in front of every number on this trunk
	// ("7788#"), for the carrier to know the customer or the route by.
	TechPrefix string `toml:"tech_prefix"`

	// Trunk says that this is the plan of a trunk that takes E.164 digits
	// without +. Then OutsideLine, IDD, NationalPrefix, National, Area,
	// Extensions, CarrierSelect and FeatureCodes mean nothing; the lists still
	// count, because an emergency call leaves on a trunk too.
	Trunk bool `toml:"trunk"`
}
