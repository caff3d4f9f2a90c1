package asterisk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pbxguard/numbering"
)

// A reach is what somebody who may dial in a context gets to.
type reach struct {
	exits    []exit
	contexts map[string]bool // all that are run through
	apps     map[string]found
	cutOff   bool // there was more than could be followed
}

// An exit is a Dial to another network.
type exit struct {
	dialled string // in the entry's context; "" where the caller dials nothing
	number  string // what is sent; unknown characters are ?
	trunk   string
	via     string // a class of way: "", "voicemail", "disa", "transfer"
	path    []string
	at      string
	foreign bool // dialled is an international or premium number, and it is what is sent
	locked  bool // a PIN is asked on the way
}

type found struct {
	path []string
	at   string
	args string
}

// samples are numbers that only a fraudster dials from outside: abroad and
// premium, in the ways in which PBXes are made to dial them. Where the country
// is known, they are what is abroad or premium there.
func samples(plan *numbering.Plan) (all []string) {
	abroad := []string{"252612345678", "37129123456", "5352345678", "881631234567"}
	for _, idd := range []string{"00", "011", "+", "0011", "810"} {
		for _, n := range abroad {
			if !isAbroad(plan, idd+n) {
				continue
			}
			for _, line := range []string{"", "0", "9", "8", "1", "7"} {
				all = append(all, line+idd+n)
			}
		}
	}
	for _, n := range []string{"19005551234", "18765551234", "9019005551234", "09061234567", "09001234"} {
		if isPremium(plan, n) {
			all = append(all, n, "9"+n)
		}
	}
	return all
}

// isAbroad tells whether a number, dialled as it is, reaches another country.
func isAbroad(plan *numbering.Plan, dialled string) bool {
	if plan == nil {
		return true
	}
	n := plan.Normalise(dialled)
	guessed := n.Candidate || n.Flags.Has(numbering.JunkPrefix) || n.Flags.Has(numbering.AssumedIntl) || n.Flags.Has(numbering.OutsidePrefix)
	return (n.Kind == numbering.International || n.Kind == numbering.IntlNetwork) && !guessed
}

func isPremium(plan *numbering.Plan, dialled string) bool {
	if plan == nil {
		return true
	}
	n := plan.Normalise(dialled)
	return n.Class == numbering.Premium || n.Flags.Has(numbering.NANPOffshore) && !n.Flags.Has(numbering.AssumedIntl)
}

// foreignTail is how many of the last digits must go out for the number to be
// taken for the one dialled.
const foreignTail = 7

// Bounds of following a dialplan from one entry.
const (
	maxStates  = 40_000
	maxDepth   = 60
	maxVisited = 400_000 // of all walks of a dialplan; FreePBX with 2,000 extensions needs 10,000
)

// walker follows the dialplan from one context.
type walker struct {
	d     *dialplan
	out   *reach
	seen  map[string]bool
	queue []state
}

// state is a call at the beginning of an extension.
type state struct {
	context, exten string
	vars           map[string]string // arguments and what was set; shared, not changed
	dialled        string
	via            string
	path           []string
	locked         bool
}

// from returns what somebody reaches who may dial in a context.
func (d *dialplan) from(context string) *reach {
	if r := d.reached[context]; r != nil {
		return r
	}
	r := &reach{contexts: map[string]bool{}, apps: map[string]found{}}
	d.reached[context] = r
	w := walker{d: d, out: r, seen: map[string]bool{}}
	w.anything(state{context: context})
	for len(w.queue) > 0 {
		s := w.queue[0]
		w.queue = w.queue[1:]
		w.visit(s)
	}
	return r
}

// anything lets the caller dial whatever there is in a context, and the samples.
func (w *walker) anything(s state) {
	if w.seen["*"+s.context] {
		return
	}
	w.seen["*"+s.context] = true
	base := s
	for _, n := range w.d.samples {
		s := base
		s.exten, s.dialled = n, n
		w.push(s)
	}
	for _, c := range w.d.below(base.context) {
		for _, e := range c.all {
			s := base
			if s.exten = e.example(); s.exten != "" {
				s.dialled = ""
				w.push(s)
			}
		}
	}
}

func (w *walker) push(s state) {
	key := s.context + "\x00" + s.exten
	for _, name := range []string{"ARG1", "ARG2", "ARG3", "DIAL_TRUNK", "OUTNUM"} {
		key += "\x00" + s.vars[name]
	}
	if w.seen[key] {
		return
	}
	if len(w.seen) >= maxStates || len(s.path) > maxDepth || w.d.visited >= maxVisited {
		w.out.cutOff, w.d.cutOff = true, true
		return
	}
	w.seen[key] = true
	w.queue = append(w.queue, s)
}

// visit runs the extension that a state matches, taking both ways at every
// condition.
func (w *walker) visit(s state) {
	w.d.visited++
	e, way := w.d.best(s.context, s.exten)
	if e == nil {
		return
	}
	path := slices.Clone(s.path)
	for _, c := range way {
		w.out.contexts[c] = true
		if len(path) == 0 || path[len(path)-1] != c {
			path = append(path, c)
		}
	}
	s.path = append(path, e.text)
	s.vars = maps.Clone(s.vars)
	if s.vars == nil {
		s.vars = map[string]string{}
	}
	s.vars["EXTEN"], s.vars["CONTEXT"] = s.exten, s.context
	for i := range e.steps {
		w.step(&s, &e.steps[i])
	}
}

// goTo goes on at "context,exten,priority", "exten,priority" or a priority.
func (w *walker) goTo(s state, target string, vars map[string]string) {
	parts := arguments(strings.ReplaceAll(target, "|", ","))
	next := s
	next.vars = vars
	switch len(parts) {
	case 1:
		return // within the extension, all of which is run anyhow
	case 2:
		next.exten = argument(parts, 0)
	default:
		next.context, next.exten = argument(parts, 0), argument(parts, 1)
	}
	w.jump(next)
}

// jump goes to an extension, or to all of a context if which is not known.
func (w *walker) jump(s state) {
	if strings.Contains(s.context, "?") {
		return // noted by DP-020
	}
	if s.exten == "" {
		s.exten = "s"
	}
	if strings.Contains(s.exten, "?") {
		return
	}
	w.push(s)
}

// dial records a Dial to a trunk, and follows Local channels.
func (w *walker) dial(s *state, st *step, destinations string) {
	for _, dest := range cut(destinations, '&') {
		dest = strings.TrimSpace(dest)
		tech, rest, ok := strings.Cut(dest, "/")
		if !ok {
			continue
		}
		if strings.EqualFold(tech, "Local") {
			rest, _, _ = strings.Cut(rest, "/")
			exten, context, _ := strings.Cut(rest, "@")
			next := *s
			next.context, next.exten, next.vars = or(context, "default"), exten, nil
			w.jump(next)
			continue
		}
		trunk, number := w.d.pbx.outside(tech, rest)
		if trunk == "" {
			continue
		}
		w.out.exits = append(w.out.exits, exit{
			dialled: s.dialled, number: number, trunk: trunk, via: s.via, path: append(slices.Clone(s.path), trunk),
			at: st.at.String(), locked: s.locked, foreign: s.dialled != "" && strings.HasSuffix(number, s.dialled[max(0, len(s.dialled)-foreignTail):]),
		})
	}
}

// abroad returns the exit that proves that a caller can dial any number abroad.
func (r *reach) abroad() *exit {
	var locked *exit
	for i := range r.exits {
		e := &r.exits[i]
		if e.foreign && !e.locked {
			return e
		}
		if e.foreign && locked == nil {
			locked = e
		}
	}
	return nil
}

// tell writes the way to an exit for a person.
func (e *exit) tell() string {
	if e.dialled == "" {
		return strings.Join(e.path, " -> ")
	}
	return fmt.Sprintf("dialling %s: %s", e.dialled, strings.Join(e.path, " -> "))
}

// leads tells how a context leads abroad: "" if it does not.
func (d *dialplan) leads(context string) string {
	if e := d.from(context).abroad(); e != nil {
		return e.tell()
	}
	return ""
}
