package store

import (
	"os"
	"testing"
)

// child names, in the environment, what this test binary is to do instead of
// testing.
const child = "PBXGUARD_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "crash" {
		work(os.Args[1])
		return
	}
	os.Exit(m.Run())
}
