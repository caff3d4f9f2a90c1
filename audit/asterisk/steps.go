package asterisk

import (
	"strconv"
	"strings"
)

// note remembers where an application was met first.
func (w *walker) note(s *state, st *step) {
	if w.quiet {
		return
	}
	name := strings.ToLower(st.app)
	if _, ok := w.out.apps[name]; !ok {
		w.out.apps[name] = found{path: append([]string{}, s.path...), at: st.at.String(), args: w.d.expand(st.args, s.vars)}
	}
}

// moving are the applications that act knows.
var moving = map[string]bool{
	"set": true, "mset": true, "dial": true, "retrydial": true, "originate": true, "background": true, "waitexten": true, "backgrounddetect": true, "disa": true,
	"directory": true, "voicemail": true, "voicemailmain": true, "authenticate": true, "vmauthenticate": true, "queue": true,
}

// act runs an application that moves the call, or sets what is dialled.
func (w *walker) act(s *state, st *step, app, args string) {
	a := arguments(args)
	switch app {
	case "set", "mset":
		w.set(s, a)
	case "dial", "retrydial":
		if app == "retrydial" && len(a) > 3 {
			a = a[3:]
		}
		w.dial(s, st, argument(a, 0))
		w.transferable(s, st, a)
	case "originate": // tech/data,exten,context,exten,priority
		w.dial(s, st, argument(a, 0))
		if strings.EqualFold(argument(a, 1), "exten") {
			next := *s
			next.context, next.exten, next.prio = argument(a, 2), or(argument(a, 3), "s"), argument(a, 4)
			if !known(next.exten) {
				w.examples(next)
				return
			}
			w.jump(next)
		}
	case "background", "waitexten", "backgrounddetect":
		ctx := s.context
		if app == "background" && len(a) > 3 {
			ctx = or(argument(a, 3), ctx)
		}
		w.free(*s, ctx, "menu")
	case "disa":
		next := *s
		next.locked = s.locked || !strings.EqualFold(argument(a, 0), "no-password")
		w.free(next, or(argument(a, 1), "disa"), "disa")
	case "directory":
		w.free(*s, or(argument(a, 1), s.context), "menu")
	case "voicemail":
		w.mailbox(*s)
	case "voicemailmain":
		next := *s
		next.locked = true // the PIN of a mailbox
		w.free(next, w.d.pbx.voicemailOption("dialout"), "voicemail")
		w.free(next, w.d.pbx.voicemailOption("callback"), "voicemail")
	case "authenticate", "vmauthenticate":
		s.locked = true
	case "queue":
		w.free(*s, w.d.pbx.queueContext(argument(a, 0)), "menu")
	}
}

// maxVars bounds the variables of a call, of which a hostile dialplan could set
// any number.
const maxVars = 500

// set runs "NAME=value", of which MSet has several.
func (w *walker) set(s *state, args []string) {
	for _, one := range args {
		name, value, ok := strings.Cut(one, "=")
		name = strings.TrimLeft(strings.TrimSpace(name), "_")
		if inner, ok := strings.CutPrefix(name, "GLOBAL("); ok {
			name = strings.TrimSuffix(inner, ")")
		}
		if ok && len(s.vars) < maxVars {
			s.vars[name] = strings.Trim(value, `"`)
		}
	}
}

// free lets the caller dial in a context, if there is one.
func (w *walker) free(s state, context, via string) {
	if context == "" || strings.Contains(context, "?") {
		return
	}
	s.context, s.vars = context, nil
	s.via = or(via, s.via)
	w.anything(s)
}

// mailbox lets a caller out of the greeting by 0 or *.
func (w *walker) mailbox(s state) {
	if context := w.d.pbx.voicemailOption("exitcontext"); context != "" {
		s.context = context
	}
	s.vars = nil
	for _, exten := range []string{"o", "a"} {
		next := s
		next.exten = exten
		w.push(next)
	}
}

// numbered are the variables with ARG1, ARG2, … set.
func numbered(vars map[string]string, args []string, more map[string]string) map[string]string {
	all := make(map[string]string, len(vars)+len(args))
	for k, v := range vars {
		if !strings.HasPrefix(k, "ARG") {
			all[k] = v
		}
	}
	for i, a := range args {
		if i < 9 {
			all["ARG"+string(rune('1'+i))] = strings.TrimSpace(a)
		}
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}

// branches are the two ways of "condition?yes:no".
func branches(args string) (all []string) {
	parts := cut(args, '?')
	if len(parts) < 2 {
		return nil
	}
	for _, b := range cut(strings.Join(parts[1:], "?"), ':') {
		if b = strings.TrimSpace(b); b != "" {
			all = append(all, b)
		}
	}
	return all
}

// maxExpanded bounds a value, in bytes: globals may name one another.
const maxExpanded = 4096

// expand puts the values of variables in. What is not known becomes "?".
func (d *dialplan) expand(text string, vars map[string]string) string {
	return d.expandIn(text, vars, 0)
}

func (d *dialplan) expandIn(text string, vars map[string]string, depth int) string {
	var b strings.Builder
	for text != "" {
		i := strings.Index(text, "$")
		if i < 0 || i+1 == len(text) || depth > 8 || b.Len() > maxExpanded {
			b.WriteString(text)
			break
		}
		b.WriteString(text[:i])
		closing := byte('}')
		switch text[i+1] {
		case '{':
		case '[':
			closing = ']'
		default:
			b.WriteByte('$')
			text = text[i+1:]
			continue
		}
		end := matching(text, i+1, text[i+1], closing)
		if end < 0 {
			b.WriteString(text[i:])
			break
		}
		inner := text[i+2 : end]
		if closing == '}' {
			b.WriteString(d.value(inner, vars, depth))
		} else {
			b.WriteString(expression(d.expandIn(inner, vars, depth+1), vars[typedVar]))
		}
		text = text[end+1:]
	}
	if b.Len() > maxExpanded {
		return b.String()[:maxExpanded]
	}
	return b.String()
}

// matching is the index of the bracket that closes the one at i, or -1.
func matching(s string, i int, opening, closing byte) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case opening:
			depth++
		case closing:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// value is that of "NAME", "NAME:offset:length" or "FUNCTION(…)".
func (d *dialplan) value(name string, vars map[string]string, depth int) string {
	name = d.expandIn(name, vars, depth+1)
	if open := strings.IndexByte(name, '('); open >= 0 {
		return function(strings.ToUpper(strings.TrimSpace(name[:open])), name[open+1:])
	}
	name, slice, sliced := strings.Cut(name, ":")
	v, ok := vars[name]
	if !ok {
		if v, ok = d.globals[name]; !ok {
			return "?"
		}
		v = d.expandIn(v, vars, depth+1)
	}
	if sliced {
		return substring(v, slice)
	}
	return v
}

// function knows the few that pass a dialled number on, or look at it.
func function(name, rest string) string {
	args := rest
	if end := strings.LastIndexByte(rest, ')'); end >= 0 {
		args = rest[:end]
	}
	a := arguments(args)
	switch name {
	case "FILTER":
		return argument(a, 1)
	case "TOUPPER", "TOLOWER", "STRREPLACE":
		return argument(a, 0)
	case "LEN":
		if known(args) {
			return strconv.Itoa(len(args))
		}
	case "ISNULL", "EXISTS":
		if known(args) {
			return digit((args == "") == (name == "ISNULL"))
		}
	case "REGEX": // "expression" text
		if expr, text, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(args), `"`), `"`); ok && known(args) {
			return truth(matches("=~", strings.TrimSpace(text), expr))
		}
	case "IF":
		return ifFunction(args)
	}
	return unknownText
}

// ifFunction is IF(condition?yes:no).
func ifFunction(args string) string {
	b := branches(args)
	if len(b) == 0 {
		return unknownText
	}
	if cond := truth(cut(args, '?')[0]); cond == "0" {
		if len(b) > 1 {
			return b[1]
		}
		return ""
	}
	return b[0]
}

// substring is "offset:length" of a value, either of which may count from the
// end.
func substring(v, slice string) string {
	if strings.Contains(v, "?") {
		return "?"
	}
	offset, length, limited := strings.Cut(slice, ":")
	from := atoi(offset)
	if from < 0 {
		from = max(0, len(v)+from)
	}
	v = v[min(from, len(v)):]
	if n := atoi(length); limited && n < 0 {
		v = v[:max(0, len(v)+n)]
	} else if limited && n < len(v) {
		v = v[:n]
	}
	return v
}
