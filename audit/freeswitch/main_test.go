package freeswitch

import (
	"testing"

	"pbxguard/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }
