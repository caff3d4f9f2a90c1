package asterisk

import (
	"fmt"
	"slices"
	"strings"

	"pbxguard/audit"
)

// database is AstDB, where forwards and FreePBX's settings of extensions lie.
type database struct {
	found  bool
	err    error
	values map[string]string // by key, as "/CF/100"
	keys   []string          // sorted
}

// database reads AstDB, once.
func (p *PBX) database() *database {
	if p.db == nil {
		p.db = &database{values: map[string]string{}}
		data, err := p.site.Tree.ReadFile(p.astdb)
		if err != nil && p.db.ask(p.asked()) {
			err = fmt.Errorf("it was not read; only forwards are known, from the running Asterisk")
		}
		if missing(err) {
			return p.db
		}
		if p.db.found = true; err == nil {
			err = p.db.read(data)
		}
		if err != nil {
			p.db.err = fmt.Errorf("%s: %w", p.astdb, err)
		}
	}
	return p.db
}

func (d *database) read(data []byte) error {
	return audit.SQLite(data, "SELECT key, value FROM astdb ORDER BY key", func(r audit.Row) {
		d.values[r["key"]] = r["value"]
		d.keys = append(d.keys, r["key"])
	})
}

func (d *database) state() (audit.State, string) {
	switch {
	case d.err != nil:
		return audit.Lost, d.err.Error()
	case d.found:
		return audit.Whole, ""
	}
	return audit.Absent, ""
}

// family calls f with every key below "/name/", cut off, and its value.
func (d *database) family(name string, f func(key, value string)) {
	prefix := "/" + name + "/"
	i, _ := slices.BinarySearch(d.keys, prefix)
	for ; i < len(d.keys) && strings.HasPrefix(d.keys[i], prefix); i++ {
		f(d.keys[i][len(prefix):], d.values[d.keys[i]])
	}
}

// ask takes forwards from what the running Asterisk said, if it said all.
func (d *database) ask(r *running) bool {
	if r == nil {
		return false
	}
	for _, k := range forwardKinds {
		if r.trouble(forwardQuestion(k.family)) != "" {
			return false
		}
	}
	for _, k := range forwardKinds {
		for _, rec := range r.answers[forwardQuestion(k.family)].Records {
			if _, twice := d.values[rec["Key"]]; rec["Key"] != "" && !twice {
				d.values[rec["Key"]] = rec["Val"]
				d.keys = append(d.keys, rec["Key"])
			}
		}
	}
	slices.Sort(d.keys)
	return true
}
