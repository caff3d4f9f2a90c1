package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	firstPrune = 5 * time.Minute // after the start, when the busy minutes are over
	pruneEvery = time.Hour
	// pruneRows is how many rows one transaction removes: the writer waits for
	// as long as that takes.
	pruneRows = 1000
)

// What is removed, with @before the time and @limit how many rows at most. What
// is in force stays, whenever it began.
var prunes = [...]string{
	`DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE ended < @before ORDER BY ended LIMIT @limit)`,
	`DELETE FROM auths WHERE id IN (SELECT id FROM auths WHERE at < @before ORDER BY at LIMIT @limit)`,
	`DELETE FROM bans WHERE (prefix, since) IN (SELECT prefix, since FROM bans WHERE since < @before
		AND (until > 0 AND until < @before OR lifted > 0 AND lifted < @before) ORDER BY since LIMIT @limit)`,
	`DELETE FROM standings WHERE (account, source) IN
		(SELECT account, source FROM standings WHERE last < @before LIMIT @limit)`,
	`DELETE FROM bars WHERE account IN (SELECT account FROM bars WHERE at < @before
		AND (off OR until > 0 AND until < @before) LIMIT @limit)`,
	`DELETE FROM hours WHERE (account, hour) IN (SELECT account, hour FROM hours WHERE hour < @before / 1000000000 LIMIT @limit)`,
	`DELETE FROM seen WHERE (account, what, key) IN (SELECT account, what, key FROM seen WHERE last < @before LIMIT @limit)`,
	`DELETE FROM acts WHERE id IN (SELECT id FROM acts WHERE at < @before AND off LIMIT @limit)`,
	`DELETE FROM gaps WHERE (pbx, since) IN (SELECT pbx, since FROM gaps WHERE until < @before LIMIT @limit)`,
}

// The chain loses its first rows, and the anchor takes their place.
const (
	moveAnchor = `WITH oldest AS (SELECT seq, id, at, hash FROM decisions ORDER BY seq LIMIT @limit),
			kept AS (SELECT min(seq) AS seq FROM oldest WHERE at >= @before)
		UPDATE anchor SET seq = d.seq, hash = d.hash, at = @now, id = max(anchor.id, (SELECT max(id) FROM oldest))
		FROM (SELECT seq, hash FROM oldest WHERE seq < coalesce((SELECT seq FROM kept), seq + 1)
			ORDER BY seq DESC LIMIT 1) d`
	dropAnchored = `DELETE FROM decisions WHERE seq <= (SELECT seq FROM anchor)`
)

// Prune removes what is older than the retention time at now. The chain of
// decisions holds without the rows it loses.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	db := s.db.Load()
	if db == nil || db.w == nil {
		return errors.New("cannot prune the store: it is not open for writing")
	}
	args := []any{
		sql.Named("before", nanos(now.Add(-s.o.Retention))), sql.Named("now", nanos(now)), sql.Named("limit", pruneRows),
	}
	for _, query := range prunes {
		if err := untilNone(func() (int64, error) { return remove(ctx, db.w, args, query) }); err != nil {
			return fmt.Errorf("cannot prune the store: %w", err)
		}
	}
	if err := untilNone(func() (int64, error) { return remove(ctx, db.w, args, moveAnchor, dropAnchored) }); err != nil {
		return fmt.Errorf("cannot prune the chain of decisions: %w", err)
	}
	if err := untilNone(func() (int64, error) { return vacuum(ctx, db.w) }); err != nil {
		return fmt.Errorf("cannot shrink the store: %w", err)
	}
	return nil
}

// untilNone repeats f until it has nothing to do.
func untilNone(f func() (int64, error)) error {
	for {
		if n, err := f(); err != nil || n == 0 {
			return err
		}
	}
}

// remove runs queries in one transaction and returns how many rows the last one
// removed.
func remove(ctx context.Context, db *sql.DB, args []any, queries ...string) (n int64, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	for _, query := range queries {
		result, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return 0, err
		}
		if n, err = result.RowsAffected(); err != nil {
			return 0, err
		}
	}
	return n, tx.Commit()
}

// vacuum gives free pages back to the file system, and returns how many.
func vacuum(ctx context.Context, db *sql.DB) (int64, error) {
	before, err := freePages(ctx, db)
	if err != nil || before == 0 {
		return 0, err
	}
	// It frees one page for each row that is asked of it.
	rows, err := db.QueryContext(ctx, `PRAGMA incremental_vacuum(1000)`)
	if err != nil {
		return 0, err
	}
	for rows.Next() {
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	after, err := freePages(ctx, db)
	return before - after, err
}

func freePages(ctx context.Context, db *sql.DB) (n int64, err error) {
	err = db.QueryRowContext(ctx, `PRAGMA freelist_count`).Scan(&n)
	return n, err
}

// pruneHourly prunes until ctx is done.
func (s *Store) pruneHourly(ctx context.Context) {
	next := time.NewTimer(firstPrune)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-next.C:
			if err := s.Prune(ctx, now); err != nil && ctx.Err() == nil {
				s.o.Log.Warn("the store keeps more than it should", "error", err)
			}
			next.Reset(pruneEvery)
		}
	}
}
