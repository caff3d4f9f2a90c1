package fusionpbx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"pbxguard/audit"
)

// Row is a row of a table.
type Row = audit.Row

// Tables is FusionPBX's database, live or from a dump.
type Tables = audit.Tables

const (
	maxRows   = 200_000   // of one table
	maxColumn = 256 << 10 // bytes of one value
)

// Dump is what pg_dump wrote in plain text.
type Dump struct {
	name   string
	tables map[string][]Row
}

// ReadDump reads the COPY blocks of a plain pg_dump. It fails for an archive
// (pg_restore turns one into plain text) and for a dump without any table.
func ReadDump(name string, text []byte) (*Dump, error) {
	if bytes.HasPrefix(text, []byte("PGDMP")) {
		return nil, fmt.Errorf("cannot read %s: it is an archive; make it plain with pg_restore -f fusionpbx.sql %s", name, name)
	}
	d := &Dump{name: name, tables: map[string][]Row{}}
	var columns []string
	table := ""
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		if table == "" {
			table, columns = copyHead(string(line))
			continue
		}
		if string(line) == `\.` {
			table = ""
			continue
		}
		if len(d.tables[table]) >= maxRows {
			return d, fmt.Errorf("cannot read all of %s: %s has more than %d rows", name, table, maxRows)
		}
		d.tables[table] = append(d.tables[table], copyRow(string(line), columns))
	}
	if len(d.tables) == 0 {
		return nil, fmt.Errorf("cannot read %s: it has no table in the form COPY … FROM stdin", name)
	}
	if table != "" {
		return d, fmt.Errorf("cannot read all of %s: it ends in the middle of %s", name, table)
	}
	return d, nil
}

// Rows returns the rows of a table.
func (d *Dump) Rows(_ context.Context, table string) ([]Row, error) { return d.tables[table], nil }

func (d *Dump) String() string { return d.name }

// copyHead reads COPY public.v_users (user_uuid, …) FROM stdin;
func copyHead(line string) (table string, columns []string) {
	rest, ok := strings.CutPrefix(line, "COPY ")
	if !ok || !strings.HasSuffix(strings.TrimSpace(rest), "FROM stdin;") {
		return "", nil
	}
	name, list, ok := strings.Cut(rest, "(")
	list, _, closed := strings.Cut(list, ")")
	if !ok || !closed {
		return "", nil
	}
	for _, c := range strings.Split(list, ",") {
		columns = append(columns, strings.Trim(strings.TrimSpace(c), `"`))
	}
	name = strings.TrimSpace(name)
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return strings.Trim(name, `"`), columns
}

func copyRow(line string, columns []string) Row {
	row := Row{}
	for i, v := range strings.Split(line, "\t") {
		if i < len(columns) && v != `\N` && len(v) <= maxColumn {
			row[columns[i]] = unescape(v)
		}
	}
	return row
}

// unescape undoes the escapes of COPY's text format.
func unescape(v string) string {
	if !strings.Contains(v, `\`) {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' || i+1 >= len(v) {
			b.WriteByte(v[i])
			continue
		}
		i++
		if j := strings.IndexByte("nrtbfv", v[i]); j >= 0 {
			b.WriteByte("\n\r\t\b\f\v"[j])
		} else {
			b.WriteByte(v[i])
		}
	}
	return b.String()
}

// parseSettings reads FusionPBX's config.conf: name = value.
func parseSettings(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); ok && !strings.HasPrefix(key, "#") && !strings.HasPrefix(key, ";") {
			values[key] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return values
}

// Why there are no rows.
var (
	errNoDatabase = errors.New("cannot read FusionPBX's database: config.conf names none of PostgreSQL")
	errNoDump     = errors.New("the database is not read: no plain dump is in /var/backups/fusionpbx/postgresql, and the live one can be read on the host itself alone")
)
