package fusionpbx

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pbxguard/audit"
)

// Served writes the document that FusionPBX's handler gives FreeSWITCH from the
// database: profiles, gateways, lists, menus, users and dialplan. from says
// where it is from; the text is "" if there is no database to read.
func Served(open func(*audit.Site) (Tables, error)) func(*audit.Site) (text, from string) {
	return func(s *audit.Site) (string, string) {
		m, there := load(s, open)
		if !there || m.from == "" || m.states["database"].how > audit.Whole {
			return "", ""
		}
		d := &document{m: m}
		d.open("document", "type", "freeswitch/xml")
		d.configuration()
		d.directory()
		d.dialplan()
		d.close("document")
		return d.String(), m.from
	}
}

// document writes XML.
type document struct {
	strings.Builder
	m *model
}

func (d *document) tag(name, end string, attrs ...string) {
	d.WriteString("<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		d.WriteString(" " + attrs[i] + `="`)
		xml.EscapeText(d, []byte(attrs[i+1])) // a strings.Builder does not fail
		d.WriteString(`"`)
	}
	d.WriteString(end + ">\n")
}

func (d *document) open(name string, attrs ...string)  { d.tag(name, "", attrs...) }
func (d *document) empty(name string, attrs ...string) { d.tag(name, "/", attrs...) }
func (d *document) close(name string)                  { d.WriteString("</" + name + ">\n") }

// columns writes each column that has a value as a param or variable.
func (d *document) columns(tag string, r Row, columns ...string) {
	for _, c := range columns {
		name, column, renamed := strings.Cut(c, "=")
		if !renamed {
			column = name
		}
		if v := r[column]; v != "" {
			d.empty(tag, "name", name, "value", v)
		}
	}
}

func (d *document) configuration() {
	d.open("section", "name", "configuration")
	d.open("configuration", "name", "sofia.conf")
	d.open("profiles")
	for _, p := range d.m.rows["v_sip_profiles"] {
		if enabled, set := p["sip_profile_enabled"]; !set || enabled == "" || p.True("sip_profile_enabled") {
			d.profile(p)
		}
	}
	d.close("profiles")
	d.close("configuration")
	d.lists()
	d.menus()
	d.close("section")
}

func (d *document) profile(p Row) {
	d.open("profile", "name", p["sip_profile_name"])
	d.open("gateways")
	for _, g := range d.m.rows["v_gateways"] {
		if g["profile"] == p["sip_profile_name"] && g.True("enabled") {
			d.open("gateway", "name", strings.ToLower(g["gateway_uuid"]))
			d.columns("param", g, "username", "password", "realm", "proxy", "register", "context", "extension", "from-user=from_user")
			d.close("gateway")
		}
	}
	d.close("gateways")
	d.open("settings")
	for _, s := range d.m.rows["v_sip_profile_settings"] {
		if s["sip_profile_uuid"] == p["sip_profile_uuid"] && s.True("sip_profile_setting_enabled") {
			d.empty("param", "name", s["sip_profile_setting_name"], "value", s["sip_profile_setting_value"])
		}
	}
	d.close("settings")
	d.close("profile")
}

func (d *document) lists() {
	d.open("configuration", "name", "acl.conf")
	d.open("network-lists")
	for _, l := range d.m.rows["v_access_controls"] {
		d.open("list", "name", l["access_control_name"], "default", l["access_control_default"])
		for _, n := range d.m.rows["v_access_control_nodes"] {
			if n["access_control_uuid"] == l["access_control_uuid"] && n["node_cidr"] != "" {
				d.empty("node", "type", n["node_type"], "cidr", n["node_cidr"])
			}
		}
		if l["access_control_name"] == "domains" {
			for _, domain := range d.domains() {
				d.empty("node", "type", "allow", "domain", domain)
			}
		}
		d.close("list")
	}
	d.close("network-lists")
	d.close("configuration")
}

func (d *document) menus() {
	d.open("configuration", "name", "ivr.conf")
	d.open("menus")
	for _, menu := range d.m.rows["v_ivr_menus"] {
		if !menu.True("ivr_menu_enabled") {
			continue
		}
		d.open("menu", "name", menu["ivr_menu_uuid"])
		for _, o := range d.m.rows["v_ivr_menu_options"] {
			if o["ivr_menu_uuid"] == menu["ivr_menu_uuid"] {
				d.empty("entry", "action", o["ivr_menu_option_action"], "digits", o["ivr_menu_option_digits"], "param", o["ivr_menu_option_param"])
			}
		}
		d.close("menu")
	}
	d.close("menus")
	d.close("configuration")
}

// domains are the names of the tenants, sorted.
func (d *document) domains() []string {
	var names []string
	for _, n := range d.m.domains {
		names = append(names, n)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (d *document) directory() {
	pins := map[string]string{}
	for _, v := range d.m.rows["v_voicemails"] {
		if v.True("voicemail_enabled") {
			pins[v["domain_uuid"]+"/"+v["voicemail_id"]] = v["voicemail_password"]
		}
	}
	d.open("section", "name", "directory")
	for _, domain := range d.domains() {
		d.open("domain", "name", domain)
		d.open("users")
		for _, e := range d.m.extensions() {
			if d.m.domains[e["domain_uuid"]] == domain {
				d.user(e, pins)
			}
		}
		d.close("users")
		d.close("domain")
	}
	d.close("section")
}

func (d *document) user(e Row, pins map[string]string) {
	attrs := []string{"id", e["extension"]}
	for _, a := range []string{"cidr=cidr", "number-alias=number_alias"} {
		if name, column, _ := strings.Cut(a, "="); e[column] != "" {
			attrs = append(attrs, name, e[column])
		}
	}
	d.open("user", attrs...)
	d.open("params")
	d.columns("param", e, "password", "auth-acl=auth_acl", "max-registrations-per-extension=max_registrations")
	pin, has := pins[e["domain_uuid"]+"/"+e["extension"]]
	d.empty("param", "name", "vm-enabled", "value", strconv.FormatBool(has))
	if has {
		d.empty("param", "name", "vm-password", "value", pin)
	}
	d.close("params")
	d.open("variables")
	d.columns("variable", e, "toll_allow", "accountcode", "user_context", "effective_caller_id_name", "effective_caller_id_number",
		"outbound_caller_id_number", "limit_max", "call_group", "directory_full_name")
	if e["user_context"] == "" {
		d.empty("variable", "name", "user_context", "value", d.m.domains[e["domain_uuid"]])
	}
	d.close("variables")
	d.close("user")
}

// dialplan gives each context its own entries, those of ${domain_name} and the
// global ones, in their order.
func (d *document) dialplan() {
	plans := slices.Clone(d.m.plans)
	slices.SortStableFunc(plans, func(a, b dialplan) int { return cmp.Compare(order(a), order(b)) })
	contexts := append(d.domains(), "public")
	for _, p := range plans {
		if c := p.row["dialplan_context"]; c != "global" && c != "${domain_name}" && c != "" && !slices.Contains(contexts, c) {
			contexts = append(contexts, c)
		}
	}
	d.open("section", "name", "dialplan")
	for _, ctx := range contexts {
		d.open("context", "name", ctx)
		for _, p := range plans {
			c := p.row["dialplan_context"]
			shared := ctx != "public" && (c == "global" || c == "${domain_name}")
			if p.doc != nil && (c == ctx || shared) {
				d.WriteString(p.row["dialplan_xml"] + "\n")
			}
		}
		d.close("context")
	}
	d.close("section")
}

func order(p dialplan) int {
	n := 0
	if _, err := fmt.Sscan(p.row["dialplan_order"], &n); err != nil {
		return 1 << 30
	}
	return n
}
