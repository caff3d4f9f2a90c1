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
	trunk   string
}

// outward finds every Dial to a trunk.
func (p *PBX) outward() (all []outwards) {
	p.plan.each(func(c *dialContext, e *extension, s *step) {
		if !s.is("Dial", "RetryDial") {
			return
		}
		text := s.args
		expanded := p.plan.expand(argument(arguments(text), 0), map[string]string{"EXTEN": e.example()})
		for _, dest := range cut(expanded, '&') {
			tech, rest, ok := strings.Cut(strings.TrimSpace(dest), "/")
			if !ok {
				continue
			}
			if trunk, _ := p.outside(tech, rest); trunk != "" || strings.Contains(tech, "?") {
				all = append(all, outwards{c, e, s, trunk})
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
			if !e.open() || !p.plan.wide(e) || !p.dialable(name) {
				continue
			}
			if number, trunk := p.plan.sends(c, e); trunk != "" && number {
				r.Fail("extension "+e.text+"@"+c.name, e.at.String(), "%s leads to %s for every number", e.text, trunk)
			}
		}
	}
}

// dialable tells whether somebody may dial what he likes in a context, as far as
// it is known who there is: where accounts come from elsewhere, in any.
func (p *PBX) dialable(context string) bool {
	if p.anywhere == nil {
		p.anywhere = map[string]bool{}
		for name := range p.plan.beginnings() {
			for c := range p.plan.from(name).typed {
				p.anywhere[c] = true
			}
		}
		for _, source := range []string{"pjsip", "chan_sip", "iax"} {
			state, _ := p.Source(source)
			p.anywhere[""] = p.anywhere[""] || state == audit.Partial || state == audit.Lost
		}
		p.anywhere[""] = p.anywhere[""] || len(p.plan.beginnings()) == 0
	}
	return p.anywhere[""] || p.anywhere[context]
}

// wide tells whether a pattern without an end takes numbers of every country:
// as they are, or behind a digit for the outside line.
func (d *dialplan) wide(e *extension) bool {
	ways := 0
	for i, n := range d.samples {
		if d.first[i] && strings.HasSuffix(n, "252612345678") && e.matches(n) {
			ways++
		}
	}
	return ways > 0 && (len(e.places) <= 1 || countNarrow(e.places) <= 1 && allDigits(e.places[1:]))
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
	r := newReach()
	w := walker{d: d, out: r, seen: map[string]bool{"*" + c.name: true}}
	dialled := strings.TrimSuffix(e.example(), "5") + "5" + tail
	s := state{context: c.name, exten: dialled, dialled: dialled, vars: map[string]string{"EXTEN": dialled, "CONTEXT": c.name}, path: []string{c.name, e.text}}
	w.run(&s, e, 0, 0)
	w.drain(500)
	for _, out := range r.exits {
		if strings.HasSuffix(out.number, tail) && !out.locked {
			return true, out.trunk
		}
	}
	return false, ""
}
