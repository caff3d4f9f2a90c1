// Package report writes what the guard knows for people, and as JSON for
// machines. Whatever came from the network passes through [Safe] on its way to
// a person.
package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxForeign is how many bytes of one foreign text are shown. SIP names and
// numbers are far shorter; what is longer is an attack on the reader.
const maxForeign = 256

// maxEscape is how many bytes stand for one at most: \xNN.
const maxEscape = 4

// Safe makes a text from the network harmless to a terminal, a log and a
// reader: only printable characters and plain spaces stay. Anything else, so
// control characters, escape sequences, characters that reverse or hide text
// and broken UTF-8, is spelt out as \xNN (a byte) or \u{...} (a code point).
// What is longer than 256 bytes is cut, and an ellipsis says so.
func Safe(s string) string { return escape(s, maxForeign) }

func escape(s string, most int) string {
	if len(s) <= most && plain(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if b.Len()+n > most {
			return b.String() + "…"
		}
		switch {
		case r == utf8.RuneError && n == 1, r < utf8.RuneSelf && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
		s = s[n:]
	}
	return b.String()
}

// plain tells whether s is printable ASCII, as nearly all foreign text is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Lines cuts a message of our own, which may quote foreign text, into lines as
// harmless as [Safe] makes them, of any length. Blank ones and indentation go.
func Lines(message string) []string {
	var lines []string
	for line := range strings.Lines(message) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, escape(line, len(line)*maxEscape))
		}
	}
	return lines
}
