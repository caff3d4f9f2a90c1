package audittest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pbxguard/audit"
)

// Findings audits a copy of a tree with the permissions of a sound host.
func Findings(t *testing.T, tree string, kinds ...audit.Kind) []audit.Finding {
	t.Helper()
	dir := t.TempDir()
	if err := copyBase(dir, tree); err != nil {
		t.Fatal(err)
	}
	site, done, err := Site(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	run, err := audit.Perform(context.Background(), site, kinds)
	if err != nil {
		t.Fatal(err)
	}
	return run.Findings
}

// Golden holds what an audit of a tree finds against a file, in which each
// finding that is not passed stands on a line. UPDATE=1 writes the file.
func Golden(t *testing.T, tree, golden string, kinds ...audit.Kind) {
	t.Helper()
	var b strings.Builder
	for _, f := range Findings(t, tree, kinds...) {
		if f.Status != audit.Pass && f.Status != audit.NotApplicable {
			fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Status, f.Severity, f.ID, f.Object, f.Location, f.Evidence)
		}
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("%s: got other findings than %s has:\n%s", tree, golden, difference(got, string(want)))
	}
}

// difference lists the lines that only one of two texts has.
func difference(got, want string) string {
	var b strings.Builder
	for _, side := range []struct{ mark, a, b string }{{"got ", got, want}, {"want", want, got}} {
		for line := range strings.Lines(side.a) {
			if !strings.Contains("\n"+side.b, "\n"+line) {
				b.WriteString(side.mark + " " + line)
			}
		}
	}
	return b.String()
}

// Sound fails for every finding of medium severity or worse: a hardened tree
// has none, and a false alarm is a defect.
func Sound(t *testing.T, tree string, kinds ...audit.Kind) {
	t.Helper()
	for _, f := range Findings(t, tree, kinds...) {
		if f.Status == audit.Fail && f.Severity.AtLeast(audit.Medium) {
			t.Errorf("%s: got %s %s %q at %s: %s", filepath.Base(tree), f.Severity, f.ID, f.Object, f.Location, f.Evidence)
		}
	}
}

// Silent plants a canary for every secret of a copy of a tree, by replacing
// what each of the patterns captures, and fails if any finding holds one. It
// fails too if a pattern plants nothing.
func Silent(t *testing.T, tree string, plant func(text string) (planted string, canaries []string), kinds ...audit.Kind) {
	t.Helper()
	dir := t.TempDir()
	if err := copyBase(dir, tree); err != nil {
		t.Fatal(err)
	}
	var canaries []string
	err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		planted, some := plant(string(text))
		canaries = append(canaries, some...)
		return os.WriteFile(name, []byte(planted), 0o640)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(canaries) == 0 {
		t.Fatal("no canary was planted")
	}
	for _, f := range Findings(t, dir, kinds...) {
		for _, c := range canaries {
			if strings.Contains(fmt.Sprintf("%+v", f), c) {
				t.Errorf("%s at %s holds the secret %s: %s", f.ID, f.Location, c, f.Evidence)
			}
		}
	}
	t.Logf("%d canaries planted", len(canaries))
}
