package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"

	"pbxguard/audit"
	"pbxguard/report"
)

// A running PBX that cannot be asked makes comparisons incomplete, and one that
// is not to be asked leaves them out.
func TestAuditAsksInVain(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String() // where nobody is any more
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(t.TempDir(), "pbxguard.toml")
	text := "[[pbx]]\nname = \"office\"\naddress = \"" + address + "\"\nusername = \"pbxguard\"\nsecret = \"x\"\nadmin_username = \"asker\"\nadmin_secret = \"canary-secret\"\n" +
		"[[pbx]]\nname = \"other\"\naddress = \"127.0.0.1:1\"\nusername = \"pbxguard\"\nsecret = \"x\"\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root := auditTree(t, "vT7#qLm2!xWc9Rz4")
	for _, tt := range []struct {
		name string
		live string
		want audit.Status // of a comparison; "" if there is to be no audit
	}{
		{"asked", "office", audit.Incomplete},
		{"told not to ask", "none", audit.NotApplicable},
		{"another host's files", "", audit.NotApplicable},
		{"no such pbx", "attic", ""},
		{"no account for it", "other", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out := audited(t, "--config", conf, "--root", root, "--json", "--all", "--live", tt.live, "--fail-on", "none")
			if tt.want == "" {
				if code == 0 || out != "" {
					t.Errorf("got code %d and %.100q", code, out)
				}
				return
			}
			var a report.Audit
			if err := json.Unmarshal([]byte(out), &a); err != nil {
				t.Fatal(err)
			}
			got := map[string]audit.Status{}
			for _, f := range a.Findings {
				got[f.ID] = f.Status
			}
			if got["AST-LIVE-001"] != tt.want {
				t.Errorf("got %q, want %q", got["AST-LIVE-001"], tt.want)
			}
		})
	}
}
