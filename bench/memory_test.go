package bench

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/testbed"
)

// memory takes the memory of the daemon's own process.
func memory(t testing.TB, r *report) {
	r.heading("Memory of a \"pbxguard run\" process: all that is resident, of that its own without the program's file; max is the peak")
	idle := settings{}.played(t)
	idle.shows(r, "idle", "20 MB")
	legs := r.times(10_000)
	idle.live(recording(t, "call_out"), legs)
	idle.shows(r, "with "+grouped(float64(legs))+" live legs", "")
	idle.stop()

	small := settings{program: inSmallPages(t)}.played(t)
	small.shows(r, "idle, its file in pages of 4 KB", "20 MB")
	small.assail(0, r.times(100_000), 20_000)
	small.shows(r, "  after failing logins from "+grouped(float64(r.times(100_000)))+" sources", "40 MB")
	small.stop()

	usual, some, many := settings{}.played(t), r.times(100_000), r.times(1_000_000)
	usual.assail(0, some, 20_000)
	usual.shows(r, "after failing logins from "+grouped(float64(some))+" sources, 20,000 events/s", "40 MB")
	before := usual.cpu()
	usual.assail(some, many, 100_000)
	each := float64((usual.cpu() - before).Nanoseconds()) / float64(many-some)
	r.values("  CPU time of the whole daemon for one failed login", []float64{each / 1e3}, " µs", false, "10 µs; 2.5 µs as the moonshot")
	usual.shows(r, "after failing logins from "+grouped(float64(many))+" sources, 100,000 events/s", "")
	usual.stop()

	for _, stage := range []struct{ learn, what, aim string }{
		{"0s", "the same with sources = 1000000, so that all are tracked", "150 MB"},
		{"1h", "the same in the first hour, while it learns who belongs here", ""},
	} {
		wide := settings{bansMore: "sources = 1000000\nlearn = \"" + stage.learn + "\""}.played(t)
		wide.assail(0, many, 100_000)
		wide.shows(r, stage.what, stage.aim)
		wide.stop()
	}
}

// inSmallPages is the program in a file system that the kernel keeps in pages of
// 4 KB: ext4 has them of up to 2 MB since Linux 6.16, and what reads a byte of such
// a page has all of it resident.
func inSmallPages(t testing.TB) string {
	t.Helper()
	built, err := build()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/dev/shm", "pbxguard-bench-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "pbxguard")
	if err := os.WriteFile(path, program, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// subject is a daemon on a played PBX.
type subject struct {
	*daemon
	pbx *testbed.PlayedAMI
}

func (s settings) played(t testing.TB) subject {
	t.Helper()
	p := testbed.PlayAMI(t, nil)
	s.address = p.Address()
	return subject{startDaemon(t, s), p}
}

// shows reports the daemon's memory once it has come to rest.
func (s subject) shows(r *report, what, aim string) {
	s.t.Helper()
	if r.full {
		time.Sleep(3 * time.Second)
	}
	m := s.memory()
	text := func(v float64) string { return digits(v/1e6) + " MB" }
	r.lines = append(r.lines, line{what: "  " + what, n: 1, p50: text(m.resident), max: text(m.peak), load: loadNow(), aim: aim},
		line{what: "    of that its own", n: 1, p50: text(m.own), load: loadNow()})
}

// live places calls, two legs each, and leaves them up.
func (s subject) live(blocks []string, legs int) {
	s.t.Helper()
	first := find(s.t, blocks, "Newchannel", "PJSIP/100-")
	second := find(s.t, blocks, "Newchannel", "PJSIP/trunk-")
	var up []string
	for _, b := range blocks {
		if strings.HasPrefix(b, "Event: HangupRequest") || strings.HasPrefix(b, "Event: SoftHangup") || strings.HasPrefix(b, "Event: Hangup") {
			break
		}
		if strings.Contains(b, "\r\nPrivilege: call,") {
			up = append(up, b)
		}
	}
	text, link := strings.Join(up, ""), s.pbx.Link("call,system")
	for i := range legs / 2 {
		change := strings.NewReplacer(
			value(first, "Exten"), "0201234567", // which may be called
			value(first, "Uniqueid"), fmt.Sprintf("1795320474.%d", 10_000+2*i),
			value(second, "Uniqueid"), fmt.Sprintf("1795320474.%d", 10_001+2*i),
			value(first, "Channel"), fmt.Sprintf("PJSIP/1%02d-%08x", i%100, 2*i),
			value(second, "Channel"), fmt.Sprintf("PJSIP/trunk-%08x", 2*i+1),
		)
		if _, err := io.WriteString(link, change.Replace(text)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.await("all legs", func(st control.Status) bool { return st.Engine.Sites[0].Legs == legs })
}

// assail lets the sources from one number to another each try a wrong
// password, at so many events a second.
func (s subject) assail(from, to, rate int) {
	const batch = 1000
	s.t.Helper()
	link, write := s.pbx.Link("security"), failing(s.t)
	var before, after guard.Status
	s.await("its status", func(st control.Status) bool { before = st.Engine; return true })
	next := time.Now()
	for i := from; i < to; {
		var b strings.Builder
		for range min(batch, to-i) {
			write(&b, i)
			i++
		}
		if _, err := io.WriteString(link, b.String()); err != nil {
			s.t.Fatal(err)
		}
		next = next.Add(2 * batch * time.Second / time.Duration(rate))
		time.Sleep(time.Until(next))
	}
	want := uint64(2 * (to - from))
	s.await("the last failure", func(st control.Status) bool {
		after = st.Engine
		return after.Events+after.Shed >= before.Events+before.Shed+want
	})
	if lost := after.Shed - before.Shed; lost > 0 {
		s.t.Logf("%d events of %d were shed", lost, want)
	}
}
