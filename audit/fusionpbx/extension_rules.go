package fusionpbx

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"pbxguard/audit"
	"pbxguard/audit/freeswitch"
)

func names(r Row) []string {
	var all []string
	for _, c := range []string{"extension", "number_alias", "accountcode", "effective_caller_id_name", "effective_caller_id_number", "outbound_caller_id_number"} {
		if r[c] != "" {
			all = append(all, r[c])
		}
	}
	return all
}

func passwords(m *model, r *audit.Result) {
	shared := map[string]int{}
	for _, e := range m.extensions() {
		shared[e["password"]]++
	}
	for _, e := range m.extensions() {
		pass := e["password"]
		if pass == "" {
			r.Fail(m.who(e), m.from, "it has no password: any answer to the challenge is right")
			continue
		}
		ws := audit.Weaknesses(pass, audit.Owner{Names: names(e), Words: m.site.Words, Year: m.site.Now.Year()})
		if n := shared[pass]; n > 1 {
			ws = append(ws, audit.Weakness{Rule: "PW-005", Severity: audit.High, What: fmt.Sprintf("%d extensions share it", n)})
		}
		if len(ws) > 0 {
			r.FailAs(audit.Worst(ws), m.who(e), m.from, "%s", audit.Describe(ws))
		}
	}
}

func pins(m *model, r *audit.Result) {
	for _, v := range m.rows["v_voicemails"] {
		if !v.True("voicemail_enabled") {
			continue
		}
		if ws := audit.PIN(v["voicemail_password"], v["voicemail_id"]); len(ws) > 0 {
			r.Fail("mailbox "+v["voicemail_id"]+"@"+m.domains[v["domain_uuid"]], m.from, "%s", audit.Describe(ws))
		}
	}
}

// forwardWays are the forwards of an extension, as its columns begin.
var forwardWays = []string{"forward_all", "forward_busy", "forward_no_answer", "forward_user_not_registered"}

func forwards(m *model, r *audit.Result) {
	for _, f := range m.Forwards() {
		m.judge(r, "extension "+audit.Key(f.Account, f.Domain), f.Key, f.Number)
	}
}

// judge reports a number that something dials by itself.
func (m *model) judge(r *audit.Result, object, way, number string) {
	if to := m.site.Outside(number); to.Rule != "" {
		r.FailAs(to.Severity, object, m.from, "%s leads to %s (%s)", way, to.What, to.Rule)
	}
}

func hidden(m *model, r *audit.Result) {
	active := map[string]string{}
	for _, e := range m.extensions() {
		if e.True("follow_me_enabled") && e["follow_me_uuid"] != "" {
			active[e["follow_me_uuid"]] = m.who(e)
		}
	}
	for _, d := range m.rows["v_follow_me_destinations"] {
		if who := active[d["follow_me_uuid"]]; who != "" {
			m.judge(r, who, "follow-me", d["follow_me_destination"])
		}
	}
	groups := map[string]string{}
	for _, g := range m.rows["v_ring_groups"] {
		if !g.True("ring_group_enabled") {
			continue
		}
		groups[g["ring_group_uuid"]] = "ring group " + g["ring_group_name"]
		if g.True("ring_group_forward_enabled") {
			m.judge(r, groups[g["ring_group_uuid"]], "forward", g["ring_group_forward_destination"])
		}
		m.transfer(r, groups[g["ring_group_uuid"]], g["ring_group_timeout_data"])
	}
	for _, d := range m.rows["v_ring_group_destinations"] {
		who := groups[d["ring_group_uuid"]]
		if enabled, set := d["destination_enabled"]; who != "" && (!set || enabled == "" || d.True("destination_enabled")) {
			m.judge(r, who, "a member", d["destination_number"])
		}
	}
	for _, o := range m.rows["v_ivr_menu_options"] {
		if m.on(o, "ivr_menu_option_enabled") {
			m.transfer(r, "menu option "+o["ivr_menu_option_digits"], o["ivr_menu_option_param"])
		}
	}
	for _, i := range m.rows["v_ivr_menus"] {
		if i.True("ivr_menu_enabled") {
			m.transfer(r, "menu "+i["ivr_menu_name"], i["ivr_menu_exit_data"])
		}
	}
	for _, d := range m.rows["v_destinations"] {
		if m.on(d, "destination_enabled") {
			m.inbound(r, d)
		}
	}
	for _, p := range m.plans {
		m.transfers(r, "dialplan "+p.row["dialplan_name"], p.doc)
	}
	for _, f := range m.rows["v_call_flows"] {
		m.transfer(r, "call flow "+f["call_flow_name"], f["call_flow_data"])
		m.transfer(r, "call flow "+f["call_flow_name"], f["call_flow_alternate_data"])
	}
	for _, a := range m.rows["v_call_center_agents"] {
		m.contact(r, "agent "+a["agent_name"], a["agent_contact"])
	}
}

// inbound judges where calls to a number of the site go.
func (m *model) inbound(r *audit.Result, d Row) {
	object := "inbound " + d["destination_number"]
	m.transfer(r, object, d["destination_data"])
	var actions []struct {
		Data string `json:"destination_data"`
	}
	if text := d["destination_actions"]; text != "" {
		if err := json.Unmarshal([]byte(text), &actions); err != nil {
			r.Incomplete(object, m.from, "its destination_actions can't be read")
		}
	}
	for _, a := range actions {
		m.transfer(r, object, a.Data)
	}
}

// transfers judges the transfers to a fixed number in a dialplan, as those of
// time conditions are.
func (m *model) transfers(r *audit.Result, object string, e *freeswitch.Element) {
	if e == nil {
		return
	}
	if e.Attr("application") == "transfer" && e.Attr("enabled") != "false" {
		m.transfer(r, object, e.Attr("data"))
	}
	for _, c := range e.Children {
		m.transfers(r, object, c)
	}
}

// transfer judges "[transfer ]NUMBER XML CONTEXT".
func (m *model) transfer(r *audit.Result, object, data string) {
	f := strings.Fields(data)
	if len(f) > 0 && f[0] == "transfer" {
		f = f[1:]
	}
	if len(f) > 0 && strings.Trim(f[0], "+0123456789") == "" {
		m.judge(r, object, "it", f[0])
	}
}

// contact judges a dial string: loopback/NUMBER/…, sofia/gateway/…/NUMBER.
func (m *model) contact(r *audit.Result, object, dial string) {
	if i := strings.LastIndexByte(dial, '}'); i >= 0 {
		dial = dial[i+1:]
	}
	number := ""
	if rest, ok := strings.CutPrefix(dial, "loopback/"); ok {
		number, _, _ = strings.Cut(rest, "/")
	} else if rest, ok := strings.CutPrefix(dial, "sofia/gateway/"); ok {
		_, number, _ = strings.Cut(rest, "/")
	}
	if number != "" && strings.Trim(number, "+0123456789") == "" {
		m.judge(r, object, "its contact", number)
	}
}

func ranges(m *model, r *audit.Result) {
	wide := m.wideLists()
	for _, e := range m.extensions() {
		if holds := wide[e["auth_acl"]]; holds != "" {
			r.Fail(m.who(e), m.from, "whoever is on the list %s may call as this extension, and it holds %s", e["auth_acl"], holds)
		}
		for _, one := range strings.Split(e["cidr"], ",") {
			if p, err := netip.ParsePrefix(strings.TrimSpace(one)); err == nil && p.Bits() < p.Addr().BitLen() {
				r.Fail(m.who(e), m.from, "%s may call as this extension", p)
			}
		}
	}
}

// wideLists are the access lists that hold more than single hosts, with the
// first such range.
func (m *model) wideLists() map[string]string {
	names, wide := map[string]string{}, map[string]string{}
	for _, l := range m.rows["v_access_controls"] {
		names[l["access_control_uuid"]] = l["access_control_name"]
		if l["access_control_default"] == "allow" {
			wide[l["access_control_name"]] = "whatever it does not name"
		}
	}
	for _, n := range m.rows["v_access_control_nodes"] {
		name := names[n["access_control_uuid"]]
		if p, err := netip.ParsePrefix(n["node_cidr"]); err == nil && n["node_type"] == "allow" && p.Bits() < p.Addr().BitLen() && wide[name] == "" {
			wide[name] = p.String()
		}
	}
	return wide
}

// mostCalls is how many calls at once one person needs.
const mostCalls = 3

func ceilings(m *model, r *audit.Result) {
	many := 0
	for _, e := range m.extensions() {
		n := 0
		if _, err := fmt.Sscan(e["limit_max"], &n); err != nil || n > mostCalls || n == 0 {
			many++
		}
	}
	if many > 0 {
		r.Fail("extensions", m.from, "limit_max of %d extensions is over %d, or not set", many, mostCalls)
	}
	for _, p := range m.rows["v_dialplans"] {
		if p["dialplan_name"] == "call-limit" && p.True("dialplan_enabled") {
			return
		}
	}
	r.Fail("dialplan call-limit", m.from, "it is not enabled: limit_max has no effect")
}

func callerIDs(m *model, r *audit.Result) {
	if len(m.site.Owned) == 0 {
		r.Incomplete("", "", "your own numbers are not known; name them with --number")
		return
	}
	for _, e := range m.extensions() {
		shown := e["outbound_caller_id_number"]
		if shown == "" {
			continue
		}
		e164 := shown
		if m.site.Plan != nil {
			if n := m.site.Plan.Normalise(shown); n.E164 != "" {
				e164 = n.E164
			}
		}
		if !slices.Contains(m.site.Owned, e164) {
			r.Fail(m.who(e), m.from, "outbound_caller_id_number is not among your numbers")
		}
	}
}

func unused(m *model, r *audit.Result) {
	device := map[string]bool{}
	for _, l := range m.rows["v_device_lines"] {
		if enabled, set := l["enabled"]; !set || enabled == "" || l.True("enabled") {
			device[l["user_id"]+"@"+l["server_address"]] = true
		}
	}
	unseen := 0
	for _, e := range m.extensions() {
		if device[e["extension"]+"@"+m.domains[e["domain_uuid"]]] {
			continue
		}
		if m.site.History == nil {
			unseen++
			continue
		}
		domain := strings.ToLower(m.domains[e["domain_uuid"]])
		if len(m.domains) == 1 {
			domain = ""
		}
		if m.site.History.Seen(e["extension"], domain).Last().IsZero() {
			r.Fail(m.who(e), m.from, "it has no device and has neither registered nor called since %s", m.site.History.Since.Format("2006-01-02"))
		}
	}
	if unseen > 0 {
		r.Incomplete("", "", "%d extensions have no device; whether they register is known only to a guard that watches", unseen)
	}
}
