package asterisk

import (
	"cmp"
	"strings"
)

// A pattern is an extension as Asterisk compares it with what was dialled.
type pattern struct {
	text   string
	plain  bool     // no pattern: it matches itself
	places []string // the characters that may stand at each place
	tail   byte     // '.', one or more of anything; '!', none or more; 0: the end
}

const digitSet = "0123456789"

// parsePattern reads "_00[1-9]X." or a plain extension. Hyphens and blanks
// outside of brackets do not count.
func parsePattern(text string) pattern {
	p := pattern{text: text}
	rest, isPattern := strings.CutPrefix(text, "_")
	if !isPattern {
		p.plain = true
		return p
	}
	for rest != "" {
		c := rest[0]
		rest = rest[1:]
		switch c {
		case '-', ' ':
		case 'X', 'x':
			p.places = append(p.places, digitSet)
		case 'Z', 'z':
			p.places = append(p.places, digitSet[1:])
		case 'N', 'n':
			p.places = append(p.places, digitSet[2:])
		case '.', '!':
			p.tail = c
			return p
		case '[':
			inside, after, ok := strings.Cut(rest, "]")
			if !ok {
				p.places = append(p.places, "")
				return p
			}
			p.places = append(p.places, characters(inside))
			rest = after
		default:
			p.places = append(p.places, string(c))
		}
	}
	return p
}

// characters spells out "1-47*".
func characters(class string) string {
	var b strings.Builder
	for i := 0; i < len(class); i++ {
		if i+2 < len(class) && class[i+1] == '-' && class[i] <= class[i+2] {
			for c := int(class[i]); c <= int(class[i+2]); c++ {
				b.WriteByte(byte(c))
			}
			i += 2
			continue
		}
		b.WriteByte(class[i])
	}
	return b.String()
}

func (p pattern) matches(dialled string) bool {
	if p.plain {
		return p.text == dialled
	}
	if len(dialled) < len(p.places) {
		return false
	}
	for i, set := range p.places {
		if strings.IndexByte(set, dialled[i]) < 0 {
			return false
		}
	}
	switch rest := len(dialled) - len(p.places); p.tail {
	case '.':
		return rest > 0
	case '!':
		return true
	default:
		return rest == 0
	}
}

// example is a string that the pattern matches and that looks like no other
// number: a digit in the middle of what each place allows.
func (p pattern) example() string {
	if p.plain {
		return p.text
	}
	var b strings.Builder
	for _, set := range p.places {
		if set == "" {
			return ""
		}
		b.WriteByte(set[len(set)/2])
	}
	if p.tail == '.' {
		b.WriteString("5")
	}
	return b.String()
}

// order compares patterns by which Asterisk tries first: the one that allows
// less at the first place where they differ.
func (p pattern) order(q pattern) int {
	for i := range max(len(p.places), len(q.places)) + 1 {
		if c := cmp.Compare(p.breadth(i), q.breadth(i)); c != 0 {
			return c
		}
	}
	return strings.Compare(p.text, q.text)
}

// breadth is how much the pattern allows at a place.
func (p pattern) breadth(i int) int {
	switch {
	case i < len(p.places):
		return len(p.places[i])
	case i > len(p.places):
		return 0
	case p.tail == '.':
		return 1000
	case p.tail == '!':
		return 2000
	}
	return 0
}

// open tells whether a pattern has no end.
func (p pattern) open() bool { return p.tail != 0 }
