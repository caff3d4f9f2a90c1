package asterisk

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"

	"pbxguard/audit"
)

// database is AstDB, where forwards and FreePBX's settings of extensions lie.
type database struct {
	found  bool
	err    error
	values map[string]string // by key, as "/CF/100"
	keys   []string          // sorted
}

// maxRows bounds what is read of it. FreePBX keeps 40 rows an extension.
const maxRows = 1_000_000

// database reads AstDB, once. The file is read into memory: SQLite never opens
// it, so nothing is written beside it and no lock is taken.
func (p *PBX) database() *database {
	if p.db == nil {
		p.db = &database{values: map[string]string{}}
		data, err := p.site.Tree.ReadFile(p.astdb)
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
	if len(data) < 100 || string(data[:15]) != "SQLite format 3" {
		return fmt.Errorf("it is no SQLite database")
	}
	data[18], data[19] = 1, 1 // not in WAL mode, which needs files beside it
	ctx := context.Background()
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error { return driver.(*sqlite3.SQLiteConn).Deserialize(data, "") })
	if err != nil {
		return err
	}
	rows, err := conn.QueryContext(ctx, "SELECT key, value FROM astdb ORDER BY key LIMIT ?", maxRows)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, value sql.NullString
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		d.values[key.String] = value.String
		d.keys = append(d.keys, key.String)
	}
	return rows.Err()
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
