package fusionpbx

import (
	"errors"
	"io/fs"
	"net/netip"
	"regexp"
	"strings"

	"pbxguard/audit"
	"pbxguard/audit/freeswitch"
)

// tollAllow looks for routes to a gateway that take a number abroad and do not
// look at toll_allow, while extensions have none.
func tollAllow(m *model, r *audit.Result) {
	without := 0
	for _, e := range m.extensions() {
		if e["toll_allow"] == "" {
			without++
		}
	}
	for _, p := range m.plans {
		if without == 0 || p.doc == nil || !leadsOut(p.doc) || looksAt(p.doc, "toll_allow") {
			continue
		}
		if number := abroad(p.doc); number != "" {
			r.Fail("route "+p.row["dialplan_name"], m.from, "it takes %s without looking at toll_allow, and %d extensions have none", number, without)
		}
	}
}

// leadsOut tells whether an entry of the dialplan bridges to a gateway.
func leadsOut(e *freeswitch.Element) bool {
	if e.Attr("application") == "bridge" && strings.Contains(e.Attr("data"), "sofia/gateway/") {
		return true
	}
	for _, c := range e.Children {
		if leadsOut(c) {
			return true
		}
	}
	return false
}

// looksAt tells whether a condition looks at a variable.
func looksAt(e *freeswitch.Element, variable string) bool {
	if strings.Contains(e.Attr("field"), variable) {
		return true
	}
	for _, c := range e.Children {
		if looksAt(c, variable) {
			return true
		}
	}
	return false
}

// abroad returns a number abroad that every condition on the dialled number
// takes, or "".
func abroad(e *freeswitch.Element) string {
	var tests []*regexp.Regexp
	var in func(e *freeswitch.Element)
	in = func(e *freeswitch.Element) {
		if f := e.Attr("field"); f == "destination_number" || f == "${destination_number}" {
			if re, err := regexp.Compile(e.Attr("expression")); err == nil {
				tests = append(tests, re)
			}
		}
		for _, c := range e.Children {
			in(c)
		}
	}
	in(e)
numbers:
	for _, n := range freeswitch.WaysAbroad() {
		for _, re := range tests {
			if !re.MatchString(n) {
				continue numbers
			}
		}
		if len(tests) > 0 {
			return n
		}
	}
	return ""
}

// fewHosts is the prefix of a provider's signalling hosts.
const fewHosts = 28

func providers(m *model, r *audit.Result) {
	lists := map[string]string{}
	for _, l := range m.rows["v_access_controls"] {
		lists[l["access_control_uuid"]] = l["access_control_name"]
		if l["access_control_name"] == "providers" && l["access_control_default"] == "allow" {
			r.FailAs(audit.Critical, "list providers", m.from, "it allows whatever it does not name")
		}
	}
	for _, n := range m.rows["v_access_control_nodes"] {
		p, err := netip.ParsePrefix(n["node_cidr"])
		if lists[n["access_control_uuid"]] == "providers" && n["node_type"] == "allow" && err == nil && p.Bits() < p.Addr().BitLen()-32+fewHosts {
			r.Fail("list providers", m.from, "it holds %s", p)
		}
	}
	for _, name := range []string{"internal", "internal-ipv6"} {
		if m.profileSettings(name)["apply-inbound-acl"] == "providers" {
			r.Fail("profile "+name, m.from, "the list providers lets calls in to the profile of phones")
		}
	}
}

// pinNumber is what a dialplan gives its script as a PIN.
func pinNumber(e *freeswitch.Element) (pin string, set bool) {
	if a := e.Attr("application"); a == "set" && e.Attr("enabled") != "false" {
		if v, ok := strings.CutPrefix(e.Attr("data"), "pin_number="); ok {
			return v, true
		}
	}
	for _, c := range e.Children {
		if pin, set = pinNumber(c); set {
			return pin, true
		}
	}
	return "", false
}

// runs tells whether an entry runs a script.
func runs(e *freeswitch.Element, script string) bool {
	if e.Attr("application") == "lua" && strings.HasPrefix(e.Attr("data"), script) {
		return true
	}
	for _, c := range e.Children {
		if runs(c, script) {
			return true
		}
	}
	return false
}

func disa(m *model, r *audit.Result) {
	for _, p := range m.plans {
		if p.doc == nil || !runs(p.doc, "disa.lua") && !runs(p.doc, "app.lua disa") {
			continue
		}
		object := "dialplan " + p.row["dialplan_name"] + " in " + p.row["dialplan_context"]
		pin, set := pinNumber(p.doc)
		if !set || pin == "" {
			r.Fail(object, m.from, "it asks for no PIN")
		} else if ws := audit.PIN(pin); len(ws) > 0 {
			r.FailAs(audit.High, object, m.from, "%s", audit.Describe(ws))
		}
	}
}

func published(m *model, r *audit.Result) {
	pass, set := m.conf["switch.event_socket.password"]
	if !set || pass == "" {
		pass = "ClueCon" // what FusionPBX takes then
	}
	if ws := audit.Weaknesses(pass, audit.Owner{}); len(ws) > 0 {
		r.FailAs(audit.Worst(ws), "switch.event_socket.password", configFile, "%s", audit.Describe(ws))
	}
	for _, f := range switchFiles {
		text, err := m.site.Tree.ReadFile(f.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var doc *freeswitch.Document
		if err == nil {
			doc, err = freeswitch.ReadFragment(f.name, text)
		}
		if err != nil {
			r.Incomplete(f.object, f.name, "%v", err)
			continue
		}
		pass := doc.Root.Child("settings").Find("param", "name", f.param).Attr("value")
		m.site.Secret(pass)
		if ws := audit.Weaknesses(pass, audit.Owner{}); pass != "" && !strings.Contains(pass, "$${") && len(ws) > 0 {
			r.FailAs(audit.Worst(ws), f.object, f.name, "%s", audit.Describe(ws))
		}
	}
}

// switchFiles are those of FreeSWITCH with a password that opens all of it.
var switchFiles = []struct{ name, object, param string }{
	{"/etc/freeswitch/autoload_configs/event_socket.conf.xml", "event socket", "password"},
	{"/etc/freeswitch/autoload_configs/xml_rpc.conf.xml", "mod_xml_rpc", "auth-pass"},
}

func guards(m *model, r *audit.Result) {
	for _, name := range []string{"internal", "external"} {
		if s := m.profileSettings(name); len(s) > 0 && s["log-auth-failures"] != "true" {
			r.Fail("profile "+name, m.from, "log-auth-failures is not true")
		}
	}
	for _, file := range []string{"/etc/systemd/system/multi-user.target.wants/event_guard.service", "/etc/systemd/system/multi-user.target.wants/pbxguard.service", "/etc/fail2ban/jail.local"} {
		if names, err := m.site.Tree.Glob(file); err == nil && len(names) > 0 {
			return
		}
	}
	r.Fail("event_guard", "", "neither event_guard nor pbxguard is enabled")
}

func admins(m *model, r *audit.Result) {
	super := map[string]bool{}
	for _, g := range m.rows["v_user_groups"] {
		if g["group_name"] == "superadmin" {
			super[g["user_uuid"]] = true
		}
	}
	for _, u := range m.rows["v_users"] {
		if enabled, set := u["user_enabled"]; !super[u["user_uuid"]] || set && enabled != "" && !u.True("user_enabled") {
			continue
		}
		object := "superadmin " + u["username"]
		if u["user_totp_secret"] == "" {
			r.Fail(object, m.from, "it logs in without a second factor")
		}
		if u["api_key"] != "" {
			r.FailAs(audit.Medium, object, m.from, "it has an API key, which is a login of its own")
		}
		if known, _ := m.site.Memory.Note("fusionpbx-superadmin:"+u["username"], nil); !known {
			r.Fail(object, m.from, "it is new since the last audit")
		}
	}
}

func provisioning(m *model, r *audit.Result) {
	set := map[string]string{}
	for _, s := range m.rows["v_default_settings"] {
		if s["default_setting_category"] == "provision" && s.True("default_setting_enabled") {
			set[s["default_setting_subcategory"]] = s["default_setting_value"]
		}
	}
	if set["enabled"] != "true" {
		return
	}
	if (set["http_auth_enabled"] != "true" || set["http_auth_password"] == "") && set["cidr"] == "" {
		r.Fail("provisioning", m.from, "neither a login nor a list of addresses is asked for")
	}
}

func features(m *model, r *audit.Result) {
	for _, p := range m.plans {
		name := p.row["dialplan_name"]
		switch {
		case name == "call_return" || name == "call-forward" || name == "call_forward":
			r.Fail("dialplan "+name, m.from, "the code %s is open to everybody", p.row["dialplan_number"])
		case name == "eavesdrop" && p.doc != nil:
			pin, _ := pinNumber(p.doc)
			if ws := audit.PIN(pin); len(ws) > 0 {
				r.Fail("dialplan "+name, m.from, "%s", audit.Describe(ws))
			}
		}
	}
}
