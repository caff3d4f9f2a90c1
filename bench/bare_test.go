package bench

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pbxguard/testbed"
)

// bare ends every call to a number that an AMI server tells of, and does nothing
// else. It lasts until the test ends.
func bare(t testing.TB, address, number string) {
	t.Helper()
	conn, in, err := testbed.EnterAMI(address, amiUser, amiSecret, "call")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		testbed.EndCalls(conn, in, number)
	}()
	t.Cleanup(func() { conn.Close(); <-done })
}

// bareEnv tells this program to be nothing but a bare client: "ADDRESS NUMBER",
// or "ADDRESS bans" for one that counts failures instead.
const (
	bareEnv   = "PBXGUARD_BENCH_BARE"
	countBans = "bans"
)

// bareProcess is bare, or counts failures, in a process of its own.
func bareProcess(t testing.TB, address, what string) *os.Process {
	t.Helper()
	return testbed.Self(t, bareEnv+"="+address+" "+what)
}

// runBare is that process; it returns its exit code.
func runBare(what string) int {
	address, number, _ := strings.Cut(what, " ")
	classes := "call"
	if number == countBans {
		classes = "security"
	}
	conn, in, err := testbed.EnterAMI(address, amiUser, amiSecret, classes)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bare client:", err)
		return 1
	}
	fmt.Println("logged in")
	if number != countBans {
		testbed.EndCalls(conn, in, number)
	} else if err := count(in); err != nil {
		fmt.Fprintln(os.Stderr, "bare program:", err)
		return 1
	}
	return 0
}
