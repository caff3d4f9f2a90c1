package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/pelletier/go-toml/v2"
)

// FuzzParse: whatever the file holds, it is taken whole or refused in lines that
// name a place and can be printed; what is taken is TOML and makes a policy.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.toml", "testdata/good/*.toml", shippedFile} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("got no %s (%v)", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	read := beside(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(asName, data, read)
		if err != nil {
			checkErrors(t, err, len(strings.Split(string(data), "\n")))
			return
		}
		var doc map[string]any
		if err := toml.Unmarshal(data, &doc); err != nil {
			t.Fatalf("took what is no TOML: %v", err)
		}
		if _, err := c.Policy(nil); err != nil {
			t.Fatalf("took what makes no policy: %v", err)
		}
		for _, section := range []string{"calls", "bans"} {
			edited, err := editMode(asName, data, section, "observe")
			if err != nil {
				continue // an inline table without a mode
			}
			if _, err := Parse(asName, edited, read); err != nil {
				t.Fatalf("setting the mode of %s made %q: %v", section, edited, err)
			}
		}
	})
}

func checkErrors(t *testing.T, err error, lines int) {
	errs := Errors(err)
	if len(errs) == 0 || len(errs) > maxErrors+1 {
		t.Fatalf("got %d errors of %v", len(errs), err)
	}
	for _, e := range errs {
		if e.Line < 0 || e.Line > lines || e.Reason == "" {
			t.Fatalf("got %#v in a file of %d lines", e, lines)
		}
		text := e.Error()
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 2000 {
			t.Fatalf("got %q", text)
		}
		if strings.Contains(text, "canary-file") {
			t.Fatalf("got a secret in %q", text)
		}
		var one *Error
		if !errors.As(error(e), &one) {
			t.Fatalf("got %T", e)
		}
	}
}
