package numbering

import (
	"hash/maphash"
	"math/bits"
	"strings"
)

// A Cache remembers the numbers a Plan judged last, since phones dial the same
// numbers. It belongs to one goroutine.
//
// A string has two places. What comes takes the first, and who was there the
// second: nothing is linked, moved or freed. It begins small, and begins anew four
// times as large when it is full.
type Cache struct {
	plan *Plan
	seed maphash.Seed
	sets [][2]judged
	used int // places
	max  int // sets
}

type judged struct {
	dialled string // "": nothing
	number  Number
}

// NewCache returns a cache of n numbers, rounded up to a power of two and to at
// least two.
func NewCache(p *Plan, n int) *Cache {
	sets := 1 << bits.Len(uint(max(n, 1)-1)) / 2
	c := &Cache{plan: p, seed: maphash.MakeSeed(), max: max(sets, 1)}
	c.sets = make([][2]judged, min(c.max, 16))
	return c
}

// Normalise returns what the plan's Normalise does. A number that was asked
// for lately costs no allocation.
func (c *Cache) Normalise(dialled string) Number {
	if len(dialled) > maxDialled || dialled == "" {
		return c.plan.Normalise(dialled)
	}
	h := maphash.String(c.seed, dialled)
	set := &c.sets[h&uint64(len(c.sets)-1)]
	switch dialled {
	case set[0].dialled:
		return set[0].number
	case set[1].dialled:
		set[0], set[1] = set[1], set[0]
		return set[0].number
	}
	n := c.plan.Normalise(dialled)
	if set[1].dialled == "" {
		c.used++
	}
	set[1] = set[0]
	// The string may be part of a buffer that the caller uses again.
	set[0] = judged{strings.Clone(dialled), n}
	if c.used > len(c.sets) && len(c.sets) < c.max {
		c.sets, c.used = make([][2]judged, min(4*len(c.sets), c.max)), 0
	}
	return n
}
