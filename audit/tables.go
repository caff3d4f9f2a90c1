package audit

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// Row is a row of a table: its columns as text; a NULL is not there.
type Row map[string]string

// True reads a boolean as the PBXs' databases write them, which is as text in
// older ones.
func (r Row) True(column string) bool {
	switch strings.ToLower(r[column]) {
	case "true", "t", "1", "yes", "on":
		return true
	}
	return false
}

// Tables is the database of a PBX's administration, live or from a dump.
type Tables interface {
	// Rows returns all rows of a table; none and no error if there is no such
	// table. It fails with what was read so far if there are too many.
	Rows(ctx context.Context, table string) ([]Row, error)
	// String says where the rows are from, for people.
	String() string
}

// Bounds of what is read of a database. FreePBX keeps 40 rows an extension in
// AstDB, and some ten in each table.
const (
	MaxRows   = 1_000_000 // of one table
	MaxColumn = 256 << 10 // bytes of one value
)

var (
	errNoSQLite = errors.New("it is no SQLite database")
	// ErrTooMany is what [EachRow] fails with behind its bound.
	ErrTooMany = errors.New("it has too many rows")
)

// SQLite asks a database that was read into memory: SQLite never opens the
// file, so nothing is written beside it and no lock is taken. It changes data.
func SQLite(data []byte, query string, each func(Row)) error {
	if len(data) < 100 || string(data[:15]) != "SQLite format 3" {
		return errNoSQLite
	}
	data[18], data[19] = 1, 1 // not in WAL mode, which needs files beside it
	ctx := context.Background()
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error { return driver.(*sqlite3.SQLiteConn).Deserialize(data, "") })
	if err != nil {
		return err
	}
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	return EachRow(rows, MaxRows, each)
}

// EachRow calls each with every row, and fails with [ErrTooMany] behind most of
// them.
func EachRow(rows *sql.Rows, most int, each func(Row)) error {
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]sql.NullString, len(columns))
	to := make([]any, len(columns))
	for i := range values {
		to[i] = &values[i]
	}
	for n := 0; rows.Next(); n++ {
		if n >= most {
			return ErrTooMany
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		row := Row{}
		for i, v := range values {
			if v.Valid && len(v.String) <= MaxColumn {
				row[columns[i]] = v.String
			}
		}
		each(row)
	}
	return rows.Err()
}
