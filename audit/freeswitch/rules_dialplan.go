package freeswitch

import (
	"fmt"
	"regexp"
	"strings"

	"pbxguard/audit"
)

func dialplanRules() []rule {
	plan := []string{"dialplan"}
	reach := []string{"dialplan", "sofia.conf", "acl.conf"}
	return []rule{
		{Check: check{ID: "FS-DP-001", Title: "Callers from outside reach a trunk", Severity: audit.Critical, Needs: reach,
			Why: "A stranger, or whoever calls one of your numbers, dials on at your cost.",
			Fix: "Let contexts for inbound calls match your own numbers exactly, and transfer each to one extension.",
			Ref: "FreeSWITCH documentation, Dialplan security; conf/vanilla/dialplan/public.xml"}, Find: outsideIn},
		{Check: check{ID: "FS-DP-002", Title: "A route to a trunk takes more than the numbers it is for", Severity: audit.High, Needs: plan,
			Why: "Without ^ and $, or with \"any digits\", a route passes every country and any junk in front of a number.",
			Fix: "Anchor the expression with ^ and $, and list the countries and lengths that you need.",
			Ref: "FreeSWITCH documentation, Dialplan security"}, Find: looseRoute},
		{Check: check{ID: "FS-DP-003", Title: "The outside party can transfer itself", Severity: audit.High, Needs: reach,
			Why: "By keys during the call, whoever is called, or calls in, moves on to a number of its choice at your cost.",
			Fix: "Let only the inside leg listen: a on outbound calls, b on inbound ones.",
			Ref: "FreeSWITCH conf/vanilla/dialplan/default.xml, features.xml"}, Find: outsideKeys},
		{Check: check{ID: "FS-DP-004", Title: "Anybody may listen to calls", Severity: audit.Medium, Needs: plan,
			Why: "A short number is enough to hear what others say.",
			Fix: "Remove the eavesdrop extensions, or ask for a PIN of six digits first.",
			Ref: "FreeSWITCH conf/vanilla/dialplan/default.xml"}, Find: eavesdropping},
		{Check: check{ID: "FS-DP-005", Title: "Callers from outside can dial on", Severity: audit.High, Needs: reach,
			Why: "The dialplan reads digits from a caller and dials them: a stranger calls the world over your trunks.",
			Fix: "Remove it, or ask for a PIN of at least six digits and hang up after three tries.",
			Ref: "FreeSWITCH mod_dptools read; FusionPBX disa.lua"}, Find: dialThrough},
		{Check: check{ID: "FS-DP-006", Title: "What a caller sends becomes part of a command", Severity: audit.High, Needs: plan,
			Why: "A caller's name or a SIP header with a quote or a semicolon in it runs commands on the host.",
			Fix: "Do not pass such a variable to a shell; filter it to digits before.",
			Ref: "FreeSWITCH mod_dptools, mod_commands (system)"}, Find: injection},
		{Check: check{ID: "FS-DP-007", Title: "Outbound calls have no limit", Severity: audit.Medium, Needs: []string{"directory", "dialplan"},
			Why: "A single stolen password keeps many expensive calls open for days.",
			Fix: "Before the bridge: limit hash outbound ${sip_auth_username} 2, and sched_hangup +7200 or execute_on_answer=sched_hangup +7200.",
			Ref: "S004; FreeSWITCH mod_dptools"}, Find: noLimit},
	}
}

func outsideIn(m *model, r *audit.Result) {
	seen := map[string]bool{}
	for _, w := range m.strangers() {
		if out, how, ok := m.worst(w.reached); ok && !out.call.asked {
			key := w.from.name + out.at.String()
			if !seen[key] {
				seen[key] = true
				r.FailAs(outsideSeverity(how), w.from.name, out.at.String(), "%s by dialling %s: %s", how.What, out.dialled, out)
			}
		}
		for _, b := range w.blind {
			r.Incomplete(w.from.name, w.from.at.String(), "cannot follow the call: %s", b)
		}
	}
}

// outsideSeverity is critical for what costs much.
func outsideSeverity(how audit.Reach) audit.Severity {
	if how.Severity.AtLeast(audit.High) {
		return audit.Critical
	}
	return audit.High
}

// anything are expressions that every number matches.
var anything = regexp.MustCompile(`^\^?\(?(\.|\\d|\[0-9\])[*+]\)?\$?$`)

func looseRoute(m *model, r *audit.Result) {
	m.plan.each(func(ctx, ext, e *Element) {
		if e.Name != "condition" && e.Name != "regex" || !strings.Contains(e.Attr("field"), "destination_number") || !dialsTrunk(ext) {
			return
		}
		expr := strings.TrimSpace(expression(e))
		object := "extension " + ext.Attr("name")
		switch {
		case expr == "" || expr == "^$":
		case anything.MatchString(expr):
			r.Fail(object, e.Pos.String(), "%s takes any number", expr)
		case !anchored(expr):
			r.Fail(object, e.Pos.String(), "%s is not anchored with ^ and $", expr)
		}
	})
}

// anchored tells whether every alternative of an expression begins with ^ and
// ends with $.
func anchored(expr string) bool {
	if strings.HasPrefix(expr, "_") {
		return true
	}
	expr = strings.TrimPrefix(expr, "(?i)")
	depth, start := 0, 0
	check := func(part string) bool { return strings.HasPrefix(part, "^") && strings.HasSuffix(part, "$") }
	for i := 0; i < len(expr); i++ {
		switch expr[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth == 0 {
				if !check(expr[start:i]) {
					return false
				}
				start = i + 1
			}
		}
	}
	rest := expr[start:]
	if strings.HasPrefix(rest, "(^") && strings.HasSuffix(rest, "$)") { // (^1$|^2$)
		return true
	}
	return check(rest)
}

// dialsTrunk tells whether an extension bridges to a gateway itself.
func dialsTrunk(ext *Element) bool {
	for _, c := range ext.Each("condition") {
		for _, a := range append(c.Each("action"), c.Each("anti-action")...) {
			if a.Attr("application") == "bridge" && strings.Contains(a.Attr("data"), "sofia/gateway/") {
				return true
			}
		}
		if dialsTrunk(c) {
			return true
		}
	}
	return false
}

var transfers = regexp.MustCompile(`(?i)(dx|att_xfer|execute_extension|transfer|bridge)`)

func outsideKeys(m *model, r *audit.Result) {
	public := map[string]bool{}
	for _, e := range m.entries() {
		public[strings.ToLower(e.ctx)] = true
	}
	m.plan.each(func(ctx, ext, e *Element) {
		leg := listens(e)
		if leg == "" {
			return
		}
		object := "extension " + ext.Attr("name")
		if out := dialsTrunk(ext); out && (leg == "b" || leg == "ab") {
			r.Fail(object, e.Pos.String(), "the called party on the trunk can use it: %s", clip(e.Attr("data")))
		} else if !out && public[strings.ToLower(ctx.Attr("name"))] && (leg == "a" || leg == "ab") {
			r.Fail(object, e.Pos.String(), "callers from outside can use it: %s", clip(e.Attr("data")))
		}
	})
}

// listens tells which leg may transfer by keys that an action binds: a, b, ab.
func listens(e *Element) string {
	data := e.Attr("data")
	switch e.Attr("application") {
	case "bind_meta_app": // KEY LEG [flags] APP
		f := strings.Fields(data)
		if len(f) < 4 || !transfers.MatchString(strings.Join(f[3:], " ")) {
			return ""
		}
		return strings.ToLower(f[1])
	case "bind_digit_action": // realm,digits,exec:app,value,leg that dials
		f := strings.Split(data, ",")
		if len(f) < 3 || !transfers.MatchString(strings.Join(f[2:], ",")) {
			return ""
		}
		leg := "self"
		if len(f) > 4 {
			leg = strings.ToLower(strings.TrimSpace(f[4]))
		}
		return map[string]string{"self": "a", "peer": "b", "both": "ab"}[leg]
	}
	return ""
}

func eavesdropping(m *model, r *audit.Result) {
	m.plan.each(func(ctx, ext, e *Element) {
		app := e.Attr("application")
		if app != "eavesdrop" && app != "userspy" && !(app == "lua" && strings.Contains(e.Attr("data"), "eavesdrop.lua")) {
			return
		}
		if asksPIN(ext) {
			return
		}
		r.Fail("extension "+ext.Attr("name"), e.Pos.String(), "%s in context %s asks for no PIN and tests no group", app, Show(ctx.Attr("name")))
	})
}

// asksPIN tells whether an extension asks for digits, sets a PIN that a script
// asks for, or looks at anything of the caller but the number dialled.
func asksPIN(ext *Element) bool {
	found := false
	var in func(e *Element)
	in = func(e *Element) {
		app, data := e.Attr("application"), e.Attr("data")
		switch {
		case app == "read" || app == "play_and_get_digits":
			found = true
		case app == "set" && strings.HasPrefix(data, "pin_number="):
			pin := strings.TrimPrefix(data, "pin_number=")
			found = found || len(pin) >= 6 && len(audit.PIN(pin)) == 0
		}
		if f := e.Attr("field"); strings.Contains(f, "${") && !strings.Contains(f, "destination_number") && !strings.Contains(f, "sip_to") && !strings.Contains(f, "sip_req") {
			found = true
		}
		for _, c := range e.Children {
			in(c)
		}
	}
	in(ext)
	return found
}

func dialThrough(m *model, r *audit.Result) {
	seen := map[string]bool{}
	for _, w := range m.strangers() {
		for _, out := range w.reached {
			key := w.from.name + out.at.String()
			if !out.trunk() || !out.call.asked || seen[key] || m.dearer(out).Rule == "" {
				continue
			}
			seen[key] = true
			r.Fail(w.from.name, out.at.String(), "the digits %s are asked for and dialled: %s", out.dialled, out)
		}
	}
	m.plan.each(func(ctx, ext, e *Element) {
		if e.Attr("application") == "lua" && strings.HasPrefix(e.Attr("data"), "disa.lua") && !asksPIN(ext) {
			r.Fail("extension "+ext.Attr("name"), e.Pos.String(), "disa.lua dials what a caller keys, and pin_number is not set or weak")
		}
	})
}

// claims are variables that a caller fills with what it likes.
var claims = regexp.MustCompile(`\$\{(caller_id_name|caller_id_number|effective_caller_id_name|sip_from_\w+|sip_to_\w+|sip_h_[\w-]+|sip_user_agent|sip_contact_\w+|sip_req_\w+|sip_call_id|sip_P-[\w-]+|destination_number|ani)\}`)

// texts are those of them that need not be a number.
var texts = regexp.MustCompile(`\$\{(caller_id_name|sip_from_display|sip_h_[\w-]+|sip_user_agent|sip_P-[\w-]+)\}`)

var shells = regexp.MustCompile(`\$\{(bg)?system[( ]`)

func injection(m *model, r *audit.Result) {
	m.plan.each(func(ctx, ext, e *Element) {
		app, data := e.Attr("application"), e.Attr("data")
		shell := app == "system" || app == "bgsystem" || app == "spawn" || shells.MatchString(data) ||
			strings.Contains(data, "execute_on_") && strings.Contains(data, "system")
		script := app == "lua" || app == "curl" || app == "python" || app == "perl" || app == "javascript" || strings.Contains(data, "${curl(")
		found := ""
		switch {
		case shell:
			found = claims.FindString(data)
			if strings.HasPrefix(found, "${destination_number") && onlyDigits(ext) {
				found = ""
			}
			if found == "" && strings.Contains(data, "$1") && !onlyDigits(ext) {
				found = "$1 of an expression that takes more than digits"
			}
		case script:
			found = texts.FindString(data)
		}
		if found != "" {
			r.Fail("extension "+ext.Attr("name"), e.Pos.String(), "%s gets %s", app, found)
		}
	})
}

var digitClass = regexp.MustCompile(`^[\^$()|?*+{},0-9#\\d\[\]-]*$`)

// onlyDigits tells whether the expressions on the dialled number let only digits
// through.
func onlyDigits(ext *Element) bool {
	some := false
	for _, c := range ext.Each("condition") {
		if strings.Contains(c.Attr("field"), "destination_number") {
			expr := expression(c)
			if !digitClass.MatchString(expr) || !anchored(expr) {
				return false
			}
			some = true
		}
	}
	return some
}

func noLimit(m *model, r *audit.Result) {
	type hole struct {
		users []*user
		out   reach
	}
	holes, order := map[string]*hole{}, []string{}
	for _, w := range m.byUsers() {
		for _, out := range w.walk.reached {
			key := out.at.String()
			if !out.trunk() || out.call.limited || out.call.timed || holes[key] != nil || m.emergency(out) {
				continue
			}
			holes[key] = &hole{w.users, out}
			order = append(order, key)
		}
	}
	for _, key := range order {
		h := holes[key]
		r.Fail("extension "+h.out.ext.Attr("name"), key, "%s: neither limit nor sched_hangup before the bridge to %s", fmt.Sprint("context ", h.out.call.ctx), h.out.what)
	}
}

// emergency tells whether a call went to an emergency number, which nothing may
// limit. Without a plan every number of three digits is taken for one.
func (m *model) emergency(r reach) bool {
	if m.site.Plan == nil {
		return len(r.number) <= 3 || len(r.dialled) <= 3
	}
	return m.site.Plan.Emergency(r.number) || m.site.Plan.Emergency(r.dialled)
}
