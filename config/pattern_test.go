package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSpans(t *testing.T) {
	tests := []struct {
		text    string
		matches string
		not     string
	}{
		{"100", "100", "10 1000 0100 200"},
		{"100-119", "100 109 110 119", "099 120 1000 10 1190"},
		{"0-9", "0 5 9", "10 00"},
		{"007-012", "007 009 010 012", "7 006 013"},
		{"8-8", "8", "7 9 88"},
		{"2*", "2 20 2999 2x", "12 3"},
		{"2??", "200 2ab", "20 2000"},
		{"desk-1.2", "desk-1.2", "desk-1x2"},
		{"*", "1 anything", ""},
		{"a+b{1}", "a+b{1}", "aab ab"},
		{"1-2-3", "1-2-3", "1 2"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			s, err := parseSpan(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			re, err := anyOf([]string{s.pattern()})
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range strings.Fields(tt.matches) {
				if !re.MatchString(name) {
					t.Errorf("%v does not match %s", re, name)
				}
			}
			for _, name := range strings.Fields(tt.not) {
				if re.MatchString(name) {
					t.Errorf("%v matches %s", re, name)
				}
			}
		})
	}
}

// TestRangePattern holds ranges against counting.
func TestRangePattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 9).Draw(t, "width")
		most, _ := strconv.Atoi(strings.Repeat("9", width))
		a, b := rapid.IntRange(0, most).Draw(t, "a"), rapid.IntRange(0, most).Draw(t, "b")
		a, b = min(a, b), max(a, b)
		s, err := parseSpan(fmt.Sprintf("%0*d-%0*d", width, a, width, b))
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile("^(?:" + s.pattern() + ")$")
		near := rapid.OneOf(rapid.IntRange(0, most), rapid.IntRange(max(a-2, 0), min(a+2, most)), rapid.IntRange(max(b-2, 0), min(b+2, most)))
		for range 20 {
			n := near.Draw(t, "n")
			if got, want := re.MatchString(fmt.Sprintf("%0*d", width, n)), a <= n && n <= b; got != want {
				t.Fatalf("%s on %d: got %t, want %t", s.text, n, got, want)
			}
		}
	})
}

func TestSpansMeet(t *testing.T) {
	tests := []struct {
		a, b          string
		meets, covers bool
	}{
		{"100-119", "119-130", true, false},
		{"100-119", "120-130", false, false},
		{"100-119", "105", true, false},
		{"100-119", "1005", false, false},
		{"lobby", "lobby", true, false},
		{"lobby", "hobby", false, false},
		{"100-999", "abc", false, false},
		{"2*", "200", false, true},
		{"2*", "200-299", false, true},
		{"2*", "100-299", false, false},
		{"2*", "2?", false, true},
		{"2*", "2*", false, true},
		{"2?", "20", false, true},
		{"2?", "2*", false, false},
		{"*", "anything", false, true},
		{"20*", "2*", false, false},
	}
	for _, tt := range tests {
		a, err := parseSpan(tt.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := parseSpan(tt.b)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.meets(b); got != tt.meets || b.meets(a) != tt.meets {
			t.Errorf("%s and %s: got %t, want %t that they meet", tt.a, tt.b, got, tt.meets)
		}
		if got := a.covers(b); got != tt.covers {
			t.Errorf("%s and %s: got %t, want %t that one covers the other", tt.a, tt.b, got, tt.covers)
		}
	}
}
