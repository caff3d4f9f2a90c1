package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// decoder fills a [Config] from a tree, noting every fault on its way instead
// of stopping at the first.
type decoder struct {
	file   string
	host   host
	open   bool // everybody can read the file
	config *Config
	errs   []*Error
}

// starter is an element of a list of tables that starts out from more than its
// zero value.
type starter interface{ start(*Config) }

// fail notes that n cannot be taken.
func (d *decoder) fail(n *node, key, reason string) {
	n.bad = true
	d.errs = append(d.errs, &Error{File: d.file, Line: n.line, Key: key, Reason: reason, Value: n.shown()})
}

// table fills the struct v from n, which is nil where the file says nothing.
func (d *decoder) table(n *node, v reflect.Value, key string) {
	if n != nil && n.kind != unstable.Table {
		d.fail(n, key, fmt.Sprintf("must be a table, which begins with the line [%s]", key))
		return
	}
	known := map[string]bool{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("toml")
		if name == "" {
			continue
		}
		known[name] = true
		var child *node
		if n != nil {
			child = n.fields[name]
		}
		d.value(child, v.Field(i), dot(key, name), f.Tag)
	}
	if x, ok := v.Addr().Interface().(extender); ok {
		for _, e := range x.more() {
			known[e.name] = true
			if n != nil && n.fields[e.name] != nil {
				d.value(n.fields[e.name], e.table, dot(key, e.name), "")
				e.keep()
			}
		}
	}
	if n != nil {
		for _, name := range n.order {
			if !known[name] {
				d.unknown(n.fields[name], key, name, known)
			}
		}
	}
	if c, ok := v.Addr().Interface().(checker); ok {
		c.check(&table{d, n, key})
	}
}

// value fills v from n by v's type. A nil n leaves v as it is, but structs are
// walked all the same so that their checks run.
func (d *decoder) value(n *node, v reflect.Value, key string, tag reflect.StructTag) {
	read, scalar := scalars[v.Type()]
	switch {
	case !scalar && v.Kind() == reflect.Struct:
		d.table(n, v, key)
	case n == nil:
	case scalar:
		d.scalar(n, v, key, tag, read)
	case v.Kind() == reflect.Pointer:
		elem := reflect.New(v.Type().Elem())
		d.value(n, elem.Elem(), key, tag)
		v.Set(elem)
	case v.Kind() == reflect.Slice:
		d.list(n, v, key, tag)
	case v.Kind() == reflect.Map:
		d.named(n, v, key)
	default:
		panic("config: no way to read a " + v.Type().String())
	}
}

// list fills a slice, unless one of the elements is faulty: then what is there
// stays, so that nothing is said of elements that are missing.
func (d *decoder) list(n *node, v reflect.Value, key string, tag reflect.StructTag) {
	tables := v.Type().Elem().Kind() == reflect.Struct
	switch {
	case n.kind != unstable.Array && tables:
		d.fail(n, key, fmt.Sprintf("there may be several: begin each with the line [[%s]]", key))
		return
	case n.kind != unstable.Array:
		d.fail(n, key, `must be a list, such as ["a", "b"]`)
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.elems), len(n.elems))
	for i, e := range n.elems {
		if s, ok := list.Index(i).Addr().Interface().(starter); ok {
			s.start(d.config)
		}
		switch {
		case tables && e.kind != unstable.Table:
			d.fail(e, key, fmt.Sprintf("must be a table, which begins with the line [[%s]]", key))
		case e.kind == unstable.String && e.text == "":
			d.fail(e, key, "must not be empty: an entry of a list says something, or is left out")
		default:
			d.value(e, list.Index(i), key, tag)
		}
		n.bad = n.bad || e.bad
	}
	if !n.bad {
		v.Set(list)
	}
}

// named fills a map of tables whose keys the administrator chooses.
func (d *decoder) named(n *node, v reflect.Value, key string) {
	if n.kind != unstable.Table {
		d.fail(n, key, fmt.Sprintf("must be tables, which begin with a line such as [%s.NAME]", key))
		return
	}
	m := reflect.MakeMap(v.Type())
	for _, name := range n.order {
		elem := reflect.New(v.Type().Elem()).Elem()
		if s, ok := elem.Addr().Interface().(starter); ok {
			s.start(d.config)
		}
		d.value(n.fields[name], elem, dot(key, name), "")
		m.SetMapIndex(reflect.ValueOf(name), elem)
	}
	v.Set(m)
}

// scalar reads one value and holds it against the tags of its field: min and
// max, written as in the file; one, which lists the words there are; and is,
// which names one of [forms].
func (d *decoder) scalar(n *node, v reflect.Value, key string, tag reflect.StructTag, s scalar) {
	fail := func(reason string) {
		n.bad = true
		e := &Error{File: d.file, Line: n.line, Key: key, Reason: reason, Value: n.shown()}
		if v.Type() == secretType {
			e.Value = ""
		}
		d.errs = append(d.errs, e)
	}
	if n.kind != s.kind && (n.kind != unstable.LocalDate || tag.Get("is") != "date") {
		reason := "must be " + s.want
		if s.kind != unstable.String && n.kind == unstable.String {
			reason += ", without quotes"
		}
		fail(reason)
		return
	}
	if n.text == "" && v.Kind() == reflect.String && v.IsZero() {
		return // said to be what it is: nothing
	}
	got, err := s.read(n.text)
	if err != nil {
		fail(err.Error())
		return
	}
	if r := limits(tag, s); r != "" && !s.within(got, tag) {
		fail("must be " + r)
		return
	}
	if one := tag.Get("one"); one != "" && !slices.Contains(strings.Fields(one), n.text) {
		fail("must be " + oneOf(one))
		return
	}
	if is := tag.Get("is"); is != "" {
		if err := forms[is].check(n.text); err != nil {
			fail(err.Error())
			return
		}
	}
	v.Set(reflect.ValueOf(got).Convert(v.Type()))
}

// limits words the tags min and max.
func limits(tag reflect.StructTag, s scalar) string {
	low, high := tag.Get("min"), tag.Get("max")
	switch {
	case low != "" && high != "":
		return low + " to " + high
	case low != "":
		return "at least " + low
	}
	return ""
}

// unknown notes a key that means nothing, with what may have been meant. The
// value stays unsaid: a mistyped "secret" holds one all the same.
func (d *decoder) unknown(n *node, parent, name string, known map[string]bool) {
	reason := "unknown key"
	if fixed := immutable[dot(parent, name)]; fixed != "" {
		reason = fixed
	} else if len(d.errs) < maxErrors { // more are not shown
		reason += hint(name, known)
	}
	d.errs = append(d.errs, &Error{File: d.file, Line: n.line, Key: dot(parent, name), Reason: reason})
}

// within says whether a value that has been read stands between min and max.
func (s scalar) within(v any, tag reflect.StructTag) bool {
	for _, side := range []struct {
		tag  string
		sign int
	}{{"min", -1}, {"max", 1}} {
		text := tag.Get(side.tag)
		if text == "" {
			continue
		}
		bound, err := s.read(text)
		if err != nil {
			panic(fmt.Sprintf("config: tag %s:%q: %v", side.tag, text, err))
		}
		if s.compare(v, bound)*side.sign > 0 {
			return false
		}
	}
	return true
}
