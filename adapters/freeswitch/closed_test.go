package freeswitch

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pbxguard/guard"
)

// R8: what is no id of a leg is not sent, and one that is adds no command.
func TestR8OneUUIDEach(t *testing.T) {
	p, err := New(Options{Name: "f", Address: "127.0.0.1:1", Password: "x", Events: make(chan guard.Event)})
	if err != nil {
		t.Fatal(err)
	}
	p.links[1].Redial() // an order would be taken
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f-]{20,27}[ \r\n\x00;&|$]?(uuid_kill|system|\n\napi)?`))
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		id, cause := text.Draw(t, "id"), rapid.IntRange(-10, 300).Draw(t, "cause")
		if !p.Hangup(guard.LegID(id), cause) {
			return
		}
		taken++
		<-p.kills.orders
		command := string(killCommand(guard.LegID(id), cause))
		body, ok := strings.CutSuffix(command, "\n\n")
		words := strings.Split(body, " ")
		if !ok || strings.ContainsAny(body, "\r\n\x00") || len(words) < 3 || len(words) > 4 || words[1] != "uuid_kill" || words[2] != id {
			t.Fatalf("got %q, want one command for one leg", command)
		}
	})
	if taken == 0 {
		t.Error("no order was taken at all")
	}
}
