package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// R10: what is no plain text is shown for what it is.
func TestSafe(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"number", "+252 61 234567", "+252 61 234567"},
		{"name in another script", "Ωmega 北", "Ωmega 北"},
		{"window title", "\x1b]0;x\x07", `\x1b]0;x\x07`},
		{"line break", "100\r\nEvent: Hangup", `100\x0d\x0aEvent: Hangup`},
		{"tab", "a\tb", `a\x09b`},
		{"delete", "a\x7f", `a\x7f`},
		{"one byte CSI", "\u009b31m", `\u{9b}31m`},
		{"right to left override", "\u202e001", `\u{202e}001`},
		{"isolate", "\u2066x\u2069", `\u{2066}x\u{2069}`},
		{"zero width", "a\u200bb", `a\u{200b}b`},
		{"line separator", "a\u2028b", `a\u{2028}b`},
		{"private use", "\U0010ffff", `\u{10ffff}`},
		{"broken UTF-8", "a\xff\xc3", `a\xff\xc3`},
		{"replacement character itself", "\ufffd", "\ufffd"},
		{"long", strings.Repeat("9", 10_000), strings.Repeat("9", 256) + "…"},
		{"long in another script", strings.Repeat("北", 100), strings.Repeat("北", 85) + "…"},
		{"long and hostile", strings.Repeat("\x1b", 10_000), strings.Repeat(`\x1b`, 64) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Safe(tt.in); got != tt.want {
				t.Errorf("Safe(%q): got %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 1000)
	got := Lines("a.toml:1: bad\n\n\tb\x1b[2J\u00a0\u00a0c\r\n" + long)
	want := []string{"a.toml:1: bad", `b\x1b[2J\u{a0}\u{a0}c`, long}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// It is R10.
func FuzzSafe(f *testing.F) {
	f.Add("\x1b]0;x\x07")
	f.Add("\u202e")
	f.Add("a\n\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Safe(s)
		if !utf8.ValidString(got) {
			t.Errorf("Safe(%q) = %q: not UTF-8", s, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("Safe(%q) = %q: unprintable at %d", s, got, i)
		}
		if len(got) > maxForeign+len(`\u{10ffff}`)+len("…") {
			t.Errorf("Safe of %d bytes is %d bytes long", len(s), len(got))
		}
	})
}

// What JSON escapes must come back as it was, so that a machine sees the truth.
func TestJSONIsHarmlessAndLossless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "text")
		var b bytes.Buffer
		if err := JSON(&b, map[string]string{"k": want}); err != nil {
			t.Fatal(err)
		}
		body := strings.TrimSuffix(b.String(), "\n")
		if i := strings.IndexFunc(body, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Fatalf("%q: unprintable at %d", body, i)
		}
		var got map[string]string
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got["k"] != want {
			t.Fatalf("got %q, want %q", got["k"], want)
		}
	})
}
