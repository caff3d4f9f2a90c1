package freeswitch

import (
	"slices"
	"strings"

	"pbxguard/audit"
)

func coreRules() []rule {
	return []rule{
		{Check: check{ID: "FS-CORE-001", Title: "The default password of all phones is weak", Severity: audit.Critical, Needs: []string{"directory"},
			Why: "default_password of vars.xml is the best known secret of the trade. Whoever knows it registers as any user that takes it over and calls at your cost.",
			Fix: "Give every user a password of its own, of 20 random characters, and set default_password to such a one.",
			Ref: "FreeSWITCH conf/vanilla/vars.xml; dialplan/default.xml"}, Find: defaultPassword},
		{Check: check{ID: "FS-CORE-002", Title: "A sample gateway with a published password is loaded", Severity: audit.High, Needs: []string{"sofia.conf"},
			Why: "FreeSWITCH registers with a stranger's host, or takes calls from it, with credentials that everybody can read.",
			Fix: "Remove the sample gateway and the default_provider variables, or put your provider's in their place.",
			Ref: "FreeSWITCH conf/vanilla/vars.xml, directory/default/example.com.xml"}, Find: sampleGateway},
		{Check: check{ID: "FS-CORE-003", Title: "The configuration runs commands", Severity: audit.High, Needs: []string{"document"},
			Why: "Whoever can write one configuration file, or what such a command reads, runs programs as FreeSWITCH; and nobody can tell from the files what is in force.",
			Fix: "Replace the exec directive by what it prints.",
			Ref: "FreeSWITCH src/switch_xml.c preprocess()"}, Find: execDirective},
		{Check: check{ID: "FS-CORE-004", Title: "A variable is set after it was used", Severity: audit.Medium, Needs: []string{"document"},
			Why: "$${name} is replaced when its line is read. Set later, the variable changes nothing that was read before: the old value is in force.",
			Fix: "Move the set directive above the include that uses the variable.",
			Ref: "FreeSWITCH src/switch_xml.c expand_vars()"}, Find: lateSet},
		{Check: check{ID: "FS-CORE-005", Title: "A directive inside a comment is in force", Severity: audit.High, Needs: []string{"document"},
			Why: "FreeSWITCH runs X-PRE-PROCESS directives before it looks for comments: what seems to be switched off is not.",
			Fix: "Delete the line, or rename the directive to Z-PRE-PROCESS.",
			Ref: "FreeSWITCH src/switch_xml.c preprocess()"}, Find: commentedDirective},
		{Check: check{ID: "FS-CORE-006", Title: "The switch has no ceiling of its size", Severity: audit.Medium, Needs: []string{"switch.conf"},
			Why: "A thief opens as many calls at once as the switch lets him: by default a thousand, thirty a second.",
			Fix: "Set max-sessions to about twice the lines you have bought and sessions-per-second to 5.",
			Ref: "FreeSWITCH autoload_configs/switch.conf.xml"}, Find: noCeiling},
		{Check: check{ID: "FS-CORE-007", Title: "Debug messages are logged all the time", Severity: audit.Low, Needs: []string{"switch.conf", "logfile.conf"},
			Why: "The debug log holds dialled digits, PINs and the contents of variables.",
			Fix: "Set loglevel to info, and remove debug from the mappings of logfile.conf.xml.",
			Ref: "FreeSWITCH autoload_configs/switch.conf.xml, logfile.conf.xml; documentation, Log security"}, Find: debugLog},
		{Check: check{ID: "FS-FILE-001", Title: "Everybody on the host can read secrets", Severity: audit.High, Needs: []string{"document"},
			Why: "One account on the host, or one hole in a web page on it, is enough to read every password.",
			Fix: "Take the right to read from others: chmod o-rwx, for files 0640, for folders 0750.",
			Ref: "FreeSWITCH src/switch_xml.c (log/freeswitch.xml.fsxml holds the compiled configuration)"}, Find: readableFiles},
	}
}

func defaultPassword(m *model, r *audit.Result) {
	secret, at, ok := m.doc.Var("default_password")
	if !ok || secret == "" {
		return
	}
	n := 0
	for _, u := range m.users {
		if u.params.value("password") == secret {
			n++
		}
	}
	if n == 0 {
		return
	}
	if Unknown(secret) {
		r.Incomplete("default_password", at.String(), "its value is known only to the running FreeSWITCH; %d users have it", n)
		return
	}
	ws := audit.Weaknesses(secret, audit.Owner{})
	if len(ws) > 0 && audit.Worst(ws).AtLeast(audit.High) {
		r.Fail("default_password", at.String(), "%d users have it, and %s", n, audit.Describe(ws))
	} else if n > 1 {
		r.FailAs(audit.High, "default_password", at.String(), "%d users share it (PW-005)", n)
	}
}

func sampleGateway(m *model, r *audit.Result) {
	for _, g := range m.gateways {
		pass, _ := g.set.get("password")
		realm := g.set.value("realm") + " " + g.set.value("proxy") + " " + g.name
		switch {
		case strings.Contains(realm, "example.com"):
			r.Fail("gateway "+Show(g.name), g.at.String(), "it is the sample of the vanilla configuration")
		case strings.EqualFold(pass.value, "password"):
			r.Fail("gateway "+Show(g.name), pass.at.String(), "its password is the published default_provider_password")
		}
	}
}

func execDirective(m *model, r *audit.Result) {
	for _, d := range m.doc.Directives {
		switch d.Cmd {
		case "exec":
			r.Fail(d.Pos.File, d.Pos.String(), "the output of a command becomes part of the configuration")
		case "exec-set":
			r.Fail("variable "+d.Name, d.Pos.String(), "a command gives its value")
		}
	}
}

// weighty are words in the names of variables whose value an administrator
// relies on.
var weighty = []string{"auth", "password", "acl", "ssl", "tls", "toll", "context", "cidr", "secret", "blind"}

func lateSet(m *model, r *audit.Result) {
	for _, l := range m.doc.Late() {
		name := strings.ToLower(l.Set.Name)
		for _, w := range weighty {
			if strings.Contains(name, w) {
				r.Fail("variable "+l.Set.Name, l.Set.Pos.String(), "it was used before, at %s, with the value of then", l.Used)
				break
			}
		}
	}
}

// commentedSeverity is low for what nobody's safety hangs on: a codec, a
// language, where sounds lie.
func commentedSeverity(d Directive) audit.Severity {
	name := strings.ToLower(d.Name)
	harmless := d.Cmd == "set" && !slices.ContainsFunc(weighty, func(w string) bool { return strings.Contains(name, w) }) ||
		d.Cmd == "include" && strings.HasPrefix(name, "lang/")
	if harmless {
		return audit.Low
	}
	return audit.High
}

func commentedDirective(m *model, r *audit.Result) {
	for _, d := range m.doc.Directives {
		if d.Commented {
			r.FailAs(commentedSeverity(d), d.Cmd+" "+d.Name, d.Pos.String(), "the directive stands in a comment and is in force")
		}
	}
}

// smallSite is the number of users up to which a thousand calls at once are no
// use of anybody's.
const smallSite = 200

func noCeiling(m *model, r *audit.Result) {
	s := params(m.conf("switch.conf").Child("settings"), "param")
	if m.conf("switch.conf") == nil || len(m.users) == 0 && m.dynamic["directory"] != "" {
		return // it is incomplete anyway, or the size of the site is not known
	}
	sessions, at := number(s, "max-sessions", 1000)
	rate, _ := number(s, "sessions-per-second", 30)
	if sessions >= 1000 && rate >= 30 && len(m.users) <= smallSite {
		r.Fail("switch.conf", at, "%d calls at once and %d new ones a second for %d users", sessions, rate, len(m.users))
	}
}

// number reads an integer setting, as atoi does, and its place.
func number(s settings, name string, otherwise int) (n int, at string) {
	p, ok := s.get(name)
	if !ok || p.value == "" {
		return otherwise, ""
	}
	text := strings.TrimSpace(p.value)
	sign := 1
	if strings.HasPrefix(text, "-") {
		sign, text = -1, text[1:]
	}
	for _, c := range text {
		if c < '0' || c > '9' || n > 1<<30 {
			break
		}
		n = n*10 + int(c-'0')
	}
	return sign * n, p.at.String()
}

func debugLog(m *model, r *audit.Result) {
	s := params(m.conf("switch.conf").Child("settings"), "param")
	if l, ok := s.get("loglevel"); ok && (strings.EqualFold(l.value, "debug") || l.value == "7") {
		r.Fail("switch.conf", l.at.String(), "loglevel is %s", l.value)
	}
	for _, p := range m.conf("logfile.conf").Child("profiles").Each("profile") {
		for _, e := range p.Child("mappings").Each("map") {
			if strings.Contains(e.Attr("value"), "debug") || e.Attr("value") == "all" {
				if m.has("mod_logfile") && !m.quiet() {
					r.Fail("log profile "+p.Attr("name"), e.Pos.String(), "debug messages go to the file")
				}
			}
		}
	}
}

// quiet tells whether the switch drops debug messages before any log gets them.
func (m *model) quiet() bool {
	l := params(m.conf("switch.conf").Child("settings"), "param").value("loglevel")
	return l != "" && !strings.EqualFold(l, "debug") && l != "7" && !strings.Contains(l, "9") && !strings.Contains(l, "8") && !strings.EqualFold(l, "all")
}
