package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

const shippedFile = "../packaging/pbxguard.toml"

func shippedText(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(shippedFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestShippedIsDefault: the shipped file says what is so without it.
func TestShippedIsDefault(t *testing.T) {
	got, err := Parse(shippedFile, []byte(shippedText(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Parse(shippedFile, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	empty(reflect.ValueOf(got).Elem())
	empty(reflect.ValueOf(want).Elem())
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
	if _, err := Load(shippedFile); err != nil && !strings.Contains(err.Error(), "can be written by others") {
		t.Errorf("got %v, want the file taken, whatever git made of its mode", err)
	}
}

// empty makes nil of all empty lists in v.
func empty(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				empty(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
		}
		for i := range v.Len() {
			empty(v.Index(i))
		}
	}
}

var commentedOut = regexp.MustCompile(`(?m)^#([a-z_]+ = |\[)`)

// TestShippedComments: what is commented out there works when it no longer is,
// and every key exists.
func TestShippedComments(t *testing.T) {
	text := shippedText(t)
	if n := len(commentedOut.FindAllString(text, -1)); n < 5 {
		t.Fatalf("got %d lines that are commented out, want 5 at least", n)
	}
	text = commentedOut.ReplaceAllString(text, "$1")
	read := func(string) ([]byte, error) { return []byte("x"), nil }
	// The credential is there as the alternative of secret_file.
	without := regexp.MustCompile(`(?m)^credential = .*`).ReplaceAllString(text, "")
	if _, err := Parse(shippedFile, []byte(without), read); err != nil {
		t.Errorf("got %v, want it to work", err)
	}
	var doc map[string]any
	if err := toml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, k := range Reference() {
		known[k.Name] = true
	}
	for _, name := range leaves(doc, "") {
		if name = strings.Replace(name, "group.rules.", "rules.", 1); !known[name] {
			t.Errorf("got key %s, which Reference does not have", name)
		}
	}
}

func leaves(v any, name string) []string {
	switch v := v.(type) {
	case map[string]any:
		var all []string
		for k, child := range v {
			all = append(all, leaves(child, strings.TrimPrefix(name+"."+k, "."))...)
		}
		return all
	case []any:
		if len(v) > 0 {
			if _, ok := v[0].(map[string]any); ok {
				return leaves(v[0], name)
			}
		}
	}
	return []string{name}
}

// TestReferenceReads: every default is written as the file takes it, and gives
// what it is the default of.
func TestReferenceReads(t *testing.T) {
	keys := Reference()
	if len(keys) < 100 {
		t.Fatalf("got %d keys, want 100 at least", len(keys))
	}
	for _, k := range keys {
		if k.Doc == "" || k.Type == "" {
			t.Errorf("got %+v, want a type and a meaning", k)
		}
		if k.Default == "" {
			continue
		}
		line := strings.Replace(k.Name, "NAME", "carrier", 1) + " = " + k.Default + "\n"
		if table, in, ok := strings.Cut(k.Name, "."); ok && (table == "pbx" || table == "group") {
			head := "[[" + table + "]]\n"
			if table == "group" {
				head += "name = \"a\"\nextensions = [\"1\"]\n"
			}
			line = head + strings.Replace(in, "NAME", "carrier", 1) + " = " + k.Default + "\n"
		}
		if slices.Contains([]string{"group.name", "group.extensions"}, k.Name) || strings.HasPrefix(k.Name, "receiver.") {
			continue // there is no group without them, and by default no receiver
		}
		got, err := Parse(asName, []byte(line), nil)
		if err != nil {
			t.Errorf("got %v of %q", err, line)
			continue
		}
		want := Default()
		got.Warnings = nil
		if strings.HasPrefix(k.Name, "group.") {
			want.Groups = []Group{{Name: "a", Extensions: []string{"1"}, Role: "phone", Rules: want.Rules}}
		}
		empty(reflect.ValueOf(got).Elem())
		empty(reflect.ValueOf(want).Elem())
		got.PBX[0].Trunk = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got\n%+v, want\n%+v", line, got, want)
		}
	}
}

// TestTagsAreSound reads every bound and form that a tag names.
func TestTagsAreSound(t *testing.T) {
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for f := range fields(typ) {
			elem := elemOf(f.Type)
			s, scalar := scalars[elem]
			if !scalar {
				walk(elem)
				continue
			}
			for _, side := range []string{"min", "max"} {
				if text := f.Tag.Get(side); text != "" {
					if _, err := s.read(text); err != nil || s.compare == nil {
						t.Errorf("%s.%s: got %v, want a %s of %q", typ, f.Name, err, side, text)
					}
				}
			}
			if is := f.Tag.Get("is"); is != "" && forms[is].check == nil {
				t.Errorf("%s.%s: got no form %q", typ, f.Name, is)
			}
			if f.Type == reflect.TypeFor[int]() && (f.Tag.Get("min") == "" || f.Tag.Get("max") == "") {
				t.Errorf("%s.%s: got no bounds", typ, f.Name)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
}

func fields(typ reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Tag.Get("toml") != "" && !yield(f) {
				return
			}
		}
	}
}
