package firewall

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// report adds percentiles in µs to a benchmark.
func report(b *testing.B, all []time.Duration) {
	slices.Sort(all)
	for _, p := range []int{50, 99, 100} {
		i := min(len(all)*p/100, len(all)-1)
		b.ReportMetric(float64(all[i].Nanoseconds())/1e3, fmt.Sprintf("µs-p%d", p))
	}
}

// entries are n bans for an hour, four IPv4 to one IPv6.
func entries(n int) []Entry {
	want := make([]Entry, n)
	until := time.Now().Add(time.Hour)
	for i := range want {
		want[i] = Entry{testPrefix4(i), until}
		if i%5 == 4 {
			want[i].Prefix = testPrefix6(i)
		}
	}
	return want
}

var sizes = []int{0, 10_000, 100_000, 1_000_000}

// BenchmarkBan measures from the call of Ban until the kernel tells the
// nfnetlink group of the new element, as an independent socket hears it.
func BenchmarkBan(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("beside=%d", n), func(b *testing.B) {
			f := running(b, Options{Max: 2_000_000})
			if err := f.Reconcile(b.Context(), entries(n), nil); err != nil {
				b.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond) // the hash table settles
			group, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer group.Close()
			if err := group.JoinGroup(unix.NFNLGRP_NFTABLES); err != nil {
				b.Fatal(err)
			}
			all := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for i := range b.N {
				p := prefix4(172<<24 + uint32(i))
				key := p.Addr().AsSlice()
				start := time.Now()
				if !f.Ban(p, time.Hour) {
					b.Fatal("the queue is full")
				}
				for heard := false; !heard; {
					msgs, err := group.Receive()
					if err != nil {
						b.Fatal(err)
					}
					for _, m := range msgs {
						heard = heard || m.Header.Type == unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWSETELEM && bytes.Contains(m.Data, key)
					}
				}
				all = append(all, time.Since(start))
				time.Sleep(100 * time.Microsecond) // one by one, as guessers come
			}
			report(b, all)
		})
	}
}

// BenchmarkBanCall is what the caller of Ban waits, and how many bans a second
// come through a queue that is never empty.
func BenchmarkBanCall(b *testing.B) {
	f := running(b, Options{Max: 100_000_000})
	b.ReportAllocs()
	var in time.Duration
	for i := range b.N {
		p := prefix4(10<<24 + uint32(i)%(100<<20))
		start := time.Now()
		for !f.Ban(p, time.Hour) {
			in += time.Since(start)
			time.Sleep(time.Millisecond)
			start = time.Now()
		}
		in += time.Since(start)
	}
	mustUnban(b, f, "192.0.2.1/32")
	b.ReportMetric(float64(in.Nanoseconds())/float64(b.N), "ns/call")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bans/s")
}

// BenchmarkLoad fills an empty table, as after a reboot.
func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes[1:] {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			want := entries(n)
			for b.Loop() {
				b.StopTimer()
				f := running(b, Options{Max: n})
				b.StartTimer()
				if err := f.Reconcile(b.Context(), want, nil); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := f.RemoveTable(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/load")
		})
	}
}

// BenchmarkRestart reconciles with a table that holds everything already.
func BenchmarkRestart(b *testing.B) {
	for _, n := range sizes[1:] {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			f, want := running(b, Options{Max: n}), entries(n)
			if err := f.Reconcile(b.Context(), want, nil); err != nil {
				b.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond)
			for b.Loop() {
				if err := f.Reconcile(b.Context(), want, func(e Entry) { b.Errorf("adopted %v", e) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/restart")
		})
	}
}

// BenchmarkRebuild measures from a flush of the ruleset by another socket to
// the end of the rebuild.
func BenchmarkRebuild(b *testing.B) {
	for _, n := range sizes[:3] {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			rebuilt := make(chan string, 1)
			table := testTable(b)
			f := running(b, Options{Table: table, OnRebuild: func(r string) { rebuilt <- r }})
			if err := f.Reconcile(b.Context(), entries(n), nil); err != nil {
				b.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
			var all []time.Duration
			for b.Loop() {
				if err := Remove(table); err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				<-rebuilt
				all = append(all, time.Since(start))
			}
			report(b, all)
		})
	}
}

// BenchmarkReban changes the length of a ban, in a hash and an interval set.
func BenchmarkReban(b *testing.B) {
	for _, tt := range []struct {
		name, prefix string
		others       int
	}{{"hash", "198.51.100.5/32", 0}, {"prefix beside 10", "198.51.100.0/24", 10}, {"prefix beside 1000", "198.51.100.0/24", 1000}, {"prefix beside 4000", "198.51.100.0/24", 4000}} {
		b.Run(tt.name, func(b *testing.B) {
			f := running(b, Options{})
			for i := range tt.others {
				mustBan(b, f, netip.PrefixFrom(prefix4(10<<24+uint32(i)<<9).Addr(), 24).String(), time.Hour)
			}
			p := netip.MustParsePrefix(tt.prefix)
			i := 0
			for b.Loop() {
				i++
				if err := f.BanNow(b.Context(), p, time.Hour+time.Duration(i)*time.Minute); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLook is one look at the table, as each foreign transaction costs.
func BenchmarkLook(b *testing.B) {
	f := running(b, Options{})
	mustBan(b, f, "198.51.100.5/32", time.Hour)
	for b.Loop() {
		err := f.do(b.Context(), func(o *owner) {
			if d, err := o.damage(); err != nil || d.reason != "" {
				b.Errorf("%v, %v", d, err)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWanted is the memory of a million wanted bans.
func BenchmarkWanted(b *testing.B) {
	const n = 1_000_000
	for _, tt := range []struct {
		name   string
		prefix func(int) netip.Prefix
	}{{"IPv4", testPrefix4}, {"IPv6", testPrefix6}} {
		b.Run(tt.name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				w := newWanted()
				for i := range n {
					w.put(tt.prefix(i), w.stamp(time.Hour))
				}
				b.ReportMetric(float64(heap()-before)/1e6, "MB/million")
				start := time.Now()
				runtime.GC()
				b.ReportMetric(float64(time.Since(start).Microseconds())/1e3, "ms/GC")
				start = time.Now()
				w.expire()
				b.ReportMetric(float64(time.Since(start).Microseconds())/1e3, "ms/sweep")
				if w.len() != n {
					b.Fatalf("%d wanted", w.len())
				}
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
