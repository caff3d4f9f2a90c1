package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pbxguard/guard"
)

// frozenFile makes a file of an older version from its dump in testdata, which is
// never edited.
func frozenFile(t *testing.T, version int) string {
	t.Helper()
	dump, err := os.ReadFile(fmt.Sprintf("testdata/schema-%d.sql", version))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	execute(t, path, string(dump))
	return path
}

func execute(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite3", uri(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(query)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// layout is what SQLite says the tables are.
func layout(t *testing.T, s *Store) (lines []string) {
	t.Helper()
	rows, err := s.db.Load().r.Query(`SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY type, name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// Every older version becomes the present one, with all that was in it.
func TestMigrate(t *testing.T) {
	fresh := layout(t, openRunning(t, Options{}))
	for version := 1; version < schema; version++ {
		t.Run(fmt.Sprint("from ", version), func(t *testing.T) {
			s := run(t, frozenFile(t, version), Options{})
			equal(t, "layout", layout(t, s), fresh)
			checkFrozen(t, s)
			record(t, s, decision(9), failure("203.0.113.9:5060", "100", noon))
			if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != 4 {
				t.Errorf("chain after one more: got %+v, %v, want 4 rows that hold", r, err)
			}
		})
	}
}

// checkFrozen looks for what every dump contains.
func checkFrozen(t *testing.T, s *Store) {
	t.Helper()
	if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != 3 {
		t.Errorf("chain: got %+v, %v, want 3 rows that hold", r, err)
	}
	d := decision(1)
	d.Outcome, d.After = "confirmed", 12*time.Millisecond
	decisions, err := s.Decisions(t.Context(), Query{})
	equal(t, "decisions", decisions, []guard.Decision{d, decision(2)})
	auths, err2 := s.Auths(t.Context(), Query{})
	equal(t, "failures", auths, []Auth{{AuthRecord: failure("203.0.113.9:5060", "100", noon), Count: 1, Last: noon}})
	calls, err3 := s.CallRecords(t.Context(), Query{})
	equal(t, "calls", calls, []guard.CallRecord{call(noon)})
	m, err4 := s.Memory(noon.Add(time.Minute))
	equal(t, "memory", m, guard.Memory{
		Bans:      []guard.Ban{ban("203.0.113.7/32", noon, 0)},
		Bars:      []guard.Bar{{Account: bob, At: noon, Rule: "hand", Reason: "left the company", By: "root"}},
		Standings: []guard.Standing{{Account: alice, Source: netip.MustParseAddr("192.0.2.1"), First: noon, Last: noon, Registered: true, Agent: "Phone"}},
		Usage:     []guard.Usage{{Account: alice, At: noon.Add(90 * time.Second), Talked: 80 * time.Second}},
		NextID:    3,
	})
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Error(err)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, content, want string }{
		{"later schema", `PRAGMA application_id = 0x70627867; PRAGMA user_version = 99; CREATE TABLE t (a)`,
			"it has schema 99, this program knows up to 3; install the newer pbxguard, or move the file away"},
		{"other program", `CREATE TABLE astdb (key VARCHAR, value VARCHAR)`, "it is an SQLite database of another program"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			execute(t, path, tt.content)
			before := fileContent(t, path)
			for _, readOnly := range []bool{false, true} {
				_, err := Open(path, Options{ReadOnly: readOnly})
				wantError(t, err, tt.want)
				if !errors.Is(err, ErrSchema) {
					t.Errorf("error: got %v, want ErrSchema", err)
				}
			}
			if after := fileContent(t, path); after != before {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOlderSchemaIsNotMigratedByLooking(t *testing.T) {
	_, err := Open(frozenFile(t, 1), Options{ReadOnly: true})
	wantError(t, err, "it has schema 1, which is older than 3; let the daemon open it once")
}

// A step that fails leaves the version before it, whole.
func TestFailedMigrationChangesNothing(t *testing.T) {
	path := frozenFile(t, 1)
	execute(t, path, `ALTER TABLE auths ADD COLUMN span INTEGER`) // in the way of step 2
	for range 2 {
		_, err := Open(path, Options{})
		wantError(t, err, "cannot migrate to schema 2: duplicate column name: span")
	}
	execute(t, path, `ALTER TABLE auths DROP COLUMN span`)
	s := run(t, path, Options{})
	checkFrozen(t, s)
}

func fileContent(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
