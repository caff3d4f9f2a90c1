package numbering

import "testing"

// An expression may be right alone and not as part of another one.
func TestExtensionsThatSwallowTheEnd(t *testing.T) {
	for _, expr := range []string{`\Q1`, `1)(`, `(`, `[`} {
		if _, err := NewPlan(Profile{Country: "NL", Extensions: expr}); err == nil {
			t.Errorf("%q was taken", expr)
		}
	}
}
