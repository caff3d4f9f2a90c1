package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// parser puts together the sections of a file and what it includes.
type parser struct {
	reader   *Reader
	file     *File
	current  *Section // the last one begun anywhere, in which an included file begins
	level    int      // of includes
	opened   int
	settings int
}

// load reads the files that a name with wildcards stands for, as one. Sections
// and block comments go on from each to the next. The error is why Asterisk
// stops reading; what was read until there counts.
func (p *parser) load(name string, from Pos) error {
	if p.level == maxLevel {
		p.note(from, false, "%s is included more than %d deep, which Asterisk refuses", name, maxLevel)
		return errNothing
	}
	p.level++
	names, err := p.expand(name)
	if err != nil {
		p.note(from, true, "%v", err)
		p.level--
		return nil // Asterisk may well read it
	}
	in := input{parser: p, section: p.current}
	read := 0
	for _, n := range names {
		ok, err := in.read(n, from)
		if err != nil {
			return err // the level stays, as in Asterisk
		}
		if ok {
			read++
		}
	}
	p.level--
	if read == 0 {
		return errNothing
	}
	return nil
}

var (
	// errNothing says that no file was read.
	errNothing = errors.New("there is no such file")
	// errBound ends the reading of everything: these are no honest files.
	errBound = errors.New("it is not read further")
)

// expand returns the files of a pattern, in the order in which glob(3) with
// GLOB_BRACE gives them. A name without wildcards stands for itself.
func (p *parser) expand(name string) (names []string, err error) {
	for _, n := range braces(name, 0) {
		if !strings.ContainsAny(n, "*?[") {
			names = append(names, n)
			continue
		}
		found, err := p.reader.Files.Glob(n)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	return names, nil
}

// braces expands {a,b}, but not within one another.
func braces(s string, depth int) []string {
	open := strings.IndexByte(s, '{')
	end := strings.IndexByte(s, '}')
	if open < 0 || end < open || depth == 8 {
		return []string{s}
	}
	var all []string
	for alt := range strings.SplitSeq(s[open+1:end], ",") {
		for _, rest := range braces(s[end+1:], depth+1) {
			if all = append(all, s[:open]+alt+rest); len(all) > maxFiles {
				return all
			}
		}
	}
	return all
}

func (p *parser) note(at Pos, lost bool, format string, args ...any) {
	if len(p.file.Problems) < maxProblems {
		p.file.Problems = append(p.file.Problems, Problem{at, fmt.Sprintf(format, args...), lost})
	}
}

// input is what one #include reads: a file, or the files of a pattern.
type input struct {
	*parser
	section *Section
	comment int // depth of block comments
}

// read reads one file of the input, if it is there.
func (in *input) read(name string, from Pos) (ok bool, err error) {
	if in.opened++; in.opened > maxFiles {
		return false, fmt.Errorf("%s: more than %d files are included: %w", from, maxFiles, errBound)
	}
	data, err := in.reader.Files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		in.file.Found = true
		in.note(from, true, "%v", err)
		return true, nil // Asterisk may well read it
	}
	in.file.Found = true
	in.file.Read = append(in.file.Read, name)
	lines := lines{text: strings.TrimPrefix(string(data), "\xef\xbb\xbf")}
	for lines.next() {
		at := Pos{name, lines.line}
		if lines.long {
			in.note(at, false, "%s: the line is longer than %d bytes, so Asterisk skips it", at, maxLine-1)
			continue
		}
		if err := in.line(lines.chunk, at); err != nil {
			return false, err
		}
	}
	if in.comment > 0 {
		in.note(Pos{File: name}, false, "%s: a block comment does not end", name)
	}
	return true, nil
}

// lines cuts a text as fgets does with a buffer of 8192 bytes.
type lines struct {
	text  string
	line  int    // number of the line that chunk begins
	ended int    // lines before text
	chunk string // without what a C string does not hold
	long  bool
}

func (l *lines) next() bool {
	if l.text == "" {
		return false
	}
	l.line = l.ended + 1
	first := l.get()
	if l.long = full(first); l.long {
		for l.text != "" && full(l.get()) {
		}
		return true
	}
	first, _, _ = strings.Cut(first, "\x00")
	l.chunk = first
	return true
}

// full tells whether there is more of a chunk's line.
func full(chunk string) bool { return len(chunk) == maxLine && !strings.HasSuffix(chunk, "\n") }

func (l *lines) get() string {
	n := strings.IndexByte(l.text, '\n') + 1
	if n > 0 && n <= maxLine {
		l.ended++
	} else {
		n = min(maxLine, len(l.text))
	}
	chunk := l.text[:n]
	l.text = l.text[n:]
	return chunk
}

func (in *input) line(line string, at Pos) error {
	line, ok := in.uncomment(line)
	line = strip(line)
	switch {
	case !ok || line == "":
		return nil
	case line[0] == '[':
		return in.header(line[1:], at)
	case line[0] == '#':
		return in.directive(line[1:], at)
	}
	return in.setting(line, at)
}

// strip takes blanks and control characters off both ends (ast_strip).
func strip(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r < 33 }) }

// uncomment takes comments off a line: what follows a semicolon that has no
// backslash before it, and what stands between ";--" and "--;", over any number
// of lines and within one another. ok is false if all of the line is comment.
//
// It follows config_text_file_load step by step, for its corners are its own: an
// end without a beginning starts a comment, for example.
func (in *input) uncomment(line string) (kept string, ok bool) {
	if strings.IndexByte(line, ';') < 0 {
		return line, in.comment == 0
	}
	buf := []byte(line)
	start, scan := 0, 0 // of what is kept, of what is not looked at
	end := len(buf)     // of what is kept
	if in.comment != 0 {
		start = -1
	}
	for {
		i := bytes.IndexByte(buf[scan:], ';')
		if i < 0 {
			break
		}
		i += scan
		switch rest := buf[i:]; {
		case i > scan && buf[i-1] == '\\':
			if copy(buf[i-1:], buf[i:]); end >= i {
				end--
			}
			buf = buf[:len(buf)-1]
			scan = i
		case bytes.HasPrefix(rest, []byte(";--")) && !bytes.HasPrefix(rest, []byte(";---")):
			if in.comment == maxNested {
				return "", false
			}
			if start >= 0 {
				end = min(end, i)
			}
			in.comment++
			scan = i + 3
		case i >= scan+2 && buf[i-1] == '-' && buf[i-2] == '-':
			in.comment--
			if scan = i + 1; in.comment != 0 {
				continue
			}
			if start >= 0 {
				buf = append(buf[:end], buf[scan:]...)
				scan = end
			} else {
				start = scan
			}
			end = len(buf)
		case in.comment == 0:
			buf = buf[:i]
			end = min(end, i)
			scan = i
		default:
			scan = i + 1
		}
	}
	if start < 0 {
		return "", false
	}
	return string(buf[start:end]), true
}

// header begins "[name]", "[name](!)", "[name](template,other)", "[name](+)" or
// "[name](+key=value&…)", behind the first bracket.
func (in *input) header(line string, at Pos) error {
	name, rest, ok := strings.Cut(line, "]")
	if !ok {
		return fmt.Errorf("%s: there is no closing bracket, so Asterisk reads no further", at)
	}
	s := &Section{Name: name, At: at}
	in.section = s
	var options []string
	if strings.HasPrefix(rest, "(") {
		inside, _, ok := strings.Cut(rest[1:], ")")
		if !ok {
			return fmt.Errorf("%s: there is no closing parenthesis, so Asterisk reads no further", at)
		}
		options = strings.Split(inside, ",")
	}
	added := false
	for _, option := range options {
		switch {
		case option == "!":
			s.Template = true
		case strings.HasPrefix(option, "+"):
			old := in.find(name, option[1:])
			if old == nil {
				return fmt.Errorf("%s: [%s](+) adds to a section that is not there, so Asterisk reads no further", at, name)
			}
			if !added {
				old.Template = old.Template || s.Template
				old.Settings = append(old.Settings, s.Settings...)
			}
			s, added = old, true
			in.section, in.current = old, old
		default:
			if err := in.inherit(s, option, at); err != nil {
				return err
			}
		}
	}
	if !added {
		in.file.Sections = append(in.file.Sections, s)
		in.current = s
	}
	return nil
}

// inherit copies the settings of the first section named parent as they are now.
func (in *input) inherit(s *Section, parent string, at Pos) error {
	base := in.find(parent, "TEMPLATES=include")
	if base == nil {
		return fmt.Errorf("%s: [%s] inherits from %q, which is not there, so Asterisk reads no further", at, s.Name, parent)
	}
	if in.settings += len(base.Settings); in.settings > maxSettings {
		return fmt.Errorf("%s: more than %d settings with those inherited: %w", at, maxSettings, errBound)
	}
	for _, set := range base.Settings {
		set.Inherited = true
		s.Settings = append(s.Settings, set)
	}
	return nil
}

// setting takes "key = value", "key => value" or "key += value".
func (in *input) setting(line string, at Pos) error {
	if in.section == nil {
		return fmt.Errorf("%s: a setting stands before the first section, so Asterisk reads no further", at)
	}
	line = strings.TrimPrefix(line, `\`)
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		in.note(at, false, "%s: there is no equals sign, so Asterisk skips the line", at)
		return nil
	}
	if in.settings++; in.settings > maxSettings {
		return fmt.Errorf("%s: more than %d settings: %w", at, maxSettings, errBound)
	}
	if before, more := strings.CutSuffix(key, "+"); more && before != "" {
		key = strip(before)
		if old := in.section.exact(key); old != nil {
			whole := strip(old.Value + value)
			if len(whole) > maxValue {
				return fmt.Errorf("%s: the value is longer than %d bytes: %w", at, maxValue, errBound)
			}
			old = in.section.like(old)
			old.Key, old.Value, old.At = key, whole, at
			return nil
		}
	} else {
		value = strings.TrimPrefix(value, ">")
	}
	if key = strip(key); key == "" {
		in.note(at, false, "%s: there is no name before the equals sign, so Asterisk skips the line", at)
		return nil
	}
	in.section.Settings = append(in.section.Settings, Setting{Key: key, Value: strip(value), At: at})
	return nil
}

// exact is the last setting of a name in the same case.
func (s *Section) exact(key string) *Setting {
	for i := len(s.Settings) - 1; i >= 0; i-- {
		if s.Settings[i].Key == key {
			return &s.Settings[i]
		}
	}
	return nil
}

// like is the first setting with the name and the value of another. It is this
// one that Asterisk changes (ast_variable_update), in any case of letters.
func (s *Section) like(other *Setting) *Setting {
	for i := range s.Settings {
		if set := &s.Settings[i]; strings.EqualFold(set.Key, other.Key) && strings.EqualFold(set.Value, other.Value) {
			return set
		}
	}
	return other
}

// directive follows #include and #tryinclude. What #exec would write is not
// known, for no program is run here.
func (in *input) directive(line string, at Pos) error {
	verb, name := line, ""
	if i := strings.IndexFunc(line, func(r rune) bool { return r < 33 }); i >= 0 {
		verb, name = line[:i], strip(line[i:])
	}
	verb = strings.ToLower(verb)
	switch verb {
	case "include", "tryinclude":
	case "exec":
		in.file.Execs = append(in.file.Execs, at)
		in.note(at, in.reader.Exec, "%s: the output of #exec is not read", at)
		return nil
	default:
		in.note(at, false, "%s: the directive is unknown, so Asterisk skips it", at)
		return nil
	}
	if name = unquote(name); name == "" {
		in.note(at, false, "%s: #%s names no file, so Asterisk skips it", at, verb)
		return nil
	}
	if at.File == in.file.Name {
		in.file.Includes = append(in.file.Includes, name)
	}
	full := name
	if !path.IsAbs(full) {
		full = path.Join(in.reader.Dir, name)
	}
	switch err := in.load(full, at); {
	case err == nil || err == errNothing && verb == "tryinclude":
		return nil
	case err == errNothing:
		err = fmt.Errorf("%s: it includes %s, which is not there, so Asterisk reads no further", at, name)
		if !in.reader.GoOn {
			return err
		}
		if in.file.Invalid == "" {
			in.file.Invalid = err.Error()
		}
		return nil
	case errors.Is(err, errBound):
		in.note(at, true, "%v", err)
		return err
	default: // Asterisk goes on behind an include that it gave up
		in.note(at, false, "%v", err)
		return nil
	}
}

// unquote takes "x" and <x> off a file name.
func unquote(name string) string {
	for _, q := range []string{`""`, "<>"} {
		if len(name) >= 2 && name[0] == q[0] && name[len(name)-1] == q[1] {
			return name[1 : len(name)-1]
		}
	}
	return name
}
