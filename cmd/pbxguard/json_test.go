package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
)

// TestJSONIsDocumented finds every field that a looking command writes in
// docs/json.md, so that the page cannot rot.
func TestJSONIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, quoted := range regexp.MustCompile("(?s)`[^`]*`").FindAllString(string(page), -1) {
		for _, word := range strings.FieldsFunc(quoted, func(r rune) bool { return strings.ContainsRune("` \n,{}\"", r) }) {
			words[word] = true
		}
	}
	fields := map[string]bool{}
	for _, v := range []any{control.Status{}, guard.Decision{}, guard.LiveCall{}, guard.Ban{}, guard.Answer{}, control.Check{}} {
		jsonFields(reflect.TypeOf(v), fields)
	}
	if len(fields) < 50 {
		t.Fatalf("found only %d fields", len(fields))
	}
	for f := range fields {
		if !words[f] {
			t.Errorf("docs/json.md does not mention %q", f)
		}
	}
}

func jsonFields(t reflect.Type, into map[string]bool) {
	switch t.Kind() {
	case reflect.Slice, reflect.Pointer:
		jsonFields(t.Elem(), into)
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				into[name] = true
				jsonFields(f.Type, into)
			}
		}
	}
}
