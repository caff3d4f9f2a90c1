package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
)

const megabyte = 1e6

// memory takes the resident memory of the daemon's own process.
func memory(t testing.TB, r *report) {
	const settled = 3 * time.Second
	r.heading("Memory of a \"pbxguard run\" process (RSS; max is the peak on the way there)")
	show := func(d *daemon, what, aim string) {
		if r.full {
			time.Sleep(settled)
		}
		now, most := d.resident()
		r.values(what, []float64{now / megabyte}, " MB", false, aim)
		r.lines[len(r.lines)-1].max = digits(most/megabyte) + " MB"
	}
	p := play(t)
	d := startDaemon(t, settings{address: p.address()})
	show(d, "idle", "20 MB")
	legs := r.times(10_000)
	d.live(p, recording(t, "call_out"), legs)
	show(d, fmt.Sprintf("with %s live legs", grouped(float64(legs))), "")
	d.stop()

	p = play(t)
	d = startDaemon(t, settings{address: p.address()})
	cpu := d.cpu()
	n := r.times(100_000)
	d.assail(p, 0, n)
	show(d, fmt.Sprintf("after failing logins from %s sources", grouped(float64(n))), "40 MB")
	d.assail(p, n, 10*n)
	r.values("  CPU time of the whole daemon for one", []float64{float64((d.cpu() - cpu).Nanoseconds()) / float64(10*n) / 1e3}, " µs", false, "2.5 µs")
	show(d, fmt.Sprintf("after failing logins from %s sources", grouped(float64(10*n))), "")
	d.stop()

	p = play(t)
	d = startDaemon(t, settings{address: p.address(), bansMore: "sources = 1000000"})
	d.assail(p, 0, 10*n)
	show(d, fmt.Sprintf("the same with sources = 1000000: %s are tracked", grouped(float64(10*n))), "150 MB")
	d.stop()
}

// live places calls, two legs each, and leaves them up.
func (d *daemon) live(p *played, blocks []string, legs int) {
	d.t.Helper()
	first := find(d.t, blocks, "Newchannel", "PJSIP/100-")
	second := find(d.t, blocks, "Newchannel", "PJSIP/trunk-")
	var up []string
	for _, b := range blocks {
		if strings.HasPrefix(b, "Event: HangupRequest") || strings.HasPrefix(b, "Event: SoftHangup") || strings.HasPrefix(b, "Event: Hangup") {
			break
		}
		if strings.Contains(b, "\r\nPrivilege: call,") {
			up = append(up, b)
		}
	}
	text, link := strings.Join(up, ""), p.link("call,system")
	for i := range legs / 2 {
		change := strings.NewReplacer(
			value(first, "Uniqueid"), fmt.Sprintf("1795320474.%d", 10_000+2*i),
			value(second, "Uniqueid"), fmt.Sprintf("1795320474.%d", 10_001+2*i),
			value(first, "Channel"), fmt.Sprintf("PJSIP/1%02d-%08x", i%100, 2*i),
			value(second, "Channel"), fmt.Sprintf("PJSIP/trunk-%08x", 2*i+1),
		)
		if err := link.say(change.Replace(text)); err != nil {
			d.t.Fatal(err)
		}
	}
	d.await("all legs", func(st control.Status) bool { return st.Engine.Sites[0].Legs == legs })
}

// assail lets the sources from one number to another each try a wrong
// password, a hundred thousand events a second at most.
func (d *daemon) assail(p *played, from, to int) {
	const batch = 1000
	d.t.Helper()
	link, write := p.link("security"), failing(d.t)
	var before control.Status
	d.await("its status", func(st control.Status) bool { before = st; return true })
	next := time.Now()
	for i := from; i < to; {
		var b strings.Builder
		for range min(batch, to-i) {
			write(&b, i)
			i++
		}
		if err := link.say(b.String()); err != nil {
			d.t.Fatal(err)
		}
		next = next.Add(2 * batch * 10 * time.Microsecond)
		time.Sleep(time.Until(next))
	}
	var st guard.Status
	d.await("the last failure", func(now control.Status) bool {
		st = now.Engine
		return st.Events+st.Shed >= before.Engine.Events+uint64(2*(to-from))
	})
	if lost := st.Shed - before.Engine.Shed; lost > 0 {
		d.t.Logf("%d events of %d were shed", lost, 2*(to-from))
	}
}
