package store

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
)

// schemas holds one file per version: the step from the version before to it.
// A step that has been released is never edited; a change is a new step.
//
//go:embed schema/1.sql schema/2.sql schema/3.sql
var schemas embed.FS

// steps are the files of schemas, the step to version 1 first.
var steps = [...]string{"schema/1.sql", "schema/2.sql", "schema/3.sql"}

// schema is the version that this program reads and writes.
const schema = len(steps)

// application marks the file as ours, in SQLite's header ("pbxg").
const application = 0x70627867

// ErrSchema reports a file that this program cannot read: of a later version of
// pbxguard, or not of pbxguard at all.
var ErrSchema = errors.New("this version of pbxguard cannot read the file")

// querier is a connection or a transaction.
type querier interface {
	QueryRow(query string, args ...any) *sql.Row
}

// versionOf returns the schema version of an open file, 0 for an empty one.
func versionOf(q querier) (int, error) {
	var version, owner, objects int
	err := q.QueryRow(`SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_user_version, pragma_application_id`).Scan(&version, &owner, &objects)
	if err != nil {
		return 0, fmt.Errorf("cannot read the schema version: %w", err)
	}
	if objects > 0 && owner != application {
		return 0, fmt.Errorf("%w: it is an SQLite database of another program", ErrSchema)
	}
	if version > schema {
		return 0, fmt.Errorf("%w: it has schema %d, this program knows up to %d; install the newer pbxguard, or move the file away",
			ErrSchema, version, schema)
	}
	return version, nil
}

// migrate brings an open file to the present schema, each step in a transaction
// of its own, so that a crash leaves some whole version behind.
func migrate(db *sql.DB) error {
	for stepped := false; ; stepped = true {
		version, err := versionOf(db)
		if err != nil {
			return err
		}
		if version == schema && stepped { // else only the log would say whose file it is
			_, err = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
		}
		if version == schema {
			return err
		}
		if err := step(db, version+1); err != nil {
			return fmt.Errorf("cannot migrate to schema %d: %w", version+1, err)
		}
	}
}

func step(db *sql.DB, to int) error {
	migration, err := schemas.ReadFile(steps[to-1])
	if err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(string(migration)); err != nil {
		return err
	}
	if version, err := versionOf(tx); err != nil || version != to {
		return errors.Join(fmt.Errorf("%s leads to schema %d", steps[to-1], version), err)
	}
	return tx.Commit()
}
