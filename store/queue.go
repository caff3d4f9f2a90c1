package store

import (
	"sync"

	"pbxguard/guard"
)

// queue is what has been recorded and not yet taken by the writer. It has two
// lanes, so that a flood of failed logins cannot push a ban out.
type queue struct {
	mu      sync.Mutex
	journal []guard.Record // what must not be lost: bans, lifts, bars, decisions, gaps
	bulk    []guard.Record // calls, failed logins, standings, time watched
	max     int            // of each lane
	closed  bool
	wake    chan struct{} // that the writer should not wait for its next tick
}

func newQueue(max int) *queue { return &queue{max: max, wake: make(chan struct{}, 1)} }

// put appends r to its lane, or returns false if that is full or nobody will
// ever take it.
func (q *queue) put(r guard.Record) bool {
	lane, urgent := &q.journal, false
	switch r.(type) {
	case guard.Ban, guard.Lift, guard.Bar:
		urgent = true
	case guard.CallRecord, guard.AuthRecord, guard.Standing, guard.Watched, guard.Hour, guard.Seen:
		lane = &q.bulk
	}
	q.mu.Lock()
	if q.closed || len(*lane) >= q.max {
		q.mu.Unlock()
		return false
	}
	*lane = append(*lane, r)
	full := len(*lane) == batchRows
	q.mu.Unlock()
	if urgent || full {
		select {
		case q.wake <- struct{}{}:
		default: // it is awake
		}
	}
	return true
}

// takeJournal empties the lane of the journal.
func (q *queue) takeJournal() (journal []guard.Record) {
	q.mu.Lock()
	defer q.mu.Unlock()
	journal, q.journal = q.journal, nil
	return journal
}

// takeBulk empties the other lane.
func (q *queue) takeBulk() (bulk []guard.Record) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bulk, q.bulk = q.bulk, nil
	return bulk
}

// close refuses further records.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.journal) + len(q.bulk)
}
