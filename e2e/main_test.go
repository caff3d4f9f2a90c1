package e2e

import (
	"os"
	"testing"

	"pbxguard/testbed"
)

func TestMain(m *testing.M) {
	if login, ok := os.LookupEnv(hoseEnv); ok {
		os.Exit(runHose(login))
	}
	if address, ok := os.LookupEnv(bareEnv); ok {
		os.Exit(runBare(address))
	}
	code := testbed.Runner{M: m}.Run()
	removeBinary()
	os.Exit(code)
}
