package tariff

import (
	"bytes"
	"math/bits"
	"slices"
)

// trie finds the longest prefix of a number. A node costs twelve bytes: its
// children stand side by side, in the order of their digits.
type trie []node

type node struct {
	first uint32 // where its children begin
	value uint32 // 1 more than the prefix's value; 0: no prefix ends here
	has   uint16 // the digits of its children, a bit each
}

// newTrie makes a trie of packed prefixes and their values.
func newTrie(keys []uint64, values []uint32) trie {
	type entry struct {
		digits []byte
		value  uint32
	}
	entries := make([]entry, len(keys))
	for i, k := range keys {
		entries[i] = entry{unpack(k), values[i]}
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.digits, b.digits) })
	// Breadth first, so that the children of one node are made together. A span
	// is the entries below a node.
	type span struct{ from, to int }
	t := trie{{}}
	level := []span{{0, len(entries)}}
	at := 0 // of the level's first node
	for depth := 0; len(level) > 0; depth++ {
		var next []span
		begin := len(t)
		for i, s := range level {
			n := at + i
			for ; s.from < s.to && len(entries[s.from].digits) == depth; s.from++ {
				t[n].value = entries[s.from].value + 1
			}
			t[n].first = uint32(len(t))
			for s.from < s.to {
				d := entries[s.from].digits[depth]
				to := s.from
				for to < s.to && entries[to].digits[depth] == d {
					to++
				}
				t[n].has |= 1 << (d - '0')
				t = append(t, node{})
				next = append(next, span{s.from, to})
				s.from = to
			}
		}
		level, at = next, begin
	}
	return slices.Clip(t)
}

// longest returns the value of the longest prefix of a number's digits.
func (t trie) longest(digits string) (value uint32, ok bool) {
	value, _, ok = t.longestOf(digits)
	return value, ok
}

// longestOf is longest that also says how long the prefix is.
func (t trie) longestOf(digits string) (value uint32, length int, ok bool) {
	n := &t[0]
	for i := 0; i < len(digits); i++ {
		d := digits[i] - '0'
		if d > 9 || n.has&(1<<d) == 0 {
			break
		}
		n = &t[int(n.first)+bits.OnesCount16(n.has&(1<<d-1))]
		if n.value != 0 {
			value, length, ok = n.value-1, i+1, true
		}
	}
	return value, length, ok
}
