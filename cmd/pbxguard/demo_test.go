package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pbxguard/config"
	"pbxguard/demo"
)

// TestDemo plays the attack, and the same with the numbers that cost money made
// national: then there is nobody to kill.
func TestDemo(t *testing.T) {
	attack, err := demo.Attack()
	if err != nil {
		t.Fatal(err)
	}
	var national []string
	for i, n := range demo.Fraud() {
		national = append(national, n, fmt.Sprintf("020%07d", 1000000+i*54321))
	}
	for _, tt := range []struct {
		name      string
		recording *demo.Recording
		killed    int
		honest    int
	}{
		{"attack", attack, 15, 3},
		{"fraud numbers made national", attack.Replace(national...), 0, 18},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			story := demo.NewStory(&out)
			if err := playDemo(t.Context(), config.Asterisk, tt.recording, story, 3); err != nil {
				t.Fatal(err)
			}
			got := story.End()
			if got.Killed != tt.killed || got.Confirmed != tt.killed || got.Honest != tt.honest {
				t.Errorf("killed %d, confirmed %d, let through %d; want %d, %[4]d, %d", got.Killed, got.Confirmed, got.Honest, tt.killed, tt.honest)
			}
			if got.Banned != 1 || got.Guesses >= 19 || got.Stopped != 10 || got.Emergency != 1 {
				t.Errorf("banned %d after %d guesses, %d calls stopped, %d emergency calls", got.Banned, got.Guesses, got.Stopped, got.Emergency)
			}
			reasons := map[string]bool{}
			for line := range strings.Lines(out.String()) {
				if _, reason, ok := strings.Cut(line, "KILLED"); ok {
					reasons[reason] = true
				}
			}
			if want := min(tt.killed, 10); len(reasons) < want {
				t.Errorf("got %d different reasons, want %d", len(reasons), want)
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}

// TestDemoFreeSWITCH plays the attack on a FreeSWITCH.
func TestDemoFreeSWITCH(t *testing.T) {
	attack, err := demo.AttackFreeSWITCH()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	story := demo.NewStory(&out)
	if err := playDemo(t.Context(), config.FreeSWITCH, attack, story, 3); err != nil {
		t.Fatal(err)
	}
	got := story.End()
	if got.Killed != 3 || got.Confirmed != 3 || got.Honest != 1 || got.Banned != 1 || got.Guesses >= 18 || got.Stopped != 10 || got.Emergency != 1 {
		t.Errorf("got %+v, want 3 killed, 1 honest and 1 emergency call, 1 banned, 10 stopped", got)
	}
	for _, want := range []string{"extension 1001 (by forward)", "extension 1000 (by transfer)", "1002 calls 112"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not told:\n%s", want, out.String())
		}
	}
}
