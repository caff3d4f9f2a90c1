package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pbxguard/report"
)

// auditTree makes a small Asterisk with a hole.
func auditTree(t *testing.T, password string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"etc/asterisk/pjsip.conf":      "[100]\ntype=endpoint\ncontext=phones\nauth=100\naors=100\n[100]\ntype=auth\nusername=u8f2k\npassword=" + password + "\n[100]\ntype=aor\nmax_contacts=1\n",
		"etc/asterisk/extensions.conf": "[phones]\nexten => 100,1,Dial(PJSIP/100)\n",
		"etc/asterisk/asterisk.conf":   "[options]\nrunuser=asterisk\n",
	}
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// audited runs pbxguard audit with a file of runs of its own.
func audited(t *testing.T, args ...string) (code int, stdout string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(append([]string{"audit", "--config", filepath.Join(t.TempDir(), "none.toml")}, args...), &out, &errs)
	if errs.Len() > 0 {
		t.Logf("stderr: %s", errs.String())
	}
	return code, out.String()
}

func TestAuditExitCodes(t *testing.T) {
	weak, empty := auditTree(t, "100"), t.TempDir()
	bad := filepath.Join(t.TempDir(), "bad.toml")
	if err := os.WriteFile(bad, []byte("[[suppress]]\nid = \"AST-PJSIP-005\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want int
	}{
		{"found", []string{"--root", weak}, 3},
		{"nothing so bad", []string{"--root", auditTree(t, "vT7#qLm2!xWc9Rz4"), "--fail-on", "critical"}, 0},
		{"told not to mind", []string{"--root", weak, "--fail-on", "none"}, 0},
		{"no such severity", []string{"--root", weak, "--fail-on", "awful"}, 2},
		{"no such format", []string{"--root", weak, "--format", "pdf"}, 2},
		{"nothing there", []string{"--root", empty}, 1},
		{"no such directory", []string{"--root", empty + "/none"}, 1},
		{"a suppression without owner", []string{"--root", weak, "--suppress", bad}, 78},
		{"explain", []string{"explain", "ast-pjsip-001"}, 0},
		{"explain what is not", []string{"explain", "AST-PJSIP-999"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := audited(t, tt.args...); got != tt.want {
				t.Errorf("got exit code %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAuditForms(t *testing.T) {
	dir := auditTree(t, "canary9")
	forms := map[string]func(string) error{
		"json":  func(s string) error { return json.Unmarshal([]byte(s), &report.Audit{}) },
		"sarif": func(s string) error { return json.Unmarshal([]byte(s), &map[string]any{}) },
		"junit": func(s string) error { return xml.Unmarshal([]byte(s), &struct{ XMLName xml.Name }{}) },
		"html":  func(string) error { return nil },
		"text":  func(string) error { return nil },
	}
	for form, parse := range forms {
		t.Run(form, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "out")
			if code, _ := audited(t, "--root", dir, "--format", form, "--output", file); code != 3 {
				t.Errorf("got exit code %d, want 3", code)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := parse(string(text)); err != nil {
				t.Errorf("%v in %.300s", err, text)
			}
			if !strings.Contains(string(text), "AST-PJSIP-005") {
				t.Error("the finding is missing")
			}
			if strings.Contains(string(text), "canary") {
				t.Error("the secret is shown")
			}
			for line := range strings.Lines(string(text)) {
				if form == "text" && len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
					t.Errorf("a line is wider than 80 columns: %q", line)
				}
			}
		})
	}
}

func TestAuditSinceLast(t *testing.T) {
	dir, state := auditTree(t, "100"), filepath.Join(t.TempDir(), "runs.db")
	look := func(args ...string) report.Audit {
		t.Helper()
		_, out := audited(t, append([]string{"--root", dir, "--state", state, "--json"}, args...)...)
		var a report.Audit
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		return a
	}
	if first := look("--since", "last"); first.Summary.Since != nil || len(first.Findings) == 0 {
		t.Errorf("the first run has nothing to compare with: got %+v", first.Summary)
	}
	if second := look("--since", "last"); second.Summary.New != 0 || len(second.Findings) != 0 {
		t.Errorf("got %d new findings in a tree that is the same", second.Summary.New)
	}
	conf := filepath.Join(dir, "etc/asterisk/pjsip.conf")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "password=100", "password=vT7#qLm2!xWc9Rz4", 1) + "[test]\ntype=endpoint\nauth=100\ncontext=phones\n"
	if err := os.WriteFile(conf, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	third := look("--since", "last")
	ids := func(a report.Audit) (fresh, fixed string) {
		for _, f := range a.Findings {
			fresh += f.ID + " "
		}
		for _, f := range a.Fixed {
			fixed += f.ID + " "
		}
		return fresh, fixed
	}
	if fresh, fixed := ids(third); !strings.Contains(fresh, "AST-PJSIP-030") || !strings.Contains(fresh, "STALE-009") || !strings.Contains(fixed, "AST-PJSIP-005") {
		t.Errorf("got new %s and fixed %s, want the endpoint for tests to be new and the password fixed", fresh, fixed)
	}
	data, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("vT7#qLm2")) {
		t.Error("the secret is kept")
	}
}

func TestAuditSuppression(t *testing.T) {
	dir := auditTree(t, "100")
	file := filepath.Join(t.TempDir(), "audit.toml")
	text := "[[suppress]]\nid = \"AST-PJSIP-005\"\nobject = \"auth 1*\"\nreason = \"replaced on Friday\"\nowner = \"Anna\"\nuntil = \"2999-01-01\"\n" +
		"[[suppress]]\nid = \"AST-LOG-001\"\nreason = \"later\"\nowner = \"Anna\"\nuntil = \"2020-01-01\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, out := audited(t, "--root", dir, "--suppress", file, "--json")
	var a report.Audit
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatal(err)
	}
	status := map[string]string{}
	for _, f := range a.Findings {
		status[f.ID] += string(f.Status)
	}
	if status["AST-PJSIP-005"] != "suppressed" || status["AST-LOG-001"] != "fail" || len(a.Summary.Expired) != 1 {
		t.Errorf("got %s and %s, expired %v", status["AST-PJSIP-005"], status["AST-LOG-001"], a.Summary.Expired)
	}
}

// The reference in docs is the code's.
func TestChecksReference(t *testing.T) {
	got := report.AuditMarkdown(allChecks())
	const name = "../../docs/checks.md"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("docs/checks.md is not what the code says: make docs")
	}
}
