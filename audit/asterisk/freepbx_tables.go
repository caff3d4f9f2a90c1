package asterisk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"pbxguard/audit"
)

// dumps are where a copy of a host has FreePBX's database, as mysqldump writes
// it.
var dumps = []string{"/var/backups/freepbx/*.sql", "/var/spool/asterisk/backup/*.sql"}

var errNoDump = errors.New("FreePBX's database is not read: no dump is in /var/backups/freepbx, and the live one can be read on the host itself alone")

// freeTables are the rows of FreePBX's database that checks read.
type freeTables struct {
	from  string // where they are from; "": there are none
	rows  map[string][]audit.Row
	state audit.State
	why   string

	last      map[string]time.Time // of call records, by the name of extensions and trunks
	since     time.Time
	callsLost string
}

// tableNames are those that checks read.
var tableNames = []string{
	"ampusers", "userman_users", "modules", "users", "devices", "findmefollow", "ringgroups", "queues_details", "miscdests",
	"callback", "disa", "outbound_routes", "trunks", "incoming", "freepbx_settings",
}

// FreePBXTables are the tables of FreePBX's database that checks read.
func FreePBXTables() []string { return slices.Clone(tableNames) }

// secretColumns hold secrets, which no output may quote.
var secretColumns = map[string][]string{
	"ampusers": {"password_sha1", "password"}, "userman_users": {"password"}, "users": {"password"}, "disa": {"pin"}, "outbound_routes": {"password"},
}

// tables reads FreePBX's database, once: live, or the newest dump.
func (p *PBX) tables() *freeTables {
	if p.rows != nil {
		return p.rows
	}
	f := &freeTables{rows: map[string][]audit.Row{}}
	p.rows = f
	if !p.freePBX().there() {
		return f
	}
	t, err := p.openTables()
	if err != nil {
		f.state, f.why = audit.Partial, err.Error()
	}
	if t == nil {
		return f
	}
	if live, ok := t.(interface{ Close(context.Context) error }); ok {
		defer live.Close(context.Background()) // nothing was written
	}
	f.from = t.String()
	if err == nil {
		f.state = audit.Whole
	}
	for _, name := range tableNames {
		rows, err := t.Rows(context.Background(), name)
		if err != nil && f.state == audit.Whole {
			f.state, f.why = audit.Partial, err.Error()
		}
		f.rows[name] = rows
	}
	f.readCalls(t, p.site.Now)
	p.hideSecrets()
	return f
}

func (f *freeTables) readCalls(t audit.Tables, now time.Time) {
	records, ok := t.(interface {
		LastCalls(context.Context, time.Time) (map[string]time.Time, time.Time, error)
	})
	if !ok {
		return
	}
	last, since, err := records.LastCalls(context.Background(), now.AddDate(0, -6, 0))
	if err != nil {
		f.callsLost = err.Error()
	}
	f.since, f.last = since, map[string]time.Time{}
	for channel, at := range last {
		if who := ofChannel(channel + "-"); who != "" && at.After(f.last[who]) {
			f.last[who] = at
		}
	}
}

func (p *PBX) openTables() (audit.Tables, error) {
	var failed error
	if p.open != nil {
		t, err := p.open(p.site)
		if err == nil {
			return t, nil
		}
		failed = err
	}
	for _, pattern := range dumps {
		names, err := p.site.Tree.Glob(pattern)
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			continue
		}
		newest := names[len(names)-1] // their names end in a date
		text, err := p.site.Tree.ReadFile(newest)
		if err != nil {
			return nil, err
		}
		d, err := ReadDump(newest, text)
		if err != nil {
			return nil, err
		}
		return d, failed
	}
	if failed == nil {
		failed = errNoDump
	}
	return nil, failed
}

// hideSecrets notes what no output may quote.
func (p *PBX) hideSecrets() {
	for table, columns := range secretColumns {
		for _, r := range p.rows.rows[table] {
			for _, c := range columns {
				p.site.Secret(r[c])
			}
		}
	}
	for _, r := range p.rows.rows["freepbx_settings"] {
		if secretSetting(r["keyword"]) {
			p.site.Secret(r["value"])
		}
	}
}

// dump is FreePBX's database as mysqldump wrote it.
type dump struct {
	name   string
	tables map[string][]audit.Row
	total  int // rows
}

// Rows returns the rows of a table.
func (d *dump) Rows(_ context.Context, table string) ([]audit.Row, error) {
	return d.tables[table], nil
}

func (d *dump) String() string { return d.name }

// column are the values of a column.
func column(rows []audit.Row, name string) map[string]bool {
	all := map[string]bool{}
	for _, r := range rows {
		all[r[name]] = true
	}
	return all
}

// secretSetting tells whether a setting of FreePBX is a secret.
func secretSetting(keyword string) bool {
	return strings.Contains(keyword, "PASS") || strings.Contains(keyword, "SECRET")
}

// administrators are those of FreePBX's web pages.
func (f *freeTables) administrators() (all []audit.Held) {
	for _, r := range f.rows["ampusers"] {
		all = append(all, audit.Held{
			Role: audit.Administrator, Name: r["username"], Object: "administrator " + r["username"], At: f.from, Secret: or(r["password_sha1"], r["password"]),
		})
	}
	return all
}

// placed is a value and where it stands.
type placed struct{ value, at string }

// freeSetting is a setting of FreePBX in its files and in its database.
func (p *PBX) freeSetting(key string) (all []placed) {
	if v, ok := p.freePBX().settings[key]; ok {
		all = append(all, placed{v, p.freePBX().where[key]})
	}
	for _, r := range p.tables().rows["freepbx_settings"] {
		if r["keyword"] == key {
			all = append(all, placed{r["value"], p.rows.from})
		}
	}
	return all
}

// anyRoute is an inbound route for any number from anybody, or "".
func (p *PBX) anyRoute() string {
	for _, r := range p.tables().rows["incoming"] {
		if r["cidnum"] == "" && r["extension"] == "" {
			return "to " + r["destination"]
		}
	}
	for _, name := range p.plan.names {
		if !strings.HasPrefix(name, "ext-did") {
			continue
		}
		c := p.plan.contexts[name]
		for _, e := range c.all {
			if e.caller == "" && (e.text == "s" || e.text == "_." || e.text == "_X.") {
				return e.text + "@" + name
			}
		}
	}
	return ""
}

// differentFollowMe holds the follow-me lists of AstDB, which are dialled,
// against those that the web page shows.
func differentFollowMe(p *PBX, r *audit.Result) {
	for _, row := range p.tables().rows["findmefollow"] {
		ext := row["grpnum"]
		dialled, ok := p.database().values["/AMPUSER/"+ext+"/followme/grplist"]
		if ok && dialled != row["grplist"] {
			r.FailAs(audit.High, "extension "+ext, p.astdb, "the follow-me list that is dialled is not the one of FreePBX's database: it was changed behind the web page")
		}
	}
}

// outsideDevices looks for extensions that are a number outside, and for devices
// and users in the database that lack each other.
func outsideDevices(p *PBX, r *audit.Result) {
	judge := func(id, dial, where string) {
		for _, m := range outsideNumber.FindAllStringSubmatch(strings.ReplaceAll(dial, "@", " "), 4) {
			if reach := p.leadsOut(m[1]); reach.Rule != "" {
				r.FailAs(reach.Severity, "device "+id, where, "it dials %s (%s)", reach.What, reach.Rule)
			}
		}
	}
	p.database().family("DEVICE", func(key, value string) {
		if id, ok := strings.CutSuffix(key, "/dial"); ok && strings.HasPrefix(value, "Local/") {
			judge(id, value, p.astdb)
		}
	})
	t := p.tables()
	users, owned := column(t.rows["users"], "extension"), column(t.rows["devices"], "user")
	for _, d := range t.rows["devices"] {
		if d["user"] != "none" && !users[d["user"]] {
			r.Fail("device "+d["id"], t.from, "no user has it")
		}
		if _, ok := p.database().values["/DEVICE/"+d["id"]+"/dial"]; !ok && strings.HasPrefix(d["dial"], "Local/") {
			judge(d["id"], d["dial"], t.from)
		}
	}
	for _, u := range t.rows["users"] {
		if !owned[u["extension"]] && len(t.rows["devices"]) > 0 {
			r.Fail("user "+u["extension"], t.from, "it has no device")
		}
	}
}
