package numbering

import (
	"fmt"
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
	if got := cache.lru.Len(); got != 2 {
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
	if !cache.lru.Contains("00972597562518") {
		t.Errorf("got keys %q want the number as it was", cache.lru.Keys())
	}
}

func TestCacheHasNoRoomForLongStrings(t *testing.T) {
	cache := NewCache(mustPlan(t, mustDefault(t, "NL")), 8)
	for i := range 100 {
		cache.Normalise(fmt.Sprintf("%0200d", i))
	}
	if got := cache.lru.Len(); got != 0 {
		t.Errorf("got %d numbers in the cache want 0", got)
	}
}
