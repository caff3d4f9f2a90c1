package numbering

import "strings"

// targetNumber returns the number in one target of a dial string.
func targetNumber(target string) string {
	if uri := findURI(target); uri != "" {
		return user(uri)
	}
	if number, ok := freeswitchNumber(target); ok {
		return number
	}
	head, tail, at := strings.Cut(target, "@")
	if !at {
		return pathNumber(target)
	}
	// IAX2/user:secret@peer/number and SIP/user@host/number
	if _, path, found := strings.Cut(tail, "/"); found {
		number, _, _ := strings.Cut(path, "@")
		number, _, _ = strings.Cut(number, "/")
		if startsNumber(number) {
			return number
		}
	}
	return user(lastSegment(head))
}

// findURI returns what follows the scheme of a SIP or tel URI in a target.
func findURI(target string) string {
	for i := range len(target) {
		if i > 0 && target[i-1] != '/' {
			continue
		}
		for _, scheme := range [...]string{"sip:", "sips:", "tel:"} {
			if len(target)-i > len(scheme) && strings.EqualFold(target[i:i+len(scheme)], scheme) {
				return target[i+len(scheme):]
			}
		}
	}
	return ""
}

// user cuts a URI after its user, and never returns a password.
func user(uri string) string {
	if i := strings.IndexAny(uri, "@:;"); i >= 0 {
		return uri[:i]
	}
	return uri
}

// freeswitchNumber returns the number of the endpoints of FreeSWITCH, whose
// place is fixed.
func freeswitchNumber(target string) (number string, ok bool) {
	module, rest, found := strings.Cut(target, "/")
	if !found {
		return "", false
	}
	switch {
	case strings.EqualFold(module, "sofia"):
		profile, number, found := strings.Cut(rest, "/")
		if strings.EqualFold(profile, "gateway") {
			_, number, found = strings.Cut(number, "/")
		}
		return cutDomain(number), found
	case strings.EqualFold(module, "loopback"), strings.EqualFold(module, "user"):
		number, _, _ := strings.Cut(rest, "/")
		return user(number), true
	}
	return "", false
}

// cutDomain cuts the domain of sofia/profile/user@domain and user%domain. A %
// that encodes something one can dial is no such mark.
func cutDomain(number string) string {
	for i := range len(number) {
		switch {
		case number[i] == '@':
			return number[:i]
		case number[i] == '%' && !encodesKey(number[i+1:]):
			return number[:i]
		}
	}
	return number
}

// encodesKey reports whether two hexadecimal digits stand for a character of a
// number or a URI.
func encodesKey(s string) bool {
	if len(s) < 2 || !isHex(s[0]) || !isHex(s[1]) {
		return false
	}
	c := unhex(s[0])<<4 | unhex(s[1])
	return isKey(c) || strings.IndexByte(" -().:;@/", c) >= 0
}

// pathNumber returns the number of Tech/peer/number, peer/number, or number,
// without the options of Local or a host behind it.
func pathNumber(target string) string {
	last := lastSegment(target)
	if !isHost(last) && !isOption(last) || len(last) == len(target) {
		return last
	}
	before := lastSegment(target[:len(target)-len(last)-1])
	if startsNumber(before) {
		return before
	}
	return last
}

func lastSegment(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

func startsNumber(s string) bool {
	return s != "" && (isKey(s[0]) || s[0] == '%' || s[0] == '(')
}

// isHost reports whether s is an IPv4 address, perhaps with a port.
func isHost(s string) bool {
	host, _, _ := strings.Cut(s, ":")
	return strings.Count(host, ".") == 3 && strings.Trim(host, decimal+".") == ""
}

// isOption reports whether s is a list of one-letter options.
func isOption(s string) bool {
	return len(s) <= 4 && strings.Trim(s, "bcjmn") == ""
}
