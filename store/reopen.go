package store

import (
	"errors"
	"slices"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"pbxguard/guard"
)

// A kernel tells of a write that failed once, and then takes the page for clean
// or forgets it. SQLite goes on with its index of the log, which it keeps in
// memory, and finds pages in the log that never got to the disk; a checkpoint
// would copy them over good ones. Whoever opens the file anew builds that index
// from what is there, as after a crash: only transactions whose checksums hold.
// What was committed shortly before may be missing then, and is written again.

// atHand is how many records of the journal are at hand for that: more than
// are in a log of a thousand pages, after which SQLite empties it.
const atHand = 4096

// written is a record of the journal that was committed, and its place in the
// chain if it is a decision.
type written struct {
	guard.Record
	seq uint64
}

// wrote notes records of the journal that were committed to the disk.
func (w *writer) wrote(records []written) {
	w.latest = append(w.latest, records...)
	if len(w.latest) > atHand*5/4 {
		w.latest = slices.Clone(w.latest[len(w.latest)-atHand:])
	}
}

// again has written once more what a file that was opened anew may lack. All but
// decisions may be written twice. A decision that is there stays at hand: the
// disk may yet forget it.
func (w *writer) again() {
	var lacking []guard.Record
	var there []written
	for _, entry := range w.latest {
		if entry.seq > 0 && entry.seq <= w.tail.seq {
			there = append(there, entry)
		} else {
			lacking = append(lacking, entry.Record)
		}
	}
	w.kept, w.latest = append(lacking, w.kept...), there
}

// salvageAfter is how long to wait after a damaged file could not be set aside,
// since all of it is read for that.
const salvageAfter = time.Minute

// untrusted says whether after err what SQLite has in memory of the file need
// not be what is on the disk.
func untrusted(err error) bool {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case sqlite3.ErrIoErr, sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return true
	}
	return contradicts(e)
}

// contradicts says whether SQLite finds rows where there were none: the numbers
// of new rows follow the last that is there, and all others may replace the row
// they meet.
func contradicts(e sqlite3.Error) bool {
	switch e.ExtendedCode {
	case sqlite3.ErrConstraintPrimaryKey, sqlite3.ErrConstraintRowID, sqlite3.ErrConstraintUnique:
		return true
	}
	return false
}

var errBusyReaders = errors.New("the file is opened anew when nobody reads it any more")

// distrust has the file opened anew before anything else is written, and returns
// err with what else goes wrong.
func (w *writer) distrust(err error) error {
	if broken(err) {
		w.strikes++
	}
	if db := w.db.Swap(nil); db != nil {
		w.leaving = db
	}
	return errors.Join(err, w.leave())
}

// reopen opens the file. One that is found damaged when it has just been opened
// anew is set aside. After the disk has failed the log is emptied, for nothing to
// be added behind what the disk may yet lack of it.
func (w *writer) reopen() (*database, error) {
	if now := time.Now(); w.strikes > 1 && now.After(w.nextAside) {
		w.nextAside = now.Add(salvageAfter)
		if err := w.setAside(w.broken, now); err != nil {
			return nil, err
		}
		w.strikes = 0
	}
	db, err := open(w.path, w.o.Program)
	if err != nil || !w.doubted {
		return db, err
	}
	var busy, pages, moved int
	err = db.w.QueryRow(`PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = errBusyReaders
	}
	if err != nil {
		w.leaving = db
		return nil, errors.Join(err, w.leave())
	}
	return db, nil
}

// leave gets rid of the connections that are not trusted, and says whether that
// is done: there may be readers still. The one that writes goes first. As the
// last it would empty the log into the file, which those that read cannot.
func (w *writer) leave() error {
	db := w.leaving
	if db == nil {
		return nil
	}
	errs := []error{db.w.Close()}
	if db.w.Stats().OpenConnections == 0 {
		errs = append(errs, db.r.Close())
	}
	if db.w.Stats().OpenConnections+db.r.Stats().OpenConnections > 0 {
		return errors.Join(append(errs, errBusyReaders)...)
	}
	w.leaving, w.doubted = nil, true
	return errors.Join(append(errs, db.unlock())...)
}
