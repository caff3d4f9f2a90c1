package freeswitch

import (
	"strings"
	"testing"
	"time"
)

// What is not among the questions, or would add a command, is not sent.
func TestAdminAsksOnly(t *testing.T) {
	a, err := NewAdmin(AdminOptions{Address: "127.0.0.1:1", Password: "x", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, q := range []string{
		"", "system id", "global_setvar a=b", "originate x y", "xml_locate", "version\n\napi system id", "reloadxml",
		profileQuestion, profileQuestion + "internal restart", profileQuestion + "x\n\napi system id", profileQuestion + "x y",
	} {
		if _, err := a.Ask(t.Context(), q); err == nil || !strings.Contains(err.Error(), "not among the questions") {
			t.Errorf("%q: got %v, want it refused", q, err)
		}
	}
	if _, err := a.Ask(t.Context(), profileQuestion+"internal-ipv6"); err == nil || strings.Contains(err.Error(), "not among") {
		t.Errorf("got %v, want only the connection to fail", err)
	}
}
