package propose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pbxguard/config"
	"pbxguard/guard"
	"pbxguard/history"
)

const office = `[[pbx]]
name = "office"
time_zone = "Europe/Amsterdam"
trunks = ["trunk"]
[pbx.dialplan]
country = "NL"
extensions = '^1\d\d$'
`

var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func call(from, number string, at, talk time.Duration) history.Call {
	return history.Call{File: "cdr", Line: 1, Start: monday.Add(at), Answer: time.Second, End: time.Second + talk, Dialled: number, Out: true,
		From: history.Party{Account: guard.Account{PBX: "office", Name: from}}, To: history.Party{Account: guard.Account{PBX: "office", Name: "trunk"}}}
}

func propose(t *testing.T, calls []history.Call) (text string, res *history.Result) {
	t.Helper()
	parse := func(text string) (*config.Config, error) { return config.Parse("p.toml", []byte(text), nil) }
	conf, err := parse(office)
	if err != nil {
		t.Fatal(err)
	}
	text, res, err = Policy(Input{Config: conf, PBX: "office", Calls: calls, Parse: parse,
		Play: func(c *config.Config) (*history.Result, error) {
			p, err := c.Policy(nil)
			if err != nil {
				return nil, err
			}
			p.CallsMode = guard.Enforce
			return history.Play(calls, nil, history.Options{PBX: "office", Policy: p, Step: 5 * time.Second})
		}})
	if err != nil {
		t.Fatal(err)
	}
	return text, res
}

// TestPolicy: whatever a history holds, none of its calls is ended under what
// is proposed for it, and the text says why.
func TestPolicy(t *testing.T) {
	const day = 24 * time.Hour
	habit := []history.Call{call("101", "0032475123456", 0, time.Minute), call("101", "0032475123456", day, time.Minute), call("101", "0032475123456", 2*day, time.Minute)}
	var dozen []history.Call
	for i := range 12 {
		dozen = append(dozen, call("102", fmt.Sprintf("00324751234%02d", i), 0, time.Hour))
	}
	var abroad []history.Call
	for i := range 60 {
		abroad = append(abroad, call("101", "0032475123456", time.Duration(i)*day+time.Hour, time.Minute))
	}
	for _, tt := range []struct {
		name  string
		calls []history.Call
		want  []string
	}{
		{"nothing odd", habit, []string{`allow = ["BE"]`, "# BE: 3 calls on 3 days by 1 extension", `action = "kill"`}},
		{"a country called once", []history.Call{call("101", "0025261234567", 0, time.Minute)}, []string{`allow = []`, "# SO: 1 call on 1 day", `action = "alert"`}},
		{"premium", []history.Call{call("101", "09001234567", 0, time.Minute)}, []string{`premium = "alert"`, "premium call of extension 101", "(cdr:1 at 2026-11-23 08:00:00)"}},
		{"a dozen at once", dozen, []string{"[rules.concurrent_country]", "max = "}},
		{"a long call", []history.Call{call("101", "0201234567", 0, 20*time.Hour)}, []string{"[rules.duration]"}},
		{"hours", abroad, []string{`open = "10:00"`, `close = "11:00"`, "60 of 60 calls abroad"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, res := propose(t, tt.calls)
			if len(res.Kills) != 0 || res.Calls != len(tt.calls) {
				t.Errorf("got %d kills of %d calls", len(res.Kills), res.Calls)
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("got\n%s\nwant %q in it", text, want)
				}
			}
		})
	}
}

// TestPolicyQuotes: what a record says cannot break out of a comment.
func TestPolicyQuotes(t *testing.T) {
	c := call("101\nx = 1", "09001234567", 0, time.Minute)
	c.File = "a\n[calls]\nmode"
	text, _ := propose(t, []history.Call{c})
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "x = 1") || strings.HasPrefix(line, "[calls]") {
			t.Errorf("got\n%s", text)
		}
	}
}
