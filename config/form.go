package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// form is what a text must look like. An error is the reason to be told.
type form struct {
	name  string // in [Reference]
	check func(string) error
}

// forms are what the tag "is" names.
var forms = map[string]form{
	"name":       {"name", matching(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`, "must be a name of letters, digits, and - _ . between them")},
	"address":    {"host:port", checkAddress},
	"host":       {"host name", checkHost},
	"loopback":   {"loopback address:port", checkLoopback},
	"user":       {"user name or id", matching(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$`, "must be the name or the number of a user")},
	"sound":      {"name of a sound file", matching(`^([A-Za-z0-9_/][A-Za-z0-9_./:-]{0,199})?$`, "must be the name of a sound file, of letters, digits, and _ . / : -")},
	"path":       {"path", checkPath},
	"file":       {"path", checkFile},
	"socket":     {"path", checkSocket},
	"mail":       {"mail address", matching(`^[^\s@<>"(),:;\\[\]]{1,64}@[A-Za-z0-9.-]{1,190}$`, "must be a mail address, such as \"duty@example.org\"")},
	"url":        {"URL", matching(`^https?://[^\s]{1,999}$`, "must be a URL that begins with https:// or, on this host, http://")},
	"glob":       {"name, * or ?", checkGlob},
	"extensions": {"name, range, * or ?", func(s string) error { _, err := parseSpan(s); return err }},
	"regexp":     {"regular expression", checkRegexp},
	"zone":       {"time zone", checkZone},
	"country":    {"country code", checkCountry},
	"calendar":   {"country code", checkCalendar},
	"date":       {"date", checkDate},
	"allowed":    {"address, prefix or DNS name", checkAllowed},
	"digits":     {"digits", matching(`^[0-9]{1,15}$`, "must be digits")},
	"keys":       {"digits, * or #", matching(`^[0-9*#]{1,15}$`, "must be what a telephone can dial: digits, * and #")},
	"pattern":    {"digits, * or #, and x for any digit", matching(`^[0-9*#xX]{1,20}$`, "must be digits, * or #, with x for any digit")},
	"numbers":    {"full number with x for any digit", matching(`^\+[0-9]{2,15}[xX]{0,8}$`, "must be + and the full number, with x for any digit at its end")},
	"number":     {"short number, or + and the full number", matching(`^([0-9xX]{1,15}|\+[0-9]{4,15})$`, "must be a short number, or + and the full number")},
}

func matching(expr, reason string) func(string) error {
	re := regexp.MustCompile(expr)
	return func(s string) error {
		if !re.MatchString(s) {
			return errors.New(reason)
		}
		return nil
	}
}

// CheckCountry returns an error unless s is the ISO 3166 code of a country.
func CheckCountry(s string) error { return checkCountry(s) }

func checkAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || checkHost(host) != nil {
		return errors.New(`must be host:port, such as "127.0.0.1:5038" or "[::1]:5038"`)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("the port must be 1 to 65535")
	}
	return nil
}

// checkLoopback takes where the gate may listen: nobody outside may ask.
func checkLoopback(s string) error {
	at, err := netip.ParseAddrPort(s)
	if err != nil || !at.Addr().Unmap().IsLoopback() || at.Addr().Zone() != "" || at.Port() == 0 {
		return errors.New(`must be a loopback address and a port, such as "127.0.0.1:4573" or "[::1]:4573"`)
	}
	return nil
}

// checkHost takes an address or a DNS name. The last label of a name begins
// with a letter, so that 203.0.113.300 is not taken for one.
func checkHost(s string) error {
	if _, err := netip.ParseAddr(s); err == nil {
		return nil
	}
	if len(s) > 253 || !isHostName(s) {
		return errors.New("must be an address or a host name")
	}
	return nil
}

// isHostName says whether s is labels of letters, digits, _ and - with dots in
// between and perhaps one behind. No label begins or ends with -, and the last
// has no _.
func isHostName(s string) bool {
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for i, label := range labels {
		last := i == len(labels)-1
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || last && !isLetter(label[0]) {
			return false
		}
		for _, c := range []byte(label) {
			if !isLetter(c) && (c < '0' || c > '9') && c != '-' && (c != '_' || last) {
				return false
			}
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func checkAllowed(s string) error {
	if !strings.Contains(s, "/") {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() != "" {
			return errors.New("must be an address without the name of an interface")
		}
		if checkHost(s) != nil {
			return errors.New("must be an address, a prefix such as 203.0.113.0/24, or a DNS name")
		}
		return nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return errors.New("must be a prefix such as 203.0.113.0/24 or 2001:db8::/32")
	case p.Masked() != p:
		return fmt.Errorf("has address bits behind its length; is %s meant?", p.Masked())
	case p.Bits() == 0:
		return errors.New("allows everybody; to ban nobody, set mode to \"observe\"")
	}
	return nil
}

func checkPath(s string) error {
	if !filepath.IsAbs(s) || strings.HasSuffix(s, "/") && s != "/" {
		return errors.New("must be a path that begins with / and does not end with it")
	}
	return nil
}

// checkFile takes a path that may be relative to the configuration file.
func checkFile(s string) error {
	if strings.HasSuffix(s, "/") {
		return errors.New("must be a file, not a directory")
	}
	return nil
}

// maxSocket is what fits into struct sockaddr_un besides the closing zero.
const maxSocket = 107

func checkSocket(s string) error {
	if len(s) > maxSocket {
		return fmt.Errorf("must not be longer than %d bytes, which the kernel allows a socket", maxSocket)
	}
	return checkPath(s)
}

// checkGlob takes names in which * and ? stand for other characters. What
// looks like another kind of pattern is refused, since it would match nothing.
func checkGlob(s string) error {
	switch {
	case s == "" || len(s) > 128:
		return errors.New("must be a name of 1 to 128 characters")
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return errors.New("must be a name without spaces")
	case strings.ContainsAny(s, `[]()|\^$`):
		return errors.New("only * and ? stand for other characters here")
	}
	return nil
}

func checkRegexp(s string) error {
	if s == "" {
		return nil // there are none
	}
	if len(s) > 1000 {
		return errors.New("must not be longer than 1000 bytes")
	}
	_, err := regexp.Compile(s)
	var fault *syntax.Error
	if errors.As(err, &fault) {
		return fmt.Errorf("is no regular expression: %s", fault.Code)
	}
	// Whole it may be right and yet not be a part of another, as \Qx is.
	whole, err := regexp.Compile("^(?:" + s + ")$")
	switch {
	case err != nil:
		return errors.New("is no regular expression that ends where it should")
	case whole.MatchString(""):
		return errors.New("matches the empty text, which is no number")
	}
	return nil
}

func checkZone(s string) error {
	if _, err := time.LoadLocation(s); err != nil {
		return errors.New(`must be a time zone that this host knows, such as "Europe/Amsterdam"`)
	}
	return nil
}

// otherCodes are codes that people take for those of ISO 3166.
var otherCodes = map[string]string{"UK": "GB", "EL": "GR", "EN": "GB", "SP": "ES", "JA": "JP"}

func checkCountry(s string) error {
	upper := strings.ToUpper(s)
	if better := otherCodes[upper]; better != "" {
		upper = better
	}
	switch {
	case !phonenumbers.GetSupportedRegions()[upper]:
		return errors.New(`must be a country code of two capital letters, such as "NL"`)
	case upper != s:
		return fmt.Errorf("must be a country code of two capital letters; is %q meant?", upper)
	}
	return nil
}

func checkDate(s string) error {
	_, err := parseDay(s)
	return err
}
