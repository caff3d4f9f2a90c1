package main

import (
	"bytes"
	"fmt"
	"testing"

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
			if err := playDemo(t.Context(), tt.recording, story, 3); err != nil {
				t.Fatal(err)
			}
			got := story.End()
			if got.Killed != tt.killed || got.Confirmed != tt.killed || got.Honest != tt.honest {
				t.Errorf("killed %d, confirmed %d, let through %d; want %d, %[4]d, %d", got.Killed, got.Confirmed, got.Honest, tt.killed, tt.honest)
			}
			if got.Banned != 1 || got.Guesses >= 19 || got.Stopped != 10 || got.Emergency != 1 {
				t.Errorf("banned %d after %d guesses, %d calls stopped, %d emergency calls", got.Banned, got.Guesses, got.Stopped, got.Emergency)
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}
