package numbering

import (
	"fmt"
	"slices"
	"strings"
)

// The characters that may stand in a pattern besides x.
const (
	decimal = "0123456789"
	keypad  = decimal + "*#"
)

// A pattern is a string of digits in which x stands for any digit. It is small
// enough that a walk over a dial plan's few beats a regular expression.
type pattern string

func parsePattern(s, alphabet string, longest int) (pattern, error) {
	lower := strings.ToLower(s)
	if lower == "" || len(lower) > longest || strings.Trim(lower, alphabet+"x") != "" {
		return "", fmt.Errorf("%.40q is not up to %d of %s and x", s, longest, alphabet)
	}
	return pattern(lower), nil
}

// prefixes reports whether s starts with the pattern.
func (p pattern) prefixes(s string) bool {
	if len(s) < len(p) {
		return false
	}
	for i := range len(p) {
		if p[i] != s[i] && (p[i] != 'x' || !isDigit(s[i])) {
			return false
		}
	}
	return true
}

func (p pattern) matches(s string) bool { return len(s) == len(p) && p.prefixes(s) }

// literal reports whether the pattern stands for itself only.
func (p pattern) literal() bool { return strings.IndexByte(string(p), 'x') < 0 }

// sortPatterns puts the patterns in the order in which cutLongest tries them:
// a longer one first, and of the same length a literal one first.
func sortPatterns(list []pattern) {
	slices.SortStableFunc(list, func(a, b pattern) int {
		switch {
		case len(a) != len(b):
			return len(b) - len(a)
		case a.literal() && !b.literal():
			return -1
		case b.literal() && !a.literal():
			return 1
		}
		return 0
	})
}

// cutLongest cuts the longest of the sorted patterns from the front of s.
func cutLongest(list []pattern, s string) (cut pattern, rest string, ok bool) {
	for _, p := range list {
		if p.prefixes(s) {
			return p, s[len(p):], true
		}
	}
	return "", s, false
}

func matchesAny(list []pattern, s string) bool {
	return slices.ContainsFunc(list, func(p pattern) bool { return p.matches(s) })
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isDigits reports whether s is one or more ASCII digits.
func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}
