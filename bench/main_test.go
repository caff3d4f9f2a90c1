package bench

import (
	"os"
	"testing"

	"pbxguard/testbed"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(bareEnv); what != "" {
		os.Exit(runBare(what))
	}
	code := testbed.Runner{M: m}.Run()
	removeBinary()
	os.Exit(code)
}

// TestBench takes every figure, and prints them if PBXGUARD_BENCH is set.
func TestBench(t *testing.T) {
	r := newReport()
	for _, f := range []struct {
		name    string
		measure func(testing.TB, *report)
	}{
		{"kill over loopback", killOverLoopback},
		{"on a real Asterisk", onAsterisk},
		{"events of FreeSWITCH", eslEvents},
		{"gate", gateAsked},
		{"ban in the kernel", banInKernel},
		{"events judged", eventsJudged},
		{"records replayed", recordsReplayed},
		{"memory", memory},
		{"store", rowsStored},
	} {
		r.take(t, f.name, f.measure)
	}
	if r.full {
		r.print(os.Stdout)
	}
}
