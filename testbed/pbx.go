package testbed

import (
	"net/netip"
	"testing"
	"time"
)

// PBX is a running server of either kind: *Asterisk or *FreeSWITCH. Both have
// the phones 100 to 123, send what begins with 0 and the emergency number 112
// to the trunk, and take calls to 312055501XX from there for phone 1XX.
type PBX interface {
	// Boot starts the server after Stop or Kill9, with the same ports and database.
	Boot(t testing.TB)
	// Stop ends the server as a service manager does.
	Stop(t testing.TB)
	// Kill9 kills the server without warning.
	Kill9(t testing.TB)
	// Restart has the server restart itself and waits until it is back.
	Restart(t testing.TB)
	// Pid is the server's process.
	Pid(t testing.TB) int
	// CLI runs a command of the server's command line and returns its output.
	CLI(t testing.TB, cmd string) string
	// Legs is how many legs are up, as the server says itself.
	Legs(t testing.TB) int
	// WaitBridged waits until n legs are joined with another. A call is
	// answered a few milliseconds before, and until then a transfer is refused.
	WaitBridged(t testing.TB, n int)
	// HangUpAll asks the server to end every call.
	HangUpAll(t testing.TB)
	// Forward sets where calls to a phone go, in the server's own database.
	Forward(t testing.TB, phone, number string)
	// ClearForwards takes all forwards back.
	ClearForwards(t testing.TB)
	// Provider is the other side of the server's trunk, and where it calls.
	Provider() (from, to netip.AddrPort)
}

// waitBridged waits until that many legs are joined.
func waitBridged(t testing.TB, want int, bridged func() int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for got := bridged(); got != want; got = bridged() {
		if time.Now().After(deadline) {
			t.Fatalf("%d legs are joined, want %d", got, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// NewTrunk binds the other side of the server's trunk. It answers what it is
// called with and counts it (see Arrived). On Asterisk it is the trunk of
// chan_pjsip and chan_sip; its own calls come in to the context from-trunk.
func NewTrunk(t testing.TB, pbx PBX, opts ...PhoneOption) *Phone {
	t.Helper()
	from, to := pbx.Provider()
	return NewPhone(t, from.Addr(), "trunk", "", to, append(opts, Port(from.Port()))...)
}
