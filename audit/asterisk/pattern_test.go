package asterisk

import (
	"slices"
	"testing"
)

func TestPatternMatches(t *testing.T) {
	tests := []struct {
		pattern string
		yes, no []string
	}{
		{"100", []string{"100"}, []string{"1000", "10"}},
		{"_X.", []string{"12", "00252"}, []string{"1", "*12", ""}},
		{"_X!", []string{"1", "12"}, []string{"", "a"}},
		{"_0[1-7]XXXXXXXX", []string{"0201234567"}, []string{"0901234567", "02012345678"}},
		{"_NXXNXXXXXX", []string{"2125551234"}, []string{"1125551234"}},
		{"_Z[025*]", []string{"10", "9*"}, []string{"00", "13"}},
		{"_+X.", []string{"+31"}, []string{"+3", "031"}},
		{"_9-1-X", []string{"912"}, []string{"9-1-2"}},
		{"_[X", nil, []string{"X", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			p := parsePattern(tt.pattern)
			for _, s := range tt.yes {
				if !p.matches(s) {
					t.Errorf("it does not match %q", s)
				}
			}
			for _, s := range tt.no {
				if p.matches(s) {
					t.Errorf("it matches %q", s)
				}
			}
			if e := p.example(); e != "" && !p.matches(e) {
				t.Errorf("its example %q does not match", e)
			}
		})
	}
}

// The narrower pattern is tried first, as in Asterisk.
func TestPatternOrder(t *testing.T) {
	got := []string{}
	var ps []pattern
	for _, s := range []string{"_.", "_X.", "_XXXX", "_1X!", "_1X.", "_ZXXX", "_1XXX", "_NXXX"} {
		ps = append(ps, parsePattern(s))
	}
	slices.SortFunc(ps, pattern.order)
	for _, p := range ps {
		got = append(got, p.text)
	}
	want := []string{"_1XXX", "_1X.", "_1X!", "_NXXX", "_ZXXX", "_XXXX", "_X.", "_."}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestExpand(t *testing.T) {
	d := &dialplan{globals: map[string]string{"OUT_1": "PJSIP/trunk", "PREFIX": "00", "LOOP": "${LOOP}"}}
	vars := map[string]string{"EXTEN": "90031201234567", "N": "1"}
	tests := []struct{ in, want string }{
		{"${EXTEN:1}", "0031201234567"},
		{"${EXTEN:-4}", "4567"},
		{"${EXTEN:1:2}", "00"},
		{"${OUT_${N}}/${PREFIX}${EXTEN:3}", "PJSIP/trunk/0031201234567"},
		{"${FILTER(0-9,${EXTEN})}", "90031201234567"},
		{"${UNKNOWN}x", "?x"},
		{"$[1+1]", "2"},
		{`$["${EXTEN:0:3}" = "900"]`, "1"},
		{`$["${UNKNOWN}" = "900"]`, "?"},
		{"${LOOP}", "${LOOP}"},
		{"a$b$", "a$b$"},
		{"${EXTEN", "${EXTEN"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			if got := d.expand(tt.in, vars); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
