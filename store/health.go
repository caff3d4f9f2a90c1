package store

import (
	"fmt"
	"os"
	"time"
)

// Stats is how a [Store] is doing.
type Stats struct {
	Path    string `json:"path"`
	Rows    uint64 `json:"rows"`    // written since the start
	Batches uint64 `json:"batches"` // transactions since the start
	Queue   int    `json:"queue"`   // records waiting for the writer
	Kept    int    `json:"kept"`    // records waiting for the disk
	Lost    uint64 `json:"lost"`    // records that will never be written
	// Commit is how long the last transaction took.
	Commit time.Duration `json:"commit_ns"`
	Size   int64         `json:"size_bytes"` // of the file and its log

	Degraded bool      `json:"degraded"` // nothing is being written
	Since    time.Time `json:"degraded_since,omitzero"`
	Reason   string    `json:"degraded_reason,omitempty"`

	// Aside are damaged files that this one took the place of, see [Aside].
	Aside []string `json:"aside,omitempty"`

	// Decisions is the place in the chain of the latest decision and Head its
	// hash, in hex. Whoever notes them elsewhere can tell later whether the
	// end of the chain was cut off.
	Decisions uint64 `json:"decisions"`
	Head      string `json:"head,omitempty"`
}

// Stats says how the store is doing.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	st := s.stats
	s.mu.Unlock()
	st.Queue = s.queue.len()
	st.Aside = Aside(s.path)
	for _, name := range []string{s.path, s.path + "-wal"} {
		if info, err := os.Stat(name); err == nil { // there is not always a log
			st.Size += info.Size()
		}
	}
	return st
}

// note changes what [Store.Stats] will say.
func (s *Store) note(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}

func (s *Store) lose(n int) { s.note(func(st *Stats) { st.Lost += uint64(n) }) }

// degrade notes that the disk fails.
func (s *Store) degrade(err error, now time.Time) {
	first := false
	s.note(func(st *Stats) {
		if first = !st.Degraded; first {
			st.Degraded, st.Since = true, now
		}
		st.Reason = err.Error()
	})
	if !first {
		return
	}
	s.o.Log.Error("the store cannot be written; bans and decisions are kept in memory", "path", s.path, "error", err)
	if s.o.OnError != nil {
		s.o.OnError(fmt.Errorf("cannot write the store %s: %w", s.path, err))
	}
}

// mend notes that the disk works.
func (s *Store) mend(now time.Time) {
	var before Stats
	s.note(func(st *Stats) {
		before = *st
		st.Degraded, st.Since, st.Reason = false, time.Time{}, ""
	})
	if !before.Degraded {
		return
	}
	s.o.Log.Info("the store can be written again", "path", s.path, "after", now.Sub(before.Since))
	if s.o.OnError != nil {
		s.o.OnError(nil)
	}
}
