package asterisk

import (
	"slices"
	"strings"

	"pbxguard/audit"
)

// dialplanStepRules are about single steps.
func dialplanStepRules() []audit.Rule[*PBX] {
	object := func(c *dialContext, e *extension) string { return "extension " + e.text + "@" + c.name }
	return []audit.Rule[*PBX]{
		rule("AST-DP-004", audit.High, "dialplan", "What was dialled goes into Dial unfiltered",
			"Under a pattern without an end, ${EXTEN} may hold any character: 500&PJSIP/00900123456@trunk rings a colleague and a premium number at once.",
			"Write ${FILTER(0-9+,${EXTEN})}.", serious, func(p *PBX, r *audit.Result) {
				p.plan.each(func(c *dialContext, e *extension, s *step) {
					if e.open() && s.is("Dial") && p.dialable(c.name) && unfiltered(argument(arguments(s.args), 0)) {
						r.Fail(object(c, e), s.at.String(), "Dial with ${EXTEN} under %s", e.text)
					}
				})
			}),
		rule("AST-DP-005", audit.Critical, "dialplan", "What a caller says is run as a command",
			"A caller whose name holds $(…) or a quote runs programs on the PBX.",
			"Put FILTER() around it, or better, start no program.", serious, func(p *PBX, r *audit.Result) {
				p.plan.each(func(c *dialContext, e *extension, s *step) {
					what, command := commanded(e, s)
					switch {
					case what == "":
					case command:
						r.Fail(object(c, e), s.at.String(), "%s with %s", s.app, what)
					default:
						r.FailAs(audit.Medium, object(c, e), s.at.String(), "%s goes into the address that CURL() asks: put URIENCODE() around it", what)
					}
				})
			}),
		rule("AST-DP-007", audit.Medium, "dialplan", "The PIN in front of a trunk is weak",
			"A PIN of four digits lasts an hour against a robot.",
			"Ask 6 or more random digits with Authenticate, and hang up after three tries.", "Asterisk app_authenticate", func(p *PBX, r *audit.Result) {
				p.plan.each(func(c *dialContext, e *extension, s *step) {
					if !s.is("Authenticate") {
						return
					}
					pin := argument(arguments(p.plan.expand(s.args, nil)), 0)
					if strings.HasPrefix(pin, "/") || strings.Contains(pin, "?") {
						return
					}
					p.site.Secret(pin)
					if ws := audit.PIN(pin); len(ws) > 0 {
						r.Fail(object(c, e), s.at.String(), "its PIN: %s", audit.Describe(ws))
					}
				})
			}),
		rule("AST-DP-008", audit.High, "dialplan", "The outside party may transfer the call",
			"With t on calls out, or T on calls in, the party outside keys ## or *2 and dials abroad at your cost.",
			"Take t out of Dial towards trunks, and T out of Dial in contexts of incoming calls; likewise h, k, w and x for that side.", "Asterisk app_dial", func(p *PBX, r *audit.Result) {
				for _, t := range p.plan.transfers() {
					r.Fail(t.object, t.at, "Dial has the option %s, and who keys it dials in context %s: %s", t.letter, t.context, t.way)
				}
			}),
		rule("AST-DP-012", audit.Medium, "dialplan", "A trunk's password stands in the dialplan",
			"It is shown in call records, on the console and in AMI events.",
			"Put it into the peer's section and dial the peer by name.", "Asterisk app_dial", func(p *PBX, r *audit.Result) {
				p.plan.each(func(c *dialContext, e *extension, s *step) {
					if !s.is("Dial") {
						return
					}
					for _, dest := range cut(p.plan.expand(argument(arguments(s.args), 0), nil), '&') {
						tech, rest, _ := strings.Cut(dest, "/")
						user, _, ok := strings.Cut(rest, "@")
						if _, secret, has := strings.Cut(user, ":"); ok && has && slices.Contains([]string{"IAX2", "SIP"}, strings.ToUpper(tech)) && !strings.Contains(user, "/") {
							p.site.Secret(secret)
							r.Fail(object(c, e), s.at.String(), "Dial(%s/user:secret@…)", tech)
						}
					}
				})
			}),
		rule("AST-DP-013", audit.Medium, "dialplan", "Anybody may listen in",
			"ChanSpy without a PIN or group lets whoever dials it hear every call.",
			"Put Authenticate before it, or restrict it with g() and a context of few phones.", "Asterisk app_chanspy", func(p *PBX, r *audit.Result) {
				used := p.plan.used()
				p.plan.each(func(c *dialContext, e *extension, s *step) {
					if !s.is("ChanSpy", "ExtenSpy") || p.asksFirst(e, s) {
						return
					}
					whom := argument(arguments(s.args), 0)
					if strings.Contains(argument(arguments(s.args), 1), "g(") || strings.Contains(whom, "${") && !strings.Contains(whom, "${EXTEN") || !used[c.name] {
						return
					}
					r.Fail(object(c, e), s.at.String(), "%s without a PIN or group", s.app)
				})
			}),
		rule("AST-DP-014", audit.Medium, "dialplan", "A conference is open to callers from outside",
			"Fraudsters use free bridges for their own calls; a menu that dials out is worse.",
			"Ask a PIN of 6 or more digits, in confbridge.conf or with Authenticate.", "Asterisk app_confbridge", func(p *PBX, r *audit.Result) {
				for _, in := range p.entries() {
					for _, app := range []string{"confbridge", "meetme", "page"} {
						f, ok := p.plan.from(in.context).apps[app]
						if !ok || p.conferencePIN(f.args) || !known(argument(arguments(f.args), 0)) { // one without a name is for this call
							continue
						}
						r.Fail(in.name, f.at, "%s -> %s", strings.Join(f.path, " -> "), app)
					}
				}
			}),
		rule("AST-DP-015", audit.Medium, "dialplan", "Phones choose the number that is shown",
			"What a phone says is its caller id goes out as it is: calls in false names.",
			"Set CALLERID(num) to a number of yours before Dial to a trunk.", "S002", func(p *PBX, r *audit.Result) {
				outward := p.outward()
				if len(outward) == 0 {
					r.NotApplicable("no extension leads to a trunk")
					return
				}
				if p.plan.setsCallerID() || p.trunksFixCallerID() || p.phonesFixCallerID() {
					return
				}
				r.Fail("dialplan", outward[0].step.at.String(), "no extension sets CALLERID(num), and neither trunks nor phones have a fixed one")
			}),
		rule("AST-DP-017", audit.Medium, "dialplan", "An extension has an emergency number",
			"Who dials for help gets a colleague.",
			"Give the extension another number.", "S004", func(p *PBX, r *audit.Result) {
				for _, ep := range p.phones() {
					for _, n := range []string{"112", "911", "999", "110"} {
						if ep.Name == n {
							r.Fail("endpoint "+ep.Name, ep.At.String(), "%s is an emergency number", n)
						}
					}
				}
				if len(p.objects["endpoint"]) == 0 {
					r.NotApplicable("there is no endpoint of chan_pjsip")
				}
			}),
		rule("AST-DP-019", audit.High, "dialplan", "A file of the dialplan was changed",
			"Who got in once leaves a context that lets him in again. It stands in the file that nobody reads.",
			"Look at what changed; run the audit again to take it as it is now.", "S004; FreePBX advisories 2025", changedFiles),
	}
}

// unfiltered tells whether a text holds ${EXTEN} outside of FILTER().
func unfiltered(text string) bool {
	for _, v := range []string{"${EXTEN}", "${EXTEN:"} {
		for from := 0; ; {
			i := strings.Index(text[from:], v)
			if i < 0 {
				break
			}
			i += from
			if open := strings.LastIndex(text[:i], "FILTER("); open < 0 || matching(text, open+len("FILTER"), '(', ')') < i {
				return true
			}
			from = i + len(v)
		}
	}
	return false
}

// asksFirst tells whether a PIN is asked before a step.
func (p *PBX) asksFirst(e *extension, s *step) bool {
	for i := range e.steps {
		if e.steps[i].at == s.at {
			return false
		}
		if e.steps[i].is("Authenticate", "VMAuthenticate") {
			return true
		}
	}
	return false
}

// conferencePIN tells whether a conference asks one.
func (p *PBX) conferencePIN(args string) bool {
	a := arguments(args)
	for _, s := range p.file("confbridge.conf").Sections {
		if pin := s.Get("pin"); strings.EqualFold(s.Get("type"), "user") && (s.Name == argument(a, 2) || argument(a, 2) == "" && s.Name == "default_user") && len(pin) >= 6 {
			return true
		}
	}
	return strings.Contains(args, "pin")
}

// trunksFixCallerID tells whether every trunk shows a number of its own.
func (p *PBX) trunksFixCallerID() bool {
	trunks := p.trunks()
	for _, ep := range trunks {
		if ep.Get("from_user") == "" && ep.Get("callerid") == "" && ep.Get("outbound_cid") == "" {
			return false
		}
	}
	return len(trunks) > 0
}

// phonesFixCallerID tells whether what phones say of themselves is not heard:
// each has a caller id, and none is trusted with another.
func (p *PBX) phonesFixCallerID() bool {
	phones := p.phones()
	for _, ep := range phones {
		if ep.Get("callerid") == "" || ep.Yes("trust_id_inbound") {
			return false
		}
	}
	return len(phones) > 0
}

// changedFiles compares the dialplan's files with the last run.
func changedFiles(p *PBX, r *audit.Result) {
	if p.site.Memory == nil || p.site.Memory.Old == nil {
		if p.site.Memory == nil {
			r.Incomplete("", "", "no earlier run is remembered to compare with")
		}
	}
	for _, name := range p.file("extensions.conf").Read {
		data, err := p.site.Tree.ReadFile(name)
		if err != nil {
			r.Incomplete(name, name, "%v", err)
			continue
		}
		known, same := p.site.Memory.Note("file:"+name, data)
		generated := strings.Contains(name, "_additional") || strings.HasSuffix(name, "/globals_custom.conf")
		switch {
		case !known:
			r.Fail("file "+name, name, "it is new since the last run")
		case !same && !generated:
			r.Fail("file "+name, name, "it changed since the last run")
		}
	}
}
