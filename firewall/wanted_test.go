package firewall

import (
	"math"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestWantedIsAMap holds wanted against a plain map.
func TestWantedIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, model := newWanted(), make(map[netip.Prefix]stamp)
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			p := drawPrefix(t)
			if rapid.Bool().Draw(t, "delete") {
				w.delete(p)
				delete(model, p)
				continue
			}
			s := stamp(rapid.Uint32Range(1, 1000).Draw(t, "stamp"))
			w.put(p, s|held)
			model[p] = s
		}
		w.forget()
		if w.len() != len(model) {
			t.Fatalf("len: got %d, want %d", w.len(), len(model))
		}
		for p, want := range model {
			if got, ok := w.get(p); !ok || got&^held != want || hashed(p) && got&held != 0 {
				t.Errorf("get(%s): got %d, %v; want %d", p, got, ok, want)
			}
		}
		for p, s := range w.hashes() {
			if model[p] != s || !hashed(p) {
				t.Errorf("hashes: %s has %d, want %d", p, s, model[p])
			}
		}
	})
}

// drawPrefix draws a prefix of a small space, so that they meet and nest.
func drawPrefix(t *rapid.T) netip.Prefix {
	if rapid.Bool().Draw(t, "IPv4") {
		a := netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "host")})
		return netip.PrefixFrom(a, rapid.IntRange(24, 32).Draw(t, "bits")).Masked()
	}
	a := netip.AddrFrom16([16]byte{0: 0x20, 1: 1, 7: rapid.Byte().Draw(t, "net"), 15: rapid.Byte().Draw(t, "host")})
	bits := rapid.SampledFrom([]int{56, 58, 60, 63, 64, 65, 120, 124, 128}).Draw(t, "bits")
	return netip.PrefixFrom(a, bits).Masked()
}

func TestWantedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWanted()
		time.Sleep(1500 * time.Millisecond)
		for _, d := range []time.Duration{0, shortest, time.Second, time.Hour, farthest, farthest + 1, math.MaxInt64} {
			left, alive := w.left(w.stamp(d) | held)
			if !alive {
				t.Errorf("a ban for %v has ended already", d)
			}
			if d > farthest {
				d = 0
			}
			if left < d || left > d+time.Second || (d == 0) != (left == 0) {
				t.Errorf("a ban for %v: %v left, want up to a second more", d, left)
			}
		}
		for i := range 10_000 {
			w.put(testPrefix4(i), w.stamp(time.Minute))
			w.put(testPrefix6(i), w.stamp(time.Hour))
		}
		w.put(testPrefix4(0), 0)
		w.put(netip.MustParsePrefix("192.0.2.0/24"), w.stamp(time.Minute))
		time.Sleep(2 * time.Minute)
		if _, alive := w.left(w.v4[key4(testPrefix4(1))]); alive {
			t.Error("a ban goes on after its end")
		}
		w.expire()
		w.shrink()
		if len(w.v4) != 1 || len(w.v6) != 10_000 || len(w.nets) != 0 {
			t.Errorf("after the sweep: %d, %d, %d; want 1, 10000, 0", len(w.v4), len(w.v6), len(w.nets))
		}
		if _, ok := w.get(testPrefix4(0)); !ok {
			t.Error("a ban until lifted was swept")
		}
	})
}
