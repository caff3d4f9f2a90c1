package propose

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pbxguard/config"
	"pbxguard/guard"
	"pbxguard/history"
)

// kinds are histories of offices that differ in whom they call, when, how often
// and for how long.
var kinds = map[string]struct {
	numbers  []string
	from, to int // hours of the day
	gap      time.Duration
	talk     time.Duration
	fails    int // of ten calls
}{
	"national":  {[]string{"0201234567", "0612345678", "0881234567", "08001234"}, 8, 18, 20 * time.Minute, 3 * time.Minute, 2},
	"abroad":    {[]string{"0032475123456", "004915123456789", "0012125550123", "00442079460123", "002526123456", "0088161234567"}, 8, 18, time.Hour, 5 * time.Minute, 1},
	"nights":    {[]string{"0032475123456", "0201234567", "0048501123456"}, 22, 29, 30 * time.Minute, 10 * time.Minute, 0},
	"dialler":   {[]string{"0612345678", "0611111111", "0622222222", "0633333333"}, 9, 20, 3 * time.Second, 15 * time.Second, 6},
	"meetings":  {[]string{"0201234567", "00442079460123"}, 8, 20, 2 * time.Hour, 3 * time.Hour, 0},
	"premium":   {[]string{"09001234567", "0037190112345", "1888"}, 0, 24, 10 * time.Minute, 8 * time.Minute, 1},
	"all of it": {[]string{"09001234567", "0012645550123", "0201234567", "112", "00881612345678", "0611111111", "99999999999999999"}, 0, 24, time.Minute, 20 * time.Minute, 4},
}

// TestPolicyHolds: whatever an office does, what is proposed for it is a
// configuration that can be loaded, ends none of its calls, and says why it is so.
func TestPolicyHolds(t *testing.T) {
	names := slices.Sorted(maps.Keys(kinds))
	rapid.Check(t, func(t *rapid.T) {
		kind := kinds[rapid.SampledFrom(names).Draw(t, "kind")]
		at, day := 0*time.Second, 0
		var calls []history.Call
		for range rapid.IntRange(1, 40).Draw(t, "calls") {
			at += time.Duration(rapid.Int64Range(0, int64(2*kind.gap)).Draw(t, "gap"))
			if hour := int(at / time.Hour); hour >= kind.to-kind.from {
				day, at = day+1, 0
			}
			c := call(fmt.Sprint(101+rapid.IntRange(0, 4).Draw(t, "by")), rapid.SampledFrom(kind.numbers).Draw(t, "number"),
				time.Duration(day)*24*time.Hour+time.Duration(kind.from-9)*time.Hour+at, time.Duration(rapid.Int64Range(0, int64(2*kind.talk)).Draw(t, "talk")))
			if rapid.IntRange(0, 9).Draw(t, "fails") < kind.fails {
				c.Answer, c.Cause = 0, 17
			}
			calls = append(calls, c)
		}
		holds(t, calls)
	})
}

func holds(t *rapid.T, calls []history.Call) {
	parse := func(text string) (*config.Config, error) { return config.Parse("p.toml", []byte(text), nil) }
	play := func(c *config.Config) (*history.Result, error) {
		p, err := c.Policy(nil)
		if err != nil {
			return nil, err
		}
		p.CallsMode = guard.Enforce
		return history.Play(calls, nil, history.Options{PBX: "office", Policy: p, Step: 30 * time.Second})
	}
	conf, err := parse(office)
	if err != nil {
		t.Fatal(err)
	}
	before, err := play(conf)
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := Policy(Input{Config: conf, PBX: "office", Calls: calls, Parse: parse, Play: play})
	if err != nil {
		t.Fatal(err)
	}
	if conf, err = parse(text); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	after, err := play(conf)
	if err != nil {
		t.Fatal(err)
	}
	if len(after.Kills) > 0 || after.Calls != len(calls) {
		t.Fatalf("%d of %d calls would be ended, the first since %s, under\n%s", len(after.Kills), after.Calls, after.Kills[0].Decision.Reason, text)
	}
	for _, kill := range before.Kills[:min(len(before.Kills), 20)] {
		if !strings.Contains(text, printable(kill.Decision.Reason)) {
			t.Fatalf("the shipped policy ends a call: %s; that is not told in\n%s", kill.Decision.Reason, text)
		}
	}
}
