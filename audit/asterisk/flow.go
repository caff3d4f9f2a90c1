package asterisk

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A flow is one run through the steps of an extension. Where a condition is
// known, it goes the way that Asterisk goes; where it is not, it takes both: it
// goes on, and remembers the step to which the other way leads.
type flow struct {
	*walker
	ext     *extension
	at      int
	wanted  map[int]bool // steps that another way leads to
	done    map[int]bool
	deep    int  // subroutines around this one
	returns bool // it may go back to what called it
}

// run goes through an extension from a step on. It tells whether what called it
// may go on.
func (w *walker) run(s *state, e *extension, from, deep int) (returns bool) {
	f := flow{walker: w, ext: e, at: from, wanted: map[int]bool{}, done: map[int]bool{}, deep: deep}
	f.loop(s)
	return f.returns
}

func (f *flow) loop(s *state) {
	for f.at < len(f.ext.steps) {
		st := &f.ext.steps[f.at]
		f.done[f.at] = true
		next := f.at + 1
		if f.step(s, st) {
			if next = f.nextWanted(); next < 0 {
				return
			}
		}
		f.at = next
	}
	f.returns = true
}

// nextWanted is the next step behind this one that another way leads to, or -1.
func (f *flow) nextWanted() int {
	best := -1
	for i := range f.wanted {
		if i > f.at && (best < 0 || i < best) {
			best = i
		}
	}
	return best
}

// step runs one application. It tells whether the steps behind it are not run.
func (f *flow) step(s *state, st *step) (over bool) {
	f.note(s, st)
	return f.apply(s, st, st.app, st.args, 0)
}

// apply runs an application with arguments that are not expanded yet, as far as
// it moves calls.
func (f *flow) apply(s *state, st *step, app, raw string, depth int) (over bool) {
	if depth > 4 {
		return false
	}
	switch strings.ToLower(app) {
	case "goto":
		return f.jumpTo(s, raw, true)
	case "gotoif":
		yes, no, decided := f.branch(s, raw)
		if decided == "1" {
			return yes != "" && f.jumpTo(s, yes, true)
		}
		if decided == "0" {
			return no != "" && f.jumpTo(s, no, true)
		}
		f.jumpTo(s, yes, false)
		f.jumpTo(s, no, false)
		return yes != "" && no != ""
	case "gotoiftime":
		yes, no, _ := f.branch(s, raw)
		f.jumpTo(s, yes, false)
		f.jumpTo(s, no, false)
		return yes != "" && no != ""
	case "execif":
		yes, no, decided := f.branch(s, raw)
		for _, one := range []struct{ call, unless string }{{yes, "0"}, {no, "1"}} {
			if one.call != "" && decided != one.unless {
				name, inner := application(one.call)
				over = f.apply(s, st, name, inner, depth+1) && decided != unknownText || over
			}
		}
		return over
	case "tryexec", "exec":
		name, inner := application(raw)
		return f.apply(s, st, name, inner, depth+1)
	case "read":
		return f.read(s, argument(arguments(raw), 0))
	case "hangup", "congestion", "busy":
		return true
	case "return", "macroexit":
		f.returns = true
		return true
	case "gosub", "gosubif", "macro", "macroif", "macroexclusive":
		return f.subroutines(s, strings.ToLower(app), raw)
	}
	if name := strings.ToLower(app); moving[name] {
		f.act(s, st, name, f.d.expand(raw, s.vars))
	}
	return false
}

// branch cuts "condition?yes:no" and works the condition out.
func (f *flow) branch(s *state, raw string) (yes, no, decided string) {
	cond, rest, ok := cutOnce(raw, '?')
	if !ok {
		return "", "", unknownText
	}
	yes, no, _ = cutOnce(rest, ':')
	decided = truth(f.d.expand(cond, s.vars))
	if typed := s.vars[typedVar]; typed != "" && decided == unknownText && asksPIN.MatchString(cond) {
		s.locked = true // a PIN, if a short one, stands in the way
	}
	return strings.TrimSpace(yes), strings.TrimSpace(no), decided
}

// cutOnce cuts at the first at outside of brackets and quotes.
func cutOnce(s string, at byte) (before, after string, found bool) {
	before = cut(s, at)[0]
	if len(before) == len(s) {
		return s, "", false
	}
	return before, s[len(before)+1:], true
}

// jumpTo goes on at "context,exten,priority", "exten,priority" or a priority or
// label of this extension. surely says that it is the only way.
func (f *flow) jumpTo(s *state, raw string, surely bool) (over bool) {
	if raw == "" {
		return false
	}
	parts := arguments(strings.ReplaceAll(f.d.expand(raw, s.vars), "|", ","))
	next := *s
	switch len(parts) {
	case 1:
		i := f.ext.find(argument(parts, 0))
		switch {
		case i > f.at:
			f.wanted[i] = true
		case i >= 0 && !f.done[i]:
			next.prio = argument(parts, 0)
			f.jump(next)
		case i < 0 && !known(parts[0]): // to any of its labels
			for i := range f.ext.steps {
				f.wanted[i] = f.wanted[i] || f.ext.steps[i].label != ""
			}
		case i < 0:
			return false // Asterisk stays where it is
		}
		return surely
	case 2:
		next.exten, next.prio = argument(parts, 0), argument(parts, 1)
	default:
		next.context, next.exten, next.prio = argument(parts, 0), argument(parts, 1), argument(parts, 2)
	}
	f.jump(next)
	return surely
}

// find is the index of the step with a label or number, or -1.
func (e *extension) find(prio string) int {
	number, err := strconv.Atoi(prio)
	return slices.IndexFunc(e.steps, func(st step) bool {
		return prio != "" && st.label == prio || err == nil && st.number == number
	})
}

// subroutines runs what Gosub and Macro call, here and for what it sets.
func (f *flow) subroutines(s *state, app, raw string) (over bool) {
	targets, decided := []string{raw}, "1"
	if strings.HasSuffix(app, "if") {
		var yes, no string
		if yes, no, decided = f.branch(s, raw); decided == "0" {
			targets = []string{no}
		} else if targets = []string{yes}; decided == unknownText {
			targets = append(targets, no)
		}
	}
	for _, target := range targets {
		if target == "" {
			continue
		}
		next, ok := f.called(s, app, f.d.expand(target, s.vars))
		if !ok {
			continue
		}
		f.jump(next)
		if !f.settle(s, next) && decided != unknownText {
			over = true
		}
	}
	return over
}

// called is the state at the beginning of a subroutine.
func (f *flow) called(s *state, app, target string) (next state, ok bool) {
	next = *s
	if strings.HasPrefix(app, "macro") {
		a := arguments(strings.ReplaceAll(target, "|", ","))
		outer := map[string]string{"MACRO_EXTEN": s.exten, "MACRO_CONTEXT": s.context}
		if strings.HasPrefix(s.context, "macro-") && s.vars["MACRO_CONTEXT"] != "" { // within another, it stays
			outer = nil
		}
		next.vars = numbered(s.vars, a[1:], outer)
		next.context, next.exten, next.prio = "macro-"+argument(a, 0), "s", ""
		return next, true
	}
	place, inner := target, ""
	if open := strings.IndexByte(target, '('); open >= 0 {
		place, inner = target[:open], strings.TrimSuffix(strings.TrimSpace(target[open+1:]), ")")
	}
	next.vars = numbered(s.vars, arguments(inner), nil)
	parts := arguments(strings.ReplaceAll(place, "|", ","))
	switch len(parts) {
	case 1:
		next.prio = argument(parts, 0)
	case 2:
		next.exten, next.prio = argument(parts, 0), argument(parts, 1)
	default:
		next.context, next.exten, next.prio = argument(parts, 0), argument(parts, 1), argument(parts, 2)
	}
	return next, true
}

// maxSubroutines is how deep subroutines are run for what they set.
const maxSubroutines = 3

// settle runs a subroutine for what it leaves behind: variables, and whether a
// PIN was asked. It tells whether it comes back.
func (f *flow) settle(s *state, sub state) (returns bool) {
	if f.deep >= maxSubroutines || !known(sub.context) || !known(sub.exten) {
		return true
	}
	e, _ := f.d.best(sub.context, sub.exten)
	if e == nil {
		return true
	}
	if f.spent++; f.spent > maxSettled {
		return true
	}
	quiet := walker{d: f.d, out: newReach(), quiet: true, spent: f.spent}
	sub.vars = maps.Clone(sub.vars)
	returns = quiet.run(&sub, e, max(0, e.find(sub.prio)), f.deep+1)
	f.spent = quiet.spent
	for k, v := range sub.vars {
		if !strings.HasPrefix(k, "ARG") && !strings.HasPrefix(k, "MACRO_") && k != "EXTEN" && k != "CONTEXT" {
			s.vars[k] = v
		}
	}
	s.locked = s.locked || sub.locked
	return returns
}

// asksPIN is a comparison with a number of four or more digits.
var asksPIN = regexp.MustCompile(`\b\d{4,}\b`)

// typedVar holds the number that the caller keyed when asked by Read.
const typedVar = "\x00typed"

// read lets the caller key numbers: from here on the call is one for each.
func (f *flow) read(s *state, name string) (over bool) {
	if name == "" {
		return false
	}
	if typed := s.vars[typedVar]; typed != "" { // asked again, it keys the same
		s.vars[name] = typed
		return false
	}
	if f.quiet {
		s.vars[name] = unknownText
		return false
	}
	for _, number := range f.d.keyed {
		one := *s
		one.vars = maps.Clone(s.vars)
		one.vars[name], one.vars[typedVar], one.dialled = number, number, number
		one.via = or(s.via, "digits")
		own := flow{walker: f.walker, ext: f.ext, at: f.at + 1, wanted: maps.Clone(f.wanted), done: maps.Clone(f.done), deep: f.deep}
		own.loop(&one)
	}
	f.returns = true
	f.wanted = map[int]bool{}
	return true
}
