package runs

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/audit"
)

func TestRunsAreKeptByTree(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "runs.db")
	day := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	for i := range kept + 3 {
		db, err := Open(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := db.Memory(ctx, "/a")
		if err != nil {
			t.Fatal(err)
		}
		known, same := m.Note("account:100", []byte("x"))
		if !known || !same {
			t.Fatalf("run %d: got known %v, same %v for what never changed", i, known, same)
		}
		run := audit.Run{At: day.AddDate(0, 0, i), Findings: []audit.Finding{
			{ID: fmt.Sprintf("X-%d", i), Status: audit.Fail}, {ID: "Y-1", Status: audit.Pass},
		}}
		if err := db.Add(ctx, "/a", run, m); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	db, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	failed, at, err := db.Last(ctx, "/a")
	if err != nil || len(failed) != 1 || failed[0].ID != fmt.Sprintf("X-%d", kept+2) || !at.Equal(day.AddDate(0, 0, kept+2)) {
		t.Errorf("got %+v of %s, %v, want what failed in the newest run", failed, at, err)
	}
	if failed, at, err := db.Last(ctx, "/b"); failed != nil || !at.IsZero() || err != nil {
		t.Errorf("got %v of %s, %v for a tree never audited", failed, at, err)
	}
	var n int
	if err := db.db.QueryRow("SELECT count(*) FROM run").Scan(&n); err != nil || n != kept {
		t.Errorf("got %d runs, %v, want the newest %d", n, err, kept)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a file of its owner alone", info.Mode(), err)
	}
}

func TestAnUnknownAccountIsNew(t *testing.T) {
	m := audit.Memory{Key: make([]byte, 32), Old: map[string]string{}}
	if known, _ := m.Note("account:200", nil); known {
		t.Error("an account that was not there is known")
	}
	m.Old, m.New = m.New, nil
	if known, same := m.Note("account:200", []byte("y")); !known || same {
		t.Errorf("got known %v, same %v for what changed", known, same)
	}
}

func TestAFileOfANewerVersionIsLeftAlone(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "runs.db")
	db, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.db.Exec("PRAGMA user_version = 9"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, path); err == nil || !strings.Contains(err.Error(), "newer pbxguard") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// TestOlderFile opens what the first version wrote: nothing is lost, and each
// mark is as old as the last run.
func TestOlderFile(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "runs.db")
	raw, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_, err = raw.Exec(first + `INSERT INTO secret VALUES (x'00ff'); INSERT INTO run VALUES (1, '/a', 1790000000, '[]'); INSERT INTO mark VALUES ('/a', 'account:100', 'abc');`)
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	m, err := db.Memory(ctx, "/a")
	if err != nil || m.Old["account:100"] != "abc" || !m.Since["account:100"].Equal(time.Unix(1790000000, 0)) || string(m.Key) != "\x00\xff" {
		t.Errorf("got %+v, %v", m, err)
	}
}

// TestSince: what stays as it is keeps its age, what changes is new.
func TestSince(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "runs.db")
	day := time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC)
	db, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	secrets := []string{"one", "one", "two", "two"}
	want := []int{0, 0, 2, 2}
	for i, secret := range secrets {
		m, err := db.Memory(ctx, "/a")
		if err != nil {
			t.Fatal(err)
		}
		m.Now = day.AddDate(0, 0, i)
		m.Note("secret:extension:100", []byte(secret))
		if got := m.SinceWhen("secret:extension:100"); !got.Equal(day.AddDate(0, 0, want[i])) {
			t.Errorf("run %d: got since %s, want day %d", i, got, want[i])
		}
		if err := db.Add(ctx, "/a", audit.Run{At: m.Now}, m); err != nil {
			t.Fatal(err)
		}
	}
}
