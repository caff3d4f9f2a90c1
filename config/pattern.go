package config

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// span is one entry of a group's extensions: a name with * and ? in it, or a
// range of numbers such as 100-119.
type span struct {
	text      string
	low, high string // equally long; of anything but a range, both are the text
	glob      bool
	ranged    bool
}

// maxDigits bounds the ends of a range; longer ones are no extensions.
const maxDigits = 9

var rangeForm = regexp.MustCompile(`^(\d+)-(\d+)$`)

func parseSpan(s string) (span, error) {
	if err := checkGlob(s); err != nil {
		return span{}, err
	}
	m := rangeForm.FindStringSubmatch(s)
	switch {
	case m == nil:
		return span{text: s, low: s, high: s, glob: strings.ContainsAny(s, "*?")}, nil
	case len(m[1]) != len(m[2]):
		return span{}, errors.New("both ends of a range must have as many digits")
	case len(m[1]) > maxDigits:
		return span{}, fmt.Errorf("the ends of a range may have up to %d digits", maxDigits)
	case m[1] > m[2]:
		return span{}, errors.New("a range must begin with its lower end")
	}
	return span{text: s, low: m[1], high: m[2], ranged: true}, nil
}

// covers says whether the glob s has all of o in it.
func (s span) covers(o span) bool {
	if !s.glob {
		return false
	}
	if family, ok := strings.CutSuffix(s.text, "*"); ok && !strings.ContainsAny(family, "*?") {
		return strings.HasPrefix(o.low, family) && strings.HasPrefix(o.high, family)
	}
	match, err := path.Match(s.text, o.text)
	return err == nil && match && !o.glob && !o.ranged
}

// meets says whether two spans that list their members have one in common.
// Globs are for whole families, and what is left for them after the lists is
// what they are for.
func (s span) meets(o span) bool {
	if s.glob || o.glob || len(s.low) != len(o.low) {
		return false
	}
	return s.low <= o.high && o.low <= s.high && (s.isNumber() && o.isNumber() || s.low == o.low)
}

func (s span) isNumber() bool { return strings.Trim(s.low, "0123456789") == "" }

// pattern is the regular expression of exactly this span, without anchors.
func (s span) pattern() string {
	if s.ranged {
		return rangePattern(s.low, s.high)
	}
	return globPattern(s.text)
}

// globPattern turns a name with * (anything) and ? (one character) into a
// regular expression.
func globPattern(glob string) string {
	var b strings.Builder
	for _, r := range glob {
		switch r {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteString(`.`)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String()
}

// rangePattern matches the numbers from low to high, which are equally long, by
// their digits: 100-119 is 1[0-1][0-9].
func rangePattern(low, high string) string {
	if low == "" {
		return ""
	}
	if low[0] == high[0] {
		return low[:1] + rangePattern(low[1:], high[1:])
	}
	rest := len(low) - 1
	from, to := low[0], high[0]
	var alternatives []string
	if strings.Trim(low[1:], "0") != "" {
		alternatives = append(alternatives, low[:1]+rangePattern(low[1:], strings.Repeat("9", rest)))
		from++
	}
	if strings.Trim(high[1:], "9") != "" {
		alternatives = append(alternatives, high[:1]+rangePattern(strings.Repeat("0", rest), high[1:]))
		to--
	}
	if from <= to {
		alternatives = append(alternatives, fmt.Sprintf("[%c-%c]%s", from, to, strings.Repeat("[0-9]", rest)))
	}
	return "(?:" + strings.Join(alternatives, "|") + ")"
}

// anyOf compiles patterns into one expression that matches whole names; nil if
// there are none.
func anyOf(patterns []string) (*regexp.Regexp, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	re, err := regexp.Compile(`^(?:` + strings.Join(patterns, "|") + `)$`)
	if err != nil {
		return nil, fmt.Errorf("cannot match names: %w", err)
	}
	return re, nil
}
