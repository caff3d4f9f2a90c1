package guard

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// deaf are hooks that do what an engine's do at least: take a record as such.
func deaf() hooks {
	return hooks{decide: func(Decision) {}, record: func(Record) {}, banned: func(netip.Prefix) {}}
}

type open struct{}

func (open) Ban(netip.Prefix, time.Duration) bool { return true }
func (open) Unban(netip.Prefix) bool              { return true }

func benchSources(size int) *sources {
	p := enforcedBans(func(p *Policy) { p.Bans.Sources, p.Bans.Failures, p.Bans.Hourly, p.Bans.Daily = size, 1_000_000, 0, 0 })
	return newSources(p, open{}, deaf(), Memory{}, wednesday)
}

func ipv4Of(n uint32) netip.AddrPort {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 0x0B000000+n)
	return netip.AddrPortFrom(netip.AddrFrom4(b), 5060)
}

// BenchmarkFailedLogin is one wrong password as the PBX tells it: a challenge
// and a failure.
func BenchmarkFailedLogin(b *testing.B) {
	for _, bm := range []struct {
		name    string
		size    int
		sources uint32 // that take turns
	}{
		{"one source", 50_000, 1},
		{"10,000 sources", 50_000, 10_000},
		{"1,000,000 sources", 1_000_000, 1_000_000},
		{"flood beyond the cap", 50_000, 1 << 28},
	} {
		b.Run(bm.name, func(b *testing.B) {
			s, now := benchSources(bm.size), wednesday
			ask := Event{Kind: AuthChallenged, PBX: "a", Account: ext("101"), Service: "PJSIP", Session: "9c1f@x"}
			fail := ask
			fail.Kind = AuthFailed
			one := func(i uint32) {
				ask.Source = ipv4Of(i % bm.sources)
				fail.Source = ask.Source
				s.handle(&ask, now)
				s.handle(&fail, now)
				now = now.Add(50 * time.Microsecond)
				if i%2000 == 0 {
					s.tick(now)
				}
			}
			for i := range min(bm.sources, 1_000_000) {
				one(i)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				one(uint32(i) + 1_000_000)
			}
		})
	}
}

// BenchmarkLogin is one registration that is refreshed.
func BenchmarkLogin(b *testing.B) {
	s, now := benchSources(50_000), wednesday
	evs := make([][2]Event, 10_000)
	for i := range evs {
		ask := Event{Kind: AuthChallenged, PBX: "a", Account: ext(fmt.Sprint(1000 + i)), Service: "PJSIP",
			Session: fmt.Sprint(i), Source: ipv4Of(uint32(i))}
		ok := ask
		ok.Kind = AuthOK
		evs[i] = [2]Event{ask, ok}
		s.handle(&ask, now)
		s.handle(&ok, now)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		e := &evs[i%len(evs)]
		s.handle(&e[0], now)
		s.handle(&e[1], now)
		if now = now.Add(time.Millisecond); i%100 == 0 {
			s.tick(now)
		}
	}
}

// BenchmarkTick is a tick with a full table and nothing to do.
func BenchmarkTick(b *testing.B) {
	s := fill(1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		s.tick(wednesday)
	}
}

// fill returns sources that track n.
func fill(n int) *sources {
	s := benchSources(n)
	ev := Event{Kind: AuthFailed, PBX: "a", Account: ext("101"), Service: "SIP", Session: "x"}
	for i := range n {
		ev.Source = ipv4Of(uint32(i))
		s.handle(&ev, wednesday)
	}
	return s
}

// BenchmarkSourceMemory reports what a tracked source costs.
func BenchmarkSourceMemory(b *testing.B) {
	for _, n := range []int{50_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				s := fill(n)
				runtime.GC()
				runtime.ReadMemStats(&after)
				var st Status
				if s.status(&st); st.Sources != n {
					b.Fatalf("%d are tracked", st.Sources)
				}
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/source")
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
				begin := time.Now()
				runtime.GC()
				b.ReportMetric(float64(time.Since(begin).Microseconds())/1000, "ms/GC")
				runtime.KeepAlive(s)
			}
		})
	}
}

// TestSourceCost holds the memory of a tracked source and the allocations of a
// failed login to what was promised.
func TestSourceCost(t *testing.T) {
	const n = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := fill(n)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if per := float64(after.HeapAlloc-before.HeapAlloc) / n; per > 80 {
		t.Errorf("a tracked source costs %.0f bytes, want at most 80", per)
	}
	ev := Event{Kind: AuthFailed, PBX: "a", Account: ext("101"), Service: "SIP", Session: "x", Source: ipv4Of(7)}
	if got := testing.AllocsPerRun(1000, func() { s.handle(&ev, wednesday) }); got > 1 {
		t.Errorf("a failed login allocates %v times, want once, for its record", got)
	}
}
