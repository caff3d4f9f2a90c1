package freeswitch

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// dialplan is the XML dialplan, ready to be walked.
type dialplan struct {
	m        *model
	section  *Element
	menus    *Element
	compiled map[string]*regexp.Regexp
	budget   int // conditions and actions that walks may still look at
	spent    bool
}

// walkBudget bounds the work on a dialplan made to be endless. A plan of 2,000
// extensions needs about a tenth of it.
const walkBudget = 3_000_000

// spend takes one from the budget and tells whether there was one.
func (d *dialplan) spend() bool { return d.charge(1) }

// charge takes n from the budget, as for a copy of n values.
func (d *dialplan) charge(n int) bool {
	d.budget -= n
	d.spent = d.spent || d.budget < 0
	return d.budget >= 0
}

func readDialplan(m *model) *dialplan {
	return &dialplan{m: m, section: m.section("dialplan"), menus: m.conf("ivr.conf").Child("menus"), compiled: map[string]*regexp.Regexp{}, budget: walkBudget}
}

// context returns the first context of a name, or "global", which FreeSWITCH
// takes when there is none of that name.
func (d *dialplan) context(name string) *Element {
	if c := d.section.Find("context", "name", name); c != nil {
		return c
	}
	return d.section.Find("context", "name", "global")
}

// contexts returns every context that a call can be in.
func (d *dialplan) contexts() []*Element {
	var all []*Element
	seen := map[string]bool{}
	for _, c := range d.section.Each("context") {
		if name := strings.ToLower(c.Attr("name")); !seen[name] {
			seen[name] = true
			all = append(all, c)
		}
	}
	return all
}

// regexp compiles an expression; nil if Go cannot, as with a look-ahead.
func (d *dialplan) regexp(expr string) *regexp.Regexp {
	re, ok := d.compiled[expr]
	if ok {
		return re
	}
	goExpr := expr
	if strings.HasPrefix(expr, "/") { // /expression/i
		if end := strings.LastIndexByte(expr, '/'); end > 0 {
			goExpr = expr[1:end]
			if strings.Contains(expr[end:], "i") {
				goExpr = "(?i)" + goExpr
			}
		}
	}
	if strings.HasPrefix(expr, "_") { // a pattern as in Asterisk
		goExpr = asteriskPattern(expr[1:])
	}
	if len(goExpr) < 4096 {
		re, _ = regexp.Compile(goExpr)
	}
	d.compiled[expr] = re
	return re
}

// asteriskPattern turns X, Z, N and . into an expression, as switch_ast2regex.
func asteriskPattern(p string) string {
	return "^" + strings.NewReplacer("N", "[2-9]", "X", "[0-9]", "Z", "[1-9]", ".", "([0-9]+)").Replace(p) + "$"
}

// expression is the pattern of a condition, which may stand in a child.
func expression(c *Element) string {
	if e := c.Child("expression"); e != nil {
		return e.Text
	}
	return c.Attr("expression")
}

// match is what is known of a condition.
type match uint8

const (
	no match = iota
	maybe
	yes
)

// captures are $1… of a condition; nil when they are not known.
type captures []string

// step is an action that a call executes.
type step struct {
	e       *Element
	caps    captures
	ext     *Element
	certain bool
}

// hunt finds what a call executes in a context.
func (w *walk) hunt(c *call, ctx *Element) []step {
	var steps []step
	for _, ext := range ctx.Each("extension") {
		got, how := w.conditions(c, ext, ext, 0)
		steps = append(steps, got...)
		if how == yes && !truth(ext.Attr("continue")) {
			break
		}
	}
	return steps
}

const maxConditionDepth = 20

// conditions goes through the conditions of an extension, or of a condition.
// The last one that is looked at decides; the actions of those before it stay,
// even if it is not met.
func (w *walk) conditions(c *call, e, ext *Element, depth int) (steps []step, result match) {
	conds := e.Each("condition")
	if len(conds) == 0 || depth > maxConditionDepth {
		return nil, no
	}
	sure := yes // maybe: it is not known whether a condition before has ended the search
	for _, cond := range conds {
		if !w.plan.spend() {
			return steps, no
		}
		how, caps := w.condition(c, cond)
		if how != no && cond.Child("condition") != nil {
			inner, nested := w.conditions(c, cond, ext, depth+1)
			steps = append(steps, inner...)
			if r, ok := cond.Lookup("require-nested"); !ok || truth(r) {
				how = min(how, nested)
			}
		}
		steps = append(steps, w.actions(c, cond, ext, how, sure, caps)...)
		result = min(how, sure)
		ends := no
		switch strings.ToLower(cond.Attr("break")) {
		case "never":
		case "always":
			ends = yes
		case "on-true":
			ends = how
		default:
			ends = yes - how
		}
		if ends == yes {
			return steps, result
		}
		sure = min(sure, yes-ends)
	}
	return steps, result
}

// actions takes the actions of a condition that is met, the anti-actions of one
// that is not, and both when nobody knows. Inline ones have effect at once.
func (w *walk) actions(c *call, cond, ext *Element, how, sure match, caps captures) []step {
	var steps []step
	for _, e := range cond.Children {
		if e.Name == "action" && how == no || e.Name == "anti-action" && how == yes || e.Name != "action" && e.Name != "anti-action" {
			continue
		}
		s := step{e, caps, ext, how != maybe && sure == yes}
		if truth(e.Attr("inline")) {
			w.assign(c, e.Attr("application"), w.data(c, s))
			continue
		}
		steps = append(steps, s)
	}
	return steps
}

var timeAttrs = []string{"wday", "hour", "mday", "mon", "mweek", "week", "yday", "year", "minute", "minute-of-day", "time-of-day", "date-time"}

// condition tells whether a condition is met.
func (w *walk) condition(c *call, cond *Element) (match, captures) {
	if rule := strings.ToLower(cond.Attr("regex")); rule != "" {
		return w.regexes(c, cond, rule)
	}
	timed := slices.ContainsFunc(timeAttrs, func(a string) bool { return cond.Attr(a) != "" })
	how, caps := yes, captures(nil)
	if _, has := cond.Lookup("field"); has {
		how, caps = w.test(c, cond.Attr("field"), expression(cond))
	}
	if timed {
		how = min(how, maybe) // some hours are open to a fraudster
	}
	return how, caps
}

// regexes handles <condition regex="all|any|xor">.
func (w *walk) regexes(c *call, cond *Element, rule string) (match, captures) {
	lowest, highest := yes, no
	var caps captures
	for _, r := range cond.Each("regex") {
		how, got := yes, captures(nil)
		if _, has := r.Lookup("field"); has {
			how, got = w.test(c, r.Attr("field"), expression(r))
		}
		if how != no && got != nil {
			caps = got
		}
		lowest, highest = min(lowest, how), max(highest, how)
	}
	switch rule {
	case "all":
		return lowest, caps
	case "xor":
		return min(highest, maybe), caps
	}
	return highest, caps
}

// test matches a field against an expression.
func (w *walk) test(c *call, field, expr string) (match, captures) {
	value, known := w.field(c, field)
	expr, exprKnown := w.expand(c, expr)
	if !exprKnown || Unknown(expr) {
		return maybe, nil
	}
	re := w.plan.regexp(expr)
	if re == nil {
		return maybe, nil
	}
	if !known {
		if w.secretPIN(field, expr) {
			return no, nil
		}
		return maybe, nil
	}
	groups := re.FindStringSubmatch(value)
	if groups == nil {
		return no, nil
	}
	return yes, groups
}

// samples writes strings that an expression matches, a few for each.
func samples(expr string) []string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil || len(expr) > 1024 {
		return nil
	}
	var found []string
	for variant := range 3 {
		w := sampler{variant: variant, left: 1000}
		w.write(re.Simplify(), 0)
		if s := w.String(); s != "" && len(s) < 64 && !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	return found
}

// sampler writes one string: the variant chooses among alternatives and how
// often what may repeat does.
type sampler struct {
	strings.Builder
	variant, left int
}

func (w *sampler) write(re *syntax.Regexp, depth int) {
	if w.left--; depth > 50 || w.left < 0 || w.Len() > 64 {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		w.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		w.WriteRune(member(re.Rune, w.variant))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		w.WriteByte(byte('1' + w.variant))
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			w.write(sub, depth+1)
		}
	case syntax.OpAlternate:
		w.write(re.Sub[w.variant%len(re.Sub)], depth+1)
	case syntax.OpQuest:
		if w.variant > 0 {
			w.write(re.Sub[0], depth+1)
		}
	case syntax.OpStar, syntax.OpPlus:
		for range 11 - 4*w.variant {
			w.write(re.Sub[0], depth+1)
		}
	}
}

// member picks a character of a class, a digit if there is one.
func member(ranges []rune, variant int) rune {
	for d := '0' + rune(3*variant) + 1; d <= '9'; d++ {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= d && d <= ranges[i+1] {
				return d
			}
		}
	}
	if len(ranges) == 0 {
		return '1'
	}
	return max(ranges[0], ' ')
}

// each visits every element of every extension.
func (d *dialplan) each(visit func(ctx, ext, e *Element)) {
	var in func(ctx, ext, e *Element)
	in = func(ctx, ext, e *Element) {
		visit(ctx, ext, e)
		for _, c := range e.Children {
			in(ctx, ext, c)
		}
	}
	for _, ctx := range d.contexts() {
		for _, ext := range ctx.Each("extension") {
			in(ctx, ext, ext)
		}
	}
}
