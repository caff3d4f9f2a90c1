package numbering

import (
	"fmt"
	"slices"
)

// A Class groups destinations by what a call to them costs and how fraud uses
// them.
type Class uint8

// The zero Class belongs to numbers which cost nothing, such as extensions.
// Unknown is the opposite: nothing is known, so policy assumes the dearest.
const (
	NoClass Class = iota
	Geographic
	Mobile
	FixedOrMobile
	Premium
	SharedCost
	Personal
	Satellite
	IntlNetworkClass
	TollFree
	UAN
	VoIP
	M2M
	Pager
	Directory
	ShortCode
	EmergencyClass
	Unknown
)

var classNames = [...]string{
	NoClass:          "",
	Geographic:       "geographic",
	Mobile:           "mobile",
	FixedOrMobile:    "fixed_or_mobile",
	Premium:          "premium",
	SharedCost:       "shared_cost",
	Personal:         "personal",
	Satellite:        "satellite",
	IntlNetworkClass: "intl_network",
	TollFree:         "toll_free",
	UAN:              "uan",
	VoIP:             "voip",
	M2M:              "m2m",
	Pager:            "pager",
	Directory:        "directory",
	ShortCode:        "short",
	EmergencyClass:   "emergency",
	Unknown:          "unknown",
}

// String returns the class's name, such as "toll_free", and "" for NoClass.
func (c Class) String() string {
	if int(c) >= len(classNames) {
		return fmt.Sprintf("class(%d)", uint8(c))
	}
	return classNames[c]
}

// ParseClass returns the class of that name. The empty name is an error: an
// administrator who writes a class means one.
func ParseClass(name string) (Class, error) {
	i := slices.Index(classNames[:], name)
	if i <= 0 {
		return NoClass, fmt.Errorf("cannot find class %q: it is one of %q", name, classNames[1:])
	}
	return Class(i), nil
}

// MarshalText returns the class's name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a name as ParseClass does.
func (c *Class) UnmarshalText(text []byte) error {
	parsed, err := ParseClass(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
