package bench

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"pbxguard/testbed"
)

// retries is how many failures earn a ban, as fail2ban ships for Asterisk.
const retries = 10

// banner is one of the programs that are compared. Each is told of the same
// failed logins in the form that it reads: events of AMI, or lines of a log.
type banner interface {
	name() string
	// fail tells of one failed login of each source, in order. No two failures
	// of a source are the same.
	fail(t testing.TB, sources ...netip.Addr)
	// pid is its process.
	pid() int
}

// TestPeer holds pbxguard against fail2ban and against a bare program that does
// nothing but count and ban. PBXGUARD_BENCH=peer measures; otherwise it is only
// seen to work, without fail2ban, which takes minutes for what others do at once.
func TestPeer(t *testing.T) {
	testbed.Namespace(t)
	r := newReport()
	r.full = os.Getenv("PBXGUARD_BENCH") == "peer"
	if r.full {
		if _, err := exec.LookPath("fail2ban-server"); err != nil {
			t.Fatal("there is no fail2ban to compare with: apt install fail2ban")
		}
	}
	quiet := time.Duration(0)
	for _, f := range []struct {
		name    string
		measure func(testing.TB, *report)
	}{
		{"time to ban", func(t testing.TB, r *report) { quiet = timeToBan(t, r) }},
		{"cost of a failed login", costs},
		{"bans a second", bansPerSecond},
		{"under a flood", underFlood},
		{"many sources", manySources},
		{"restart", restarts},
		{"calls", callsAtRates},
		{"database", bytesPerEvent},
	} {
		r.take(t, f.name, f.measure)
	}
	if !r.full {
		return
	}
	if quiet > 3*time.Millisecond {
		t.Fatalf("this machine is too busy to compare anything on it: the bare program needs %s for a ban, more than 3 ms", short(quiet))
	}
	r.print(os.Stdout)
}

// rivals starts all that are compared; they end with the test. Only one pbxguard
// can keep the host's table at a time, and it takes over the bans that stand.
func rivals(t testing.TB) []banner {
	t.Helper()
	flush(t)
	all := []banner{startProbe(t), startGuard(t, "")}
	if withFail2ban() {
		all = append(all, startFail2ban(t))
	}
	return all
}

func withFail2ban() bool { return os.Getenv("PBXGUARD_BENCH") == "peer" }

// timeToBan has every program ban one source after the other, in turn, and
// returns the median of the bare one.
func timeToBan(t testing.TB, r *report) time.Duration {
	all, k := rivals(t), listen(t)
	element, packet := make([][]time.Duration, len(all)), make([][]time.Duration, len(all))
	for i := range r.trials(25) {
		for j, b := range all {
			from := netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + i*len(all) + j)})
			flow := newFlow(t, from, netip.MustParseAddrPort("192.0.2.1:5060"))
			sent := offend(t, b, from)
			element[j] = append(element[j], k.element(t, from).Sub(sent))
			packet[j] = append(packet[j], flow.firstDropped(t).Sub(sent))
			flow.stop()
		}
	}
	r.heading(fmt.Sprintf("Time to ban: failure %d told to the element in the kernel, and to the first datagram lost, of 1,000/s; in turn", retries))
	r.compare(all, element, "5 ms p50, 50 ms p99; 500 times faster than fail2ban as the moonshot")
	r.compare(all, packet, "")
	slices.Sort(element[0])
	return element[0][len(element[0])/2]
}

// offend has a source fail until it must be banned, and returns when the last
// failure was told.
func offend(t testing.TB, b banner, from netip.Addr) time.Time {
	t.Helper()
	for range retries - 1 {
		b.fail(t, from)
	}
	at := time.Now()
	b.fail(t, from)
	return at
}

// compare reports how long each took, and by how much fail2ban, the last, took
// longer than pbxguard, the second.
func (r *report) compare(all []banner, took [][]time.Duration, aim string) {
	for j, b := range all {
		if j != 1 {
			r.spread(b.name(), took[j], "")
			continue
		}
		r.spread(b.name(), took[j], aim)
	}
	var medians []float64
	for _, t := range took {
		slices.Sort(t)
		medians = append(medians, float64(t[len(t)/2]))
	}
	r.ratio(all, medians)
}

// ratio reports how much more than pbxguard the others needed.
func (r *report) ratio(all []banner, need []float64) {
	if need[1] <= 0 {
		return
	}
	for _, j := range []int{0, 2} {
		if j < len(need) && need[j] > 0 {
			r.lines = append(r.lines, line{what: fmt.Sprintf("    %s / pbxguard", all[j].name()), n: 1,
				p50: "× " + digits(need[j]/need[1]), load: loadNow()})
		}
	}
}

// costs is the processor time of one failed login, each of another source.
func costs(t testing.TB, r *report) {
	all := rivals(t)
	took := make([][]float64, len(all))
	const rounds = 3
	for round := range rounds {
		for j, b := range all {
			sources := addresses(round*1_000_000, r.times(20_000))
			before := cpuOf(t, b.pid())
			for part := range slices.Chunk(sources, 500) {
				b.fail(t, part...)
			}
			settle(t, b)
			took[j] = append(took[j], float64((cpuOf(t, b.pid())-before).Microseconds())/float64(len(sources)))
		}
	}
	r.heading("Processor time of one failed login, each of another source: the whole program and what it starts")
	var medians []float64
	for j, b := range all {
		aim := ""
		if j == 1 {
			aim = "10 µs; 2.5 µs as the moonshot"
		}
		r.values(b.name(), took[j], " µs", false, aim)
		medians = append(medians, took[j][rounds/2])
	}
	r.ratio(all, medians)
}

// settle waits until a program has done what it was told: it bans a source that
// fails now. It returns how long that took.
func settle(t testing.TB, b banner) time.Duration {
	t.Helper()
	k := listen(t)
	defer k.stop()
	from := fresh()
	sent := offend(t, b, from)
	at, ok := k.within(4*time.Minute, from)
	if !ok {
		t.Fatalf("%s does not ban", b.name())
	}
	return at.Sub(sent)
}

// bansPerSecond is how fast many sources are banned that all earn it at once.
func bansPerSecond(t testing.TB, r *report) {
	all := rivals(t)
	r.heading("Bans a second: all sources fail " + fmt.Sprint(retries) + " times, and all are in the kernel")
	var each []float64
	for j, b := range all {
		n := r.times(10_000)
		if j == 2 {
			n = r.times(300) // it starts processes for each
		}
		sources := addresses(40_000_000+j*1_000_000, n)
		k := listen(t)
		begin, cpu := time.Now(), cpuOf(t, b.pid())
		for range retries {
			for part := range slices.Chunk(sources, 500) {
				b.fail(t, part...)
			}
		}
		last, ok := k.within(4*time.Minute, sources...)
		k.stop()
		if !ok {
			t.Fatalf("%s has not banned all of %d sources", b.name(), n)
		}
		took := last.Sub(begin).Seconds()
		aim := ""
		if j == 1 {
			aim = "5,000/s; 50,000/s as the moonshot"
		}
		r.values(b.name(), []float64{float64(n) / took}, "/s", true, aim)
		each = append(each, float64((cpuOf(t, b.pid())-cpu).Microseconds())/float64(n))
	}
	for j, b := range all {
		r.values("  processor time of a ban and its failures, "+b.name(), []float64{each[j]}, " µs", false, "")
	}
	r.ratio(all, each)
}
