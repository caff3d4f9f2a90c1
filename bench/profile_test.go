package bench

import (
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// The two ways that everything goes which comes from a PBX, whole and in this
// process, so that a profile shows what they cost:
//
//	go test -run '^$' -bench 'FailedLogin|Kill' -cpuprofile cpu.prof ./bench
//
// The played PBX is in the profile as well; -focus 'adapters|guard|store' leaves
// it out.

// BenchmarkFailedLogin is a failed login of a source that nobody knows, from the
// socket until it is counted.
func BenchmarkFailedLogin(b *testing.B) {
	p := testbed.PlayAMI(b, nil)
	w := watch(b, settings{address: p.Address(), bans: "enforce", bansMore: "learn = \"0s\""})
	link, write := p.Link("security"), failingAs(b)
	const batch = 500
	counted := func() uint64 {
		st, err := w.engine.Status(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return st.Events
	}
	before := counted()
	for n := 0; n < b.N; {
		var text strings.Builder
		for range min(batch, b.N-n) {
			write(&text, netip.AddrFrom4([4]byte{11, byte(n >> 16), byte(n >> 8), byte(n)}), n)
			n++
		}
		if _, err := io.WriteString(link, text.String()); err != nil {
			b.Fatal(err)
		}
		for counted() < before+uint64(n) { // nothing is shed
			time.Sleep(time.Millisecond)
		}
	}
}

// BenchmarkKill is a call to a premium number, from its first event to the order
// that ends it, and its end.
func BenchmarkKill(b *testing.B) {
	p := testbed.PlayAMI(b, nil)
	w := watch(b, settings{address: p.Address(), calls: "enforce", tables: idle})
	blocks := recording(b, "call_out")
	begin, end := find(b, blocks, "Newchannel", "PJSIP/100-"), find(b, blocks, "Hangup", "PJSIP/100-")
	c := &caller{pbx: p, link: p.Link("call,system")}
	for i := range b.N {
		change := premiumCall(begin, i)
		c.call(b, change.Replace(begin), change.Replace(end))
		<-w.took
	}
}
