package config

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/pelletier/go-toml/v2/unstable"
)

// checker looks at what one key alone cannot tell, once its table is filled.
type checker interface{ check(*table) }

// table is the place in the document of a struct that is being checked.
type table struct {
	*decoder
	node *node // nil if the file has no such table
	key  string
}

// fail notes a fault of the key of this table, at its line or else the
// table's own. Of a value that has been found bad in itself nothing more is
// said.
func (t *table) fail(key, reason, value string) {
	if t.bad(key) {
		return
	}
	e := &Error{File: t.file, Key: dot(t.key, key), Reason: reason, Value: value}
	if n := t.at(key); n != nil {
		e.Line = n.line
	} else if t.node != nil {
		e.Line = t.node.line
	}
	t.errs = append(t.errs, e)
}

// at returns the value that the file gives to key, or nil.
func (t *table) at(key string) *node {
	if t.node == nil || key == "" {
		return nil
	}
	return t.node.fields[key]
}

// bad says whether the value of key could not be taken; the struct has its
// default then.
func (t *table) bad(key string) bool {
	n := t.at(key)
	return n != nil && n.bad
}

// says tells whether the file gives key a value other than the empty text.
func (t *table) says(key string) bool {
	n := t.at(key)
	return n != nil && (n.kind != unstable.String || n.text != "")
}

// child is the place of the table key in this one.
func (t *table) child(key string) *table {
	return &table{t.decoder, t.at(key), dot(t.key, key)}
}

// warn notes what may be so but is probably not meant.
func (t *table) warn(format string, args ...any) {
	t.config.Warnings = append(t.config.Warnings, printable(fmt.Sprintf(format, args...)))
}

// shown is the value as an error shows it.
func (n *node) shown() string {
	switch n.kind {
	case unstable.String:
		return strconv.Quote(shown(n.text))
	case unstable.Table:
		return "a table"
	case unstable.Array:
		return "a list"
	}
	return shown(n.text)
}

// dot is the key within the table parent, as it would be written at the top.
func dot(parent, key string) string {
	if parent == "" || key == "" {
		return parent + keyName(key)
	}
	return parent + "." + keyName(key)
}

// bare matches the parts of a key that need no quotes.
var bare = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// keyName writes one part of a key as TOML does.
func keyName(s string) string {
	if s == "" || bare.MatchString(s) {
		return shown(s)
	}
	return strconv.Quote(shown(s))
}
