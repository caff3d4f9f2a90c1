//go:build race

package e2e

import "os"

// raceFlags makes the daemon watch for data races as the tests do.
var raceFlags = []string{"-race"}

// A program that watches for races ends a second late unless it is told not to.
var _ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
