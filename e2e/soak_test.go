package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/store"
	"pbxguard/testbed"
)

// The soak: PBXGUARD_SOAK is how long it lasts and PBXGUARD_SOAK_RATE how many
// calls there are a second; "make soak" has two hours of fifty. In the usual run
// of the tests it is a minute of few.
const (
	usualSoak = time.Minute
	usualRate = 8
)

// TestSoak has a real Asterisk under load for hours, with kills, bans, lost
// connections and rows that come of age. What the guard holds, memory, files and
// connections, must stay what it is, and it must see the calls that there are. The
// run writes a report with pictures.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	lasts, rate := soakLength(t)
	a := testbed.Start(t, 22)
	freshWall(t)
	d := newDaemon(t, a, settings{Calls: "enforce", Bans: "enforce", Firewall: "nftables",
		BansMore: "ladder = [\"10m\"]\nlearn = \"0s\"", Tables: uncounted})
	d.retain()
	old := aging(t, d.state(), lasts)
	answering(t, a)
	d.Start()
	d.WaitConnected()
	s := &soak{t: t, d: d, a: a, rate: rate, began: time.Now(), client: control.NewClient(filepath.Join(d.dir, "control.sock"))}
	defer s.report(reportDir(t), lasts)
	s.run(lasts)
	s.rest()
	left := rows(t, d.state())
	t.Logf("rows from before: %d, of which %d are left", old, left)
	if lasts > 10*time.Minute && left >= old {
		t.Error("nothing was pruned")
	}
	s.judge()
}

func soakLength(t testing.TB) (lasts time.Duration, rate int) {
	t.Helper()
	lasts, rate = usualSoak, usualRate
	var err error
	if text := os.Getenv("PBXGUARD_SOAK"); text != "" {
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("PBXGUARD_SOAK: %v", err)
		}
		rate = 50
	}
	if text := os.Getenv("PBXGUARD_SOAK_RATE"); text != "" {
		if rate, err = strconv.Atoi(text); err != nil {
			t.Fatalf("PBXGUARD_SOAK_RATE: %v", err)
		}
	}
	return lasts, rate
}

// reportDir is where reports go: where the environment says, or nowhere in particular.
func reportDir(t testing.TB) string {
	if dir := os.Getenv("PBXGUARD_REPORTS"); dir != "" {
		return dir
	}
	return t.TempDir()
}

// uncounted switches off the rules that count calls: few phones make them all.
const uncounted = `
[rules.attempts]
action = "allow"
[rules.concurrent]
action = "allow"
[rules.concurrent_country]
action = "allow"
[rules.sequential]
action = "allow"
[rules.minutes_hour]
action = "allow"
[rules.minutes_day]
action = "allow"
`

// retain has the daemon keep a day.
func (d *daemon) retain() {
	d.t.Helper()
	text, err := os.ReadFile(d.path())
	if err != nil {
		d.t.Fatal(err)
	}
	put(d.t, d.path(), strings.Replace(string(text), "[store]\n", "[store]\nretention = \"1d\"\n", 1))
}

const agingNumber = "+31205550000"

// aging fills the store with calls that come of age while the soak lasts, and
// some that are already. It returns how many there are.
func aging(t testing.TB, path string, lasts time.Duration) int {
	t.Helper()
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	const n = 20_000
	first := time.Now().Add(-24*time.Hour - lasts)
	for i := range n {
		began := first.Add(2 * lasts * time.Duration(i) / n)
		s.Record(guard.CallRecord{Call: guard.CallID(fmt.Sprint("aging.", i)), PBX: "asterisk",
			Payer: guard.Account{PBX: "asterisk", Name: "100"}, Trunk: guard.Account{PBX: "asterisk", Name: "trunk"},
			Started: began, Duration: time.Minute, Number: agingNumber, Country: "NL", Class: "national", Cause: 16})
		if i%5000 == 0 {
			if err := s.Commit(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	stop()
	running.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return rows(t, path)
}

// rows counts the calls in the store that have the number of those of aging.
func rows(t testing.TB, path string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM calls WHERE number = ?", agingNumber).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// answering is the other side of the trunk: SIPp, which keeps nothing of a call.
func answering(t testing.TB, a *testbed.Asterisk) {
	t.Helper()
	if _, err := exec.LookPath("sipp"); err != nil {
		testbed.Skip(t, "needs sipp (apt-get install sip-tester)")
	}
	cmd := exec.Command("sipp", "-sn", "uas", "-i", a.Trunk.Addr().String(), "-p", fmt.Sprint(a.Trunk.Port()), "-nostdin")
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}
