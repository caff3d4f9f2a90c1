package asterisk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Bounds of a configuration. FreePBX with a thousand extensions has some 60
// files and 2 MB.
const (
	maxConfSize  = 16 << 20 // bytes in a file
	maxConfLine  = 64 << 10 // bytes in a line; Asterisk itself takes 8 KB
	maxConfFiles = 1000
	maxConfDepth = 10 // of includes, as in Asterisk
)

// A section is one [name] of a configuration file with all its settings, those
// of its templates first.
type section struct {
	name     string
	template bool
	settings []setting
}

type setting struct{ key, value string }

// get is the value of key that counts: the last. Keys have no case.
func (s *section) get(key string) string {
	for i := len(s.settings) - 1; i >= 0; i-- {
		if strings.EqualFold(s.settings[i].key, key) {
			return s.settings[i].value
		}
	}
	return ""
}

// list is all values of key, and of each the parts between commas.
func (s *section) list(key string) (values []string) {
	for _, set := range s.settings {
		if !strings.EqualFold(set.key, key) {
			continue
		}
		for v := range strings.SplitSeq(set.value, ",") {
			if v = strings.TrimSpace(v); v != "" {
				values = append(values, v)
			}
		}
	}
	return values
}

// yes says whether key is switched on, as Asterisk reads it.
func (s *section) yes(key string) bool {
	switch strings.ToLower(s.get(key)) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}

// tree reads the configuration files below a directory that stands for "/".
type tree struct {
	files    fs.FS
	dir      string // where configuration lies, slash-separated and without a leading slash
	problems []string
	includes []string // what the file being read includes, as written
	opened   int
}

// openTree returns the tree below root and what closes it. Of another root than
// "/" no link leads out.
func openTree(root string) (t *tree, done func(), err error) {
	if root == "/" {
		return &tree{files: os.DirFS("/")}, func() {}, nil
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, nil, err
	}
	return &tree{files: r.FS()}, func() { r.Close() }, nil
}

func (t *tree) problem(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

// read returns the sections of a file of the configuration directory. One that
// does not exist has none; other troubles are noted as problems.
func (t *tree) read(name string) []section {
	p := parser{tree: t}
	t.includes = nil
	if err := p.file(path.Join(t.dir, name), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.problem("%v", err)
	}
	return p.sections
}

// exists says whether there is a file of this absolute name.
func (t *tree) exists(name string) bool {
	_, err := fs.Stat(t.files, strings.TrimPrefix(name, "/"))
	return err == nil
}

// parser puts together the sections of a file and what it includes.
type parser struct {
	tree     *tree
	sections []section
	current  int // index of the section that settings go to, or -1
	comment  bool
}

func (p *parser) file(name string, depth int) error {
	if depth == 0 {
		p.current = -1
	}
	if p.tree.opened++; p.tree.opened > maxConfFiles {
		return fmt.Errorf("cannot read /%s: more than %d files", name, maxConfFiles)
	}
	info, err := fs.Stat(p.tree.files, name)
	switch {
	case err != nil:
		return fmt.Errorf("cannot read /%s: %w", name, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("cannot read /%s: not a regular file", name)
	case info.Size() > maxConfSize:
		return fmt.Errorf("cannot read /%s: larger than %d bytes", name, maxConfSize)
	}
	f, err := p.tree.files.Open(name)
	if err != nil {
		return fmt.Errorf("cannot read /%s: %w", name, err)
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxConfSize))
	lines.Buffer(nil, maxConfLine)
	for lines.Scan() {
		p.line(lines.Text(), name, depth)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("cannot read /%s: %w", name, err)
	}
	p.comment = false
	return nil
}

func (p *parser) line(line, file string, depth int) {
	line = strings.TrimSpace(p.uncomment(line))
	switch {
	case line == "":
	case line[0] == '[':
		p.section(line, file)
	case line[0] == '#':
		p.directive(line[1:], file, depth)
	case p.current >= 0:
		key, value, _ := strings.Cut(line, "=")
		s := &p.sections[p.current]
		s.settings = append(s.settings, setting{
			key:   strings.TrimSpace(strings.TrimSuffix(key, "+")),
			value: strings.TrimSpace(strings.TrimPrefix(value, ">")),
		})
	}
}

// uncomment cuts comments off: from a semicolon that has no backslash before it
// to the end of the line, and from ";--" to "--;" over any number of lines.
func (p *parser) uncomment(line string) string {
	var kept strings.Builder
	for line != "" {
		if p.comment {
			_, rest, ended := strings.Cut(line, "--;")
			p.comment = !ended
			line = rest
			continue
		}
		i := strings.IndexByte(line, ';')
		switch {
		case i < 0:
			kept.WriteString(line)
			return kept.String()
		case i > 0 && line[i-1] == '\\':
			kept.WriteString(line[:i-1] + ";")
			line = line[i+1:]
		case strings.HasPrefix(line[i:], ";--") && !strings.HasPrefix(line[i:], ";---"):
			kept.WriteString(line[:i])
			p.comment = true
			line = line[i+3:]
		default:
			kept.WriteString(line[:i])
			return kept.String()
		}
	}
	return kept.String()
}

// section begins "[name]", "[name](!)", "[name](template,other)" or "[name](+)".
func (p *parser) section(line, file string) {
	name, rest, ok := strings.Cut(line[1:], "]")
	if !ok {
		p.tree.problem("/%s: %q is no section", file, line)
		return
	}
	s := section{name: strings.TrimSpace(name)}
	options, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(rest), "("), ")")
	for option := range strings.SplitSeq(options, ",") {
		switch option = strings.TrimSpace(option); {
		case option == "":
		case option == "!":
			s.template = true
		case option[0] == '+':
			if i := p.find(s.name); i >= 0 {
				p.current = i
				return
			}
			p.tree.problem("/%s: section [%s](+) adds to one that is not there", file, s.name)
		default:
			i := p.find(option)
			if i < 0 {
				p.tree.problem("/%s: section [%s] uses template %q, which is not there", file, s.name, option)
				continue
			}
			s.settings = append(s.settings, p.sections[i].settings...)
		}
	}
	p.sections = append(p.sections, s)
	p.current = len(p.sections) - 1
}

// find is the newest section of a name, or -1.
func (p *parser) find(name string) int {
	for i := len(p.sections) - 1; i >= 0; i-- {
		if p.sections[i].name == name {
			return i
		}
	}
	return -1
}

// directive follows #include and #tryinclude. What #exec would write is not
// known, for no program is run here.
func (p *parser) directive(line, file string, depth int) {
	verb, name, _ := strings.Cut(line, " ")
	name = strings.Trim(strings.TrimSpace(name), `"<>`)
	switch strings.ToLower(verb) {
	case "include":
		p.include(name, file, depth, true)
	case "tryinclude":
		p.include(name, file, depth, false)
	case "exec":
		p.tree.problem("/%s: the output of #exec %q is not read", file, name)
	default:
		p.tree.problem("/%s: unknown directive %q", file, "#"+line)
	}
}

func (p *parser) include(name, file string, depth int, needed bool) {
	if depth == 0 {
		p.tree.includes = append(p.tree.includes, name)
	}
	full := strings.TrimPrefix(name, "/")
	if !strings.HasPrefix(name, "/") {
		full = path.Join(p.tree.dir, name)
	}
	full = path.Clean(full)
	if depth == maxConfDepth {
		p.tree.problem("/%s: includes %q too deep", file, name)
		return
	}
	names, err := fs.Glob(p.tree.files, full)
	if err != nil {
		p.tree.problem("/%s: cannot include %q: %v", file, name, err)
		return
	}
	if len(names) == 0 && needed && !strings.ContainsAny(name, "*?[") {
		p.tree.problem("/%s: includes %q, which is not there", file, name)
	}
	for _, n := range names {
		if err := p.file(n, depth+1); err != nil {
			p.tree.problem("%v", err)
		}
	}
}
