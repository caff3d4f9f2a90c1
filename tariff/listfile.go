package tariff

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"pbxguard/guard"
	"pbxguard/tabular"
)

// suffix ends the name of a file that holds a list.
const suffix = ".list"

// maxEntries bounds a list: half a gigabyte of memory while it is read.
const maxEntries = 20_000_000

// ValidName says whether a list may be called so.
var ValidName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`).MatchString

// ImportList reads numbers in the form in which others publish them: one in a
// row, or CSV whose first column, or the one called "number", holds them, and
// whose column "expires", if there is one, holds their last day. "+31906*"
// stands for all numbers that begin so. A number without a + is read by e164,
// which knows the dial plan of the place; with a nil e164 it is wrong.
func ImportList(about About, file string, in io.Reader, e164 func(string) (string, bool)) (*List, tabular.Faults, error) {
	r := tabular.NewReader(file, in)
	r.Comment = '#'
	r.Sniff()
	p := listReader{e164: e164, expires: -1}
	var faults tabular.Faults
	var row tabular.Row
	for first := true; ; first = false {
		err := r.Read(&row)
		if err == io.EOF {
			break
		}
		if err == nil && first && p.head(&row) {
			continue
		}
		if err == nil {
			err = p.row(&row)
		}
		if err != nil && !faults.Add(err) {
			return nil, faults, err
		}
		if len(p.entries) > maxEntries {
			return nil, faults, &fileError{file, fmt.Errorf("it has more than %d numbers", maxEntries)}
		}
	}
	return newList(about, p.entries), faults, nil
}

type listReader struct {
	e164            func(string) (string, bool)
	number, expires int // columns
	entries         []entry
}

// head finds the columns, if the first row names them.
func (p *listReader) head(row *tabular.Row) bool {
	named := false
	for i, f := range row.Fields {
		switch strings.ToLower(string(bytes.TrimSpace(f))) {
		case "number", "prefix":
			p.number, named = i, true
		case "expires":
			p.expires = i
		}
	}
	return named
}

func (p *listReader) row(row *tabular.Row) error {
	if p.number >= len(row.Fields) {
		return row.Wrong(-1, "has no column %d", p.number+1)
	}
	cell := bytes.TrimSpace(row.Fields[p.number])
	text, prefix := bytes.CutSuffix(bytes.Map(notSeparator, cell), []byte("*"))
	if len(text) == 0 || text[0] != '+' {
		if p.e164 == nil || prefix {
			return row.Wrong(p.number, "must be + and the full number, not %s", tabular.Shown(cell))
		}
		full, ok := p.e164(string(text))
		if !ok {
			return row.Wrong(p.number, "is no number that can be called from here: %s", tabular.Shown(cell))
		}
		text = []byte(full)
	}
	key, ok := pack(bytes.TrimPrefix(text, []byte("+")))
	if !ok || text[1] == '0' {
		return row.Wrong(p.number, "must be + and the full number, not %s", tabular.Shown(cell))
	}
	e := entry{key: key, prefix: prefix}
	if p.expires >= 0 && p.expires < len(row.Fields) {
		if cell := bytes.TrimSpace(row.Fields[p.expires]); len(cell) > 0 {
			t, err := time.Parse(time.DateOnly, string(cell))
			if err != nil {
				return row.Wrong(p.expires, "must be a date such as 2026-01-31, not %s", tabular.Shown(cell))
			}
			e.until = max(dayOf(t), 1)
		}
	}
	p.entries = append(p.entries, e)
	return nil
}

// notSeparator drops what people put between digits.
func notSeparator(r rune) rune {
	if strings.ContainsRune(" -.()/", r) {
		return -1
	}
	return r
}

// Save writes the list into a folder, in the place of one of the same name, in
// one step: who reads meanwhile sees the old one or the new one.
func (l *List) Save(dir string) (err error) {
	if !ValidName(l.Name) {
		return fmt.Errorf("cannot save list %q: its name must be small letters, digits, - and _", l.Name)
	}
	f, err := os.CreateTemp(dir, "."+l.Name+"-*")
	if err != nil {
		return fmt.Errorf("cannot save list %s: %w", l.Name, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot save list %s: %w", l.Name, err)
			os.Remove(f.Name())
		}
	}()
	err = errors.Join(l.write(f), f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, l.Name+suffix))
}

// Header fields of a list file, each on a line "# NAME: VALUE".
const (
	headKind     = "kind"
	headSource   = "source"
	headImported = "imported"
	headExpires  = "expires"
)

func (l *List) write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintf(b, "# %s: %s\n# %s: %s\n# %s: %s\n", headKind, l.Kind, headSource, oneLine(l.Source),
		headImported, l.Imported.UTC().Format(time.RFC3339))
	if !l.Expires.IsZero() {
		fmt.Fprintf(b, "# %s: %s\n", headExpires, l.Expires.UTC().Format(time.RFC3339))
	}
	fmt.Fprintln(b, "number,expires")
	line := func(key uint64, star string, until day) {
		b.WriteByte('+')
		b.Write(unpack(key))
		b.WriteString(star)
		if until != 0 {
			b.WriteString("," + time.Unix(int64(until)*86400, 0).UTC().Format(time.DateOnly))
		}
		b.WriteByte('\n')
	}
	for i, key := range l.texts {
		line(key, "*", l.ends[i])
	}
	for i, key := range l.numbers {
		var until day
		if l.until != nil {
			until = l.until[i]
		}
		line(key, "", until)
	}
	return b.Flush()
}

// oneLine makes a text fit for a line of a file.
func oneLine(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`), `\\`, `\`)
}

// LoadLists reads every list in a folder. What is wrong with one of them does
// not keep the others out; a folder that is not there has none.
func LoadLists(dir string) (*Lists, []error) {
	found, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return NewLists(), nil
	}
	if err != nil {
		return NewLists(), []error{fmt.Errorf("cannot read the lists: %w", err)}
	}
	var lists []*List
	var wrong []error
	for _, f := range found {
		name, ours := strings.CutSuffix(f.Name(), suffix)
		if !ours {
			continue
		}
		l, faults, err := loadList(filepath.Join(dir, f.Name()), name)
		for _, fault := range faults.Kept {
			wrong = append(wrong, fault)
		}
		if more := faults.Total - len(faults.Kept); more > 0 {
			wrong = append(wrong, fmt.Errorf("%s: and %d more", f.Name(), more))
		}
		if err != nil {
			wrong = append(wrong, &ListError{name, err})
			continue
		}
		lists = append(lists, l)
	}
	return NewLists(lists...), wrong
}

// loadList reads the file of one list.
func loadList(path, name string) (*List, tabular.Faults, error) {
	var none tabular.Faults
	if !ValidName(name) {
		return nil, none, &fileError{path, errors.New("its name must be small letters, digits, - and _")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, none, fmt.Errorf("cannot read list %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, none, fmt.Errorf("cannot read list %s: %w", name, err)
	case !info.Mode().IsRegular():
		return nil, none, &fileError{path, errors.New("it is no file")}
	case info.Mode().Perm()&0o022 != 0:
		return nil, none, &fileError{path, errors.New("it can be written by others")}
	}
	about, err := readAbout(f, name, info.ModTime())
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, none, &fileError{path, err}
	}
	return ImportList(about, path, f, nil)
}

// readAbout reads the lines at the top of a list file.
func readAbout(in io.Reader, name string, changed time.Time) (About, error) {
	about := About{Name: name, Imported: changed}
	kind := false
	lines := bufio.NewScanner(io.LimitReader(in, 64<<10))
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "#")
		if !ok {
			break
		}
		key, value, _ := strings.Cut(strings.TrimSpace(text), ": ")
		var err error
		switch key {
		case headKind:
			if about.Kind, kind = guard.ParseListKind(value); !kind {
				err = fmt.Errorf("there is no kind of list called %q", value)
			}
		case headSource:
			about.Source = value
		case headImported:
			about.Imported, err = time.Parse(time.RFC3339, value)
		case headExpires:
			about.Expires, err = time.Parse(time.RFC3339, value)
		}
		if err != nil {
			return about, err
		}
	}
	if !kind {
		return about, errors.New(`it does not say of which kind it is: "# kind: withdrawn"`)
	}
	return about, lines.Err()
}

// RemoveList takes a list out of a folder.
func RemoveList(dir, name string) error {
	if !ValidName(name) {
		return fmt.Errorf("cannot remove list %q: there is none", name)
	}
	if err := os.Remove(filepath.Join(dir, name+suffix)); err != nil {
		return fmt.Errorf("cannot remove list %s: %w", name, err)
	}
	return nil
}

// A ListError says why a list could not be used at all.
type ListError struct {
	Name string
	err  error
}

func (e *ListError) Error() string { return e.err.Error() }
func (e *ListError) Unwrap() error { return e.err }

// MentionsList says whether one of errs is that a list could not be used.
func MentionsList(errs []error, name string) bool {
	for _, err := range errs {
		if e := new(ListError); errors.As(err, &e) && e.Name == name {
			return true
		}
	}
	return false
}
