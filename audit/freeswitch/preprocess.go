package freeswitch

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Limits of the reader. The depth, the line and the block are FreeSWITCH's own
// (switch_xml.c, switch_utils.c); the others keep a hostile tree from hurting.
const (
	maxDepth    = 100
	maxLine     = 1 << 20
	lineBlock   = 1024
	maxOutput   = 64 << 20
	maxIncludes = 20_000
	maxVarBytes = 16 << 20
)

// preprocessor compiles the files to one text, as preprocess() of switch_xml.c
// does, quirks included: each is a difference between what a file seems to say
// and what FreeSWITCH runs.
type preprocessor struct {
	files Files
	doc   *Document
	vars  map[string]variable
	now   map[string]string // of variables that files can't tell, from the running switch

	out      strings.Builder
	chunks   []chunk
	stack    []string
	seq      int
	includes int
	varBytes int
	capacity int // of FreeSWITCH's line buffer: an expansion may double it, no more
	section  string
	stopped  bool
}

// file runs the directives of one file and writes what remains of it.
func (p *preprocessor) file(name, cwd string, text []byte, depth int) {
	index := len(p.doc.Read)
	p.doc.Read = append(p.doc.Read, name)
	p.stack = append(p.stack, name)
	defer func() { p.stack = p.stack[:len(p.stack)-1] }()
	p.capacity = lineBlock

	var comment commentScanner
	skipping := false // inside a legacy directive of several lines
	at := Pos{File: name, Line: 1}
	for len(text) > 0 && !p.stopped {
		raw, rest, newline := cutLine(text)
		text = rest
		if len(raw) > maxLine-lineBlock {
			p.problem(at, "a line is longer than FreeSWITCH reads; the rest of the file is left out")
			return
		}
		for len(raw)+2 >= p.capacity {
			p.capacity += lineBlock
		}
		src := source{cwd: cwd, index: index, at: at, depth: depth, commented: comment.scan(raw)}
		line, checked := p.expand(raw, at)
		skipping = p.line(line, checked, src, skipping)
		if newline {
			at.Line++
		}
	}
}

// cutLine takes one line off text as FreeSWITCH does, which ends a line after a
// carriage return as well as after a line feed, and stops reading it at a NUL.
// newline says whether the line counts as one for people.
func cutLine(text []byte) (line string, rest []byte, newline bool) {
	end := bytes.IndexAny(text, "\r\n")
	if end < 0 {
		line, rest = string(text), nil
	} else {
		line, rest = string(text[:end+1]), text[end+1:]
		newline = text[end] == '\n' || len(rest) == 0 || rest[0] != '\n'
	}
	if nul := strings.IndexByte(line, 0); nul >= 0 {
		line = line[:nul]
	}
	return line, rest, newline
}

// expand replaces the $${name} of a line. checked is the part of the line in
// which FreeSWITCH looks for <include> and <?: it has by then cut its copy of
// the line at the end of the first variable.
func (p *preprocessor) expand(line string, at Pos) (expanded, checked string) {
	if !strings.Contains(line, "$${") {
		return line, line
	}
	checked = line
	var b strings.Builder
	closing := braces(line)
	full := 2*p.capacity - 1 // FreeSWITCH's buffer, but for the closing NUL
	for i := 0; i < len(line) && b.Len() < full; {
		stop := -1
		if strings.HasPrefix(line[i:], "$${") {
			stop = closing[i+2]
		}
		if stop < 0 {
			b.WriteByte(line[i])
			i++
			continue
		}
		if len(checked) == len(line) {
			checked = line[:stop]
		}
		b.WriteString(p.value(line[i+3:stop], at))
		i = stop + 1
	}
	if b.Len() < full {
		return b.String(), checked
	}
	p.problem(at, "variables make the line longer than FreeSWITCH's buffer, which cuts it")
	if b.Len() == full { // it starts again, with the copy that is cut already
		return checked, checked
	}
	return b.String()[:full+1], checked
}

// braces returns for each { of s the index of the } that closes it, and -1 for
// all else. It looks at s once: a line may be made of nothing but braces.
func braces(s string) []int {
	closing := make([]int, len(s))
	var open []int
	for i := range len(s) {
		closing[i] = -1
		switch {
		case s[i] == '{':
			open = append(open, i)
		case s[i] == '}' && len(open) > 0:
			closing[open[len(open)-1]] = i
			open = open[:len(open)-1]
		}
	}
	return closing
}

// value returns what stands for $${name} at this moment: nothing when it is
// not set, and a mark when only the running switch knows.
func (p *preprocessor) value(name string, at Pos) string {
	key := strings.ToLower(name)
	v, ok := p.vars[key]
	value := v.value
	if v.unknown {
		value = mark + name + mark
	}
	if ok && len(p.doc.uses[key]) < 1000 {
		p.seq++
		p.doc.uses[key] = append(p.doc.uses[key], use{pos: at, seq: p.seq, value: value})
	}
	return value
}

// running is a variable that is set to what only the running switch knows, with
// its value if that was told.
func (p *preprocessor) running(name string, at Pos) variable {
	value, told := p.now[strings.ToLower(name)]
	return variable{value: value, pos: at, unknown: !told}
}

// mark stands around the name of a variable whose value only the running switch
// has. No line has a NUL in it: FreeSWITCH ends it there.
const mark = "\x00"

// Unknown reports whether a value depends on a variable that only the running
// switch has.
func Unknown(value string) bool { return strings.Contains(value, mark) }

// Show writes such a value for people, as $${name}.
func Show(value string) string {
	parts := strings.Split(value, mark)
	for i := 1; i < len(parts); i += 2 {
		parts[i] = "$${" + parts[i] + "}"
	}
	return strings.Join(parts, "")
}

// source is where a line stands.
type source struct {
	cwd       string
	index     int // of the file in Document.Read
	at        Pos
	depth     int
	commented bool // a directive in it stands in an XML comment
}

// line handles one expanded line and returns whether the lines that follow are
// inside a legacy directive.
func (p *preprocessor) line(line, checked string, src source, skipping bool) bool {
	if strings.Contains(checked, "<include>") || strings.Contains(checked, "</include>") || strings.Contains(checked, "<?") {
		return skipping
	}
	if skipping {
		_, after, ended := strings.Cut(checked, "-->")
		if !ended {
			return true
		}
		line = after // of its own copy, with no variable replaced
	}
	if i := indexFold(line, "x-pre-process"); i >= 0 {
		if i > 0 && line[i-1] == '<' {
			p.tag(line[i:], src)
		}
		return false // the line is gone either way
	}
	if before, legacy, ok := strings.Cut(line, "<!--#"); ok {
		p.write(before, src)
		inner, after, ended := strings.Cut(legacy, "-->")
		p.write(after, src)
		src.commented = false
		p.legacy(inner, src)
		return !ended
	}
	p.write(line, src)
	return false
}

func (p *preprocessor) write(text string, src source) {
	if text == "" || p.stopped {
		return
	}
	if p.out.Len()+len(text) > maxOutput {
		p.stop(src.at, "the compiled configuration is too large")
		return
	}
	p.enter(text)
	p.chunks = append(p.chunks, chunk{off: p.out.Len(), file: src.index, line: src.at.Line})
	p.out.WriteString(text)
}

// problem notes what stays unknown in the section that is being read.
func (p *preprocessor) problem(at Pos, text string) {
	p.doc.problem(Problem{Pos: at, Text: text, Section: p.section})
}

// enter follows the sections of the document through the lines.
func (p *preprocessor) enter(line string) {
	if strings.Contains(line, "</section") {
		p.section = ""
	}
	if _, tag, ok := strings.Cut(line, "<section"); ok {
		p.section, _, _ = quoted(tag, "name")
	}
}

func (p *preprocessor) stop(at Pos, why string) {
	if !p.stopped {
		p.section = ""
		p.problem(at, why+"; the rest is not read")
	}
	p.stopped = true
}

// tag reads the cmd and data of an X-PRE-PROCESS tag. FreeSWITCH looks for the
// words, an equals sign and a double quote; single quotes it does not know.
func (p *preprocessor) tag(s string, src source) {
	if end := strings.Index(s, "/>"); end >= 0 {
		s = s[:end+2]
	}
	cmd, s, ok := quoted(s, "cmd")
	if !ok {
		return
	}
	data, _, ok := quoted(s, "data")
	if !ok {
		return
	}
	p.run(strings.ToLower(cmd), data, src)
}

// quoted finds name, then =, then ", each anywhere after the other, and
// returns what stands before the next quote.
func quoted(s, name string) (value, rest string, ok bool) {
	i := indexFold(s, name)
	if i < 0 {
		return "", "", false
	}
	for _, mark := range []string{"=", `"`} {
		j := strings.Index(s[i:], mark)
		if j < 0 {
			return "", "", false
		}
		i += j
	}
	value, rest, closed := strings.Cut(s[i+1:], `"`)
	if !closed {
		rest = ""
	}
	return value, rest, true
}

// legacy reads a directive of the form <!--#set "name=value"-->.
func (p *preprocessor) legacy(s string, src source) {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		s = s[:i]
	}
	cmd, arg, ok := strings.Cut(s, " ")
	if !ok {
		return
	}
	if _, q, opened := strings.Cut(arg, `"`); opened {
		if inner, _, closed := strings.Cut(q, `"`); closed {
			arg = inner
		}
	}
	cmd = strings.ToLower(cmd)
	if cmd == "env-set" { // not known to the legacy form
		return
	}
	p.run(cmd, arg, src)
}

func (p *preprocessor) run(cmd, data string, src source) {
	p.seq++
	at := src.at
	dir := Directive{Pos: at, Cmd: cmd, Commented: src.commented, seq: p.seq}
	switch cmd {
	case "set":
		name, value, ok := strings.Cut(data, "=")
		if !ok {
			return
		}
		dir.Name = strings.TrimRight(name, " ")
		dir.Value = defuse(strings.TrimLeft(value, " "))
		p.set(dir.Name, variable{value: dir.Value, pos: at, unknown: Unknown(value)}, at)
	case "exec-set", "stun-set":
		name, _, ok := strings.Cut(data, "=")
		if !ok {
			return
		}
		dir.Name = strings.TrimRight(name, " ")
		p.set(dir.Name, p.running(dir.Name, at), at)
	case "env-set":
		name, value, ok := strings.Cut(data, "=")
		if !ok || !strings.HasPrefix(value, "$") {
			return
		}
		dir.Name = name
		p.set(dir.Name, p.running(dir.Name, at), at)
	case "exec":
		p.problem(at, "the output of a command is part of the configuration; the command is not run")
	case "include":
		dir.Name = data
	default:
		return
	}
	p.doc.Directives = append(p.doc.Directives, dir)
	if cmd == "include" {
		p.include(data, src.cwd, at, src.depth+1)
	}
}

func (p *preprocessor) set(name string, v variable, at Pos) {
	p.varBytes += len(name) + len(v.value)
	if p.varBytes > maxVarBytes {
		p.stop(at, "the variables are too large")
		return
	}
	p.vars[strings.ToLower(name)] = v
}

// defuse makes %{ of the ${ in a value, as FreeSWITCH does with all globals
// (switch_string_var_check).
func defuse(value string) string {
	if !strings.Contains(value, "{") {
		return value
	}
	b := []byte(value)
	dollar := -1
	for i, c := range b {
		switch {
		case c == '$':
			dollar = i
		case dollar < 0:
		case c == '{':
			b[dollar], dollar = '%', -1
		case c != '\\':
			dollar = -1
		}
	}
	return string(b)
}

// include reads the files a pattern names, in order of name.
func (p *preprocessor) include(pattern, cwd string, at Pos, depth int) {
	if !strings.HasPrefix(pattern, "/") {
		if strings.Contains(pattern, "://") {
			return // taken for a path of its own, which no file has
		}
		pattern = cwd + "/" + pattern
	}
	if Unknown(pattern) {
		p.problem(at, "which files are included depends on a value that only the running FreeSWITCH has")
		return
	}
	names, err := p.files.Glob(strings.ReplaceAll(pattern, "[!", "[^"))
	if err != nil {
		p.problem(at, fmt.Sprintf("cannot list the files to include: %v", err))
		return
	}
	for _, name := range names {
		p.includeFile(name, at, depth)
	}
}

func (p *preprocessor) includeFile(name string, at Pos, depth int) {
	p.includes++
	switch {
	case p.stopped:
		return
	case p.includes > maxIncludes:
		p.stop(at, "too many files are included")
		return
	case p.onStack(name):
		p.problem(at, "the file includes itself; FreeSWITCH goes round a hundred times")
		return
	case depth > maxDepth:
		p.problem(at, "includes are nested deeper than FreeSWITCH follows them")
		return
	}
	text, err := p.files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return // a broken link: FreeSWITCH says so in its log and goes on
	}
	if err != nil {
		p.doc.problem(Problem{Pos: at, Text: fmt.Sprintf("cannot read an included file: %v", err), Section: p.section, File: name})
		return
	}
	capacity := p.capacity
	p.file(name, path.Dir(name), text, depth)
	p.capacity = capacity
}

func (p *preprocessor) onStack(name string) bool {
	for _, s := range p.stack {
		if path.Clean(s) == path.Clean(name) {
			return true
		}
	}
	return false
}

// indexFold is strings.Index without regard to the case of ASCII letters.
// sub is in lower case.
func indexFold(s, sub string) int {
	for i := 0; i+len(sub) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(sub)], sub) {
			return i
		}
	}
	return -1
}

// commentScanner follows the XML comments of one file through its lines, as a
// person who reads the file would.
type commentScanner struct{ open bool }

// scan takes the next line and returns whether a directive in it stands in a
// comment.
func (c *commentScanner) scan(line string) bool {
	directive := indexFold(line, "x-pre-process")
	commented := false
	for i := 0; i < len(line); {
		mark := "<!--"
		if c.open {
			mark = "-->"
		}
		end, found := len(line), strings.Index(line[i:], mark)
		if found >= 0 {
			end = i + found
		}
		if directive >= i && directive < end {
			commented = c.open
		}
		if found < 0 {
			break
		}
		c.open = !c.open
		i = end + len(mark)
	}
	return commented
}
