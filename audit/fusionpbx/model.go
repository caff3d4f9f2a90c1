// Package fusionpbx checks a FusionPBX: its database, live or from a dump, and
// its files.
package fusionpbx

import (
	"context"
	"slices"
	"strings"
	"time"

	"pbxguard/audit"
	"pbxguard/audit/freeswitch"
)

type rule = audit.Rule[*model]

type check = audit.Check

// Where FusionPBX keeps its configuration, and its backups.
const (
	configFile = "/etc/fusionpbx/config.conf"
	dumps      = "/var/backups/fusionpbx/postgresql/*.sql"
)

// Kind is FusionPBX as something that can be audited. open returns the live
// database; nil, or an open that returns nil, means that a dump is looked for.
func Kind(open func(*audit.Site) (Tables, error)) audit.Kind {
	return audit.NewKind("fusionpbx", slices.Concat(rules(), audit.InventoryRules[*model](audit.InventoryNeeds{All: "database", Administrators: "database logins"})), func(s *audit.Site) (*model, bool) { return load(s, open) })
}

// model is a FusionPBX as its database and files show it.
type model struct {
	site    *audit.Site
	states  map[string]state
	conf    map[string]string
	from    string // where the rows are from
	rows    map[string][]Row
	domains map[string]string // name by uuid
	plans   []dialplan
	logins  map[string]time.Time // the last of each user, by user_uuid
	since   time.Time            // of which there are records; zero: there are none
}

type state struct {
	how audit.State
	why string
}

// dialplan is an entry of the dialplan with its XML.
type dialplan struct {
	row Row
	doc *freeswitch.Element // nil: it can't be read
}

// tables are those that checks read.
var tables = []string{
	"v_domains", "v_extensions", "v_voicemails", "v_follow_me_destinations", "v_ring_groups", "v_ring_group_destinations",
	"v_ivr_menu_options", "v_call_flows", "v_call_center_agents", "v_dialplans", "v_access_controls", "v_access_control_nodes",
	"v_sip_profiles", "v_sip_profile_settings", "v_users", "v_user_groups", "v_device_lines", "v_default_settings", "v_gateways", "v_ivr_menus", "v_destinations",
}

func load(s *audit.Site, open func(*audit.Site) (Tables, error)) (*model, bool) {
	if !s.Tree.Exists(configFile) {
		return nil, false
	}
	m := &model{site: s, states: map[string]state{}, rows: map[string][]Row{}, domains: map[string]string{}}
	text, err := s.Tree.ReadFile(configFile)
	if err != nil {
		m.note("config", audit.Lost, err.Error())
	}
	m.conf = parseSettings(string(text))
	for _, name := range []string{"database.0.password", "switch.event_socket.password"} {
		s.Secret(m.conf[name])
	}
	m.readTables(open)
	m.readDialplans()
	return m, true
}

// readTables reads the live database, or the newest dump.
func (m *model) readTables(open func(*audit.Site) (Tables, error)) {
	t, err := m.tables(open)
	if err != nil {
		m.note("database", audit.Partial, err.Error())
	}
	if t == nil {
		return
	}
	if live, ok := t.(interface{ Close(context.Context) error }); ok {
		defer live.Close(context.Background()) // nothing was written
	}
	m.from = t.String()
	for _, name := range tables {
		rows, err := t.Rows(context.Background(), name)
		if err != nil {
			m.note("database", audit.Partial, err.Error())
		}
		m.rows[name] = rows
	}
	m.readLogins(t)
	for _, r := range m.rows["v_domains"] {
		m.domains[r["domain_uuid"]] = r["domain_name"]
	}
	for _, secret := range []struct{ table, column string }{{"v_extensions", "password"}, {"v_device_lines", "password"}, {"v_users", "api_key"}, {"v_users", "password"}, {"v_users", "user_totp_secret"}, {"v_call_center_agents", "agent_password"}, {"v_ivr_menus", "ivr_menu_pin_number"}, {"v_gateways", "password"}} {
		for _, r := range m.rows[secret.table] {
			m.site.Secret(r[secret.column])
		}
	}
}

func (m *model) tables(open func(*audit.Site) (Tables, error)) (Tables, error) {
	var failed error
	if open != nil {
		t, err := open(m.site)
		if t != nil && err == nil {
			return t, nil
		}
		failed = err
	}
	names, err := m.site.Tree.Glob(dumps)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if failed == nil {
			failed = errNoDump
		}
		return nil, failed
	}
	newest := names[len(names)-1] // their names end in a date
	text, err := m.site.Tree.ReadFile(newest)
	if err != nil {
		return nil, err
	}
	d, err := ReadDump(newest, text)
	if d == nil {
		return nil, err
	}
	return d, err
}

func (m *model) readDialplans() {
	for _, r := range m.rows["v_dialplans"] {
		if !r.True("dialplan_enabled") || r["dialplan_xml"] == "" {
			continue
		}
		p := dialplan{row: r}
		if doc, err := freeswitch.ReadFragment("v_dialplans "+r["dialplan_name"], []byte(r["dialplan_xml"])); err == nil {
			p.doc = doc.Root
		} else {
			m.note("database", audit.Partial, err.Error())
		}
		m.plans = append(m.plans, p)
	}
}

func (m *model) note(need string, how audit.State, why string) {
	if old, ok := m.states[need]; !ok || how > old.how {
		m.states[need] = state{how, why}
	}
}

// Source tells how much was read of the database or the files.
func (m *model) Source(need string) (audit.State, string) {
	if s, ok := m.states[need]; ok {
		return s.how, s.why
	}
	return audit.Whole, ""
}

// extensions are those in use.
func (m *model) extensions() []Row {
	return slices.DeleteFunc(slices.Clone(m.rows["v_extensions"]), func(r Row) bool { return !r.True("enabled") })
}

// who names an extension with its domain: every tenant has a 100.
func (m *model) who(r Row) string {
	return strings.TrimSuffix("extension "+r["extension"]+"@"+m.domains[r["domain_uuid"]], "@")
}

// profileSetting returns what is set and enabled in a SIP profile.
func (m *model) profileSettings(name string) map[string]string {
	values := map[string]string{}
	for _, p := range m.rows["v_sip_profiles"] {
		if p["sip_profile_name"] != name {
			continue
		}
		for _, s := range m.rows["v_sip_profile_settings"] {
			if s["sip_profile_uuid"] == p["sip_profile_uuid"] && s.True("sip_profile_setting_enabled") {
				values[strings.ToLower(s["sip_profile_setting_name"])] = s["sip_profile_setting_value"]
			}
		}
	}
	return values
}
