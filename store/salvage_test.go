package store

import (
	"database/sql"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const page = 4096 // of SQLite's file

// spoil overwrites pages of a file, counted from 1, as a broken disk does.
func spoil(t *testing.T, path string, pages ...int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	junk := make([]byte, page)
	for i := range junk {
		junk[i] = byte(rand.N(256))
	}
	for _, n := range pages {
		if _, err := f.WriteAt(junk, int64(n-1)*page); err != nil {
			t.Fatal(err)
		}
	}
}

// rootOf is the first page of a table.
func rootOf(t *testing.T, path, table string) (root int) {
	t.Helper()
	db, err := sql.Open("sqlite3", uri(path, "mode=ro"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT rootpage FROM sqlite_schema WHERE name = ?`, table).Scan(&root); err != nil {
		t.Fatal(err)
	}
	return root
}

// ledger returns a file with 3,000 bans and 400 decisions.
func ledger(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, s)
	all := manyBans(0, 3000)
	for id := range uint64(400) {
		all = append(all, decision(id+1))
	}
	record(t, s, all...)
	stop(t)
	return path
}

// Whatever page of a file is broken, the guard starts, with what is left.
func TestDamagedFile(t *testing.T) {
	whole := ledger(t)
	info, err := os.Stat(whole)
	if err != nil {
		t.Fatal(err)
	}
	aside, root := 0, rootOf(t, whole, "bans") // without which nothing leads to the bans
	for n := 2; n <= int(info.Size()/page); n += 7 {
		path := filepath.Join(t.TempDir(), "state.db")
		copyFile(t, whole, path, "")
		spoil(t, path, n)
		var log strings.Builder
		s, err := Open(path, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatalf("page %d: %v", n, err)
		}
		m, err := s.Memory(noon)
		if err != nil {
			t.Fatalf("page %d: %v", n, err)
		}
		if len(m.Bans) < 2000 && n != root || m.NextID < 401 {
			t.Errorf("page %d: %d bans are left and the next id is %d, want 2000 and 401 at least; %s", n, len(m.Bans), m.NextID, log.String())
		}
		stop := start(t, s)
		s.Record(decision(m.NextID))
		s.Record(manyBans(5000, 1)[0])
		for err = s.Commit(t.Context()); broken(err); err = s.Commit(t.Context()) {
		}
		if err != nil {
			t.Errorf("page %d: %v", n, err)
		}
		stop(t)
		if len(Aside(path)) > 0 {
			aside++
		}
	}
	if aside < 8 {
		t.Errorf("%d files were set aside, want 8 at least: else this shows little", aside)
	}
}

// A file whose first page is gone may be anything; it is not touched.
func TestForeignFileStays(t *testing.T) {
	path := ledger(t)
	spoil(t, path, 1)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, Options{})
	wantError(t, err, "file is not a database")
	after, err := os.ReadFile(path)
	if err != nil || !slices.Equal(before, after) || len(Aside(path)) != 0 {
		t.Errorf("the file was changed, or set aside: %v, %v", Aside(path), err)
	}
}

// What is set aside is the damaged file as it was.
func TestSetAside(t *testing.T) {
	path := ledger(t)
	spoil(t, path, rootOf(t, path, "bans"))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range asideMost + 1 {
		copyFile(t, path, path+".copy", "")
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.Memory(noon)
		if n == asideMost {
			wantError(t, err, "such files lie beside it already")
			s.Close()
			break
		}
		st := s.Stats()
		if len(st.Aside) != n+1 || st.Decisions != 400 || m.NextID != 401 || err != nil {
			t.Fatalf("round %d: got %+v, next id %d, %v; want 400 decisions and %d files aside", n, st, m.NextID, err, n+1)
		}
		if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != 400 {
			t.Errorf("chain: got %+v, %v, want 400 rows that hold", r, err)
		}
		got, err := os.ReadFile(st.Aside[n]) // but for the counter of who opened it
		if err != nil || !slices.Equal(got[100:], before[100:]) {
			t.Errorf("round %d: the file that was set aside is not what it was, %v", n, err)
		}
		s.Close()
		copyFile(t, path+".copy", path, "")
		time.Sleep(2 * time.Millisecond) // its name is of the time
	}
}

// Words that cannot be read leave a mark, and none gets their numbers.
func TestLostWords(t *testing.T) {
	path := ledger(t)
	spoil(t, path, rootOf(t, path, "texts"))
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Memory(noon)
	if err != nil || len(m.Bans) != 3000 || !strings.HasPrefix(m.Bans[0].Rule, "(lost ") {
		t.Fatalf("got %d bans, the first %+v, %v; want 3000, of a lost rule", len(m.Bans), m.Bans[:min(1, len(m.Bans))], err)
	}
	defer start(t, s)(t)
	lost := m.Bans[0].Rule
	record(t, s, decision(m.NextID), manyBans(5000, 1)[0])
	if m, err = s.Memory(noon); err != nil || m.Bans[0].Rule != lost {
		t.Errorf("after a new word: got %+v, %v, want the rule %q", m.Bans[0], err, lost)
	}
}

// A file that is damaged while the guard runs is set aside without a restart.
func TestDamagedAtWork(t *testing.T) {
	var told told
	s := run(t, filepath.Join(t.TempDir(), "state.db"), Options{OnError: told.note})
	record(t, s, append(manyBans(0, 3000), decision(1), decision(2))...)
	if _, err := s.db.Load().w.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	spoil(t, s.path, rootOf(t, s.path, "decisions"))
	if _, err := s.db.Load().w.Exec(`PRAGMA shrink_memory`); err != nil {
		t.Fatal(err)
	}
	s.Record(decision(3))
	wantError(t, s.Commit(t.Context()), "malformed")
	deadline := time.Now().Add(20 * time.Second)
	for s.Stats().Degraded && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	told.checkState(t, s, false)
	whole(t, s, 3, 3000)
	if n := len(s.Stats().Aside); n != 1 {
		t.Errorf("%d files were set aside, want 1", n)
	}
}

// No table is forgotten when the schema grows, and no word or account that one
// refers to.
func TestSalvageKnowsTheSchema(t *testing.T) {
	s := openRunning(t, Options{})
	rows, err := s.db.Load().r.Query(`SELECT t.name, (SELECT group_concat(c.name, ', ') FROM pragma_table_info(t.name) c)
		FROM sqlite_schema t WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var name, columns string
		if err := rows.Scan(&name, &columns); err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(tableCopies[:], func(c tableCopy) bool { return c.name == name })
		if at < 0 || !strings.HasPrefix(tableCopies[at].begin, "SELECT "+columns+" FROM ") {
			t.Errorf("table %s with the columns %s: not copied, or not whole", name, columns)
		}
	}
	if n != len(tableCopies) {
		t.Errorf("%d tables are copied, the schema has %d", len(tableCopies), n)
	}
	links, err := s.db.Load().r.Query(`SELECT t.name, f."from", f."table" FROM sqlite_schema t, pragma_foreign_key_list(t.name) f`)
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close()
	for links.Next() {
		var table, column, parent string
		if err := links.Scan(&table, &column, &parent); err != nil {
			t.Fatal(err)
		}
		query := map[string]string{"texts": lostTexts, "accounts": lostAccounts}[parent]
		if !strings.Contains(query, "SELECT "+column+" FROM "+table) && !strings.Contains(query, "SELECT "+column+" AS id FROM "+table) {
			t.Errorf("what %s.%s refers to may be lost without a mark", table, column)
		}
	}
}
