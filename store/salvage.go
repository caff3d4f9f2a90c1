package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	if version, err := versionOf(old); errors.Is(err, ErrSchema) {
		return 0, nil, err
	} else if err != nil || version == 0 {
		lost = append(lost, errors.Join(err, errors.New("nothing can be read of it")))
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
	tables, err := names(c.tx, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if err := c.table(table); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return c.words(tables)
}

const columnsOf = `SELECT name FROM pragma_table_info(?)`

// table copies a table from its begin and, if that ends at a damaged page, also
// from its end.
func (c *salvager) table(table string) error {
	has, err := names(c.old, columnsOf, table)
	if err != nil {
		c.lost = append(c.lost, fmt.Errorf("%s: %w", table, err))
		return nil
	}
	columns, err := names(c.tx, columnsOf, table)
	if err != nil {
		return err
	}
	key, err := names(c.tx, `SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk`, table)
	if err != nil {
		return err
	}
	columns = slices.DeleteFunc(columns, func(name string) bool { return !slices.Contains(has, name) })
	if len(columns) == 0 {
		return nil // an older schema did not have it
	}
	damage, err := c.copy(table, columns, strings.Join(key, ", "))
	if damage == nil || err != nil {
		return err
	}
	c.lost = append(c.lost, fmt.Errorf("%s: %w", table, damage))
	if table == "decisions" { // later ones must have ids that none of the lost had
		if _, err := c.tx.Exec(`UPDATE anchor SET id = max(id, ?)`, c.now.UnixMilli()); err != nil {
			return err
		}
	}
	_, err = c.copy(table, columns, strings.Join(key, " DESC, ")+" DESC")
	return err
}

// copy copies rows in an order until there are no more or the next cannot be
// read, which is the damage.
func (c *salvager) copy(table string, columns []string, order string) (damage, err error) {
	list := strings.Join(columns, ", ")
	rows, err := c.old.Query(fmt.Sprintf(`SELECT %s FROM %s ORDER BY %s`, list, table, order))
	if err != nil {
		return err, nil
	}
	defer rows.Close()
	insert, err := c.tx.Prepare(fmt.Sprintf(`INSERT OR REPLACE INTO %s (%s) VALUES (?%s)`,
		table, list, strings.Repeat(", ?", len(columns)-1)))
	if err != nil {
		return nil, err
	}
	defer insert.Close()
	row, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		places[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err, nil
		}
		if _, err := insert.Exec(row...); refused(err) {
			c.lost = append(c.lost, fmt.Errorf("a row of %s: %w", table, err))
		} else if err != nil {
			return nil, err
		} else {
			c.rows++
		}
	}
	return rows.Err(), nil
}

// words gives a name to words and accounts that rows refer to and that could not
// be read, so that no later one gets their numbers.
func (c *salvager) words(tables []string) error {
	inserts := map[string]string{
		"texts":    `INSERT OR IGNORE INTO texts (id, text) SELECT DISTINCT %[1]s, '(lost ' || %[1]s || ')' FROM %[2]s WHERE %[1]s IS NOT NULL`,
		"accounts": `INSERT OR IGNORE INTO accounts (id, pbx, domain, name) SELECT DISTINCT %[1]s, '', '', '(lost ' || %[1]s || ')' FROM %[2]s`,
	}
	for _, table := range tables {
		for parent, insert := range inserts {
			columns, err := names(c.tx, `SELECT "from" FROM pragma_foreign_key_list(?) WHERE "table" = ?`, table, parent)
			if err != nil {
				return err
			}
			for _, column := range columns {
				if _, err := c.tx.Exec(fmt.Sprintf(insert, column, table)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// names are the rows of a query for one text.
func names(q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, query string, args ...any) (all []string, err error) {
	rows, err := q.QueryContext(context.Background(), query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}
