package numbering

import "strings"

// DialTargets appends to buf the numbers in a dial string, one for each
// target, and returns it. It reads Asterisk's DialString
// ("0031900@trunk", "PJSIP/0031900@trunk&SIP/trunk/0032", with or without the
// technology in front) and FreeSWITCH's bridge strings
// ("{vars}[vars]sofia/gateway/gw/number,…|…"). The numbers are parts of
// dialString as they stand there, for Normalise to judge: one call may ring a
// colleague and, at once, a premium number.
func DialTargets(dialString string, buf []string) []string {
	s := dialString
	for n := 1; s != ""; n++ {
		target := trimVars(s)
		s = ""
		if n < maxTargets {
			target, s = cutTarget(target)
		}
		if target = strings.Trim(target, " "); target != "" {
			buf = append(buf, targetNumber(target))
		}
	}
	return buf
}

// maxTargets bounds the work on one dial string. What is left of a longer one
// comes out as one target, which no plan understands.
const maxTargets = 64

// cutTarget cuts the first target off.
func cutTarget(s string) (target, rest string) {
	for i := range len(s) {
		switch {
		case strings.IndexByte("&|,", s[i]) >= 0:
			return s[:i], s[i+1:]
		case strings.HasPrefix(s[i:], enterprise):
			return s[:i], s[i+len(enterprise):]
		}
	}
	return s, ""
}

// enterprise separates the groups of FreeSWITCH's enterprise originate.
const enterprise = ":_:"

// trimVars removes the groups of variables in front of a target.
func trimVars(s string) string {
	for {
		s = strings.TrimLeft(s, " ")
		end := groupEnd(s)
		if end == 0 {
			return s
		}
		s = s[end:]
	}
}

// groupEnd returns where the bracketed group at the start of s ends, or 0 when
// there is none or it is never closed.
func groupEnd(s string) int {
	if s == "" {
		return 0
	}
	var closing byte
	switch s[0] {
	case '{':
		closing = '}'
	case '[':
		closing = ']'
	case '<':
		closing = '>'
	default:
		return 0
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case s[0]:
			depth++
		case closing:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
