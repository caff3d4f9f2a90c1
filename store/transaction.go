package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"pbxguard/guard"
)

// transaction is one batch on its way to the file. After the first error its
// methods do nothing.
type transaction struct {
	tx   *sql.Tx
	dict *dictionary
	tail tail
	err  error

	lasting bool      // whether it goes to the disk itself
	done    []written // what it has put, if it is
}

// commit writes records in one transaction, and to the disk itself if they must
// survive a power failure.
func (w *writer) commit(db *database, records []guard.Record, lasting bool) error {
	start := time.Now()
	pragma := `PRAGMA synchronous = NORMAL`
	if lasting {
		pragma = `PRAGMA synchronous = FULL`
	}
	if _, err := db.w.Exec(pragma); err != nil {
		return err
	}
	tx, err := db.w.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	t := &transaction{tx: tx, dict: &w.dict, tail: w.tail, lasting: lasting}
	for _, r := range records {
		if err := w.put(t, r); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	w.wrote(t.done)
	w.tail = t.tail
	w.committed(len(records), time.Since(start))
	return nil
}

func (w *writer) committed(rows int, took time.Duration) {
	w.note(func(st *Stats) {
		st.Rows += uint64(rows)
		st.Batches++
		st.Commit = took
		st.Decisions, st.Head = w.tail.seq, w.tail.String()
	})
}

// put writes one record. A record that SQLite will not have for what it is, and
// not for the state of the disk, must not hold up all others for ever: it is
// dropped, loudly.
func (w *writer) put(t *transaction, r guard.Record) error {
	t.put(r)
	if t.err == nil {
		t.note(r)
		return nil
	}
	if !refused(t.err) {
		return t.err
	}
	w.o.Log.Error("a record cannot be stored and is dropped", "record", fmt.Sprintf("%T", r), "error", t.err)
	w.lose(weight(r))
	t.err = nil
	return nil
}

// note remembers a record of the journal that was just put.
func (t *transaction) note(r guard.Record) {
	if !t.lasting {
		return
	}
	entry := written{Record: r}
	if _, ok := r.(guard.Decision); ok {
		entry.seq = t.tail.seq
	}
	t.done = append(t.done, entry)
}

var errForeign = errors.New("no such kind of record is known")

// refused says whether err is about the record itself.
func refused(err error) bool {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return errors.Is(err, errForeign)
	}
	switch e.Code {
	case sqlite3.ErrConstraint:
		return !contradicts(e)
	case sqlite3.ErrMismatch, sqlite3.ErrTooBig, sqlite3.ErrRange:
		return true
	}
	return false
}

func (t *transaction) exec(query string, args ...any) {
	if t.err == nil {
		_, t.err = t.tx.Exec(query, args...)
	}
}
