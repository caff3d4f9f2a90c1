package numbering

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"
)

func TestCache(t *testing.T) {
	plan := mustPlan(t, mustDefault(t, "NL"))
	cache := NewCache(plan, 2)
	dialled := []string{"112", "00972597562518", "0900123456", "112", "00972597562518", "abc"}
	for _, d := range dialled {
		for range 2 {
			if got, want := cache.Normalise(d), plan.Normalise(d); got != want {
				t.Errorf("%s: got %+v want %+v", d, got, want)
			}
		}
	}
	if got := len(kept(cache)); got != 2 {
		t.Errorf("got %d numbers in the cache want 2", got)
	}
}

func TestCacheHitDoesNotAllocate(t *testing.T) {
	cache := NewCache(mustPlan(t, mustDefault(t, "NL")), 0)
	if n := testing.AllocsPerRun(100, func() { cache.Normalise("00972597562518") }); n != 0 {
		t.Errorf("got %v allocations want 0", n)
	}
}

// The numbers of an event are parts of a buffer that the next event overwrites.
func TestCacheKeepsNothingOfTheCaller(t *testing.T) {
	cache := NewCache(mustPlan(t, mustDefault(t, "NL")), 8)
	buf := []byte("00972597562518")
	cache.Normalise(unsafe.String(&buf[0], len(buf)))
	copy(buf, "00000000000000")
	if got := kept(cache); !slices.Equal(got, []string{"00972597562518"}) {
		t.Errorf("got %q want the number as it was", got)
	}
}

func TestCacheHasNoRoomForLongStrings(t *testing.T) {
	cache := NewCache(mustPlan(t, mustDefault(t, "NL")), 8)
	for i := range 100 {
		cache.Normalise(fmt.Sprintf("%0200d", i))
	}
	if got := kept(cache); len(got) != 0 {
		t.Errorf("got %q in the cache want nothing", got)
	}
}

// TestCacheIsBounded: it grows to what was asked for, and is right all the time.
func TestCacheIsBounded(t *testing.T) {
	plan := mustPlan(t, mustDefault(t, "NL"))
	cache := NewCache(plan, 100)
	for round := range 2 {
		for i := range 1000 {
			dialled := fmt.Sprintf("0031201234%03d", i)
			if got, want := cache.Normalise(dialled), plan.Normalise(dialled); got != want {
				t.Fatalf("round %d: %s: got %+v want %+v", round, dialled, got, want)
			}
		}
	}
	if got := len(kept(cache)); got < 64 || got > 128 {
		t.Errorf("got %d numbers in the cache want some 128", got)
	}
}

// kept is what a cache has.
func kept(c *Cache) (dialled []string) {
	for _, set := range c.sets {
		for _, j := range set {
			if j.dialled != "" {
				dialled = append(dialled, j.dialled)
			}
		}
	}
	return dialled
}
