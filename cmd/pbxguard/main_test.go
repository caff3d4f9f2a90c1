package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// asPBXGuard in the environment makes the test binary be pbxguard.
const asPBXGuard = "TEST_AS_PBXGUARD"

func TestMain(m *testing.M) {
	if os.Getenv(withoutNetAdmin) != "" {
		giveUpNetAdmin()
	}
	if os.Getenv(asPBXGuard) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"pbxguard": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TZ", "Europe/Amsterdam")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"await": await,
			"chmod": chmod,
		},
	})
}

// exits CODE ARGS... runs pbxguard and wants an exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("pbxguard", args[1:]...)
	got := 0
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("pbxguard %q exits with %d, want %d", args[1:], got, want)
	}
}

// await FILE waits until FILE is there.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for range 500 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("%s does not appear", args[0])
}

// chmod MODE FILE is what it says.
func chmod(ts *testscript.TestScript, _ bool, args []string) {
	mode, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	ts.Check(os.Chmod(ts.MkAbs(args[1]), os.FileMode(mode)))
}
