package asterisk

import (
	"fmt"
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// pjsipObjectRules are about what a phone or trunk may do once it is in.
func pjsipObjectRules() []audit.Rule[*PBX] {
	return []audit.Rule[*PBX]{
		rule("AST-PJSIP-010", audit.Medium, "pjsip dialplan",
			"A trunk may transfer calls",
			"A REFER from the trunk sends a call on to any number of TRANSFER_CONTEXT, or else of the endpoint's context. The options t and T of Dial do not restrict it.",
			"Set allow_transfer=no on trunks, and TRANSFER_CONTEXT to a context that has inside numbers only.",
			"Asterisk res_pjsip_refer.c", func(p *PBX, r *audit.Result) {
				context := p.plan.globals["TRANSFER_CONTEXT"]
				for _, ep := range p.trunks() {
					if off(ep, "allow_transfer") {
						continue
					}
					severity := audit.Low
					if p.plan.leads(or(context, contextOf(ep))) != "" {
						severity = audit.Medium
					}
					r.FailAs(severity, "endpoint "+ep.Name, at(ep, "allow_transfer"), "allow_transfer is not no")
				}
			}),
		rule("AST-PJSIP-011", audit.Medium, "pjsip dialplan",
			"A trunk or guest may watch extensions",
			"With allow_subscribe=yes, the default, an outsider can ask which extensions exist and who is on the phone.",
			"Set allow_subscribe=no on trunks and on the endpoint for guests.",
			"Asterisk pjsip.conf.sample", func(p *PBX, r *audit.Result) {
				for _, ep := range p.objects["endpoint"] {
					if !p.isTrunk(ep) && !isAnonymous(ep) || off(ep, "allow_subscribe") {
						continue
					}
					severity := audit.Low
					if context := or(ep.Get("subscribe_context"), contextOf(ep)); slices.ContainsFunc(p.plan.below(context), func(c lookup) bool { return c.hints }) {
						severity = audit.Medium
					}
					r.FailAs(severity, "endpoint "+ep.Name, at(ep, "allow_subscribe"), "allow_subscribe is not no")
				}
			}),
		rule("AST-PJSIP-012", audit.Medium, "pjsip",
			"OPTIONS tell which endpoints exist",
			"Without authentication, the answer to OPTIONS differs for names that exist: a list of accounts to guess passwords for.",
			"Remove allow_unauthenticated_options=yes.",
			"Asterisk pjsip.conf.sample, allow_unauthenticated_options", func(p *PBX, r *audit.Result) {
				for _, ep := range slices.Concat(p.objects["endpoint"], p.objects["global"]) {
					if ep.Yes("allow_unauthenticated_options") {
						r.Fail(strings.ToLower(ep.Get("type"))+" "+ep.Name, at(ep, "allow_unauthenticated_options"), "allow_unauthenticated_options=yes")
					}
				}
			}),
		rule("AST-PJSIP-013", audit.High, "pjsip",
			"Others may register beside a phone",
			"Whoever has the password registers a second device, gets the calls and makes his own, and the owner notices nothing.",
			"Set max_contacts=1 and remove_existing=yes.",
			"Asterisk pjsip.conf.sample, aor", func(p *PBX, r *audit.Result) {
				var several, keep many
				for _, aor := range p.objects["aor"] {
					switch n := number(aor, "max_contacts", 0); {
					case n > 3:
						several.add(aor.Name, aor.Pos("max_contacts"))
					case n > 1 && !aor.Yes("remove_existing"):
						keep.add(aor.Name, aor.Pos("max_contacts"))
					}
				}
				several.fail(r, audit.High, "aor", "more than 3 devices may be registered at once")
				keep.fail(r, audit.High, "aor", "more than one device may be registered, and remove_existing is not yes")
			}),
		rule("AST-PJSIP-014", audit.Medium, "pjsip",
			"An extension cannot register",
			"Nobody can use the account, so nobody notices what happens to it.",
			"Delete it, or set max_contacts=1.",
			"Asterisk pjsip.conf.sample, aor", func(p *PBX, r *audit.Result) {
				var dead many
				for _, ep := range p.objects["endpoint"] {
					if p.isTrunk(ep) || isAnonymous(ep) {
						continue
					}
					for _, aor := range p.aorsOf(ep) {
						if number(aor, "max_contacts", 0) == 0 && aor.Get("contact") == "" {
							dead.add(ep.Name, aor.At)
						}
					}
				}
				dead.fail(r, audit.Medium, "endpoint", "its aor has neither max_contacts nor a contact")
			}),
		rule("AST-PJSIP-015", audit.Medium, "pjsip",
			"A phone may say who it is",
			"With trust_id_inbound=yes, the caller id in P-Asserted-Identity is believed: calls in the name of another.",
			"Remove trust_id_inbound=yes from phones.",
			"Asterisk pjsip.conf.sample, trust_id_inbound", func(p *PBX, r *audit.Result) {
				var m many
				for _, ep := range p.phones() {
					if ep.Yes("trust_id_inbound") {
						m.add(ep.Name, ep.Pos("trust_id_inbound"))
					}
				}
				m.fail(r, audit.Medium, "endpoint", "trust_id_inbound=yes")
			}),
		rule("AST-PJSIP-016", audit.Medium, "pjsip dialplan",
			"Whatever caller id a phone has goes out",
			"The trunk is told the caller's identity, and neither the trunk nor the dialplan sets a number of yours: the PBX is a tool for calls in false names.",
			"Set CALLERID(num) to a number of yours before Dial, or from_user= on the trunk.",
			"S002; Asterisk pjsip.conf.sample, send_pai", func(p *PBX, r *audit.Result) {
				if p.plan.setsCallerID() {
					return
				}
				for _, ep := range p.trunks() {
					if (ep.Yes("send_pai") || ep.Yes("send_rpid")) && ep.Get("from_user") == "" {
						r.Fail("endpoint "+ep.Name, ep.At.String(), "send_pai or send_rpid is on, from_user= is missing, and no extension sets CALLERID(num)")
					}
				}
			}),
		rule("AST-PJSIP-023", audit.Medium, "pjsip dialplan",
			"A phone's redirection is dialled",
			"A phone answers with \"302 moved\" to a premium number, set on its keys or its web page, and the PBX dials it at your cost.",
			"Set the global FORWARD_CONTEXT to a context that has inside numbers only, or give Dial the option i.",
			"Asterisk app_dial.c, do_forward; pjsip.conf.sample, redirect_method", func(p *PBX, r *audit.Result) {
				if forward := p.plan.globals["FORWARD_CONTEXT"]; forward != "" && p.plan.leads(forward) == "" {
					return
				}
				if p.plan.refusesForwards() {
					return
				}
				var m many
				for _, ep := range p.phones() {
					if !strings.EqualFold(ep.Get("redirect_method"), "uri_pjsip") && p.plan.leads(contextOf(ep)) != "" {
						m.add(ep.Name, ep.At)
					}
				}
				m.fail(r, audit.Medium, "endpoint", "a redirection may lead abroad")
			}),
		rule("AST-PJSIP-024", audit.Medium, "pjsip",
			"Several endpoints share one auth",
			"One leaked password opens all of them; an auth that is also used towards others tells them yours.",
			"Give every endpoint an auth of its own, and another for logging in elsewhere.",
			"Asterisk pjsip.conf.sample, auth", sharedAuths),
		rule("AST-PJSIP-025", audit.Medium, "pjsip",
			"Passwords are proved with MD5 only",
			"Whoever records a login over UDP tries billions of passwords a second against it.",
			"Add supported_algorithms_uas = SHA-256,MD5 to [global] if the phones know SHA-256.",
			"Asterisk pjsip.conf.sample, supported_algorithms_uas", func(p *PBX, r *audit.Result) {
				v := p.version()
				if v.major < 22 || v.major == 22 && v.before(2, 0) {
					r.NotApplicable("this version, if known, has no other digests")
					return
				}
				if !strings.Contains(strings.ToUpper(p.global().Get("supported_algorithms_uas")), "SHA") && len(p.inboundAuths()) > 0 {
					r.FailAs(audit.Low, "", p.global().At.String(), "supported_algorithms_uas has no SHA-256")
				}
			}),
		rule("AST-PJSIP-028", audit.Medium, "pjsip dialplan",
			"One extension may make any number of calls",
			"A stolen account opens fifty calls at once; with a cap it earns a twenty-fifth.",
			"Count with GROUP() in the dialplan, or set device_state_busy_at=2 and check it there.",
			"S004", func(p *PBX, r *audit.Result) {
				if p.plan.mentions("GROUP_COUNT(", "GROUP(", "CONCURRENCY", "concurrency_limit") {
					return
				}
				var m many
				for _, ep := range p.phones() {
					if number(ep, "device_state_busy_at", 0) == 0 && p.plan.leads(contextOf(ep)) != "" {
						m.add(ep.Name, ep.At)
					}
				}
				m.fail(r, audit.Medium, "endpoint", "no device_state_busy_at and no GROUP() in the dialplan")
			}),
		rule("AST-PJSIP-029", audit.Low, "pjsip",
			"Calls are booked to nobody",
			"Without accountcode= the call records do not say whose account a call was made with.",
			"Set accountcode= to the owner.",
			"Asterisk pjsip.conf.sample, accountcode", func(p *PBX, r *audit.Result) {
				var m many
				for _, ep := range p.phones() {
					if ep.Get("accountcode") == "" && !strings.Contains(strings.ToLower(ep.Get("set_var")), "accountcode") {
						m.add(ep.Name, ep.At)
					}
				}
				m.fail(r, audit.Low, "endpoint", "accountcode is empty")
			}),
		rule("AST-PJSIP-030", audit.Low, "pjsip",
			"An endpoint has the name of a test or sample",
			"Test accounts have simple passwords, and nobody looks after them.",
			"Delete what is not used, rename the rest.",
			"S004", func(p *PBX, r *audit.Result) {
				for _, ep := range p.objects["endpoint"] {
					if slices.Contains(testNames, strings.ToLower(ep.Name)) {
						r.Fail("endpoint "+ep.Name, ep.At.String(), "%q is a name for tests", ep.Name)
					}
				}
			}),
	}
}

// testNames are those of samples and of people who try something.
var testNames = []string{
	"test", "test1", "test2", "tester", "testing", "demo", "guest", "sipp", "1234", "trunk1", "mytrunk", "my-trunk", "myprovider", "softphone", "foo", "bar", "example", "temp", "tmp",
}

// trunks are the endpoints beyond which there is another network.
func (p *PBX) trunks() (all []*conf.Section) {
	for _, ep := range p.objects["endpoint"] {
		if p.isTrunk(ep) {
			all = append(all, ep)
		}
	}
	return all
}

// phones are the endpoints that are neither trunks nor for guests.
func (p *PBX) phones() (all []*conf.Section) {
	for _, ep := range p.objects["endpoint"] {
		if !p.isTrunk(ep) && !isAnonymous(ep) {
			all = append(all, ep)
		}
	}
	return all
}

func sharedAuths(p *PBX, r *audit.Result) {
	users, ours := map[string][]string{}, map[string]bool{}
	for _, ep := range p.objects["endpoint"] {
		for _, name := range ep.List("auth") {
			users[name] = append(users[name], ep.Name)
		}
		for _, name := range ep.List("outbound_auth") {
			ours[name] = true
		}
	}
	for _, reg := range p.objects["registration"] {
		ours[reg.Get("outbound_auth")] = true
	}
	for _, a := range p.inboundAuths() {
		if n := len(users[a.Name]); n > 1 {
			r.Fail("auth "+a.Name, a.At.String(), "%d endpoints use it: %s", n, strings.Join(users[a.Name][:min(n, 8)], ", "))
		}
		if ours[a.Name] {
			r.Fail("auth "+a.Name, a.At.String(), "it is used both for who logs in here and for logging in elsewhere")
		}
	}
}

// mentions tells whether any step has one of the texts in its arguments or
// name.
func (d *dialplan) mentions(texts ...string) bool {
	found := false
	d.each(func(_ *dialContext, _ *extension, s *step) {
		found = found || slices.ContainsFunc(texts, func(t string) bool {
			return strings.Contains(s.args, t) || strings.Contains(s.app, t)
		})
	})
	return found
}

// setsCallerID tells whether any extension sets the caller's number.
func (d *dialplan) setsCallerID() bool {
	found := false
	d.each(func(_ *dialContext, _ *extension, s *step) {
		found = found || s.is("Set", "MSet", "ExecIf") && (strings.Contains(s.args, "CALLERID(num)=") || strings.Contains(s.args, "CALLERID(all)=") || strings.Contains(s.args, "CALLERID(number)=")) && !setsToOwn(s.args)
	})
	return found
}

// setsToOwn tells whether a caller id is set to what it was.
func setsToOwn(args string) bool {
	return strings.Contains(args, "=${CALLERID(") && !strings.Contains(args, ":")
}

// refusesForwards tells whether every Dial to a phone has the option i.
func (d *dialplan) refusesForwards() bool {
	dials, refusing := 0, 0
	d.each(func(_ *dialContext, _ *extension, s *step) {
		if s.is("Dial") {
			dials++
			if strings.Contains(dialOptions(d.expand(s.args, nil)), "i") {
				refusing++
			}
		}
	})
	return dials > 0 && dials == refusing
}

// dialOptions are the letters of Dial's options, without their arguments.
func dialOptions(args string) string { return letters(argument(arguments(args), 2)) }

// letters are options without what stands in brackets behind them.
func letters(options string) string {
	var b strings.Builder
	depth := 0
	for _, c := range options {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
