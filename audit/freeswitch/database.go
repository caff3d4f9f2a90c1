package freeswitch

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"pbxguard/audit"
)

// databases are what FreeSWITCH keeps in SQLite beside its configuration: what
// mod_db was told by dialplans, and the PINs that owners of mailboxes chose.
type databases struct {
	stored []stored          // db_data and group_data of call_limit.db
	pins   map[string]string // by user@domain, of voicemail_default.db
	dir    string
	state  audit.State
	why    string
}

// stored is a value of mod_db: db/realm/key, or group/name.
type stored struct{ realm, key, value string }

// databases reads them, once. A copy of a configuration has none.
func (m *model) databases() *databases {
	if m.dbs != nil {
		return m.dbs
	}
	d := &databases{pins: map[string]string{}}
	m.dbs = d
	d.dir, _, _ = m.doc.Var("db_dir")
	if d.dir == "" || Unknown(d.dir) {
		return d
	}
	add := func(r audit.Row) { d.stored = append(d.stored, stored{r["realm"], r["data_key"], r["data"]}) }
	d.read(m.site.Tree, "call_limit.db", "SELECT realm, data_key, data FROM db_data ORDER BY realm, data_key", add)
	d.read(m.site.Tree, "call_limit.db", "SELECT 'group' AS realm, groupname AS data_key, url AS data FROM group_data ORDER BY groupname", add)
	d.read(m.site.Tree, "voicemail_default.db", "SELECT username, domain, password FROM voicemail_prefs", func(r audit.Row) {
		if pin := r["password"]; pin != "" {
			m.site.Secret(pin)
			d.pins[r["username"]+"@"+strings.ToLower(r["domain"])] = pin
		}
	})
	return d
}

func (d *databases) read(tree *audit.Tree, name, query string, each func(audit.Row)) {
	name = path.Join(d.dir, name)
	data, err := tree.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = audit.SQLite(data, query, each)
	}
	switch {
	case err != nil && !strings.Contains(err.Error(), "no such table"): // FreeSWITCH makes each when it is first used
		d.state, d.why = audit.Partial, fmt.Sprintf("cannot read all of %s: %v", name, err)
	case d.state == audit.Absent:
		d.state = audit.Whole
	}
}
