package freeswitch

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Element is an element of the document.
type Element struct {
	Name     string
	Pos      Pos
	Attrs    []Attr
	Children []*Element
	Text     string
}

// Attr is an attribute of an element.
type Attr struct{ Name, Value string }

// At is where an element stands, "" for none.
func (e *Element) At() string {
	if e == nil {
		return ""
	}
	return e.Pos.String()
}

// Attr returns an attribute, or "". Names are compared with case.
func (e *Element) Attr(name string) string {
	value, _ := e.Lookup(name)
	return value
}

// Lookup returns an attribute and whether it is there.
func (e *Element) Lookup(name string) (string, bool) {
	if e == nil {
		return "", false
	}
	for _, a := range e.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// Child returns the first child of a name, or nil.
func (e *Element) Child(name string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Each returns all children of a name, in order.
func (e *Element) Each(name string) []*Element {
	if e == nil {
		return nil
	}
	var all []*Element
	for _, c := range e.Children {
		if c.Name == name {
			all = append(all, c)
		}
	}
	return all
}

// Find returns the first child of a name whose attribute has a value, compared
// without case, as switch_xml_find_child does.
func (e *Element) Find(name, attr, value string) *Element {
	for _, c := range e.Each(name) {
		if v, ok := c.Lookup(attr); ok && strings.EqualFold(v, value) {
			return c
		}
	}
	return nil
}

type xmlError struct {
	pos  Pos
	text string
}

const (
	maxNesting  = 1000
	maxElements = 4 << 20
)

// parseXML reads a document with the leniency and the strictness of FreeSWITCH's
// own parser (switch_xml_parse_str): no declaration is needed, an attribute
// may lack its value, text may hold any entity it does not know; but a comment
// with -- in it, or a tag that closes another, makes it refuse the whole.
// where turns an offset into a place.
func parseXML(s string, where func(int) Pos) (*Element, *xmlError) {
	p := &parser{s: s, where: where}
	i := strings.IndexByte(s, '<')
	for i >= 0 && p.err == nil {
		p.i = i + 1
		p.markup()
		if p.err != nil || p.i >= len(s) {
			break
		}
		next := strings.IndexByte(s[p.i:], '<')
		if next < 0 {
			break
		}
		p.text(s[p.i : p.i+next])
		i = p.i + next
	}
	switch {
	case p.err != nil:
	case p.root == nil:
		p.fail(0, "there is no root element")
	case len(p.open) > 0:
		top := p.open[len(p.open)-1]
		p.err = &xmlError{top.Pos, "<" + top.Name + "> is never closed"}
	}
	return p.root, p.err
}

type parser struct {
	s     string
	i     int
	where func(int) Pos
	root  *Element
	open  []*Element
	count int
	err   *xmlError
}

func (p *parser) fail(off int, text string) {
	if p.err == nil {
		p.err = &xmlError{p.where(off), text}
	}
}

// markup handles what follows a "<".
func (p *parser) markup() {
	rest := p.s[p.i:]
	switch {
	case rest == "":
		p.fail(p.i-1, "unexpected < at the end")
	case strings.HasPrefix(rest, "!--"):
		p.comment(rest)
	case strings.HasPrefix(rest, "![CDATA["):
		end := strings.Index(rest, "]]>")
		if end < 0 {
			p.fail(p.i, "a CDATA section is never closed")
			return
		}
		if len(p.open) > 0 {
			p.open[len(p.open)-1].Text += rest[len("![CDATA["):end]
		}
		p.i += end + 3
	case strings.HasPrefix(rest, "!DOCTYPE"):
		p.fail(p.i, "a document type is not read")
	case rest[0] == '/':
		p.closing(rest)
	case rest[0] == '?':
		end := strings.Index(rest, "?>")
		if end < 0 {
			p.fail(p.i, "a processing instruction is never closed")
			return
		}
		p.i += end + 2
	case isNameStart(rest[0]):
		p.element(rest)
	default:
		p.fail(p.i, "unexpected <")
	}
}

func (p *parser) comment(rest string) {
	end := strings.Index(rest[3:], "--")
	if end < 0 || !strings.HasPrefix(rest[3+end+2:], ">") {
		p.fail(p.i, "a comment is not closed, or has -- in it")
		return
	}
	p.i += 3 + end + 3
}

func (p *parser) closing(rest string) {
	end := strings.IndexByte(rest, '>')
	if end < 0 {
		p.fail(p.i, "a closing tag lacks its >")
		return
	}
	name, _, _ := strings.Cut(strings.TrimRight(rest[1:end], "\t\r\n "), " ")
	if len(p.open) == 0 || p.open[len(p.open)-1].Name != name {
		p.fail(p.i, "unexpected closing tag </"+clip(name)+">")
		return
	}
	p.open = p.open[:len(p.open)-1]
	p.i += end + 1
}

func (p *parser) element(rest string) {
	if p.root != nil && len(p.open) == 0 {
		p.fail(p.i, "markup outside of the root element")
		return
	}
	if p.count++; p.count > maxElements || len(p.open) >= maxNesting {
		p.fail(p.i, "the document is nested too deep or has too many elements")
		return
	}
	end := strings.IndexAny(rest, "\t\r\n />")
	if end < 0 {
		p.fail(p.i, "a tag lacks its >")
		return
	}
	e := &Element{Name: rest[:end], Pos: p.where(p.i)}
	p.i += end
	p.attributes(e)
	if p.err != nil {
		return
	}
	closed := strings.HasPrefix(p.s[p.i:], "/")
	if closed {
		p.i++
	}
	if !strings.HasPrefix(p.s[p.i:], ">") {
		p.fail(p.i, "a tag lacks its >")
		return
	}
	p.i++
	if len(p.open) > 0 {
		parent := p.open[len(p.open)-1]
		parent.Children = append(parent.Children, e)
	} else {
		p.root = e
	}
	if !closed {
		p.open = append(p.open, e)
	}
}

const space = "\t\r\n "

// attributes reads name="value" up to the end of the tag.
func (p *parser) attributes(e *Element) {
	for {
		for p.i < len(p.s) && strings.IndexByte(space, p.s[p.i]) >= 0 {
			p.i++
		}
		if p.i >= len(p.s) || p.s[p.i] == '/' || p.s[p.i] == '>' {
			return
		}
		start := p.i
		for p.i < len(p.s) && strings.IndexByte(space+"=/>", p.s[p.i]) < 0 {
			p.i++
		}
		a := Attr{Name: p.s[start:p.i]}
		eq := p.i
		for p.i < len(p.s) && strings.IndexByte(space+"=", p.s[p.i]) >= 0 {
			p.i++
		}
		if p.i > eq && p.i < len(p.s) && (p.s[p.i] == '"' || p.s[p.i] == '\'') {
			end := strings.IndexByte(p.s[p.i+1:], p.s[p.i])
			if end < 0 {
				p.fail(start, "an attribute lacks its closing quote")
				return
			}
			a.Value = decode(p.s[p.i+1:p.i+1+end], true)
			p.i += end + 2
		}
		if p.i == start {
			p.fail(p.i, "a tag has no attribute where one should be")
			return
		}
		e.Attrs = append(e.Attrs, a)
	}
}

func (p *parser) text(s string) {
	if len(p.open) == 0 || s == "" {
		return
	}
	top := p.open[len(p.open)-1]
	if strings.Trim(s, space) == "" && (top.Text == "" || len(top.Text) > maxLine) {
		return
	}
	top.Text += decode(s, false)
}

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || c >= utf8.RuneSelf
}

// entities are the five of XML; FreeSWITCH leaves any other as it is.
var entities = []struct{ name, text string }{
	{"lt;", "<"}, {"gt;", ">"}, {"quot;", `"`}, {"apos;", "'"}, {"amp;", "&"},
}

// decode replaces references, once, and makes blanks of white space in
// attributes.
func decode(s string, attr bool) string {
	if !strings.ContainsAny(s, "&\t\r\n") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '&':
			text, n := reference(s[i+1:])
			b.WriteString(text)
			i += n
		case c == '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				continue
			}
			fallthrough
		case attr && strings.IndexByte(space, c) >= 0:
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// reference reads what follows "&" and returns what it stands for and its
// length.
func reference(s string) (text string, n int) {
	for _, e := range entities {
		if strings.HasPrefix(s, e.name) {
			return e.text, len(e.name)
		}
	}
	if !strings.HasPrefix(s, "#") {
		return "&", 0
	}
	num, _, ok := strings.Cut(s[1:min(len(s), 12)], ";")
	if !ok {
		return "&", 0
	}
	base, digits := 10, num
	if strings.HasPrefix(num, "x") {
		base, digits = 16, num[1:]
	}
	code, err := strconv.ParseUint(digits, base, 31)
	if err != nil || code == 0 {
		return "&", 0
	}
	return string(rune(code)), len(num) + 2
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
