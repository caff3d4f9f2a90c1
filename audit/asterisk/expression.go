package asterisk

import (
	"regexp"
	"strconv"
	"strings"
)

// unknownText stands for what only the running call knows.
const unknownText = "?"

// known tells whether a text holds nothing that only the call knows.
func known(text string) bool { return !strings.Contains(text, unknownText) }

// expression works out what stands within $[…], after its variables were put
// in, as Asterisk's ast_expr2 does: "1", "0", a number or a text. What hangs on
// something unknown is "?". typed is a number that the caller keyed: what it is
// compared with is unknown, unless that is a PIN that nobody guesses.
func expression(text, typed string) string {
	p := exprParser{rest: tokens(text), typed: typed}
	v := p.or(0)
	if len(p.rest) > 0 {
		return unknownText
	}
	return v
}

// tokens cuts an expression at blanks and operators outside of quotes.
func tokens(s string) (all []string) {
	for i := 0; i < len(s) && len(all) < 200; {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			i++
		case c == '"':
			end := strings.IndexByte(s[i+1:], '"')
			if end < 0 {
				return append(all, s[i:])
			}
			all = append(all, s[i:i+end+2])
			i += end + 2
		default:
			n := operatorAt(s[i:])
			if n == 0 {
				n = 1
				for i+n < len(s) && operatorAt(s[i+n:]) == 0 && !strings.ContainsRune(" \t\"", rune(s[i+n])) {
					n++
				}
			}
			all = append(all, s[i:i+n])
			i += n
		}
	}
	return all
}

// operatorAt is the length of the operator at the beginning of a text, or 0.
func operatorAt(s string) int {
	for _, op := range []string{"||", "&&", "==", "!=", "<>", "<=", ">=", "=~"} {
		if strings.HasPrefix(s, op) {
			return 2
		}
	}
	if strings.ContainsRune("()|&=<>!:", rune(s[0])) {
		return 1
	}
	return 0
}

// exprParser goes through the tokens of an expression from the left.
type exprParser struct {
	rest  []string
	typed string
}

func (p *exprParser) next(ops ...string) string {
	if len(p.rest) == 0 {
		return ""
	}
	for _, op := range ops {
		if p.rest[0] == op {
			p.rest = p.rest[1:]
			return op
		}
	}
	return ""
}

func (p *exprParser) or(depth int) string {
	left := p.and(depth)
	for p.next("|", "||") != "" {
		left = either(truth(left), truth(p.and(depth)))
	}
	return left
}

func (p *exprParser) and(depth int) string {
	left := p.compare(depth)
	for p.next("&", "&&") != "" {
		left = both(truth(left), truth(p.compare(depth)))
	}
	return left
}

func (p *exprParser) compare(depth int) string {
	left := p.value(depth)
	for {
		op := p.next("=", "==", "!=", "<>", "<=", ">=", "<", ">", ":", "=~")
		if op == "" {
			return left
		}
		left = p.judge(op, left, p.value(depth))
	}
}

func (p *exprParser) value(depth int) string {
	switch {
	case len(p.rest) == 0 || depth > 20:
		p.rest = nil
		return unknownText
	case p.next("!") != "":
		return not(truth(p.value(depth + 1)))
	case p.next("(") != "":
		v := p.or(depth + 1)
		p.next(")")
		return v
	}
	if operatorAt(p.rest[0]) > 0 { // an empty value was put in
		p.rest = nil
		return unknownText
	}
	words := []string{p.rest[0]}
	p.rest = p.rest[1:]
	for len(p.rest) > 0 && operatorAt(p.rest[0]) == 0 { // words beside one another are one text
		words = append(words, p.rest[0])
		p.rest = p.rest[1:]
	}
	if len(words) == 3 && words[0][0] != '"' {
		return arithmetic(words[0], words[1], words[2])
	}
	if m := sum.FindStringSubmatch(words[0]); len(words) == 1 && m != nil {
		return arithmetic(m[1], m[2], m[3])
	}
	return strings.Join(words, " ")
}

// sum is arithmetic without blanks.
var sum = regexp.MustCompile(`^(-?\d+)([-+*])(\d+)$`)

// arithmetic is the sum, difference or product of two numbers.
func arithmetic(a, op, b string) string {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	if errX != nil || errY != nil {
		return unknownText
	}
	switch op {
	case "+":
		return strconv.Itoa(x + y)
	case "-":
		return strconv.Itoa(x - y)
	case "*":
		return strconv.Itoa(x * y)
	}
	return unknownText
}

// goodPIN is how many digits of a PIN nobody guesses in the time of a call.
const goodPIN = 6

// judge compares two values.
func (p *exprParser) judge(op, a, b string) string {
	a, b = strings.Trim(a, `"`), strings.Trim(b, `"`)
	if p.typed != "" && (strings.Contains(a, p.typed) || strings.Contains(b, p.typed)) {
		other := a
		if strings.Contains(a, p.typed) {
			other = b
		}
		if len(other) < goodPIN || strings.Trim(other, digitSet) != "" {
			return unknownText
		}
	}
	if !known(a) || !known(b) {
		return unknownText
	}
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	less, same := a < b, a == b
	if errX == nil && errY == nil {
		less, same = x < y, x == y
	}
	switch op {
	case "=", "==":
		return digit(same)
	case "!=", "<>":
		return digit(!same)
	case "<":
		return digit(less)
	case ">":
		return digit(!less && !same)
	case "<=":
		return digit(less || same)
	case ">=":
		return digit(!less)
	}
	return matches(op, a, b)
}

// matches compares with a regular expression: ":" from the beginning, "=~"
// anywhere. What it captures is only known to be there.
func matches(op, text, expr string) string {
	if op == ":" {
		expr = "^(?:" + expr + ")"
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return unknownText
	}
	found := re.FindStringSubmatch(text)
	if len(found) > 1 {
		return found[1]
	}
	if found == nil {
		return "0"
	}
	return strconv.Itoa(len(found[0]))
}

func digit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// truth is "1", "0" or "?": what a value is worth as a condition.
func truth(v string) string {
	v = strings.TrimSpace(v)
	n, err := strconv.Atoi(v)
	switch {
	case !known(v):
		return unknownText
	case v == "" || v == `""` || err == nil && n == 0:
		return "0"
	}
	return "1"
}

func either(a, b string) string {
	switch {
	case a == "1" || b == "1":
		return "1"
	case a == "0" && b == "0":
		return "0"
	}
	return unknownText
}

func both(a, b string) string {
	switch {
	case a == "0" || b == "0":
		return "0"
	case a == "1" && b == "1":
		return "1"
	}
	return unknownText
}

func not(a string) string {
	switch a {
	case "1":
		return "0"
	case "0":
		return "1"
	}
	return unknownText
}
