package numbering

import (
	"fmt"
	"slices"

	"github.com/nyaruka/phonenumbers"
)

// DefaultProfile returns what is known of a country's dial plan, given its ISO
// 3166 alpha-2 code: IDD and national prefixes and emergency numbers from
// libphonenumber's metadata, short numbers and carrier codes where this
// package knows them. The site's own facts (outside line, area, extensions)
// are left empty.
func DefaultProfile(country string) (Profile, error) {
	meta, err := metadata(country)
	if err != nil {
		return Profile{}, err
	}
	p := Profile{
		Country:        country,
		NationalPrefix: meta.GetNationalPrefix(),
		FeatureCodes:   slices.Clone(featureCodes),
	}
	if p.IDD, err = countryIDD(country); err != nil {
		return Profile{}, err
	}
	if p.Emergency, err = countryEmergency(country); err != nil {
		return Profile{}, err
	}
	if area := meta.GetLeadingDigits(); meta.GetCountryCode() == 1 && isDigits(area) {
		p.Area, p.LocalLength = area, 7 // an island with one area code
	}
	local := countries[country]
	p.Protected = slices.Clone(local.protected)
	p.Directory = slices.Clone(local.directory)
	p.CarrierSelect = slices.Clone(local.carriers)
	p.National = slices.Clone(local.national)
	if slices.Contains(harmonisedCountries, country) {
		p.Harmonised = []string{"116xxx"}
	}
	return p, nil
}

// metadata returns libphonenumber's entry for a country.
func metadata(country string) (*phonenumbers.PhoneMetadata, error) {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil, fmt.Errorf("cannot load number metadata: %w", err)
	}
	for _, meta := range all.GetMetadata() {
		if meta.GetId() == country && country != worldRegion {
			return meta, nil
		}
	}
	return nil, fmt.Errorf("country: %q is not a country with a telephone network", country)
}

// countryIDD returns a country's IDD prefixes. China's carriers have thousands
// of them; then only the common one counts.
func countryIDD(country string) ([]string, error) {
	meta, err := metadata(country)
	if err != nil {
		return nil, err
	}
	list, err := expand(meta.GetInternationalPrefix())
	if preferred := meta.GetPreferredInternationalPrefix(); err != nil && isDigits(preferred) {
		return []string{preferred}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list IDD prefixes of %s: %w", country, err)
	}
	return list, nil
}

// countryEmergency returns a country's emergency numbers. 112 and 911 are
// known to callers everywhere, and most networks route them.
func countryEmergency(country string) ([]string, error) {
	if own := countries[country].emergency; own != nil {
		return slices.Clone(own), nil
	}
	everywhere := []string{"112", "911"}
	all, err := phonenumbers.ShortNumberMetadataCollection()
	if err != nil {
		return nil, fmt.Errorf("cannot load short number metadata: %w", err)
	}
	for _, meta := range all.GetMetadata() {
		expr := meta.GetEmergency().GetNationalNumberPattern()
		if meta.GetId() != country || expr == "" || expr == "NA" {
			continue
		}
		list, err := expand(expr)
		if err != nil {
			return nil, fmt.Errorf("cannot list emergency numbers of %s: %w", country, err)
		}
		list = append(list, everywhere...)
		slices.Sort(list)
		return slices.Compact(list), nil
	}
	return everywhere, nil
}

// A country is what libphonenumber does not know of a dial plan.
type country struct {
	emergency []string // nil leaves it to the metadata
	protected []string
	directory []string
	carriers  []string
	national  []string
}

// countries holds the short numbers and carrier codes known here, from the
// national number plans. A number on no list is Unknown, never free.
var countries = map[string]country{
	"NL": {
		emergency: []string{"112", "911"},
		protected: []string{"113", "144", "+319008844", "+318008112", "+318000113"},
		directory: []string{"18xx"},
		carriers:  []string{"16xx"},
		national:  []string{"14xxx", "14xxxx"},
	},
	"US": {
		emergency: []string{"911", "112"},
		protected: []string{"988", "933", "211", "311"},
		directory: []string{"411"},
		carriers:  []string{"101xxxx"},
	},
	"GB": {
		emergency: []string{"999", "112"},
		protected: []string{"101", "111", "105"},
		directory: []string{"118xxx"},
	},
	"DE": {
		emergency: []string{"110", "112"},
		protected: []string{"115"},
		directory: []string{"118xx", "118xxx"},
		carriers:  []string{"010xx", "0100xx"},
	},
	"CA": {
		protected: []string{"988", "211", "311", "811"},
		directory: []string{"411"},
		carriers:  []string{"101xxxx"},
	},
	"AT": {protected: []string{"140", "141", "142", "147"}, directory: []string{"118xxx"}},
	"AU": {national: []string{"13xxxx", "1300xxxxxx", "180xxxx", "1800xxxxxx", "190xxxxx", "1900xxxxxx"}},
	"BE": {protected: []string{"102", "103", "106", "107", "110", "1722", "1733"}, directory: []string{"1207", "1307", "1407"}},
	"CH": {protected: []string{"143", "145", "147"}, directory: []string{"18xx"}},
	"ES": {protected: []string{"016", "024", "061", "062", "091", "092"}, directory: []string{"118xx"}},
	"FR": {protected: []string{"114", "115", "119", "191", "196", "197", "3114", "3919"}, directory: []string{"118xxx"}},
	"IE": {directory: []string{"118xx"}, national: []string{"1800xxxxxx", "15xxxxxxxx"}},
	"IL": {national: []string{"15xxxxxxxx", "17xxxxxxxx", "18xxxxxxxx", "19xxxxxxxx"}},
	"IT": {protected: []string{"114", "117", "1522", "1530"}, directory: []string{"12xx"}},
	"NO": {directory: []string{"18xx"}},
	"SE": {protected: []string{"11313", "11414", "1177"}, directory: []string{"118xxx"}},
}

// harmonisedCountries opened the 116 range for helplines: the European Union
// and its neighbours.
var harmonisedCountries = []string{
	"AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR",
	"GB", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT",
	"NL", "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK",
}

// featureCodes are those of FreePBX, FusionPBX and the GSM standard. The last
// ones take any code in the form that North America's vertical services have.
var featureCodes = []string{
	"*21*", "*61*", "*62*", "*67*", "*002*", "*004*", // forward, GSM style
	"**21*", "**61*", "**62*", "**67*", "**002*", "**004*",
	"*72", "*73", "*90", "*91", "*92", "*52", "*53", // forward
	"*31#", "#31#", "*31*", // hide the caller's number for one call
	"**",        // pick up
	"*x", "*xx", // any other
	"#xx", "*#xx", "##xx",
}
