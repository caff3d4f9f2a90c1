package guard

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestRecent holds a recent against a slice that does the same, slowly.
func TestRecent(t *testing.T) {
	type entry struct{ k, v uint64 }
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 40).Draw(t, "size")
		r := newRecent[uint64](size)
		var want []entry // oldest first
		find := func(k uint64) int { return slices.IndexFunc(want, func(e entry) bool { return e.k == k }) }
		key := rapid.Uint64Range(0, 60)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, v := key.Draw(t, "key"), rapid.Uint64().Draw(t, "value")
				r.put(k, v)
				if i := find(k); i >= 0 {
					want = slices.Delete(want, i, i+1)
				} else if len(want) == size {
					want = want[1:]
				}
				want = append(slices.Clone(want), entry{k, v})
			},
			"get": func(t *rapid.T) {
				k := key.Draw(t, "key")
				v, ok := r.get(k)
				i := find(k)
				if ok != (i >= 0) || ok && v != want[i].v {
					t.Fatalf("got %d, %v for %d of %v", v, ok, k, want)
				}
				if ok {
					e := want[i]
					want = append(slices.Delete(slices.Clone(want), i, i+1), e)
				}
			},
			"peek": func(t *rapid.T) {
				k := key.Draw(t, "key")
				v, ok := r.peek(k)
				if i := find(k); ok != (i >= 0) || ok && v != want[i].v {
					t.Fatalf("got %d, %v for %d of %v", v, ok, k, want)
				}
			},
			"remove": func(t *rapid.T) {
				k := key.Draw(t, "key")
				r.remove(k)
				want = slices.DeleteFunc(slices.Clone(want), func(e entry) bool { return e.k == k })
			},
			"remove oldest": func(t *rapid.T) {
				r.removeOldest()
				want = want[min(1, len(want)):]
			},
			"resize": func(t *rapid.T) {
				size = rapid.IntRange(1, 40).Draw(t, "size")
				r.resize(size)
				want = want[max(0, len(want)-size):]
			},
			"purge": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "seldom") == 0 {
					r.purge()
					want = nil
				}
			},
			"": func(t *rapid.T) {
				v, ok := r.oldest()
				if r.len != len(want) || ok != (len(want) > 0) || ok && v != want[0].v {
					t.Fatalf("got %d entries, the oldest %d; want %v", r.len, v, want)
				}
			},
		})
	})
}

// TestRecentMany goes through the growth of many slabs and tables, and back.
func TestRecentMany(t *testing.T) {
	const n = 100_000
	r := newRecent[uint64](n)
	for i := range uint64(2 * n) {
		r.put(i, i)
	}
	if r.len != n || len(r.slabs) != (n+slabLen-1)/slabLen {
		t.Fatalf("got %d entries in %d slabs, want %d", r.len, len(r.slabs), n)
	}
	for i := range uint64(2 * n) {
		if v, ok := r.peek(i); ok != (i >= n) || ok && v != i {
			t.Fatalf("got %d, %v for %d", v, ok, i)
		}
	}
	for i := uint64(n); i < 2*n; i++ {
		if v, ok := r.oldest(); !ok || v != i {
			t.Fatalf("got %d, %v, want %d to be the oldest", v, ok, i)
		}
		r.removeOldest()
	}
	if r.len != 0 || r.slabs != nil || r.index != nil {
		t.Errorf("got %d entries and %d slabs after all is forgotten", r.len, len(r.slabs))
	}
}

// BenchmarkRecent is a get and a put of one of a million, and of a new one at
// the cost of the oldest.
func BenchmarkRecent(b *testing.B) {
	const n = 1_000_000
	for _, bb := range []struct {
		name string
		keys uint64
	}{{"known", n}, {"new", 1 << 40}} {
		b.Run(bb.name, func(b *testing.B) {
			r := newRecent[suspect](n)
			for i := range uint64(n) {
				r.put(i, suspect{})
			}
			i := uint64(n)
			b.ReportAllocs()
			for b.Loop() {
				i += 0x9E3779B97F4A7C15
				r.get(i % bb.keys)
				r.put(i%bb.keys, suspect{})
			}
		})
	}
}
