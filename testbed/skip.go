package testbed

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// allowedSkips lists the tests which may skip under CI: a line each, the test
// as Skip names it, then why. # begins a comment.
//
//go:embed allowed-skips.txt
var allowedSkips string

// Skip skips the test and says why where it can't be overlooked: it appends
// "package.Test: reason" to the file named by $PBXGUARD_SKIPS. With CI=true in
// the environment a skip is a failure, but for the tests in allowed-skips.txt.
func Skip(t testing.TB, reason string) {
	t.Helper()
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".test") + "." + t.Name()
	if err := noteSkip(os.Getenv("PBXGUARD_SKIPS"), name, reason); err != nil {
		t.Fatalf("cannot note the skip (%s): %v", reason, err)
	}
	if os.Getenv("CI") == "true" && !allowed(allowedSkips, name) {
		t.Fatalf("%s must not skip under CI: %s", name, reason)
	}
	t.Skip(reason)
}

// noteSkip appends one line to the file, if there is one. Test binaries run
// in parallel: one write to a file opened for appending does not mix.
func noteSkip(path, name, reason string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "%s: %s\n", name, reason)
	return err
}

// allowed reports whether the list has the test, or the test which it is a
// subtest of.
func allowed(list, name string) bool {
	top, _, _ := strings.Cut(name, "/")
	for line := range strings.Lines(list) {
		listed, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if listed == name || listed == top {
			return true
		}
	}
	return false
}
