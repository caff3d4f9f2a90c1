package asterisk

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestActions(t *testing.T) {
	hangup := func(leg string, cause int) ([]byte, error) { return hangupAction([]byte("x"), "n-h"+leg, leg, cause) }
	got, err := hangup("pbx1-1795320474.2668", 21)
	want := "xAction: Hangup\r\nActionID: n-hpbx1-1795320474.2668\r\nChannel: pbx1-1795320474.2668\r\nCause: 21\r\n\r\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, cause := range []int{0, -1, 128} {
		if got, err := hangup("1.1", cause); err != nil || strings.Contains(string(got), "Cause") {
			t.Errorf("cause %d: got %q, %v, want no cause", cause, got, err)
		}
	}
}

func TestBeat(t *testing.T) {
	for name, tt := range map[string]struct {
		until time.Time
		want  string
	}{
		"may be asked":     {time.Unix(1795320474, 999_999_999), "1795320474"},
		"may not be asked": {time.Time{}, "0"},
	} {
		got, err := beatAction(nil, "n-b", tt.until)
		want := "Action: Setvar\r\nActionID: n-b\r\nVariable: PBXGUARD_UNTIL\r\nValue: " + tt.want + "\r\n\r\n"
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
}

// TestR8ClosedCommands: no value can add a header or an action to what is sent.
func TestR8ClosedCommands(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z.\r\n\x00/-]{0,20}`), rapid.StringN(0, 2000, 4000))
	rapid.Check(t, func(t *rapid.T) {
		a, b, c, d := text.Draw(t, "a"), text.Draw(t, "b"), text.Draw(t, "c"), text.Draw(t, "d")
		tests := []struct {
			name  string
			lines int
			make  func() ([]byte, error)
		}{
			{"Challenge", 3, func() ([]byte, error) { return challengeAction(nil, a) }},
			{"Login", 6, func() ([]byte, error) { return loginAction(nil, a, b, c, d) }},
			{"Login", 5, func() ([]byte, error) { return plainLoginAction(nil, a, b, c, d) }},
			{"Ping", 2, func() ([]byte, error) { return pingAction(nil, a) }},
			{"Status", 2, func() ([]byte, error) { return statusAction(nil, a) }},
			{"Setvar", 4, func() ([]byte, error) { return beatAction(nil, a, time.Unix(1795320474, 0)) }},
			{"Hangup", 4, func() ([]byte, error) { return hangupAction(nil, a, b, 21) }},
		}
		for _, tt := range tests {
			got, err := tt.make()
			if err != nil {
				if len(got) != 0 {
					t.Fatalf("%s: got %q beside an error", tt.name, got)
				}
				continue
			}
			body, ok := strings.CutSuffix(string(got), "\r\n\r\n")
			if !ok || strings.Count(body, "\r\n")+1 != tt.lines || strings.Count(body, "\n")+1 != tt.lines || strings.Contains(body, "\x00") {
				t.Fatalf("got %q, want %d lines and an empty one", got, tt.lines)
			}
			for line := range strings.SplitSeq(body, "\r\n") {
				if len(line) > 1000 {
					t.Fatalf("got a line of %d bytes, which Asterisk refuses", len(line))
				}
			}
			if !strings.HasPrefix(body, "Action: "+tt.name+"\r\n") || strings.Contains(body, "Channel: /") {
				t.Fatalf("got %q, want %s", got, tt.name)
			}
		}
	})
}
