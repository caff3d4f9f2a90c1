package asterisk

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

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
