package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"pbxguard/guard"
)

const (
	batchTime  = 100 * time.Millisecond // a record that is not urgent waits this long at most
	batchRows  = 256                    // records in one transaction
	retryAfter = time.Second            // a failing disk is tried this often
)

// writer is what the goroutine of [Store.Run] knows.
type writer struct {
	*Store
	kept   []guard.Record // of the journal: taken, not committed
	folder folder         // failed logins
	dict   dictionary
	tail   tail // of the chain of decisions; valid if dict is
	retry  time.Time
	broken error // why the last attempt failed
	// leaving is a file that was open and is to be opened anew; nil: none.
	leaving   *database
	strikes   int       // how often in a row it was found to be damaged
	nextAside time.Time // when to try next to set it aside
	doubted   bool      // whether it was opened anew, and may lack some of latest
	latest    []written // of the journal
}

// Run writes what is recorded until ctx is done, and then what is left. Bans,
// lifts and bars are committed at once, with whatever else has come in by then;
// other records within 100 ms. It prunes hourly. It may be called once.
func (s *Store) Run(ctx context.Context) error {
	if s.o.ReadOnly {
		return errors.New("the store is open for reading only")
	}
	s.running.Store(true)
	defer close(s.done)
	var pruning sync.WaitGroup
	pruning.Go(func() { s.pruneHourly(ctx) })
	defer pruning.Wait()

	w := &writer{Store: s}
	defer w.leave() // if it still can: the process ends
	tick := time.NewTicker(batchTime)
	defer tick.Stop()
	for {
		var waiting []chan error
		select {
		case <-ctx.Done():
			s.queue.close()
			return w.finish(time.Now())
		case <-tick.C:
		case <-s.queue.wake:
		case reply := <-s.commits:
			waiting = append(waiting, reply)
		}
		err := w.flush(time.Now(), len(waiting) > 0)
		for _, reply := range waiting {
			reply <- err
		}
	}
}

// finish writes everything that is left.
func (w *writer) finish(now time.Time) error {
	if err := w.flush(now, true); err != nil {
		w.lose(len(w.kept))
		return fmt.Errorf("cannot save the last %d records: %w", len(w.kept), err)
	}
	return nil
}

// flush writes what has been recorded. With all it leaves nothing in memory,
// neither folded failures nor the next attempt at a failing disk.
func (w *writer) flush(now time.Time, all bool) error {
	w.keep(w.queue.takeJournal())
	bulk := w.queue.takeBulk()
	if w.broken != nil && !all && now.Before(w.retry) {
		w.lose(weight(bulk...))
		return w.broken
	}
	bulk = w.folder.fold(bulk, now, all)
	if len(w.kept)+len(bulk) == 0 && w.broken == nil && w.db.Load() != nil {
		return nil
	}
	left, err := w.save(bulk)
	if err != nil {
		w.lose(weight(left...))
		if untrusted(err) {
			err = w.distrust(err)
		}
		w.broken, w.retry = err, now.Add(retryAfter)
		w.dict = dictionary{} // may name rows that were rolled back
		w.degrade(err, now)
		return err
	}
	w.broken, w.strikes = nil, 0
	w.mend(now)
	return nil
}

// keep appends to the journal that is to be written, which is a ring: while the
// disk fails the oldest are dropped.
func (w *writer) keep(journal []guard.Record) {
	w.kept = append(w.kept, journal...)
	if over := len(w.kept) - w.o.Queue; over > 0 && w.broken != nil {
		w.kept = slices.Delete(w.kept, 0, over)
		w.lose(over)
	}
	w.noteKept()
}

func (w *writer) noteKept() { w.note(func(st *Stats) { st.Kept = len(w.kept) }) }

// save commits the journal and then bulk, and returns what it could not of the
// latter. The journal goes to the disk itself; bulk may wait in the system's
// cache, from which only a power failure takes it. A ban does not wait for more
// than one batch of bulk.
func (w *writer) save(bulk []guard.Record) ([]guard.Record, error) {
	db, err := w.connect()
	if err != nil {
		return bulk, err
	}
	for {
		if err := w.saveJournal(db); err != nil || len(bulk) == 0 {
			return bulk, err
		}
		n := min(len(bulk), batchRows)
		if err := w.commit(db, bulk[:n], false); err != nil {
			return bulk, err
		}
		bulk = bulk[n:]
		w.keep(w.queue.takeJournal())
	}
}

func (w *writer) saveJournal(db *database) error {
	for len(w.kept) > 0 {
		n := min(len(w.kept), batchRows)
		if err := w.commit(db, w.kept[:n], true); err != nil {
			return err
		}
		w.kept = w.kept[n:]
		w.noteKept()
	}
	return nil
}

// connect returns the open file, and opens it if that has not worked so far or
// must be done anew.
func (w *writer) connect() (*database, error) {
	db := w.db.Load()
	if db == nil {
		if err := w.leave(); err != nil {
			return nil, err
		}
		var err error
		if db, err = w.reopen(); err != nil {
			return nil, err
		}
		w.db.Store(db)
	}
	if w.dict.texts != nil {
		return db, nil
	}
	tail, err := readTail(db.w)
	if err != nil {
		return nil, err
	}
	w.tail, w.dict = tail, newDictionary()
	if w.doubted {
		w.again()
		w.doubted = false
	}
	return db, nil
}
