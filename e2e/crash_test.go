package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// crashLong says that every trial is to last as long as it should: "make crash".
func crashLong() bool { return os.Getenv("PBXGUARD_CRASH") != "" }

// long is how long something lasts: shortly in the usual run of the tests.
func long(short, full time.Duration) time.Duration {
	if crashLong() {
		return full
	}
	return short
}

// crashes is how often something happens; the environment may say.
func crashes(t testing.TB, name string, least, usual, full int) int {
	t.Helper()
	n := usual
	switch {
	case testing.Short():
		n = least
	case crashLong():
		n = full
	}
	if text := os.Getenv(name); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return n
}

// crashSeed is what the random choices of a test come from, which it tells.
func crashSeed(t testing.TB) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("PBXGUARD_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("PBXGUARD_SEED: %v", err)
		}
	}
	t.Logf("PBXGUARD_SEED=%d chooses the same moments again", seed)
	return seed
}

// descriptors is how many files and connections the daemon has open.
func (d *daemon) descriptors() int {
	d.t.Helper()
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	return len(all)
}

// resident is how much memory the daemon has, in bytes.
func (d *daemon) resident() int64 {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// goroutines ends the daemon by the signal that has it say what each of its
// goroutines does, and counts them.
func (d *daemon) goroutines() int {
	d.t.Helper()
	said := len(d.log.text())
	d.Signal(syscall.SIGQUIT)
	select {
	case <-d.exited:
	case <-time.After(30 * time.Second):
		d.t.Fatal("the daemon does not say what it does")
	}
	return strings.Count(d.log.text()[said:], "\ngoroutine ")
}
