package config

import (
	"bytes"
	"errors"
	"fmt"
	"sort"

	"github.com/pelletier/go-toml/v2/unstable"
)

// node is a value of the document, with its place in it. go-toml's decoder
// stops at the first value of a wrong type and forgets where the good ones
// stood; so we take its parser's output, keep the places, and fill our structs
// from that.
type node struct {
	kind unstable.Kind // Table and InlineTable are both Table here
	line int
	text string // of a string what it says; of other scalars how they are written

	fields map[string]*node // of a table
	order  []string         // its keys in the order of the file
	elems  []*node          // of an array

	start, end int    // where a scalar stands in the document
	key        string // of a table, dotted
	header     int    // offset behind the line of a table's own header; 0: it has none
	made       bool   // the table was named by a header or a value, and may not be again
	bad        bool   // a fault of the value has been told
}

func newTable(key string, line int) *node {
	return &node{kind: unstable.Table, key: key, line: line, fields: map[string]*node{}}
}

func (n *node) set(key string, child *node) {
	n.fields[key] = child
	n.order = append(n.order, key)
}

// builder turns the parser's expressions into a tree.
type builder struct {
	file  string
	data  []byte
	lines []int // offsets of line starts
	p     unstable.Parser
	root  *node
	here  *node // the table that key-values go to; nil under a faulty header
	errs  []*Error
}

// parseTree reads data into a tree. Faults of syntax come back beside the tree
// of what could be read.
func parseTree(file string, data []byte) (*node, []*Error) {
	b := &builder{file: file, data: data, root: newTable("", 1), lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			b.lines = append(b.lines, i+1)
		}
	}
	b.run()
	return b.root, b.errs
}

// maxTries bounds how often reading goes on after a fault, since each time may
// have to look through all that follows.
const maxTries = 100

// run reads all expressions. After a faulty line it goes on with the next, for
// the administrator to see all typing errors at once. Faults that follow an open
// bracket line by line are not told: it makes nonsense of what comes after.
func (b *builder) run() {
	b.here = b.root
	last, open := 0, false
	for offset, tries := 0, 0; offset < len(b.data) && tries < maxTries; tries++ {
		b.p.Reset(b.data[offset:])
		for b.p.NextExpression() {
			b.expression(b.p.Expression(), offset)
		}
		var fault *unstable.ParserError
		if !errors.As(b.p.Error(), &fault) {
			return
		}
		at := cap(b.data) - cap(fault.Highlight)
		line := b.lineOf(at)
		open = open && line == last+1
		if !open {
			b.errs = append(b.errs, &Error{File: b.file, Line: line, Col: at - b.lines[line-1] + 1,
				Reason: syntaxReason(fault.Message)})
			open = bracketed.MatchString(fault.Message)
		}
		last = line
		if bytes.HasPrefix(bytes.TrimLeft(b.data[b.lines[line-1]:], " \t"), []byte("[")) {
			b.here = nil
		}
		if line == len(b.lines) {
			return
		}
		offset = b.lines[line]
	}
}

// lineOf is the line, counted from 1, that holds the byte at offset.
func (b *builder) lineOf(offset int) int {
	return sort.SearchInts(b.lines, offset+1)
}

// expression adds one line of the document, or several if a value spans them,
// to the tree. base is where the parser's own document begins in ours.
func (b *builder) expression(n *unstable.Node, base int) {
	keys := b.keys(n.Key(), base)
	last := keys[len(keys)-1]
	switch n.Kind {
	case unstable.KeyValue:
		if into := b.walk(b.here, keys[:len(keys)-1]); into != nil {
			b.put(into, last, n.Value(), base)
		}
	case unstable.Table:
		b.here = b.openTable(b.walk(b.root, keys[:len(keys)-1]), last)
	case unstable.ArrayTable:
		b.here = b.openElement(b.walk(b.root, keys[:len(keys)-1]), last)
	}
}

// part is one part of a dotted key.
type part struct {
	name string
	line int
}

func (b *builder) keys(it unstable.Iterator, base int) []part {
	var keys []part
	for it.Next() {
		k := it.Node()
		keys = append(keys, part{string(k.Data), b.lineOf(base + int(k.Raw.Offset))})
	}
	return keys
}

// walk follows keys down from n, making the tables that are missing. It returns
// nil, and has said so, where a value is in the way.
func (b *builder) walk(n *node, keys []part) *node {
	for _, k := range keys {
		if n == nil || b.tooDeep(n, k.line) {
			return nil
		}
		key := dot(n.key, k.name)
		next := n.fields[k.name]
		switch {
		case next == nil:
			next = newTable(key, k.line)
			n.set(k.name, next)
		case next.kind == unstable.Array && len(next.elems) > 0 && next.made:
			next = next.elems[len(next.elems)-1]
		case next.kind != unstable.Table:
			b.fail(k.line, key, fmt.Sprintf("is not a table: line %d gives it a value", next.line))
			return nil
		}
		n = next
	}
	return n
}

// maxKey bounds the dotted keys of tables. Since every node carries its own, a
// table in a table in a table without end would fill memory.
const maxKey = 500

func (b *builder) tooDeep(n *node, line int) bool {
	if len(n.key) <= maxKey {
		return false
	}
	if !n.bad {
		b.fail(line, n.key, "is too deep: no key is this long")
	}
	n.bad = true
	return true
}

// openTable handles a line [parent.k].
func (b *builder) openTable(parent *node, k part) *node {
	if parent == nil {
		return nil
	}
	key := dot(parent.key, k.name)
	t := parent.fields[k.name]
	switch {
	case t == nil:
		t = newTable(key, k.line)
		parent.set(k.name, t)
	case t.kind == unstable.Array && t.made:
		b.fail(k.line, key, fmt.Sprintf("there may be several: write [[%s]], as on line %d", key, t.line))
		return nil
	case t.kind != unstable.Table:
		b.fail(k.line, key, fmt.Sprintf("is not a table: line %d gives it a value", t.line))
		return nil
	case t.made:
		b.fail(k.line, key, fmt.Sprintf("is there twice, first on line %d", t.line))
		return t
	}
	t.made, t.line = true, k.line
	t.header = b.lineEnd(k.line)
	return t
}

// openElement handles a line [[parent.k]].
func (b *builder) openElement(parent *node, k part) *node {
	if parent == nil {
		return nil
	}
	key := dot(parent.key, k.name)
	list := parent.fields[k.name]
	switch {
	case list == nil:
		list = &node{kind: unstable.Array, line: k.line, made: true}
		parent.set(k.name, list)
	case list.kind != unstable.Array || !list.made:
		b.fail(k.line, key, fmt.Sprintf("is something else already, on line %d", list.line))
		return nil
	}
	t := newTable(key, k.line)
	t.made, t.header = true, b.lineEnd(k.line)
	list.elems = append(list.elems, t)
	return t
}

// put handles a line k = v in the table into.
func (b *builder) put(into *node, k part, v *unstable.Node, base int) {
	if b.tooDeep(into, k.line) {
		return
	}
	key := dot(into.key, k.name)
	if old := into.fields[k.name]; old != nil {
		b.fail(k.line, key, fmt.Sprintf("is set twice, first on line %d", old.line))
		return
	}
	into.set(k.name, b.value(v, key, k.line, base))
}

// value copies a parsed value; line is that of what stands before it, for those
// whose own place the parser does not tell.
func (b *builder) value(n *unstable.Node, key string, line, base int) *node {
	v := &node{kind: n.Kind, key: key, line: line, text: string(n.Data), made: true}
	if n.Raw.Length > 0 {
		v.start = base + int(n.Raw.Offset)
		v.end = v.start + int(n.Raw.Length)
		v.line = b.lineOf(v.start)
	}
	switch n.Kind {
	case unstable.Array:
		v.made = false
		for it := n.Children(); it.Next(); {
			elem := b.value(it.Node(), key, line, base)
			line = elem.line
			v.elems = append(v.elems, elem)
		}
	case unstable.InlineTable:
		v.kind, v.fields = unstable.Table, map[string]*node{}
		for it := n.Children(); it.Next(); {
			keys := b.keys(it.Node().Key(), base)
			if into := b.walk(v, keys[:len(keys)-1]); into != nil {
				b.put(into, keys[len(keys)-1], it.Node().Value(), base)
			}
		}
	}
	return v
}

// lineEnd is the offset behind a line.
func (b *builder) lineEnd(line int) int {
	if line < len(b.lines) {
		return b.lines[line]
	}
	return len(b.data)
}

func (b *builder) fail(line int, key, reason string) {
	b.errs = append(b.errs, &Error{File: b.file, Line: line, Key: key, Reason: reason})
}
