package outlet

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"pbxguard/guard"
)

// TestQueue has queues grow and shrink over several blocks: what comes out is what
// went in, in order, and little is kept once all is gone.
func TestQueue(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	var q queue
	in, out := 0, 0
	for range 200 {
		for range dice.IntN(2000) {
			q.push(&guard.Event{Call: guard.CallID(strconv.Itoa(in))})
			in++
		}
		for range dice.IntN(2200) {
			if q.len == 0 {
				break
			}
			if got := q.front().Call; got != guard.CallID(strconv.Itoa(out)) {
				t.Fatalf("got event %s, want %d", got, out)
			}
			q.pop()
			out++
		}
		if q.len != in-out {
			t.Fatalf("%d wait, want %d", q.len, in-out)
		}
	}
	for q.len > 0 {
		q.pop()
	}
	if len(q.blocks) > 0 || len(q.spare) > spareBlocks {
		t.Errorf("an empty queue keeps %d blocks and %d spare ones", len(q.blocks), len(q.spare))
	}
	for _, b := range q.spare {
		if *b != (block{}) {
			t.Fatal("a spare block still holds an event")
		}
	}
}
