package config

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// TestIsHostName holds it against the expression that says the same.
func TestIsHostName(t *testing.T) {
	form := regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?$`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`([a-zB_0-9-]{0,3}\.){0,3}[aZ_0-9-]{0,64}\.{0,2}|[ -~]{0,4}`).Draw(t, "name")
		if got, want := isHostName(s), form.MatchString(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	})
}
