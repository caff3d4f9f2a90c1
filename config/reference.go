package config

import (
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Key is a key of the configuration, for people.
type Key struct {
	Name    string // dotted; NAME stands for what the administrator chooses
	Type    string // what its value is, in words; "table" for a table
	Default string // as in the file; "" for tables and for what has none
	Range   string // "1 to 127", or ""
	Doc     string // what it means
}

// Reference lists every key that a configuration may have, in order. The rules
// of a group are those of [rules] and not listed again.
func Reference() []Key { return reference(reflect.ValueOf(*Default()), "") }

func reference(v reflect.Value, parent string) []Key {
	var list []Key
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("toml")
		if name == "" {
			continue
		}
		key := dot(parent, name)
		fv := v.Field(i)
		_, scalar := scalars[f.Type]
		elem := elemOf(f.Type)
		switch {
		case !scalar && f.Type.Kind() == reflect.Struct:
			list = append(list, Key{Name: key, Type: "table", Doc: f.Tag.Get("doc")})
			if f.Type != reflect.TypeFor[Rules]() || parent == "" {
				list = append(list, reference(fv, key)...)
			}
		case f.Type.Kind() == reflect.Map:
			key = key + ".NAME"
			list = append(list, Key{Name: key, Type: "table", Doc: f.Tag.Get("doc")})
			list = append(list, reference(reflect.New(elem).Elem(), key)...)
		case f.Type.Kind() == reflect.Slice && elem.Kind() == reflect.Struct:
			list = append(list, Key{Name: key, Type: "tables", Doc: f.Tag.Get("doc")})
			list = append(list, reference(started(elem), key)...)
		default:
			list = append(list, Key{Name: key, Type: typeOf(f), Default: written(fv), Range: limits(f.Tag, scalars[elem]), Doc: f.Tag.Get("doc")})
		}
	}
	own := reflect.New(v.Type())
	own.Elem().Set(v)
	if x, ok := own.Interface().(extender); ok {
		for _, e := range x.more() {
			list = append(list, Key{Name: dot(parent, e.name), Type: "table", Doc: e.doc})
			list = append(list, reference(e.table, dot(parent, e.name))...)
		}
	}
	return list
}

// started is an element of a list of tables before the file has its say.
func started(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if s, ok := v.Interface().(starter); ok {
		s.start(&Config{})
	}
	return v.Elem()
}

func elemOf(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return t.Elem()
	}
	return t
}

// typeOf says in words what a value may be.
func typeOf(f reflect.StructField) string {
	word := scalars[elemOf(f.Type)].name
	if one := f.Tag.Get("one"); one != "" {
		word = oneOf(one)
	} else if is := f.Tag.Get("is"); is != "" {
		word = forms[is].name
	}
	if f.Type.Kind() == reflect.Slice {
		return "list of " + word
	}
	return word
}

// oneOf words the tag one.
func oneOf(one string) string {
	words := strings.Fields(one)
	for i, w := range words {
		words[i] = strconv.Quote(w)
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// written is v as the file would write it, or "" for a value that the file
// cannot give.
func written(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case *bool:
		return ""
	case bool, int:
		return fmt.Sprint(x)
	case string:
		if strings.ContainsRune(x, '\\') {
			return "'" + x + "'"
		}
		return strconv.Quote(x)
	case time.Duration:
		return strconv.Quote(FormatDuration(x))
	case slog.Level:
		return strconv.Quote(strings.ToLower(x.String()))
	case fmt.Stringer:
		return strconv.Quote(x.String())
	}
	var elems []string
	for i := range v.Len() {
		elems = append(elems, written(v.Index(i)))
	}
	return "[" + strings.Join(elems, ", ") + "]"
}
