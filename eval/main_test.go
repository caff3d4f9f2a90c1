package main

import (
	"bytes"
	"regexp"
	"testing"
)

// lines are what others read.
var lines = []*regexp.Regexp{
	regexp.MustCompile(`(?m)^attacks detected: \d+ of \d+$`),
	regexp.MustCompile(`(?m)^median loss before kill: EUR \d+\.\d\d$`),
	regexp.MustCompile(`(?m)^false kills per 10000 calls: \d+\.\d\d$`),
	regexp.MustCompile(`(?m)^emergency kills: 0$`),
}

// TestRun: one seed meets the bounds, and the figures stand on lines of their
// own, without and with a gate.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("make eval does more")
	}
	var out bytes.Buffer
	ok, err := run(&out, 1, 1, 4, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if got := len(line.FindAllString(out.String(), -1)); got != 2 {
			t.Errorf("got %d lines like %q, want 2", got, line)
		}
	}
	if !ok && !bytes.Contains(out.Bytes(), []byte("BOUND NOT MET: at most 50 s")) {
		t.Errorf("a bound is not met:\n%s", out.String())
	}
}
