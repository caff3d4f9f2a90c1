// Package runs keeps what audits found in SQLite, so that the next one can say
// what is new. It holds no secret: keyed hashes tell that something changed.
package runs

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver

	"pbxguard/audit"
)

// kept is how many runs of a tree are kept: two years of weekly ones.
const kept = 104

// steps lead from each user_version to the next.
var steps = []string{first, second}

const first = `
CREATE TABLE run (
	id INTEGER PRIMARY KEY,
	root TEXT NOT NULL,
	at INTEGER NOT NULL,
	failed TEXT NOT NULL
) STRICT;
CREATE INDEX run_root ON run (root, id);
CREATE TABLE mark (
	root TEXT NOT NULL,
	name TEXT NOT NULL,
	mark TEXT NOT NULL,
	PRIMARY KEY (root, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE secret (key BLOB NOT NULL) STRICT;
PRAGMA user_version = 1;
`

// second adds since when each mark is what it is, in seconds since 1970. What
// was there before is as old as the last run at least.
const second = `
ALTER TABLE mark ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE mark SET since = coalesce((SELECT max(at) FROM run WHERE run.root = mark.root), 0);
PRAGMA user_version = 2;
`

// A DB is the file in which runs are kept.
type DB struct{ db *sql.DB }

// Open opens the file, and makes it if it is not there, for its owner alone.
func Open(ctx context.Context, path string) (*DB, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot keep runs: %w", err)
	}
	f.Close()
	u := url.URL{Scheme: "file", Path: path, RawQuery: "_txlock=immediate&_busy_timeout=5000"}
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return nil, fmt.Errorf("cannot keep runs: %w", err)
	}
	db.SetMaxOpenConns(1)
	d := &DB{db}
	if err := d.prepare(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("cannot keep runs in %s: %w", path, err)
	}
	return d, nil
}

func (d *DB) prepare(ctx context.Context) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version < 0 || version > len(steps) {
		return fmt.Errorf("it was written by a newer pbxguard (%d)", version)
	}
	for _, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	if version == 0 {
		key := make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO secret VALUES (?)", key); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Close closes the file.
func (d *DB) Close() error { return d.db.Close() }

// Last returns the failed findings of the last run over a tree, and when it
// was; the time is zero if there was none.
func (d *DB) Last(ctx context.Context, root string) (failed []audit.Finding, at time.Time, err error) {
	var text string
	var unix int64
	err = d.db.QueryRowContext(ctx, "SELECT at, failed FROM run WHERE root = ? ORDER BY id DESC LIMIT 1", root).Scan(&unix, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &failed)
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("cannot read the last run: %w", err)
	}
	return failed, time.Unix(unix, 0).UTC(), nil
}

// Memory returns what the last run over a tree left for the next.
func (d *DB) Memory(ctx context.Context, root string) (*audit.Memory, error) {
	m := &audit.Memory{}
	fail := func(err error) (*audit.Memory, error) { return nil, fmt.Errorf("cannot read the last run: %w", err) }
	if err := d.db.QueryRowContext(ctx, "SELECT key FROM secret").Scan(&m.Key); err != nil {
		return fail(err)
	}
	rows, err := d.db.QueryContext(ctx, "SELECT name, mark, since FROM mark WHERE root = ?", root)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, mark string
		var since int64
		if err := rows.Scan(&name, &mark, &since); err != nil {
			return fail(err)
		}
		if m.Old == nil {
			m.Old, m.Since = map[string]string{}, map[string]time.Time{}
		}
		m.Old[name], m.Since[name] = mark, time.Unix(since, 0).UTC()
	}
	if err := rows.Err(); err != nil {
		return fail(err)
	}
	return m, nil
}

// Add keeps a run's failed findings and its memory, and forgets the oldest.
func (d *DB) Add(ctx context.Context, root string, run audit.Run, m *audit.Memory) error {
	if err := d.add(ctx, root, run, m); err != nil {
		return fmt.Errorf("cannot keep the run: %w", err)
	}
	return nil
}

const prune = "DELETE FROM run WHERE root = ? AND id NOT IN (SELECT id FROM run WHERE root = ? ORDER BY id DESC LIMIT ?)"

func (d *DB) add(ctx context.Context, root string, run audit.Run, m *audit.Memory) error {
	failed := []audit.Finding{}
	for _, f := range run.Findings {
		if f.Status == audit.Fail || f.Status == audit.Suppressed {
			failed = append(failed, f)
		}
	}
	text, err := json.Marshal(failed)
	if err != nil {
		return err
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "INSERT INTO run (root, at, failed) VALUES (?, ?, ?)", root, run.At.Unix(), string(text)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, prune, root, root, kept); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM mark WHERE root = ?", root); err != nil {
		return err
	}
	for name, mark := range m.New {
		if _, err := tx.ExecContext(ctx, "INSERT INTO mark VALUES (?, ?, ?, ?)", root, name, mark, m.SinceWhen(name).Unix()); err != nil {
			return err
		}
	}
	return tx.Commit()
}
