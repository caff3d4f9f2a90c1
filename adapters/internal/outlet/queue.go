package outlet

import (
	"slices"

	"pbxguard/guard"
)

// queue is events that wait, in blocks: none of them moves when it grows, which in
// a flood cost more than to judge what waits.
type queue struct {
	blocks []*block // the first and the last may be filled in part
	first  int      // in the first block
	len    int
	spare  []*block // at most spareBlocks
}

type block [256]guard.Event // 128 kB

// spareBlocks are kept for the next flood, 2 MB.
const spareBlocks = ChatterLimit / len(block{})

func (q *queue) push(ev *guard.Event) {
	at := q.first + q.len
	if at == len(q.blocks)*len(block{}) {
		q.blocks = append(q.blocks, q.fresh())
	}
	q.blocks[at/len(block{})][at%len(block{})] = *ev
	q.len++
}

func (q *queue) fresh() *block {
	n := len(q.spare)
	if n == 0 {
		return new(block)
	}
	b := q.spare[n-1]
	q.spare = q.spare[:n-1]
	return b
}

// front is the event that has waited longest. There must be one.
func (q *queue) front() *guard.Event { return &q.blocks[0][q.first] }

// pop forgets the front.
func (q *queue) pop() {
	*q.front() = guard.Event{} // and what it holds
	q.first++
	q.len--
	if q.first < len(block{}) && q.len > 0 {
		return
	}
	if b := q.blocks[0]; len(q.spare) < spareBlocks {
		q.spare = append(q.spare, b)
	}
	q.blocks = slices.Delete(q.blocks, 0, 1)
	q.first = 0
}
