package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// poison takes from the end of the log on the disk what SQLite believes to be in
// it, as a disk does that has lost what it was given, and has SQLite look there.
func poison(t *testing.T, s *Store, from int64) {
	t.Helper()
	log, err := os.OpenFile(s.path+"-wal", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() <= from {
		t.Fatalf("the log has %d bytes, want more than %d", info.Size(), from)
	}
	if _, err := log.WriteAt(make([]byte, info.Size()-from), from); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Load().w.Exec(`PRAGMA shrink_memory`); err != nil {
		t.Fatal(err)
	}
}

func logSize(t *testing.T, s *Store) int64 {
	t.Helper()
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// A disk that lost what was committed to it shortly before gets it again, and
// the chain of decisions holds.
func TestDiskThatForgets(t *testing.T) {
	for _, forgotten := range []string{"all", "the latest"} {
		t.Run(forgotten, func(t *testing.T) {
			var told told
			s := run(t, filepath.Join(t.TempDir(), "state.db"), Options{OnError: told.note})
			record(t, s, append(manyBans(300, 1), decision(1))...)
			from := logSize(t, s)
			if forgotten == "all" {
				from = 32 // what the log begins with
			}
			record(t, s, append(manyBans(0, 300), decision(2), decision(3), call(noon))...)
			poison(t, s, from)
			var err error
			for id := uint64(4); err == nil && id < 50; id++ {
				s.Record(decision(id))
				err = s.Commit(t.Context())
			}
			record(t, s)
			last := s.Stats().Decisions
			whole(t, s, last, 301)
			if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != last || last < 4 {
				t.Errorf("chain: got %+v, %v, want %d rows that hold", r, err, last)
			}
			told.checkState(t, s, false)
		})
	}
}

// Of what SQLite complains decides whether the file is opened anew.
func TestUntrusted(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}, true},
		{sqlite3.Error{Code: sqlite3.ErrCorrupt}, true},
		{sqlite3.Error{Code: sqlite3.ErrNotADB}, true},
		{sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintPrimaryKey}, true},
		{sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintNotNull}, false},
		{sqlite3.Error{Code: sqlite3.ErrFull}, false},
		{sqlite3.Error{Code: sqlite3.ErrBusy}, false},
		{os.ErrPermission, false},
	} {
		if got := untrusted(tt.err); got != tt.want {
			t.Errorf("untrusted(%v): got %v, want %v", tt.err, got, tt.want)
		}
		if untrusted(tt.err) && refused(tt.err) {
			t.Errorf("%v costs the record", tt.err)
		}
	}
}

// The file is not opened anew beneath somebody who reads it.
func TestReopenedAfterReaders(t *testing.T) {
	s := openRunning(t, Options{})
	record(t, s, append(manyBans(0, 300), decision(1))...)
	rows, err := s.db.Load().r.Query(`SELECT prefix FROM bans`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal("nothing to read")
	}
	poison(t, s, 32)
	for id := uint64(2); err == nil && id < 50; id++ {
		s.Record(decision(id))
		err = s.Commit(t.Context())
	}
	if err = s.Commit(t.Context()); err == nil || !strings.Contains(err.Error(), errBusyReaders.Error()) {
		t.Errorf("while somebody reads: got %v, want %v", err, errBusyReaders)
	}
	rows.Close()
	record(t, s)
	whole(t, s, s.Stats().Decisions, 300)
}
