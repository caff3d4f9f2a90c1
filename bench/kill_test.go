package bench

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// premium is a number whose calls the shipped rules end.
const premium = "09001234567"

// caller sends calls to one client of a played PBX and sees them end.
type caller struct {
	pbx  *testbed.PlayedAMI
	link net.Conn
	took []time.Duration
}

// call places one call and waits for its end: from the first byte of
// Newchannel to the last byte of Hangup.
func (c *caller) call(t testing.TB, begin, end string) {
	t.Helper()
	at := time.Now()
	if _, err := io.WriteString(c.link, begin); err != nil {
		t.Fatal(err)
	}
	select {
	case h := <-c.pbx.Hangups:
		if leg := value(begin, "Uniqueid"); h.Leg != leg {
			t.Fatalf("the leg %q was hung up, want %q", h.Leg, leg)
		}
		c.took = append(c.took, h.At.Sub(at))
	case <-time.After(10 * time.Second):
		t.Fatal("a call to a premium number is not ended")
	}
	if _, err := io.WriteString(c.link, end); err != nil {
		t.Fatal(err)
	}
}

// premiumCall makes a recorded call the ith of many, to a premium number.
func premiumCall(begin string, i int) *strings.Replacer {
	return strings.NewReplacer(
		value(begin, "Exten"), premium,
		value(begin, "Uniqueid"), fmt.Sprintf("1795320474.%d", 10_000+i),
		value(begin, "Channel"), fmt.Sprintf("PJSIP/1%02d-%08x", i%100, i),
	)
}

func killOverLoopback(t testing.TB, r *report) {
	const every = 5 * time.Millisecond
	enforced := settings{calls: "enforce", tables: idle}
	ours := func(classes string, client func(address string)) *caller {
		p := testbed.PlayAMI(t, nil)
		client(p.Address())
		return &caller{pbx: p, link: p.Link(classes)}
	}
	var w *stopwatch
	least := ours("call", func(a string) { bare(t, a, premium) })
	inside := ours("call,system", func(a string) { s := enforced; s.address = a; w = watch(t, s) })
	rival := ours("call", func(a string) { bareProcess(t, a, premium) })
	daemon := ours("call,system", func(a string) { s := enforced; s.address = a; startDaemon(t, s) })

	blocks := recording(t, "call_out")
	begin, end := find(t, blocks, "Newchannel", "PJSIP/100-"), find(t, blocks, "Hangup", "PJSIP/100-")
	n := r.times(2000)
	var handed []time.Duration
	next := time.Now()
	for i := range 4 * n {
		change := premiumCall(begin, i)
		[]*caller{least, inside, rival, daemon}[i%4].call(t, change.Replace(begin), change.Replace(end))
		if i%4 == 1 {
			handed = append(handed, <-w.took)
		}
		next = next.Add(every)
		time.Sleep(time.Until(next))
	}
	r.heading("Kill over loopback TCP: first byte of Newchannel written to last byte of Hangup received; 200 calls/s, in turn")
	r.spread("bare client (reads, compares Exten, writes Hangup) in the PBX's process", least.took, "")
	r.spread("pbxguard's parts in the PBX's process", inside.took, "0.2 ms p50, 10 ms p99")
	r.spread("  of that, event read to command handed to the socket", handed, "0.1 ms p99")
	r.spread("bare client, a process of its own", rival.took, "")
	r.spread("pbxguard run, a process of its own", daemon.took, "0.2 ms p50, 10 ms p99")
}
