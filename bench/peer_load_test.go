package bench

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// addresses are n addresses from a place of 11.0.0.0/8 and what follows on.
func addresses(from, n int) []netip.Addr {
	all := make([]netip.Addr, n)
	for i := range all {
		v := from + i
		all[i] = netip.AddrFrom4([4]byte{byte(11 + v>>24), byte(v >> 16), byte(v >> 8), byte(v)})
	}
	return all
}

var used atomic.Uint32

// fresh is an address that nobody has used.
func fresh() netip.Addr {
	n := used.Add(1)
	return netip.AddrFrom4([4]byte{100, 64, byte(n >> 8), byte(n)})
}

// cpuOf is the processor time of a process and of those of its children that
// have ended.
func cpuOf(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	// The name of the program may hold blanks, but ends the last parenthesis.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	ticks := 0
	for _, f := range fields[11:15] { // utime, stime, cutime and cstime, proc(5)
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on every Linux
}

// memoryOf is a process's resident memory, now and at its peak, in bytes.
func memoryOf(t testing.TB, pid int) sizes {
	t.Helper()
	return (&daemon{t: t, process: pid}).memory()
}

// flood tells of so many failures a second, of 100,000 sources in turn, until it
// is stopped.
func flood(t testing.TB, b banner, mu *sync.Mutex, perSecond int) (stop func() (told int)) {
	sources := addresses(80_000_000, 100_000)
	quit, done := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { done <- n }()
		const beat = 10 * time.Millisecond
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			part := make([]netip.Addr, perSecond/int(time.Second/beat))
			for i := range part {
				part[i] = sources[n%len(sources)]
				n++
			}
			mu.Lock()
			b.fail(t, part...)
			mu.Unlock()
		}
	}()
	return func() int { close(quit); return <-done }
}

// underFlood is the time to ban one source while others fail all the time.
func underFlood(t testing.TB, r *report) {
	all := rivals(t)
	r.heading("Time to ban while 100,000 other sources fail in turn, of 20 s of that; never: not within 30 s")
	for _, rate := range []int{1000, 5000, 20_000} {
		medians := make([]float64, len(all))
		for j, b := range all {
			took, late := banUnderFlood(t, r, b, rate)
			what := fmt.Sprintf("%s, %s failures a second", b.name(), grouped(float64(rate)))
			if late > 0 {
				what += fmt.Sprintf(" (%d never)", late)
			}
			aim := ""
			if j == 1 && rate == 5000 {
				aim = "20 ms p99"
			}
			r.spread(what, took, aim)
			if len(took) > 0 {
				medians[j] = float64(took[len(took)/2])
			}
		}
		r.ratio(all, medians)
	}
}

func banUnderFlood(t testing.TB, r *report, b banner, rate int) (took []time.Duration, late int) {
	var mu sync.Mutex // the program's input
	k := listen(t)
	defer k.stop()
	stop := flood(t, b, &mu, rate)
	for range r.trials(20) {
		from := fresh()
		mu.Lock()
		sent := offend(t, b, from)
		mu.Unlock()
		if at, ok := k.within(30*time.Second, from); ok {
			took = append(took, at.Sub(sent))
		} else if late++; late == 3 {
			break // it falls behind for good
		}
		time.Sleep(time.Duration(r.times(1000)) * time.Millisecond)
	}
	stop()
	if late == 0 {
		settle(t, b)
	}
	return took, late
}

// manySources is the memory after many sources have failed once.
func manySources(t testing.TB, r *report) {
	flush(t) // bans of earlier parts would be taken over
	r.heading("Resident memory: fresh, then after one failure each of many sources; max is the peak")
	many := []banner{startProbe(t), startGuard(t, "sources = 1000000")}
	if withFail2ban() {
		many = append(many, startFail2ban(t))
	}
	text := func(v float64) string { return digits(v/1e6) + " MB" }
	show := func(b banner, what, aim string) {
		m := memoryOf(t, b.pid())
		r.lines = append(r.lines, line{what: "  " + b.name() + what, n: 1, p50: text(m.resident), max: text(m.peak), load: loadNow(), aim: aim})
	}
	aims := map[int]string{0: "20 MB", 100_000: "40 MB; 25 MB as the moonshot", 1_000_000: "150 MB"}
	done, tracked, took := 0, []float64(nil), []float64(nil)
	for _, n := range []int{0, 1000, 10_000, 100_000, 1_000_000} {
		for j, b := range many {
			if j == 2 && n > 100_000 {
				r.lines = append(r.lines, line{what: "  fail2ban, a million sources: left out, it needs minutes and gigabytes"})
				continue
			}
			next := time.Now()
			for i := done; i < r.times(n) && n > 0; i += 500 {
				b.fail(t, addresses(i, 500)...)
				next = next.Add(10 * time.Millisecond) // 50,000 failures a second
				time.Sleep(time.Until(next))
			}
			settle(t, b)
			aim := ""
			if j == 1 {
				aim = aims[n]
			}
			if n == 0 || n >= 100_000 {
				show(b, fmt.Sprintf(", %s sources", grouped(float64(n))), aim)
			}
			if j == 1 && n > 0 {
				tracked, took = append(tracked, float64(r.times(n))), append(took, float64(medianBan(t, r, b)))
			}
		}
		done = n
	}
	r.values("growth of pbxguard's time to ban from 1,000 to a million sources, as a power", []float64{power(tracked, took)}, "", false, "0.15")
}

// medianBan is the median time to ban one source after the other.
func medianBan(t testing.TB, r *report, b banner) time.Duration {
	k := listen(t)
	defer k.stop()
	var took []time.Duration
	for range r.trials(20) {
		from := fresh()
		sent := offend(t, b, from)
		took = append(took, k.element(t, from).Sub(sent))
	}
	slices.Sort(took)
	return took[len(took)/2]
}
