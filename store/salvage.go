package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// salvage makes a new file with what can be read of a damaged one. It says how
// many rows that are and where it ended early.
func salvage(from, to, program string, now time.Time) (rows int, lost []error, err error) {
	old, err := sql.Open("sqlite3", uri(from, reading))
	if err != nil {
		return 0, nil, err
	}
	defer old.Close()
	version, err := versionOf(old)
	switch {
	case errors.Is(err, ErrSchema):
		return 0, nil, err
	case err != nil || version != schema:
		lost = append(lost, errors.Join(err, fmt.Errorf("nothing is taken over from schema %d", version)))
		old = nil
	}
	db := new(database)
	defer func() { err = errors.Join(err, db.close()) }()
	if err := db.connect(to, program); err != nil || old == nil {
		return 0, lost, err
	}
	tx, err := db.w.Begin()
	if err != nil {
		return 0, nil, err
	}
	defer tx.Rollback()
	c := &salvager{old: old, tx: tx, now: now}
	if err := c.all(); err != nil {
		return 0, nil, err
	}
	return c.rows, append(lost, c.lost...), tx.Commit()
}

// salvager copies tables out of a damaged file.
type salvager struct {
	old  *sql.DB
	tx   *sql.Tx
	now  time.Time
	rows int
	lost []error
}

// all copies every table.
func (c *salvager) all() error {
	for _, t := range tableCopies {
		if err := c.table(t); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	_, err := c.tx.Exec(lostTexts)
	if err == nil {
		_, err = c.tx.Exec(lostAccounts)
	}
	return err
}

// table copies a table from its begin and, if that ends at a damaged page, also
// from its end.
func (c *salvager) table(t tableCopy) error {
	insert, err := c.prepare(t.insert)
	if err != nil {
		return err
	}
	defer insert.Close()
	damage, err := c.copy(t.begin, insert)
	if damage == nil || err != nil {
		return err
	}
	c.lost = append(c.lost, fmt.Errorf("%s: %w", t.name, damage))
	if t.name == "decisions" {
		if _, err := c.tx.Exec(laterIDs, c.now.UnixMilli()); err != nil {
			return err
		}
	}
	_, err = c.copy(t.end, insert)
	return err
}

func (c *salvager) prepare(query string) (*sql.Stmt, error) { return c.tx.Prepare(query) }

// copy copies rows until there are no more or the next cannot be read, which is
// the damage.
func (c *salvager) copy(query string, insert *sql.Stmt) (damage, err error) {
	rows, err := c.old.Query(query)
	if err != nil {
		return err, nil
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err, nil
	}
	row, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		places[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err, nil
		}
		if _, err := insert.Exec(row...); refused(err) {
			c.lost = append(c.lost, fmt.Errorf("a row: %w", err))
		} else if err != nil {
			return nil, err
		} else {
			c.rows++
		}
	}
	return rows.Err(), nil
}
