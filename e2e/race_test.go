//go:build race

package e2e

// raceFlags makes the daemon watch for data races as the tests do.
var raceFlags = []string{"-race"}
