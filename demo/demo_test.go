package demo

import (
	"bytes"
	"strings"
	"testing"
)

func TestAttack(t *testing.T) {
	r, err := Attack()
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Length().Seconds(); n < 10 || n > 30 {
		t.Errorf("the recording is %.0f s long, want 10 to 30", n)
	}
	var calls, guesses int
	for _, b := range r.blocks {
		switch {
		case b.event == "Newchannel" && b.leg == b.call:
			calls++
		case b.event == "ChallengeResponseFailed":
			guesses++
		}
		if b.leg != "" && b.event == "Newchannel" && r.ends[b.leg].event == "" {
			t.Errorf("leg %s never ends", b.leg)
		}
	}
	if calls < 25 || guesses < 15 {
		t.Errorf("got %d calls and %d guesses", calls, guesses)
	}
}

func TestReplace(t *testing.T) {
	r, err := Attack()
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, n := range Fraud() {
		pairs = append(pairs, n, "0201234567")
	}
	for _, b := range r.Replace(pairs...).blocks {
		for _, n := range Fraud() {
			if strings.Contains(b.text, n) {
				t.Fatalf("%s is still there: %q", n, b.text)
			}
		}
	}
}

func TestReadRefusesWhatIsNoRecording(t *testing.T) {
	for _, in := range []string{"", "x", "Event: Newchannel\r\n\r\n"} {
		if _, err := Read(bytes.NewReader([]byte(in))); err == nil {
			t.Errorf("%q was taken for a recording", in)
		}
	}
}
