package asterisk

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"pbxguard/audit"
)

// ReadDump reads FreePBX's database as mysqldump writes it: the columns of
// CREATE TABLE, and the rows of INSERT INTO of the tables that checks read. It
// fails for a text without any table, and for one that ends in the middle of a
// row.
func ReadDump(name string, text []byte) (audit.Tables, error) {
	d := &dump{name: name, tables: map[string][]audit.Row{}}
	columns := map[string][]string{}
	table := ""
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		switch s := strings.TrimSpace(string(line[:min(len(line), 4096)])); {
		case strings.HasPrefix(s, "CREATE TABLE "):
			table, _ = backquoted(s)
			columns[table] = nil
		case table != "" && strings.HasPrefix(s, "`"):
			c, _ := backquoted(s)
			columns[table] = append(columns[table], c)
		case strings.HasPrefix(s, "INSERT INTO "):
			after, err := d.insert(text, columns)
			if err != nil {
				return nil, fmt.Errorf("cannot read %s: %w", name, err)
			}
			text, table = after, ""
			continue
		case strings.HasPrefix(s, ")"):
			table = ""
		}
		text = rest
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("cannot read %s: it has no table as mysqldump writes them", name)
	}
	return d, nil
}

// backquoted returns the first name in back quotes, and what follows.
func backquoted(s string) (name, rest string) {
	_, s, _ = strings.Cut(s, "`")
	name, rest, _ = strings.Cut(s, "`")
	return name, rest
}

// insert reads one INSERT, which may hold thousands of rows and line breaks, and
// returns the text behind it.
func (d *dump) insert(text []byte, columns map[string][]string) (rest []byte, err error) {
	head, values, ok := bytes.Cut(text, []byte("VALUES"))
	if !ok {
		return nil, fmt.Errorf("an INSERT has no VALUES")
	}
	table, list := backquoted(string(head[:min(len(head), 64<<10)]))
	named := columns[table]
	if strings.Contains(list, "`") {
		named = nil
		for list != "" && strings.Contains(list, "`") {
			var c string
			c, list = backquoted(list)
			named = append(named, c)
		}
	}
	s := values
	for {
		s = bytes.TrimLeft(s, " \t\r\n,")
		if len(s) == 0 {
			return nil, fmt.Errorf("it ends in the middle of %s", table)
		}
		if s[0] == ';' {
			return s[1:], nil
		}
		if s[0] != '(' {
			return nil, fmt.Errorf("a row of %s does not begin with a bracket", table)
		}
		row := audit.Row{}
		if s, err = tuple(s[1:], named, row); err != nil {
			return nil, fmt.Errorf("%w of %s", err, table)
		}
		if !slices.Contains(tableNames, table) {
			continue
		}
		if d.total++; d.total > audit.MaxRows {
			return nil, fmt.Errorf("it has more than %d rows", audit.MaxRows)
		}
		d.tables[table] = append(d.tables[table], row)
	}
}

// tuple reads values up to the closing bracket into a row.
func tuple(s []byte, columns []string, row audit.Row) (rest []byte, err error) {
	for i := 0; ; i++ {
		value, null, after, ok := literal(bytes.TrimLeft(s, " \t\r\n"))
		after = bytes.TrimLeft(after, " \t\r\n")
		if !ok || len(after) == 0 {
			return nil, fmt.Errorf("it ends in the middle of a row")
		}
		if !null && i < len(columns) && len(value) <= audit.MaxColumn {
			row[columns[i]] = value
		}
		s = after[1:]
		switch after[0] {
		case ',':
		case ')':
			return s, nil
		default:
			return nil, fmt.Errorf("something stands behind a value in a row")
		}
	}
}

// literal reads a value: 'text', _binary 'text', 12, 0x6162 or NULL.
func literal(s []byte) (value string, null bool, rest []byte, ok bool) {
	s = bytes.TrimPrefix(s, []byte("_binary "))
	if len(s) == 0 || s[0] != '\'' {
		n := bytes.IndexAny(s, ",)")
		if n < 0 {
			return "", false, nil, false
		}
		word := strings.TrimSpace(string(s[:n]))
		return word, strings.EqualFold(word, "NULL"), s[n:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'' && i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte(c)
			i++
		case c == '\'':
			return b.String(), false, s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(unescaped(s[i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", false, nil, false
}

// unescaped is what a character behind a backslash stands for.
func unescaped(c byte) byte {
	if i := strings.IndexByte("0nrtbZ", c); i >= 0 {
		return "\x00\n\r\t\b\x1a"[i]
	}
	return c
}
