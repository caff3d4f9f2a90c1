package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// The versions of the program that have written the file stand in meta, as
// names with the time since which each has: what to install for a file that a
// later schema wrote, and what ran when a decision was made.
const (
	programPrefix = "program "
	lastProgram   = `SELECT substr(name, 9), value FROM meta WHERE name LIKE 'program %' ORDER BY value DESC, name LIMIT 1`
)

// signProgram notes that this version writes the file from now on.
func signProgram(db *sql.DB, version string, now time.Time) error {
	if version == "" {
		return nil
	}
	last, _, err := programOf(context.Background(), db)
	if err != nil || last == version {
		return err
	}
	if _, err := db.Exec(setMeta, programPrefix+clip(version), nanos(now)); err != nil {
		return fmt.Errorf("cannot note the program's version: %w", err)
	}
	return nil
}

func programOf(ctx context.Context, db *sql.DB) (version string, since time.Time, err error) {
	var ns int64
	err = db.QueryRowContext(ctx, lastProgram).Scan(&version, &ns)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", time.Time{}, nil
	case err != nil:
		return "", time.Time{}, fmt.Errorf("cannot read which version wrote the file: %w", err)
	}
	return version, instant(ns), nil
}

// Program returns the version of pbxguard that writes the file, or wrote it
// last, and since when; "" if none has said so.
func (s *Store) Program(ctx context.Context) (version string, since time.Time, err error) {
	err = s.read(func(db *sql.DB) error {
		version, since, err = programOf(ctx, db)
		return err
	})
	return version, since, err
}
