package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// A damaged file is set aside beside the one that takes its place, which begins
// with all that can be read of it. Nobody deletes it but its owner, so there is
// an end to that on a disk that breaks one after the other.
const (
	asideMark = ".damaged-"
	asideMost = 3
)

// broken says whether err comes from what is in the file.
func broken(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB || contradicts(e))
}

// ours says whether a file that nobody has open carries our mark. A path that
// leads to something else by mistake must not cost that.
func ours(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	header := make([]byte, 72) // https://www.sqlite.org/fileformat.html#the_database_header
	if _, err := io.ReadFull(f, header); err != nil {
		return false
	}
	return bytes.HasPrefix(header, []byte("SQLite format 3\x00")) && binary.BigEndian.Uint32(header[68:]) == application
}

// Aside lists the damaged files that were set aside for a store at path, the
// oldest first, and have not been taken away since.
func Aside(path string) []string {
	all, _ := filepath.Glob(escape(path) + asideMark + "*") // the pattern is well formed
	return slices.DeleteFunc(all, func(name string) bool { return strings.HasSuffix(name, "-wal") })
}

// escape has a path mean itself in a pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// setAside replaces a damaged file, which nobody has open, by a new one. At any
// moment there is one of the two at its path.
func (s *Store) setAside(cause error, now time.Time) (err error) {
	db := new(database)
	if db.lock, err = lockFile(s.path + ".lock"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.unlock()) }()
	earlier := Aside(s.path)
	if len(earlier) >= asideMost {
		return fmt.Errorf("the file is damaged, and %d such files lie beside it already: see to the disk, and take them away: %w", len(earlier), cause)
	}
	aside, next := s.path+asideMark+now.UTC().Format("20060102T150405.000Z"), s.path+".new"
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(next + part); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	rows, lost, err := salvage(s.path, next, s.o.Program, now)
	if err != nil {
		return fmt.Errorf("the file is damaged, and no other can take its place: %w", errors.Join(err, cause))
	}
	if err := swap(s.path, aside, next); err != nil {
		return err
	}
	s.o.Log.Error("the store was damaged; it was set aside, and a new one begun with what could be read of it",
		"path", s.path, "damaged", aside, "rows", rows, "damage", errors.Join(append(lost, cause)...))
	return nil
}

// swap puts next in the place of path, which is called aside from then on. Its
// log goes first, or SQLite would apply it to the new file.
func swap(path, aside, next string) error {
	for _, part := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+part, aside+part); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(aside + "-shm"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Link(path, aside); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
