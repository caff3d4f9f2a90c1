package freeswitch

import (
	"net/netip"
	"slices"
	"strings"

	"pbxguard/audit"
)

func serviceRules() []rule {
	return []rule{
		{Check: check{ID: "FS-ESL-001", Title: "The event socket has a published or weak password", Severity: audit.Critical, Needs: []string{"event_socket.conf"},
			Why: "Whoever reaches port 8021, any web page on the host included, controls FreeSWITCH: calls, recordings, the shell.",
			Fix: "Set a random password of 20 characters or more in event_socket.conf.xml.",
			Ref: "FreeSWITCH autoload_configs/event_socket.conf.xml"}, Find: eslPassword},
		{Check: check{ID: "FS-ESL-002", Title: "The event socket listens on the network", Severity: audit.High, Needs: []string{"event_socket.conf", "acl.conf"},
			Why: "One password stands between the network and full control. Without apply-inbound-acl only builds of recent years let in the host itself alone.",
			Fix: "Set listen-ip to 127.0.0.1 and apply-inbound-acl to loopback.auto.",
			Ref: "FreeSWITCH mod_event_socket; autoload_configs/event_socket.conf.xml"}, Find: eslOpen},
		{Check: check{ID: "FS-RPC-001", Title: "XML-RPC runs commands for whoever knows its password", Severity: audit.Critical, Needs: []string{"xml_rpc.conf"},
			Why: "Port 8080 executes any API command, in clear text; freeswitch/works is the published login.",
			Fix: "Do not load mod_xml_rpc. If it must run: a random password, and a firewall before it.",
			Ref: "FreeSWITCH autoload_configs/xml_rpc.conf.xml"}, Find: xmlRPC},
		{Check: check{ID: "FS-VERTO-001", Title: "WebRTC lets anybody in, or is in clear", Severity: audit.Medium, Needs: []string{"verto.conf"},
			Why: "blind-reg accepts every login; a clear WebSocket shows passwords and calls on the way.",
			Fix: "Set blind-reg to false and bind-local to secure ports alone.",
			Ref: "FreeSWITCH autoload_configs/verto.conf.xml"}, Find: verto},
		{Check: check{ID: "FS-VM-001", Title: "Return call from a mailbox reaches a trunk", Severity: audit.High, Needs: []string{"voicemail.conf"},
			Why: "A thief leaves a message with an expensive number as caller id, guesses the PIN, presses \"return call\": you pay.",
			Fix: "Set callback-context to a context that dials inside numbers only.",
			Ref: "FreeSWITCH mod_voicemail"}, Find: callback},
		{Check: check{ID: "FS-VM-002", Title: "Mailboxes are easy to guess, or lead outside", Severity: audit.Medium, Needs: []string{"voicemail.conf"},
			Why: "Unlimited tries and empty PINs open mailboxes; from their menu a caller goes on to the operator context.",
			Fix: "Set allow-empty-password-auth to false, max-login-attempts to 3, and operator and vmain to inside-only contexts.",
			Ref: "FreeSWITCH autoload_configs/voicemail.conf.xml"}, Find: mailboxes},
		{Check: check{ID: "FS-CONF-001", Title: "Strangers can enter a conference without a PIN", Severity: audit.Medium, Needs: []string{"dialplan", "sofia.conf"},
			Why: "Fraudsters meet at your cost, hear yours, and a conference that dials out is a trunk for them.",
			Fix: "Ask for a PIN of at least six digits, or keep conferences out of contexts for inbound calls.",
			Ref: "FreeSWITCH autoload_configs/conference.conf.xml; dialplan/public.xml"}, Find: conferences},
		{Check: check{ID: "FS-CDR-001", Title: "Paid calls are not recorded", Severity: audit.High, Needs: []string{"modules.conf", "cdr_csv.conf", "xml_cdr.conf", "json_cdr.conf"},
			Why: "Without a record of the trunk's leg a bill cannot be disputed and fraud is found with the invoice.",
			Fix: "Load one CDR module and set legs to ab, or log-b-leg to true.",
			Ref: "FreeSWITCH autoload_configs/cdr_csv.conf.xml, xml_cdr.conf.xml; S004"}, Find: records},
		{Check: check{ID: "FS-MOD-001", Title: "Modules are loaded that few sites need", Severity: audit.Low, Needs: []string{"modules.conf"},
			Why: "Each opens a port or a language to strangers.",
			Fix: "Remove from modules.conf.xml what you do not use.",
			Ref: "FreeSWITCH autoload_configs/modules.conf.xml; S004"}, Find: needlessModules},
		{Check: check{ID: "FS-NAT-001", Title: "FreeSWITCH may open holes in the router by itself", Severity: audit.Medium, Needs: nil,
			Why: "With UPnP or NAT-PMP in the network FreeSWITCH maps its ports, the event socket's network among them, to the internet.",
			Fix: "Start freeswitch with -nonat.",
			Ref: "FreeSWITCH conf/vanilla/README_IMPORTANT.txt"}, Find: natMapping},
		{Check: check{ID: "FS-XML-001", Title: "The configuration comes from a program", Severity: audit.Info, Needs: []string{"document"},
			Why: "The files are not what is in force; over http the answers, passwords included, travel in clear.",
			Fix: "Audit the running switch or the program's database; use https.",
			Ref: "FreeSWITCH mod_xml_curl, mod_lua"}, Find: served},
	}
}

func eslPassword(m *model, r *audit.Result) {
	if !m.has("mod_event_socket") || m.conf("event_socket.conf") == nil {
		return
	}
	s := params(m.conf("event_socket.conf").Child("settings"), "param")
	pass, ok := s.get("password")
	switch {
	case !ok || pass.value == "":
		r.Fail("event_socket.conf", m.conf("event_socket.conf").At(), "no password is set, so it is ClueCon")
	case Unknown(pass.value):
		r.Incomplete("event_socket.conf", pass.at.String(), "the password is known only to the running FreeSWITCH")
	default:
		if ws := audit.Weaknesses(pass.value, audit.Owner{}); len(ws) > 0 {
			r.FailAs(audit.Worst(ws), "event_socket.conf", pass.at.String(), "%s", audit.Describe(ws))
		}
	}
}

func eslOpen(m *model, r *audit.Result) {
	if !m.has("mod_event_socket") || m.conf("event_socket.conf") == nil {
		return
	}
	s := params(m.conf("event_socket.conf").Child("settings"), "param")
	ip, ok := s.get("listen-ip")
	if !ok || loopback(ip.value) {
		return
	}
	if Unknown(ip.value) {
		r.Incomplete("event_socket.conf", ip.at.String(), "listen-ip is known only to the running FreeSWITCH")
	}
	acls := s.all("apply-inbound-acl")
	if len(acls) == 0 {
		r.Fail("event_socket.conf", ip.at.String(), "listen-ip is %s and there is no apply-inbound-acl", Show(ip.value))
		return
	}
	for _, a := range acls { // every list must hold the address
		if m.lists[a.value].trusts(29) == "" {
			return
		}
	}
	why := m.lists[acls[0].value].trusts(29)
	severity := audit.High
	if m.lists[acls[0].value].allow {
		severity = audit.Critical
	}
	r.FailAs(severity, "event_socket.conf", acls[0].at.String(), "listen-ip is %s and %s", Show(ip.value), why)
}

// loopback tells whether an address is the host's own alone.
func loopback(ip string) bool {
	addr, err := netip.ParseAddr(strings.Trim(ip, "[]"))
	return ip == "" || strings.EqualFold(ip, "localhost") || err == nil && addr.IsLoopback()
}

func xmlRPC(m *model, r *audit.Result) {
	if !m.has("mod_xml_rpc") || m.conf("xml_rpc.conf") == nil {
		return
	}
	s := params(m.conf("xml_rpc.conf").Child("settings"), "param")
	user, pass := s.value("auth-user"), s.value("auth-pass")
	at := m.conf("xml_rpc.conf").At()
	if p, ok := s.get("auth-pass"); ok {
		at = p.at.String()
	}
	switch {
	case user == "" || pass == "":
		r.Fail("xml_rpc.conf", at, "it asks for no login")
	case Unknown(pass):
		r.Incomplete("xml_rpc.conf", at, "the password is known only to the running FreeSWITCH")
	default:
		if ws := audit.Weaknesses(pass, audit.Owner{Names: []string{user}}); len(ws) > 0 {
			r.FailAs(audit.Worst(ws), "xml_rpc.conf", at, "%s", audit.Describe(ws))
		}
	}
}

func verto(m *model, r *audit.Result) {
	if !m.has("mod_verto") {
		return
	}
	for _, p := range m.conf("verto.conf").Child("profiles").Each("profile") {
		name := "verto profile " + p.Attr("name")
		if blind, ok := params(p, "param").get("blind-reg"); ok && truth(blind.value) {
			r.FailAs(audit.Critical, name, blind.at.String(), "blind-reg is true")
		}
		for _, e := range p.Each("param") {
			host, _, _ := cutLast(e.Attr("value"), ":")
			if e.Attr("name") == "bind-local" && !truth(e.Attr("secure")) && !loopback(host) {
				r.Fail(name, e.Pos.String(), "a WebSocket in clear listens on %s", Show(e.Attr("value")))
			}
		}
	}
}

func callback(m *model, r *audit.Result) {
	if !m.has("mod_voicemail") {
		return
	}
	for _, p := range m.conf("voicemail.conf").Child("profiles").Each("profile") {
		s := params(p, "param")
		ctx, ok := s.get("callback-context")
		if !ok || ctx.value == "" {
			ctx = param{"callback-context", "default", p.Pos}
		}
		name := "voicemail profile " + p.Attr("name")
		for _, toll := range m.tolls() {
			w, whole := m.walkFrom(entry{name: "voicemail", ctx: ctx.value, vars: toll}, m.probes())
			if !whole {
				r.Incomplete(name, ctx.at.String(), unfollowed)
			}
			if out, how, ok := m.worst(w.reached); ok {
				r.Fail(name, ctx.at.String(), "callback-context %s reaches %s: %s", ctx.value, how.What, out)
				break
			}
		}
		if strings.EqualFold(ctx.value, "default") && m.plan.section == nil {
			r.Incomplete(name, ctx.at.String(), "there is no dialplan to tell where context default leads")
		}
	}
}

// tolls are the rights that callers of a mailbox may have: none, and those of
// every kind of user.
func (m *model) tolls() []settings {
	all := []settings{nil}
	seen := map[string]bool{"": true}
	for _, u := range m.users {
		if v := u.vars.value("toll_allow"); !seen[v] && len(all) < 10 {
			seen[v] = true
			all = append(all, u.vars)
		}
	}
	return all
}

const mostAttempts = 3

func mailboxes(m *model, r *audit.Result) {
	if !m.has("mod_voicemail") {
		return
	}
	for _, p := range m.conf("voicemail.conf").Child("profiles").Each("profile") {
		s, name := params(p, "param"), "voicemail profile "+p.Attr("name")
		if empty, ok := s.get("allow-empty-password-auth"); !ok || truth(empty.value) {
			at := p.Pos
			if ok {
				at = empty.at
			}
			r.Fail(name, at.String(), "allow-empty-password-auth is true, as it is by default")
		}
		if n, at := number(s, "max-login-attempts", mostAttempts); n > mostAttempts {
			r.Fail(name, at, "a caller has %d tries", n)
		}
		for _, way := range []string{"operator-extension", "vmain-extension"} {
			to, ok := s.get(way)
			f := strings.Fields(to.value)
			if !ok || len(f) == 0 {
				continue
			}
			ctx := "default"
			if len(f) > 2 {
				ctx = f[2]
			}
			w, whole := m.walkFrom(entry{name: "voicemail", ctx: ctx}, f[:1])
			if !whole {
				r.Incomplete(name, to.at.String(), unfollowed)
			}
			if out, _, ok := m.worst(w.reached); ok {
				r.Fail(name, to.at.String(), "%s reaches a trunk: %s", way, out)
			}
		}
	}
}

func conferences(m *model, r *audit.Result) {
	profiles := m.conf("conference.conf").Child("profiles")
	seen := map[string]bool{}
	for _, w := range m.strangers() {
		for _, c := range w.reached {
			if c.what != "conference" || seen[c.at.String()] {
				continue
			}
			seen[c.at.String()] = true
			pin, profile := conferencePIN(c.data)
			if pin == "" {
				pin = params(profiles.Find("profile", "name", profile), "param").value("pin")
			}
			if ws := audit.PIN(pin); len(ws) > 0 {
				r.Fail(w.from.name, c.at.String(), "a conference is reached, and its PIN: %s: %s", audit.Describe(ws), c)
			}
		}
	}
}

// conferencePIN takes apart NAME@PROFILE+PIN+flags{…}.
func conferencePIN(data string) (pin, profile string) {
	_, rest, _ := strings.Cut(data, "@")
	f := strings.Split(rest, "+")
	if len(f) > 1 && !strings.HasPrefix(f[1], "flags{") {
		pin = f[1]
	}
	if f[0] == "" {
		return pin, "default"
	}
	return pin, f[0]
}

// cdrModules write call records; some say themselves which legs.
var cdrModules = []string{"mod_cdr_csv", "mod_xml_cdr", "mod_json_cdr", "mod_format_cdr", "mod_cdr_pg_csv", "mod_cdr_sqlite", "mod_odbc_cdr", "mod_cdr_mongodb"}

func records(m *model, r *audit.Result) {
	if m.conf("modules.conf") == nil {
		r.Incomplete("modules.conf", "", "there is no list of modules")
		return
	}
	loaded := false
	var half []func()
	for _, mod := range cdrModules {
		at, ok := m.modules[mod]
		if !ok {
			continue
		}
		loaded = true
		conf := strings.TrimPrefix(mod, "mod_") + ".conf"
		s := params(m.conf(conf).Child("settings"), "param")
		m.clearCDR(conf, s, r)
		switch legs, ok := s.get("legs"); {
		case mod == "mod_cdr_csv" && (!ok || legs.value == "a"):
			half = append(half, func() { r.Fail(conf, place(legs, at), "legs is a: the leg that is paid for is not recorded") })
		case (mod == "mod_xml_cdr" || mod == "mod_json_cdr" || mod == "mod_format_cdr") && !truth(s.value("log-b-leg")):
			b, _ := s.get("log-b-leg")
			half = append(half, func() { r.Fail(conf, place(b, at), "log-b-leg is not true: the leg that is paid for is not recorded") })
		default:
			return // one that records both is enough
		}
	}
	if !loaded {
		r.Fail("modules.conf", m.conf("modules.conf").At(), "no CDR module is loaded")
	}
	for _, fail := range half {
		fail()
	}
}

// place is where a setting stands, or what stands for it.
func place(p param, otherwise Pos) string {
	if p.name == "" {
		return otherwise.String()
	}
	return p.at.String()
}

func (m *model) clearCDR(conf string, s settings, r *audit.Result) {
	for _, name := range []string{"url", "cdr-url"} {
		if u, ok := s.get(name); ok && strings.HasPrefix(u.value, "http://") && !strings.Contains(u.value, "//127.0.0.1") && !strings.Contains(u.value, "//localhost") && s.value("cred") != "" {
			r.Fail(conf, u.at.String(), "records and a password travel in clear to %s", hostOf(u.value))
		}
	}
}

// hostOf is the host of a URL, without what may be a secret in it.
func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "/")
	_, host, _ := cutLast(rest, "@")
	return host
}

var rareModules = []string{"mod_xml_rpc", "mod_skinny", "mod_verto", "mod_signalwire", "mod_enum", "mod_httapi", "mod_dialplan_asterisk"}

func needlessModules(m *model, r *audit.Result) {
	for _, mod := range rareModules {
		if at, ok := m.modules[mod]; ok && !m.uses(mod) {
			r.Fail(mod, at.String(), "it is loaded and nothing in the configuration uses it")
		}
	}
}

// uses tells whether a module that listens by itself has anything to do.
func (m *model) uses(mod string) bool {
	mark := map[string]string{"mod_enum": "enum", "mod_httapi": "httapi", "mod_skinny": "skinny/", "mod_verto": "verto"}[mod]
	if mod == "mod_verto" {
		return m.conf("verto.conf").Child("profiles").Child("profile") != nil && m.domainUsesVerto()
	}
	if mark == "" {
		return mod == "mod_xml_rpc" && m.conf("xml_rpc.conf") == nil
	}
	found := false
	m.plan.each(func(_, _, e *Element) {
		found = found || e.Attr("application") == mark || strings.Contains(e.Attr("data"), mark)
	})
	return found
}

func (m *model) domainUsesVerto() bool {
	return slices.ContainsFunc(m.users, func(u *user) bool {
		return strings.Contains(u.params.value("dial-string"), "verto") && u.params.value("jsonrpc-allowed-methods") != ""
	})
}

// units are the files in which a host says how FreeSWITCH is started.
var units = []string{"/etc/systemd/system/freeswitch.service", "/lib/systemd/system/freeswitch.service", "/usr/lib/systemd/system/freeswitch.service",
	"/etc/default/freeswitch", "/etc/init.d/freeswitch"}

func natMapping(m *model, r *audit.Result) {
	starts, at := "", ""
	for _, name := range units {
		if !m.site.Tree.Exists(name) {
			continue
		}
		text, err := m.site.Tree.ReadFile(name)
		if err != nil {
			r.Incomplete("", name, "%v", err)
			return
		}
		for line := range strings.Lines(string(text)) {
			if l := strings.TrimSpace(line); strings.HasPrefix(l, "ExecStart=") || strings.HasPrefix(l, "DAEMON_OPTS") || strings.HasPrefix(l, "DAEMON_ARGS") || strings.HasPrefix(l, "FREESWITCH_PARAMS") {
				starts += " " + l
				at = name
			}
		}
	}
	switch {
	case starts == "":
		r.NotApplicable("how FreeSWITCH is started is not written in a unit here")
	case !strings.Contains(starts, "-nonat"):
		r.Fail("freeswitch", at, "it is started without -nonat")
	}
}

func served(m *model, r *audit.Result) {
	for _, section := range []string{"configuration", "directory", "dialplan"} {
		if who := m.dynamic[section]; who != "" {
			r.Fail(section, m.modules[who].String(), "%s answers for it", who)
		}
	}
	for _, b := range m.conf("xml_curl.conf").Child("bindings").Each("binding") {
		for _, p := range b.Each("param") {
			if u := p.Attr("value"); p.Attr("name") == "gateway-url" && strings.HasPrefix(u, "http://") && !loopback(hostOnly(u)) && m.has("mod_xml_curl") {
				r.FailAs(audit.Medium, "xml_curl.conf", p.Pos.String(), "the configuration, passwords included, comes in clear from %s", hostOf(u))
			}
		}
	}
}

func hostOnly(url string) string {
	host := hostOf(url)
	if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return host
}
