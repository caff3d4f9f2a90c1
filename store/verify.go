package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"time"

	"pbxguard/guard"
)

// VerifyReport is what [Store.Verify] found.
type VerifyReport struct {
	OK     bool   `json:"ok"`
	Rows   uint64 `json:"rows"`   // that hold
	Pruned uint64 `json:"pruned"` // removed by retention, before the first that is left
	// First and Last are the times of the first and the last row that hold.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Head is the hash of the last row that holds, in hex. Against one noted
	// earlier it shows whether the end was cut off or all was rewritten, which
	// the file alone cannot.
	Head   string `json:"head,omitempty"`
	Broken *Break `json:"broken,omitempty"`
}

// Break is the first place where the chain does not hold.
type Break struct {
	Seq    uint64 `json:"seq"` // place in the chain
	ID     uint64 `json:"id"`  // of the decision there, if there is one
	Reason string `json:"reason"`
}

const wholeChain = `SELECT d.seq, d.salt, d.hash, ` + decisionColumns + decisionTables + ` ORDER BY d.seq`

// Verify walks the chain of decisions. An error says that it could not be read,
// not that it does not hold.
func (s *Store) Verify(ctx context.Context) (VerifyReport, error) {
	var report VerifyReport
	err := s.read(func(db *sql.DB) error {
		tx, err := db.BeginTx(ctx, nil) // or pruning would pull the rug
		if err != nil {
			return err
		}
		defer tx.Rollback()
		report, err = verify(ctx, tx)
		return err
	})
	if err != nil {
		return VerifyReport{}, fmt.Errorf("cannot verify the decisions: %w", err)
	}
	return report, nil
}

func verify(ctx context.Context, tx *sql.Tx) (r VerifyReport, err error) {
	at, err := scanTail(tx.QueryRowContext(ctx, readAnchor))
	if err != nil {
		return r, fmt.Errorf("cannot read where the chain begins: %w", err)
	}
	r.Pruned, r.Head = at.seq, at.String()
	rows, err := tx.QueryContext(ctx, wholeChain)
	if err != nil {
		return r, err
	}
	defer rows.Close()
	for rows.Next() {
		var l link
		if err := l.scan(rows); err != nil {
			r.Broken = &Break{Seq: at.seq + 1, Reason: "the row cannot be read: " + err.Error()}
			return r, nil
		}
		next, reason := l.follows(at)
		if reason != "" {
			r.Broken = &Break{Seq: at.seq + 1, ID: l.row.ID, Reason: reason}
			return r, nil
		}
		at = next
		r.note(l, at)
	}
	r.OK = rows.Err() == nil
	return r, rows.Err()
}

func (r *VerifyReport) note(l link, at tail) {
	if r.Rows == 0 {
		r.First = l.row.At
	}
	r.Rows++
	r.Last, r.Head = l.row.At, at.String()
}

// link is one row of the chain, as the file has it.
type link struct {
	seq        uint64
	salt, hash []byte
	row        guard.Decision
}

func (l *link) scan(rows *sql.Rows) error {
	return scanDecision(rows, &l.row, &l.seq, &l.salt, &l.hash)
}

// follows returns the chain's end with l appended, or why l does not belong
// there.
func (l *link) follows(at tail) (next tail, reason string) {
	if l.seq != at.seq+1 {
		return at, fmt.Sprintf("rows are missing: %d follows %d", l.seq, at.seq)
	}
	next = at.next(l.salt, l.row)
	if !bytes.Equal(next.hash[:], l.hash) {
		return at, "the row, or the one before it, is not what was written"
	}
	return next, ""
}
