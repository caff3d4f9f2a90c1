package gate

import (
	"sync/atomic"
	"testing"

	"pbxguard/guard"
)

// R13: a question that makes us panic is not answered, and the next one is.
func TestR13OneQuestionIsLost(t *testing.T) {
	var asked atomic.Int32
	g, _ := open(t, noPremium, func(o *Options) {
		o.Channel = func(string, string, *guard.Event) {
			if asked.Add(1) == 1 {
				panic("what nobody thought of")
			}
		}
	})
	if got := asterisk(t, g.at("fastagi"), env(request("0205550101"), "100")); got != "" {
		t.Errorf("the first question: got %q, want no answer", got)
	}
	if got, want := asterisk(t, g.at("fastagi"), env(request("0205550101"), "100")), "SET VARIABLE "+Variable+" allow"; got != want {
		t.Errorf("the next question: got %q, want %q", got, want)
	}
}
