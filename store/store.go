// Package store keeps what the guard must remember in one SQLite file: bans,
// bars, who registered from where, calls, failed logins, and the decisions, in
// a chain of hashes.
//
// One goroutine, [Store.Run], writes. [Store.Record] queues and never waits for
// the disk. While the disk fails (full, read-only, I/O errors) bans, lifts,
// bars, decisions and gaps are kept in memory and written when it works again;
// calls and failed logins are counted as lost.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"pbxguard/guard"
)

// Options say how to open a [Store]. The zero value will do.
type Options struct {
	Log *slog.Logger // nil: none
	// OnError is told once when the disk begins to fail, and once, with nil,
	// when it works again. It must return soon: the writer waits for it.
	OnError func(error)
	// Retention is how long rows are kept; 0 is 180 days. What is in force is
	// kept for as long as it is.
	Retention time.Duration
	// Queue is how many records may wait for the writer in each of two lanes,
	// and how many may wait for a failing disk; 0 is 16384.
	Queue int
	// Program is the version of the program, which the file remembers.
	Program string
	// ReadOnly opens an existing file for looking, beside the daemon or
	// without it. Such a store has no [Store.Run].
	ReadOnly bool
}

// Store is an open ledger. Its methods may be called from any goroutine.
type Store struct {
	path    string
	o       Options
	db      atomic.Pointer[database] // nil while it cannot be opened
	queue   *queue
	commits chan chan error
	done    chan struct{} // closed when nothing will be written any more
	closed  atomic.Bool
	running atomic.Bool // whether Run has been called
	rescue  sync.Mutex  // held while something is read from a file that cannot be opened properly

	mu    sync.Mutex
	stats Stats
}

// ErrClosed reports that the store's writer has ended.
var ErrClosed = errors.New("the store is closed")

const (
	defaultQueue     = 16384
	defaultRetention = 180 * 24 * time.Hour
)

// Open opens the ledger in the file at path, creates it with mode 0600 if there
// is none, and migrates an older one. It refuses a file that others can write,
// one of a later schema, and one that another process writes. A damaged one is
// set aside, and a new one begun with what can be read of it. If the disk is
// full or read-only the store is returned all the same, degraded: it can be
// read as far as possible and is opened for writing when that works.
func Open(path string, o Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the store: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Queue == 0 {
		o.Queue = defaultQueue
	}
	if o.Retention == 0 {
		o.Retention = defaultRetention
	}
	s := &Store{
		path: path, o: o,
		queue:   newQueue(o.Queue),
		commits: make(chan chan error),
		done:    make(chan struct{}),
		stats:   Stats{Path: path},
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("cannot open the store %s: %w", path, err)
	}
	return s, nil
}

func (s *Store) open() error {
	if s.o.ReadOnly {
		s.queue.close()
		close(s.done)
		r, err := openFrozen(s.path)
		if err != nil {
			return err
		}
		s.db.Store(&database{r: r})
		return nil
	}
	err := s.begin()
	if broken(err) && ours(s.path) {
		if err = s.setAside(err, time.Now()); err == nil {
			err = s.begin()
		}
	}
	if err != nil && !diskTrouble(err) {
		return err
	}
	if err != nil {
		s.degrade(err, time.Now())
	}
	return nil
}

// begin opens the file for writing and notes where its chain ends.
func (s *Store) begin() error {
	db, err := open(s.path, s.o.Program)
	if err != nil {
		return err
	}
	end, err := readTail(db.w)
	if err != nil {
		return errors.Join(err, db.close())
	}
	s.note(func(st *Stats) { st.Decisions, st.Head = end.seq, end.String() })
	s.db.Store(db)
	return nil
}

// Close closes the file. What has been recorded since [Store.Run] returned, or
// without one, is not in it.
func (s *Store) Close() error {
	s.queue.close()
	s.closed.Store(true)
	db := s.db.Swap(nil)
	if db == nil {
		return nil
	}
	if err := db.close(); err != nil {
		return fmt.Errorf("cannot close the store: %w", err)
	}
	return nil
}

// Record queues r and returns at once. False says that r is lost: its queue is
// full, or nobody writes any more.
func (s *Store) Record(r guard.Record) bool {
	if s.queue.put(r) {
		return true
	}
	s.lose(1)
	return false
}

// Commit returns nil once everything recorded before it is committed, or the
// reason why it is not.
func (s *Store) Commit(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case s.commits <- reply:
		return <-reply
	case <-s.done:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the store: %w", ctx.Err())
	}
}

// read calls f with something to read from.
func (s *Store) read(f func(*sql.DB) error) error {
	if db := s.db.Load(); db != nil {
		return f(db.r)
	}
	if s.closed.Load() {
		return ErrClosed
	}
	s.rescue.Lock()
	defer s.rescue.Unlock()
	r, err := rescue(s.path)
	if err != nil {
		return err
	}
	defer r.Close()
	return f(r)
}
