package e2e

import (
	"os"
	"testing"

	"pbxguard/testbed"
)

func TestMain(m *testing.M) {
	code := testbed.Runner{M: m}.Run()
	removeBinary()
	os.Exit(code)
}
