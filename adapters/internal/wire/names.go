package wire

import "strings"

// MaxNames bounds what a [Names] remembers. A PBX has some hundreds of
// endpoints and contexts; the rest is room for the legs and numbers of the
// latest thousand calls.
const MaxNames = 8192

// Names keeps one string for each name that comes again: those of endpoints and
// contexts all day, those of a leg in each of its events. So an event needs no
// new one. The zero value is ready for use.
type Names map[string]string

// Of returns b as a string.
func (n *Names) Of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := (*n)[string(b)]; ok {
		return s
	}
	if *n == nil {
		*n = make(Names)
	}
	if len(*n) >= MaxNames {
		clear(*n) // what still comes is soon back
	}
	s := Clip(b)
	(*n)[s] = s
	return s
}

// MaxText bounds foreign text that goes into an event, in bytes. Asterisk keeps
// 79 characters of an extension and less than 256 of anything else that is used.
const MaxText = 256

// Clip returns b, which came from the network, as a string of bounded length.
func Clip(b []byte) string { return string(b[:min(len(b), MaxText)]) }

// Limit is Clip for a string.
func Limit(s string) string { return s[:min(len(s), MaxText)] }

// Printed makes foreign text fit for a log line.
func Printed(b []byte) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' {
			return '?'
		}
		return r
	}, Clip(b))
	if s == "" {
		return "no reason given"
	}
	return s
}
