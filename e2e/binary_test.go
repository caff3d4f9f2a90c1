package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// buildDir is where the program was built; "" before it was.
var buildDir string

// build makes the program that the tests run, once.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pbxguard-e2e-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	path := filepath.Join(dir, "pbxguard")
	args := slices.Concat([]string{"build", "-buildvcs=false", "-tags", "sqlite_omit_load_extension", "-o", path}, raceFlags, []string{"pbxguard/cmd/pbxguard"})
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build pbxguard: %w\n%s", err, out)
	}
	return path, nil
})

func binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func removeBinary() {
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
}
