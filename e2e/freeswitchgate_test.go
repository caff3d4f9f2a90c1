package e2e

import "testing"

// TestFreeSWITCHGate has the dial plan of a FreeSWITCH ask a daemon, as TestGate
// and its like do on Asterisk.
func TestFreeSWITCHGate(t *testing.T) {
	s := newFreeSWITCH(t)
	for _, tt := range []struct {
		name string
		test func(*testing.T, server)
	}{
		{"enforce", testGateEnforce},
		{"observe", testGateObserve},
		{"announce", testGateAnnounce},
		{"down", testGateDown},
		{"down in north america", testGateDownNorthAmerica},
		{"flood", testGateFlood},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, s) })
	}
}
