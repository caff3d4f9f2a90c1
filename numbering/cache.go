package numbering

import (
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// A Cache remembers the numbers a Plan judged last, because a look-up costs
// tens of microseconds and phones dial the same numbers. It belongs to one
// goroutine.
type Cache struct {
	plan *Plan
	lru  *simplelru.LRU[string, Number]
}

// NewCache returns a cache of n numbers, at least one.
func NewCache(p *Plan, n int) *Cache {
	lru, err := simplelru.NewLRU[string, Number](max(n, 1), nil)
	if err != nil {
		panic(err) // only a size below one is an error
	}
	return &Cache{plan: p, lru: lru}
}

// Normalise returns what the plan's Normalise does. A number that was asked
// for lately costs no allocation.
func (c *Cache) Normalise(dialled string) Number {
	if n, ok := c.lru.Get(dialled); ok {
		return n
	}
	n := c.plan.Normalise(dialled)
	if len(dialled) <= maxDialled {
		// The string may be part of a buffer that the caller uses again.
		c.lru.Add(strings.Clone(dialled), n)
	}
	return n
}
