package asterisk

import (
	"slices"
	"strings"

	"pbxguard/audit"
)

// outwards are a step that dials a trunk, and where it stands.
type outwards struct {
	context *dialContext
	ext     *extension
	step    *step
	dialled bool // the number is the one that was dialled
}

// outward finds every Dial to a trunk.
func (p *PBX) outward() (all []outwards) {
	p.plan.each(func(c *dialContext, e *extension, s *step) {
		if !s.is("Dial", "RetryDial", "ExecIf", "TryExec") {
			return
		}
		text := s.args
		if !s.is("Dial") {
			i := strings.Index(text, "Dial(")
			if i < 0 {
				return
			}
			_, text = application(text[i:])
		}
		expanded := p.plan.expand(argument(arguments(text), 0), map[string]string{"EXTEN": e.example()})
		for _, dest := range cut(expanded, '&') {
			tech, rest, ok := strings.Cut(strings.TrimSpace(dest), "/")
			if !ok {
				continue
			}
			if trunk, _ := p.outside(tech, rest); trunk != "" || strings.Contains(tech, "?") {
				all = append(all, outwards{c, e, s, strings.Contains(text, "EXTEN")})
				return
			}
		}
	})
	return all
}

// widePatterns are those without an end that themselves dial a trunk, or hand
// the number to something that does.
func widePatterns(p *PBX, r *audit.Result) {
	for _, name := range p.plan.names {
		c := p.plan.contexts[name]
		for _, e := range c.patterns {
			if !e.open() || len(e.places) > 1 && !allDigits(e.places[1:]) || len(e.places) > 1 && countNarrow(e.places) > 1 {
				continue
			}
			if number, trunk := p.plan.sends(c, e); trunk != "" && number {
				r.Fail("extension "+e.text+"@"+c.name, e.at.String(), "%s leads to %s for every number", e.text, trunk)
			}
		}
	}
}

// allDigits tells whether every place allows (nearly) any digit.
func allDigits(places []string) bool {
	return !slices.ContainsFunc(places, func(s string) bool { return len(s) < 8 })
}

// countNarrow counts places that allow few digits.
func countNarrow(places []string) (n int) {
	for _, s := range places {
		if len(s) < 8 {
			n++
		}
	}
	return n
}

// sends tells whether an extension sends what was dialled to a trunk.
func (d *dialplan) sends(c *dialContext, e *extension) (foreign bool, trunk string) {
	const tail = "4433221"
	r := &reach{contexts: map[string]bool{}, apps: map[string]found{}}
	w := walker{d: d, out: r, seen: map[string]bool{}}
	dialled := strings.TrimSuffix(e.example(), "5") + "5" + tail
	s := state{context: c.name, exten: dialled, dialled: dialled, vars: map[string]string{"EXTEN": dialled, "CONTEXT": c.name}, path: []string{c.name, e.text}}
	w.seen["*"+c.name] = true
	for i := range e.steps {
		w.step(&s, &e.steps[i])
	}
	for n := 0; len(w.queue) > 0 && n < 500; n++ {
		next := w.queue[0]
		w.queue = w.queue[1:]
		w.visit(next)
	}
	for _, out := range r.exits {
		if strings.HasSuffix(out.number, tail) && !out.locked {
			return true, out.trunk
		}
	}
	return false, ""
}
