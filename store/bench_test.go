package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"pbxguard/guard"
)

// address is the n-th of a series of addresses.
func address(n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 0x0b000000+uint32(n))
	return netip.AddrFrom4(b)
}

// spread is the n-th failed login of an attack from many addresses.
func spread(n int) guard.AuthRecord {
	a := failure("0.0.0.0:5060", fmt.Sprint(100+n%900), noon.Add(time.Duration(n)*time.Millisecond))
	a.Source = netip.AddrPortFrom(address(n%50_000), uint16(1024+n%60_000))
	return a
}

// scratch is a writer on a fresh file, without its goroutine.
func scratch(b *testing.B) *writer {
	s, err := Open(filepath.Join(b.TempDir(), "state.db"), Options{Queue: 1 << 21})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return &writer{Store: s}
}

// fill writes n rows that make gives, in full batches.
func fill(b *testing.B, w *writer, n int, make func(int) guard.Record) {
	rows := series(n, make)
	for chunk := range slices.Chunk(rows, 1<<16) {
		if _, err := w.save(chunk); err != nil {
			b.Fatal(err)
		}
	}
}

func series(n int, next func(int) guard.Record) (rows []guard.Record) {
	for i := range n {
		rows = append(rows, next(i))
	}
	return rows
}

// Rows a second in batches of 256, as the writer makes them.
func BenchmarkRows(b *testing.B) {
	for _, bb := range []struct {
		name string
		make func(int) guard.Record
	}{
		{"auth", func(n int) guard.Record { return &failures{AuthRecord: spread(n), count: 1, last: spread(n).At} }},
		{"call", func(n int) guard.Record { return call(noon.Add(time.Duration(n) * time.Second)) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			w := scratch(b)
			rows := series(b.N, bb.make)
			b.ResetTimer()
			if _, err := w.save(rows); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	b.Run("decision", func(b *testing.B) {
		w := scratch(b)
		w.keep(series(b.N, func(n int) guard.Record { return decision(uint64(n)) }))
		b.ResetTimer()
		if _, err := w.save(nil); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

// From the record of a single ban to its being on the disk.
func BenchmarkDurableBan(b *testing.B) {
	s := openRunning(b, Options{})
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for n := range b.N {
		start := time.Now()
		s.Record(guard.Ban{Prefix: netip.PrefixFrom(address(n), 32), Since: noon, Rule: "auth", Enforced: true})
		if err := s.Commit(context.Background()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// What the engine pays for a record.
func BenchmarkRecord(b *testing.B) {
	q := newQueue(1 << 16)
	var r guard.Record = spread(1)
	b.ReportAllocs()
	for range b.N {
		if !q.put(r) {
			b.StopTimer()
			q.takeBulk()
			b.StartTimer()
		}
	}
}

// Bytes on disk for a million rows.
func BenchmarkMillionAuths(b *testing.B) {
	const million = 1_000_000
	for range b.N {
		w := scratch(b)
		fill(b, w, million, func(n int) guard.Record { return &failures{AuthRecord: spread(n), count: 1, last: spread(n).At} })
		b.ReportMetric(float64(w.Stats().Size)/1e6, "MB")
	}
}

// Starting up with a million bans in force.
func BenchmarkMemoryMillionBans(b *testing.B) {
	const million = 1_000_000
	w := scratch(b)
	fill(b, w, million, func(n int) guard.Record {
		return guard.Ban{
			Prefix: netip.PrefixFrom(address(n), 32), Since: noon.Add(time.Duration(n)), Until: noon.Add(time.Hour),
			Rule: "auth", Reason: fmt.Sprintf("%d wrong passwords in 10m0s", 5+n%7), Times: 1, Proof: guard.Path, Enforced: true,
		}
	})
	b.ResetTimer()
	for range b.N {
		m, err := w.Memory(noon)
		if err != nil {
			b.Fatal(err)
		}
		if len(m.Bans) != million {
			b.Fatalf("bans: got %d, want %d", len(m.Bans), million)
		}
		runtime.KeepAlive(m)
	}
	b.ReportMetric(float64(w.Stats().Size)/1e6, "MB")
}

// Walking the chain, and looking at the newest of many decisions.
func BenchmarkDecisions(b *testing.B) {
	const rows = 200_000
	w := scratch(b)
	w.keep(series(rows, func(n int) guard.Record { return decision(uint64(n + 1)) }))
	if _, err := w.save(nil); err != nil {
		b.Fatal(err)
	}
	b.Run("verify", func(b *testing.B) {
		for range b.N {
			if r, err := w.Verify(b.Context()); err != nil || r.Rows != rows {
				b.Fatal(r, err)
			}
		}
		b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("newest 50", func(b *testing.B) {
		for range b.N {
			if d, err := w.Decisions(b.Context(), Query{Limit: 50}); err != nil || len(d) != 50 {
				b.Fatal(len(d), err)
			}
		}
	})
}
