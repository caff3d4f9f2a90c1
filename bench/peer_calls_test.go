package bench

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/testbed"
)

// callsAtRates is the time to end a call at several rates and with several
// numbers of calls that go on. fail2ban has no say in calls.
func callsAtRates(t testing.TB, r *report) {
	r.heading("Time to kill: first byte of Newchannel written to last byte of Hangup received. fail2ban ends no calls")
	enforced := settings{calls: "enforce", tables: idle}
	var legs, p50 []float64
	for _, n := range []int{1000, 10_000, 100_000} {
		d := enforced.played(t)
		d.live(recording(t, "call_out"), r.times(n))
		for _, rate := range []int{10, 100, 1000, 10_000} {
			if n > 1000 && rate != 100 {
				continue
			}
			took := shower(t, r, d.pbx, "call,system", rate)
			aim := ""
			if rate == 100 {
				aim = "1 ms p50, 20 ms p99; 0.2 and 10 ms as the moonshot"
				legs, p50 = append(legs, float64(r.times(n))), append(p50, float64(took[len(took)/2]))
			}
			r.spread(fmt.Sprintf("pbxguard, %s/s, %s legs live", grouped(float64(rate)), grouped(float64(r.times(n)))), took, aim)
		}
		d.stop()
	}
	r.values("growth of that with the live legs, as a power", []float64{power(legs, p50)}, "", false, "0.15")
	p := testbed.PlayAMI(t, nil)
	bareProcess(t, p.Address(), premium)
	for _, rate := range []int{10, 100, 1000, 10_000} {
		r.spread(fmt.Sprintf("bare client, %s/s", grouped(float64(rate))), shower(t, r, p, "call", rate), "")
	}
}

// shower places calls at a rate and returns how long each took to be ended.
func shower(t testing.TB, r *report, p *testbed.PlayedAMI, classes string, perSecond int) []time.Duration {
	blocks := recording(t, "call_out")
	begin, end := find(t, blocks, "Newchannel", "PJSIP/100-"), find(t, blocks, "Hangup", "PJSIP/100-")
	link := p.Link(classes)
	n := min(max(20, perSecond), r.times(5000))
	sent := make(map[string]time.Time, n)
	var ends sync.Map // by leg: what the PBX tells once it has ended it
	done := make(chan []testbed.PlayedHangup)
	go func() {
		var all []testbed.PlayedHangup
		for range n {
			select {
			case h := <-p.Hangups:
				all = append(all, h)
				if text, ok := ends.Load(h.Leg); ok {
					io.WriteString(link, text.(string)) // a link that is cut shows at the next call
				}
			case <-time.After(20 * time.Second):
			}
		}
		done <- all
	}()
	next := time.Now()
	for i := range n {
		id := fmt.Sprintf("1795320475.%d", used.Add(1))
		change := strings.NewReplacer(
			value(begin, "Exten"), premium,
			value(begin, "Uniqueid"), id,
			value(begin, "Channel"), fmt.Sprintf("PJSIP/1%02d-9%07x", i%100, used.Load()),
		)
		ends.Store(id, change.Replace(end))
		sent[id] = time.Now()
		if _, err := io.WriteString(link, change.Replace(begin)); err != nil {
			t.Fatal(err)
		}
		next = next.Add(time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(next))
	}
	all := <-done
	if len(all) != n {
		t.Fatalf("%d of %d calls to a premium number were ended", len(all), n)
	}
	var took []time.Duration
	for _, h := range all {
		took = append(took, h.At.Sub(sent[h.Leg]))
	}
	slices.Sort(took)
	return took
}

// bytesPerEvent is what the daemon's file grows by for a million failures.
func bytesPerEvent(t testing.TB, r *report) {
	n := r.times(1_000_000)
	dir := t.TempDir()
	p := testbed.PlayAMI(t, nil)
	conf := peerSettings
	conf.address, conf.firewall = p.Address(), "dry"
	d := startDaemonIn(t, dir, conf)
	s := subject{d, p}
	s.assail(0, n, 50_000)
	d.stop()
	size := 0.0
	for _, part := range []string{"", "-wal"} {
		if st, err := os.Stat(filepath.Join(dir, "pbxguard.db"+part)); err == nil {
			size += float64(st.Size())
		}
	}
	r.heading("Database")
	r.values(fmt.Sprintf("bytes for each of %s failures, each of another source", grouped(float64(n))), []float64{size / float64(n)}, " B", false, "120 B; 60 B as the moonshot")
}
