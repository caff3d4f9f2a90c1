// Package audittest proves the checks of an audit kind with fixtures: for every
// check a tree that fails, the smallest edit that makes it pass, and a file
// whose loss makes it incomplete.
//
// A fixture is a text file testdata/checks/ID.txt:
//
//	# why this is the hole                     comment
//	object: endpoint 100                       a finding must be about this
//	evidence: 4 digits                         and say this
//	severity: critical                         and be this bad
//	location: /etc/asterisk/pjsip.conf:3       and stand here
//	fact: asterisk.version 16.2.0              told to the audit
//	== /etc/asterisk/pjsip.conf                a file of the tree, in place of the base's
//	[100]
//	== /etc/asterisk/extensions.conf append    lines behind the base's
//	== /var/lib/asterisk/astdb.sqlite3 sql     an SQLite database that these statements make
//	== /etc/asterisk/x.conf mode 0644          with other permissions than 0640
//	== /var/log/x age 90                       last written 90 days ago
//	== /etc/asterisk/y.conf -> /var/y          a symbolic link
//	== /etc/asterisk/z.conf gone               the base's is not there
//	-- pass /etc/asterisk/pjsip.conf           an edit: the lines with - become those with +
//	-old
//	+new
//	-- pass mode /etc/asterisk/x.conf 0640     an edit of permissions
//	-- pass gone /var/www/x.sql                the file is taken away
//	-- unreadable /etc/asterisk/pjsip.conf     the file is replaced by what cannot be read
//
// Below testdata/base lies a sound tree on which every fixture is laid.
package audittest

import (
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // databases of a fixture
)

// file is one file of a fixture.
type file struct {
	name   string
	text   string
	how    string // "", "append", "sql", "link" or "gone"
	target string
	mode   fs.FileMode
	age    time.Duration // since it was written; 0: now
}

// edit is one step from the failing tree to the passing one.
type edit struct {
	name     string
	old, new []string
	mode     fs.FileMode
	gone     bool
}

type fixture struct {
	id         string
	of         string // the check that is made, if the fixture proves a part of one
	object     string
	evidence   string
	severity   string
	location   string
	facts      map[string]string
	files      []file
	edits      []edit
	unreadable string
}

// parse reads a fixture.
func parse(id, text string) (*fixture, error) {
	f := &fixture{id: id, of: id, facts: map[string]string{}}
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if err := f.line(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", id, n+1, err)
		}
	}
	if f.unreadable == "" || len(f.edits) == 0 {
		return nil, fmt.Errorf("%s: want a part -- pass and a part -- unreadable", id)
	}
	return f, nil
}

func (f *fixture) line(line string) error {
	if rest, ok := strings.CutPrefix(line, "== "); ok {
		return f.begin(rest)
	}
	if rest, ok := strings.CutPrefix(line, "-- "); ok {
		return f.step(strings.Fields(rest))
	}
	switch {
	case len(f.edits) > 0:
		return f.change(line)
	case len(f.files) > 0:
		last := &f.files[len(f.files)-1]
		last.text += line + "\n"
		return nil
	case line == "" || line[0] == '#':
		return nil
	}
	key, value, _ := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch key {
	case "of":
		f.of = value
	case "object":
		f.object = value
	case "evidence":
		f.evidence = value
	case "severity":
		f.severity = value
	case "location":
		f.location = value
	case "fact":
		k, v, _ := strings.Cut(value, " ")
		f.facts[k] = v
	default:
		return fmt.Errorf("unknown key %q", key)
	}
	return nil
}

// begin starts a file: "/name [append|sql|gone|mode N|age DAYS|-> target]".
func (f *fixture) begin(head string) (err error) {
	w := strings.Fields(head)
	one := file{name: w[0], mode: 0o640}
	switch {
	case len(w) == 1:
	case len(w) == 2 && (w[1] == "append" || w[1] == "sql" || w[1] == "gone"):
		one.how = w[1]
	case len(w) == 3 && w[1] == "mode":
		one.mode, err = mode(w[2])
	case len(w) == 3 && w[1] == "age":
		var days int
		days, err = strconv.Atoi(w[2])
		one.age = time.Duration(days) * 24 * time.Hour
	case len(w) == 3 && w[1] == "->":
		one.how, one.target = "link", w[2]
	default:
		err = fmt.Errorf("cannot understand %q", head)
	}
	f.files = append(f.files, one)
	return err
}

// step starts an edit or names the file that becomes unreadable.
func (f *fixture) step(w []string) (err error) {
	switch {
	case len(w) == 2 && w[0] == "unreadable":
		f.unreadable = w[1]
	case len(w) == 2 && w[0] == "pass":
		f.edits = append(f.edits, edit{name: w[1]})
	case len(w) == 3 && w[0] == "pass" && w[1] == "gone":
		f.edits = append(f.edits, edit{name: w[2], gone: true})
	case len(w) == 4 && w[0] == "pass" && w[1] == "mode":
		e := edit{name: w[2]}
		e.mode, err = mode(w[3])
		f.edits = append(f.edits, e)
	default:
		err = fmt.Errorf("cannot understand -- %q", w)
	}
	return err
}

func (f *fixture) change(line string) error {
	e := &f.edits[len(f.edits)-1]
	switch {
	case strings.HasPrefix(line, "-"):
		e.old = append(e.old, line[1:])
	case strings.HasPrefix(line, "+"):
		e.new = append(e.new, line[1:])
	case line != "":
		return fmt.Errorf("cannot understand %q in an edit", line)
	}
	return nil
}

func mode(octal string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(octal, 8, 12)
	return fs.FileMode(n), err
}

// build lays the fixture over a copy of base in dir.
func (f *fixture) build(dir, base, variant string) error {
	if base != "" {
		if err := copyBase(dir, base); err != nil {
			return err
		}
	}
	for _, one := range f.files {
		if err := f.put(dir, one, variant == "pass"); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	if variant == "pass" {
		return f.pass(dir)
	}
	if variant != "unreadable" {
		return nil
	}
	name := filepath.Join(dir, f.unreadable)
	if err := os.RemoveAll(name); err != nil {
		return err
	}
	return os.MkdirAll(name, 0o755)
}

// copyBase copies the sound tree, with the permissions of a sound host: git does
// not keep them.
func copyBase(dir, base string) error {
	if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 || name == dir {
			return err
		}
		if d.IsDir() {
			return os.Chmod(name, 0o755)
		}
		return os.Chmod(name, 0o640)
	})
}

func (f *fixture) put(dir string, one file, pass bool) error {
	name := filepath.Join(dir, one.name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	text := one.text
	switch one.how {
	case "link":
		return os.Symlink(one.target, name)
	case "gone":
		return os.Remove(name)
	case "append":
		old, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text = string(old) + text
	case "sql":
		for _, e := range f.edits {
			if pass && e.name == one.name {
				var err error
				if text, err = e.apply(text); err != nil {
					return err
				}
			}
		}
		return database(name, text)
	}
	if err := os.RemoveAll(name); err != nil {
		return err
	}
	if err := os.WriteFile(name, []byte(text), one.mode); err != nil {
		return err
	}
	if one.age != 0 {
		if err := os.Chtimes(name, Now.Add(-one.age), Now.Add(-one.age)); err != nil {
			return err
		}
	}
	return os.Chmod(name, one.mode)
}

// pass makes the edits, but for those of databases, which are made before.
func (f *fixture) pass(dir string) error {
	made := map[string]bool{}
	for _, one := range f.files {
		made[one.name] = one.how == "sql"
	}
	for _, e := range f.edits {
		name := filepath.Join(dir, e.name)
		switch {
		case made[e.name]:
			continue
		case e.gone:
			if err := os.Remove(name); err != nil {
				return err
			}
			continue
		case e.mode != 0:
			if err := os.Chmod(name, e.mode); err != nil {
				return err
			}
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		changed, err := e.apply(string(text))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(changed), 0o640); err != nil {
			return err
		}
	}
	return nil
}

// apply replaces the old lines, which must be there, by the new ones. Without
// old lines the new ones go behind the text.
func (e *edit) apply(text string) (string, error) {
	add := strings.Join(e.new, "\n")
	if add != "" {
		add += "\n"
	}
	if len(e.old) == 0 {
		return text + add, nil
	}
	del := strings.Join(e.old, "\n") + "\n"
	before, after, ok := strings.Cut("\n"+text, "\n"+del)
	if !ok {
		return "", fmt.Errorf("%s has no lines %q", e.name, del)
	}
	return strings.TrimPrefix(before+"\n"+add+after, "\n"), nil
}

// database makes an SQLite file.
func database(name, statements string) error {
	db, err := sql.Open("sqlite3", name)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statements)
	return err
}
