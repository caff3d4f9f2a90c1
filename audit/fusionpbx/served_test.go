package fusionpbx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
	"pbxguard/audit/freeswitch"
)

// whole lays this package's sound database over the files of a FreeSWITCH that
// FusionPBX serves, with one change to the dump.
func whole(t *testing.T, old, new string) string {
	t.Helper()
	dir := t.TempDir()
	for _, tree := range []string{"../freeswitch/testdata/trees/fusionpbx-hardened", "testdata/base"} {
		if err := os.CopyFS(dir, os.DirFS(tree)); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(dir, strings.TrimPrefix(baseDump, "testdata/base"))
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("the dump has no %q", old)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(text), old, new, 1)), 0o640); err != nil {
		t.Fatal(err)
	}
	return dir
}

// With the database FreeSWITCH's own checks see what is in force.
func TestServed(t *testing.T) {
	switchKind := freeswitch.KindServed(Served(nil))
	sound := whole(t, "COPY", "COPY")
	audittest.Sound(t, sound, switchKind)
	for _, f := range audittest.Findings(t, sound, switchKind) {
		beyond := strings.HasPrefix(f.ID, "STALE-") || f.ID == "PW-009" || f.ID == "FWD-007" // of what the guard and earlier runs know
		if f.Status == audit.Incomplete && f.ID != "FS-CONF-001" && !beyond {
			t.Errorf("got %s incomplete with a database: %s", f.ID, f.Evidence)
		}
	}
	tests := []struct{ name, old, new, id, want string }{
		{"a stranger dials out", `<action application="transfer" data="100 XML a.example.net"/>`, `<action application="bridge" data="sofia/gateway/gw1/0088213000000"/>`, "FS-DP-001", "context public -> extension did"},
		{"any password", "accept-blind-reg\ttrue\tfalse", "accept-blind-reg\ttrue\ttrue", "FS-SIP-002", "accept-blind-reg is true"},
		{"a list that allows", "a2\tdomains\tdeny", "a2\tdomains\tallow", "FS-ACL-001", "allows whatever"},
		{"a short password", "wK7pRt3Zb9Xc5Vn2Mq8L\t+312", "abc\t+312", "FS-DIR-003", "3 characters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range audittest.Findings(t, whole(t, tt.old, tt.new), switchKind) {
				if f.Status == audit.Fail && f.ID == tt.id {
					got = append(got, f.Evidence)
				}
			}
			if tt.want != "" && !strings.Contains(strings.Join(got, "\n"), tt.want) {
				t.Errorf("got %q, want %s with %q", got, tt.id, tt.want)
			}
		})
	}
}
