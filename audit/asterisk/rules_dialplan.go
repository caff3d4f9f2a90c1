package asterisk

import (
	"slices"
	"strings"

	"pbxguard/audit"
)

const serious = "Asterisk README-SERIOUSLY.bestpractices.md"

// dialplanRules are about where calls get to.
func dialplanRules() []audit.Rule[*PBX] {
	return []audit.Rule[*PBX]{
		rule("AST-DP-001", audit.Critical, "dialplan", "Callers from outside get abroad",
			"Whoever rings in, or sends a call to the PBX's address, dials on to a number abroad at your cost: the classic toll fraud.",
			"Let the contexts of trunks and guests lead to your own numbers only; keep outgoing routes in contexts that they do not include or go to.", serious, func(p *PBX, r *audit.Result) {
				for _, in := range p.entries() {
					reached := p.plan.from(in.context)
					if e := reached.abroad(); e != nil {
						r.Fail(in.name, e.at, "%s", e.tell())
					}
					if reached.cutOff {
						r.Incomplete(in.name, in.at, "context %s leads to more than could be followed", in.context)
					}
				}
			}),
		rule("AST-DP-002", audit.High, "dialplan", "The context \"default\" is not empty",
			"What nobody gave a context falls into [default]; the sample's demo there lets callers in.",
			"Leave [default] empty, or with a Hangup.", "Asterisk extensions.conf.sample", func(p *PBX, r *audit.Result) {
				c := p.plan.contexts["default"]
				if c == nil {
					return
				}
				if p.plan.includes("default", "demo") {
					r.Fail("context default", c.at.String(), "it includes the demo")
				} else if way := p.plan.leads("default"); way != "" {
					r.Fail("context default", c.at.String(), "it leads abroad: %s", way)
				}
			}),
		rule("AST-DP-003", audit.High, "dialplan", "A pattern lets every number out",
			"Behind a pattern such as _X. every country and every premium number can be dialled, with whatever prefix.",
			"Write one pattern for each kind of number that people need, with its length, as _0[1-7]XXXXXXXX.", serious+"; configs/basic-pbx", widePatterns),
		rule("AST-DP-006", audit.Critical, "dialplan", "DISA gives a dial tone to callers",
			"Who rings the number dials on as if inside; robots try PINs all night.",
			"Remove DISA, or ask a PIN of 8 digits and give it a context of few numbers.", "Asterisk app_disa", func(p *PBX, r *audit.Result) {
				p.plan.each(func(c *dialContext, e *extension, s *step) {
					if s.is("DISA") {
						p.disa(r, c, e, s)
					}
				})
			}),
		rule("AST-DP-009", audit.High, "dialplan", "A call may last for ever",
			"A fraudulent call that is left up for a weekend costs thousands.",
			"Set TIMEOUT(absolute)=7200 before Dial, or give Dial the option L(7200000).", "S004", func(p *PBX, r *audit.Result) {
				outward := p.outward()
				if len(outward) == 0 {
					r.NotApplicable("no extension leads to a trunk")
					return
				}
				if p.plan.mentions("TIMEOUT(absolute)") {
					return
				}
				for _, o := range outward {
					if options := argument(arguments(o.step.args), 2); !strings.Contains(options, "L(") && !strings.Contains(options, "S(") {
						r.Fail("extension "+o.ext.text+"@"+o.context.name, o.step.at.String(), "no L(), S() or TIMEOUT(absolute)")
						return // once: it is one setting for all
					}
				}
			}),
		rule("AST-DP-010", audit.Medium, "dialplan", "A block list can be got round",
			"The premium numbers are blocked as they are dialled nationally, and not behind the international prefix; or a national pattern reaches the Caribbean.",
			"Block the other spellings too, or better, list what is allowed.", "Asterisk configs/basic-pbx", evasions),
		rule("AST-DP-011", audit.High, "dialplan", "An emergency number cannot be dialled as it is",
			"Who needs help dials 112 (or 911) and nothing else before it, and must get through at any hour.",
			"Put an extension for each emergency number, without prefix, first into the context of the phones.", "S004; Kari's Law", emergencyNumbers),
		rule("AST-DP-016", audit.Low, "dialplan", "A context that nobody uses leads out",
			"What is left over is forgotten, until somebody finds it.",
			"Delete it.", "S004", unusedContexts),
		rule("AST-DP-018", audit.Medium, "dialplan", "Abroad may be called at any hour",
			"Nearly all fraud happens at night and at weekends.",
			"Put GotoIfTime in front of international routes, or let pbxguard's rules hours and weekend do it.", "S004", func(p *PBX, r *audit.Result) {
				if p.plan.mentions("GotoIfTime") || p.plan.mentions("IFTIME(") || p.plan.timed() {
					return
				}
				var m many
				for _, ep := range p.phones() {
					if p.plan.leads(contextOf(ep)) != "" {
						m.add(ep.Name, ep.At)
					}
				}
				if n := len(m.names); n > 0 {
					r.FailAs(audit.Low, "dialplan", m.at, "%s may call abroad at any hour", plural(n, "endpoint"))
				}
			}),
		rule("AST-DP-020", audit.Info, "asterisk", "Some of the dialplan cannot be followed",
			"AEL, Lua, databases, AGI and Stasis decide about calls where this audit does not see it.",
			"Review those scripts by hand for what they dial.", "Asterisk documentation", func(p *PBX, r *audit.Result) {
				for _, why := range p.plan.dynamic[:min(len(p.plan.dynamic), 20)] {
					r.Fail("dialplan", "", "%s", why)
				}
				var m many
				p.plan.each(func(c *dialContext, e *extension, s *step) {
					if s.is("AGI", "EAGI", "FastAGI", "DeadAGI", "Stasis", "ExternalIVR") {
						m.add(e.text+"@"+c.name, s.at)
					}
				})
				m.fail(r, audit.Info, "extension", "it hands the call to a program")
				if state, why := p.together([]string{"extensions.conf"}, ""); state == audit.Lost || state == audit.Partial {
					r.Incomplete("extensions.conf", "", "%s", why)
				}
			}),
	}
}

// disa judges one DISA: who reaches it, and what it asks.
func (p *PBX) disa(r *audit.Result, c *dialContext, e *extension, s *step) {
	a := arguments(p.plan.expand(s.args, nil))
	pin, context := argument(a, 0), or(argument(a, 1), "disa")
	object := "extension " + e.text + "@" + c.name
	if !strings.EqualFold(pin, "no-password") {
		p.site.Secret(pin)
	}
	way := p.plan.leads(context)
	switch {
	case strings.EqualFold(pin, "no-password"):
		severity := audit.High
		for _, in := range p.entries() {
			if p.plan.from(in.context).contexts[c.name] {
				severity = audit.Critical
			}
		}
		r.FailAs(severity, object, s.at.String(), "DISA(no-password) into context %s", context)
	case strings.HasPrefix(pin, "/"), strings.Contains(pin, "?"):
		r.Incomplete(object, s.at.String(), "its PIN stands elsewhere")
	case len(audit.PIN(pin)) > 0:
		r.FailAs(audit.High, object, s.at.String(), "its PIN is weak: %s", audit.Describe(audit.PIN(pin)))
	case way != "":
		r.FailAs(audit.High, object, s.at.String(), "behind the PIN callers get abroad: %s", way)
	}
}

// evasions looks for numbers that are blocked in one spelling and pass in
// another.
func evasions(p *PBX, r *audit.Result) {
	pairs := []struct{ blocked, passes, what string }{
		{"19005551234", "01119005551234", "premium numbers of North America behind 011"},
		{"19005551234", "+19005551234", "premium numbers of North America behind +"},
		{"12025551234", "18765551234", ""},
	}
	done := map[string]bool{}
	for _, ep := range p.phones() {
		context := contextOf(ep)
		if done[context] {
			continue
		}
		done[context] = true
		for _, pair := range pairs {
			if pair.what != "" && p.plan.blocks(context, pair.blocked) && p.plan.passes(context, pair.passes) {
				r.Fail("context "+context, ep.At.String(), "%s is blocked, %s passes: %s", pair.blocked, pair.passes, pair.what)
			}
		}
		if north := p.plan.passes(context, "12025551234"); north && p.northAmerican() && !p.plan.passes(context, "01144201234567") && p.plan.passes(context, "18765551234") {
			r.Fail("context "+context, ep.At.String(), "abroad is not open, but 1 876 (Jamaica) and other islands behind +1 are")
		}
	}
}

// passes tells whether a number that is dialled in a context goes to a trunk.
func (d *dialplan) passes(context, number string) bool {
	r := newReach()
	w := walker{d: d, out: r, seen: map[string]bool{}}
	w.push(state{context: context, exten: number, dialled: number})
	w.drain(500)
	return r.abroad() != nil
}

// blocks tells whether a context has an extension for a number that goes
// nowhere: it is there to block.
func (d *dialplan) blocks(context, number string) bool {
	e, _ := d.best(context, number)
	return e != nil && len(e.places) > 3 && !d.passes(context, number)
}

// unusedContexts are those with a Dial to a trunk that nothing leads to.
func unusedContexts(p *PBX, r *audit.Result) {
	used := map[string]bool{}
	use := func(context string) {
		if context != "" && !used[context] {
			for c := range p.plan.from(context).contexts {
				used[c] = true
			}
			for _, c := range p.plan.below(context) {
				used[c.name] = true
			}
		}
	}
	for _, ep := range p.objects["endpoint"] {
		use(contextOf(ep))
	}
	for _, s := range append(p.peers("sip.conf"), p.peers("iax.conf")...) {
		use(or(s.Get("context"), "default"))
	}
	use(p.plan.globals["TRANSFER_CONTEXT"])
	use(p.plan.globals["FORWARD_CONTEXT"])
	if len(used) == 0 || p.freePBX().there() {
		return // FreePBX brings contexts for whatever may be switched on
	}
	for _, o := range p.outward() {
		if !used[o.context.name] {
			used[o.context.name] = true
			r.Fail("context "+o.context.name, o.step.at.String(), "nothing leads to it, and it dials a trunk")
		}
	}
}

// timed tells whether any include counts at certain hours only.
func (d *dialplan) timed() bool {
	return slices.ContainsFunc(d.names, func(name string) bool {
		return slices.ContainsFunc(d.contexts[name].includes, func(i include) bool { return i.time != "" })
	})
}

// northAmerican tells whether +1 is the site's country code, or may be.
func (p *PBX) northAmerican() bool {
	return p.site.Plan == nil || slices.Contains([]string{"US", "CA"}, p.site.Plan.Country())
}
