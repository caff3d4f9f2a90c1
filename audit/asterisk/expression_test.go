package asterisk

import "testing"

func TestExpression(t *testing.T) {
	tests := []struct{ in, typed, want string }{
		{`"00" = "00"`, "", "1"},
		{`00 = 0`, "", "1"},
		{`"a" != "b"`, "", "1"},
		{`"?" = "b"`, "", "?"},
		{`"?" = "b" | 1`, "", "1"},
		{`"?" = "b" & 0`, "", "0"},
		{`"?" = "b" | 0`, "", "?"},
		{`!0 & (2 > 1)`, "", "1"},
		{`3 + 4`, "", "7"},
		{`10 >= 9`, "", "1"},
		{`"0044123" : "00(44)"`, "", "44"},
		{`"0044123" =~ "^0045"`, "", "0"},
		{`0044 : "["`, "", "?"},
		{`"00252612345678" = "1"`, "00252612345678", "?"},
		{`"00252612345678" = "73019462"`, "00252612345678", "0"},
		{`= "x"`, "", "?"},
		{``, "", "?"},
		{`((((((`, "", "?"},
		{`"a`, "", `"a`},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			if got := expression(tt.in, tt.typed); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Whatever stands in $[…], working it out ends.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{`"a" = "b" & (1 | 0)`, `!!!(((`, `"a" : "(b"`, `1 + 2 - 3`, `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) { expression(s, "0044") })
}
