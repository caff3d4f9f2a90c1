package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pbxguard/control"
)

// TestKill9Migration kills a new version of the daemon while it takes over the
// file of an older one. Whenever that is, the next start has it all.
func TestKill9Migration(t *testing.T) {
	const bans = 2000
	kills := crashes(t, "PBXGUARD_MIGRATIONS", 2, 8, 200)
	chance := rand.New(rand.NewPCG(crashSeed(t), 2))
	d := newDaemon(t, newSwitchboard(t).asterisk(t), settings{})
	k := &killed{t: t, d: d}
	client := control.NewClient(filepath.Join(d.dir, "control.sock"))
	interrupted := 0
	for n := range kills {
		oldFile(t, d.state(), 1+n%2, bans)
		d.launch()
		time.Sleep(time.Duration(chance.Int64N(int64(120 * time.Millisecond))))
		d.Kill9()
		if versionOf(t, d.state()) < 3 {
			interrupted++
		}
		k.sound()
		d.launch()
		var got int
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		d.await("the daemon has the bans", 60*time.Second, func() bool {
			all, err := client.Bans(ctx)
			got = len(all)
			return err == nil
		})
		cancel()
		if got != bans {
			t.Fatalf("after kill %d: got %d bans, want %d", n+1, got, bans)
		}
		d.Kill9()
	}
	t.Logf("%d kills, %d before the end of the migration", kills, interrupted)
}

// oldFile makes a file of an older version, with bans for a day.
func oldFile(t testing.TB, path string, version, bans int) {
	t.Helper()
	for _, part := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + part); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	dump, err := os.ReadFile(fmt.Sprintf("../store/testdata/schema-%d.sql", version))
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, "")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// An older version has left it with a write-ahead log.
	if _, err := db.Exec("PRAGMA journal_mode = WAL; " + string(dump) + "; DELETE FROM bans"); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range bans {
		a := netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}).As4()
		_, err := tx.Exec("INSERT INTO bans SELECT ?, ?, ?, min(id), '5 wrong passwords', 1, 1, min(id), 1, 0, NULL FROM texts",
			append(a[:], 32), now.UnixNano(), now.Add(24*time.Hour).UnixNano())
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// versionOf is the version of a file that a dead daemon has left.
func versionOf(t testing.TB, path string) (version int) {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + part)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "copy.db")+part, string(data))
	}
	db, err := sql.Open("sqlite3", filepath.Join(dir, "copy.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}
