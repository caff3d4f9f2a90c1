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
	typed    map[string]bool // in which the caller's own words are dialled, not keys
	cutOff   bool            // there was more than could be followed

	transfers []transfer // Dials that let the caller transfer
}

func newReach() *reach {
	return &reach{contexts: map[string]bool{}, apps: map[string]found{}, typed: map[string]bool{}}
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
	for _, idd := range international(plan) {
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

// international are the prefixes of calls abroad: where the country is not
// known, those that stand for nothing else elsewhere.
func international(plan *numbering.Plan) []string {
	if plan == nil {
		return []string{"00", "011", "+"}
	}
	return []string{"00", "011", "+", "0011", "810"}
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

// firsts tells which samples are the first of their way to dial abroad: the
// others are of other lengths.
func firsts(samples []string) (first []bool, keyed []string) {
	for _, n := range samples {
		is := strings.HasSuffix(n, "252612345678") || strings.HasPrefix(n, "1900") || strings.HasPrefix(n, "0906")
		if first = append(first, is); is {
			keyed = append(keyed, n)
		}
	}
	return first, keyed
}

// Bounds of following a dialplan from one entry.
const (
	maxStates  = 40_000
	maxDepth   = 60
	maxVisited = 400_000 // of all walks of a dialplan; FreePBX with 2,000 extensions needs 10,000
	maxSettled = 20_000  // subroutines that are run for what they set
)

// walker follows the dialplan from one context.
type walker struct {
	d     *dialplan
	out   *reach
	seen  map[string]bool
	queue []state
	quiet bool // nothing is followed: it is only about what is set
	spent int  // subroutines that were run for what they set
}

// state is a call at the beginning of an extension, or at a priority of it.
type state struct {
	context, exten, prio string
	vars                 map[string]string // arguments and what was set
	dialled              string            // the number abroad that the caller wants
	prefix               string            // what was dialled before it, which must not go out
	via                  string
	path                 []string
	locked               bool
}

// from returns what somebody reaches who may dial in a context.
func (d *dialplan) from(context string) *reach {
	if r := d.reached[context]; r != nil {
		return r
	}
	r := newReach()
	d.reached[context] = r
	w := walker{d: d, out: r, seen: map[string]bool{}}
	w.anything(state{context: context})
	w.drain(maxStates)
	return r
}

// drain visits what is queued, at most so many.
func (w *walker) drain(most int) {
	for n := 0; len(w.queue) > 0 && n < most; n++ {
		s := w.queue[0]
		w.queue = w.queue[1:]
		w.visit(s)
	}
	if w.spent > maxSettled {
		w.out.cutOff, w.d.cutOff = true, true
	}
}

// anything lets the caller dial whatever there is in a context, and numbers
// abroad in every way that its patterns take.
func (w *walker) anything(s state) {
	if w.quiet || w.seen["*"+s.context] {
		return
	}
	w.seen["*"+s.context] = true
	s.prio, s.prefix = "", ""
	if s.via == "" {
		for _, c := range w.d.below(s.context) {
			w.out.typed[c.name] = true
		}
	}
	for i, n := range w.d.samples {
		e, _ := w.d.best(s.context, n)
		if e == nil || e.open() && !w.d.first[i] { // of one length is enough
			continue
		}
		one := s
		one.exten, one.dialled = n, n
		w.push(one)
	}
	w.examples(s)
	for _, c := range w.d.below(s.context) {
		for _, t := range w.d.tries(c.dialContext) {
			one := s
			one.exten, one.dialled, one.prefix = t.prefix+t.number, t.number, t.prefix
			w.push(one)
		}
	}
}

// examples dials every extension of a context.
func (w *walker) examples(s state) {
	for _, c := range w.d.below(s.context) {
		for _, exten := range c.examples() {
			one := s
			one.exten, one.dialled, one.prio = exten, "", ""
			w.push(one)
		}
	}
}

func (w *walker) push(s state) {
	if w.quiet {
		return
	}
	key := w.key(&s)
	if w.seen[key] {
		return
	}
	if len(w.seen) >= maxStates || len(s.path) > maxDepth || w.d.visited >= maxVisited {
		w.out.cutOff, w.d.cutOff = true, true
		return
	}
	w.seen[key] = true
	s.vars = maps.Clone(s.vars)
	w.queue = append(w.queue, s)
}

// key tells calls apart that may lead elsewhere.
func (w *walker) key(s *state) string {
	parts := []string{s.context, s.exten, s.prio}
	for _, name := range []string{"ARG1", "ARG2", "ARG3", "DIAL_TRUNK", "OUTNUM"} {
		parts = append(parts, s.vars[name])
	}
	if s.dialled != "" {
		var carry []string
		for name, v := range s.vars {
			if strings.Contains(v, s.tail()) {
				carry = append(carry, name)
			}
		}
		slices.Sort(carry)
		parts = append(parts, carry...)
	}
	return strings.Join(parts, "\x00")
}

// tail is the part of the number that must go out for it to be the one dialled.
func (s *state) tail() string { return s.dialled[max(0, len(s.dialled)-foreignTail):] }

// sends tells whether what goes out is the number abroad, and not something
// that happens to end like it.
func (s *state) sends(number string) bool {
	if s.dialled == "" || !strings.HasSuffix(number, s.tail()) {
		return false
	}
	return s.prefix == "" || !strings.HasSuffix(number, s.prefix[len(s.prefix)-1:]+s.dialled) // all of the prefix is gone
}

// visit runs the extension that a state matches.
func (w *walker) visit(s state) {
	w.d.visited++
	e, way := w.d.best(s.context, s.exten)
	if e == nil {
		return
	}
	path := slices.Clone(s.path)
	typed := s.via == "" && s.dialled != "" && s.exten == s.prefix+s.dialled
	for _, c := range way {
		w.out.contexts[c] = true
		if typed {
			w.out.typed[c] = true
		}
		if len(path) == 0 || path[len(path)-1] != c {
			path = append(path, c)
		}
	}
	s.path = append(path, e.text)
	if s.vars == nil {
		s.vars = map[string]string{}
	}
	s.vars["EXTEN"], s.vars["CONTEXT"] = s.exten, s.context
	w.run(&s, e, max(0, e.find(s.prio)), 0)
}

// jump goes to an extension, or to all of a context if which is not known.
func (w *walker) jump(s state) {
	if !known(s.context) {
		return // noted by DP-020
	}
	if s.exten == "" {
		s.exten = "s"
	}
	w.out.contexts[s.context] = true // even one that stands elsewhere
	if !known(s.exten) {
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
			next.context, next.exten, next.prio, next.vars = or(context, "default"), exten, "", nil
			w.jump(next)
			continue
		}
		trunk, number := w.d.pbx.outside(tech, rest)
		if trunk == "" {
			continue
		}
		w.out.exits = append(w.out.exits, exit{
			dialled: s.prefix + s.dialled, number: number, trunk: trunk, via: s.via, path: append(slices.Clone(s.path), trunk),
			at: st.at.String(), locked: s.locked, foreign: s.sends(number),
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

// rings names what somebody reaches in a context that answers or rings, or "".
func (d *dialplan) rings(context string) string {
	apps := d.from(context).apps
	for _, app := range []string{"disa", "voicemailmain", "dial", "queue", "voicemail", "confbridge", "meetme", "page", "directory", "followme", "agi", "stasis"} {
		if f, ok := apps[app]; ok {
			return app + " at " + f.at
		}
	}
	return ""
}

// leads tells how a context leads abroad: "" if it does not.
func (d *dialplan) leads(context string) string {
	if e := d.from(context).abroad(); e != nil {
		return e.tell()
	}
	return ""
}
