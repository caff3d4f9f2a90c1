package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"syscall"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// ErrInUse reports that another process writes the file.
var ErrInUse = errors.New("another pbxguard is using it")

// database is the open file: one connection that writes, and some that read.
type database struct {
	lock *os.File
	w, r *sql.DB
}

// uri names the file to SQLite. Whatever characters the path has, none of them
// becomes an option.
func uri(path, options string) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: options}).String()
}

// What is asked of SQLite. The writer waits only briefly for a lock: nobody else
// writes, so whoever holds one (a person in a shell) is not ours to wait for.
// The statement cache makes each statement be compiled once.
const (
	writing = "_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate&_foreign_keys=0" +
		"&_auto_vacuum=incremental&_busy_timeout=500&_stmt_cache_size=32"
	reading = "mode=ro&_query_only=1&_busy_timeout=5000&_stmt_cache_size=32"
	// frozen reads a file that nobody can change, such as evidence on a
	// read-only disk. It ignores a write-ahead log.
	frozen = "mode=ro&immutable=1&_query_only=1"
	// alone reads a file and its write-ahead log without writing anything
	// beside them, which is what can be done on a full disk.
	alone = "_locking_mode=EXCLUSIVE&_query_only=1&_busy_timeout=500"
)

// walLimit is how large the write-ahead log stays on disk, in bytes, after a
// burst.
const walLimit = "PRAGMA journal_size_limit = 4194304"

const writable = 2 // W_OK of access(2)

// open opens path for writing by a version of the program, and creates or
// migrates it as needed.
func open(path, program string) (*database, error) {
	if err := inspect(path); err != nil {
		return nil, err
	}
	if err := syscall.Access(path, writable); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot write it: %w", err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	db := &database{lock: lock}
	if err := db.connect(path, program); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return db, nil
}

func (db *database) connect(path, program string) (err error) {
	if err := create(path); err != nil {
		return err
	}
	if err := recognise(path); err != nil {
		return err
	}
	if db.w, err = sql.Open("sqlite3", uri(path, writing)); err != nil {
		return err
	}
	db.w.SetMaxOpenConns(1)
	if err := migrate(db.w); err != nil {
		return err
	}
	if _, err := db.w.Exec(walLimit); err != nil {
		return err
	}
	if err := signProgram(db.w, program, time.Now()); err != nil {
		return err
	}
	db.r, err = openReaders(uri(path, reading))
	return err
}

// close closes the readers first: whoever closes last empties the log.
func (db *database) close() error {
	var errs []error
	for _, pool := range []*sql.DB{db.r, db.w} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(append(errs, db.unlock())...)
}

// unlock lets go of the file. Closing alone would not while a process that was
// just forked still has a copy.
func (db *database) unlock() error {
	if db.lock == nil {
		return nil
	}
	return errors.Join(syscall.Flock(int(db.lock.Fd()), syscall.LOCK_UN), db.lock.Close())
}

// recognise refuses a file that is not ours, before anything about it is changed.
func recognise(path string) error {
	r, err := sql.Open("sqlite3", uri(path, reading))
	if err != nil {
		return err
	}
	_, err = versionOf(r)
	return errors.Join(err, r.Close())
}

// openReaders opens a file that must be of the present schema, to be read only.
func openReaders(dsn string) (*sql.DB, error) {
	r, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return nil, err
	}
	r.SetMaxOpenConns(2)
	version, err := versionOf(r)
	if err == nil && version != schema {
		err = fmt.Errorf("%w: it has schema %d, which is older than %d; let the daemon open it once", ErrSchema, version, schema)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// rescue opens a file for reading where open could not: the disk is full or
// read-only.
func rescue(path string) (*sql.DB, error) {
	if r, err := openReaders(uri(path, alone)); err == nil {
		r.SetMaxOpenConns(1) // a second one would find it locked
		return r, nil
	}
	return openFrozen(path)
}

// openFrozen opens a file for reading, on a read-only disk too.
func openFrozen(path string) (*sql.DB, error) {
	r, err := openReaders(uri(path, reading))
	if err == nil {
		return r, nil
	}
	if logged(path) { // without which the file would tell half the story
		return nil, fmt.Errorf("%w; it cannot be read without its log, %s-wal: copy both to where they can be written", err, path)
	}
	if r, other := openReaders(uri(path, frozen)); other == nil {
		return r, nil
	}
	return nil, err
}

// logged says whether there is a write-ahead log with something in it.
func logged(path string) bool {
	log, err := os.Stat(path + "-wal")
	return err == nil && log.Size() > 0
}

// diskTrouble says whether err comes from a disk that may recover: it is full,
// read-only or failing. Wrong permissions and damaged files do not mend
// themselves.
func diskTrouble(err error) bool {
	for _, errno := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, errno) {
			return true
		}
	}
	var e sqlite3.Error
	if !errors.As(err, &e) || e.SystemErrno == syscall.EACCES || e.SystemErrno == syscall.EPERM {
		return false
	}
	switch e.Code {
	case sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrBusy:
		return true
	}
	return false
}
