package store

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pbxguard/guard"
)

// What has been committed survives the death of the process at any moment.
func TestKilled(t *testing.T) {
	kills := 200
	switch {
	case testing.Short():
		kills = 20
	case os.Getenv("CI") == "true":
		kills = 50
	}
	const perFile = 20 // one file is written again after each kill
	var acknowledged atomic.Int64
	t.Run("file", func(t *testing.T) {
		for first := 0; first < kills; first += perFile {
			t.Run(fmt.Sprint(first), func(t *testing.T) {
				t.Parallel()
				w := witness{path: filepath.Join(t.TempDir(), "state.db")}
				for n := range min(perFile, kills-first) {
					w.watch(t)
					w.check(t)
					if t.Failed() {
						t.Fatalf("after kill %d", n+1)
					}
				}
				acknowledged.Add(int64(len(w.decisions) + len(w.outcomes) + len(w.bans) + len(w.lifts)))
			})
		}
	})
	t.Logf("%d kills, %d acknowledged records", kills, acknowledged.Load())
	if acknowledged.Load() < int64(10*kills) {
		t.Errorf("%d records were acknowledged in %d runs: too few to show anything", acknowledged.Load(), kills)
	}
}

// witness is what children have said to be committed.
type witness struct {
	path                string
	decisions, outcomes []uint64
	bans, lifts         []netip.Prefix
}

// watch runs a child that writes, kills it and notes what it said. One in four
// is killed while it starts.
func (w *witness) watch(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0], w.path)
	cmd.Env = append(os.Environ(), child+"=crash")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if rand.N(4) > 0 {
		lines.Scan() // that it is ready
	}
	time.Sleep(rand.N(150 * time.Millisecond))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		w.note(lines.Text())
	}
	if err := cmd.Wait(); !strings.Contains(fmt.Sprint(err), "killed") {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

// note takes one line of a child; what a kill cut off has no full stop.
func (w *witness) note(line string) {
	words := strings.Fields(line)
	if len(words) != 3 || words[2] != "." {
		return
	}
	id, _ := strconv.ParseUint(words[1], 10, 64)
	prefix, _ := netip.ParsePrefix(words[1])
	switch words[0] {
	case "decision":
		w.decisions = append(w.decisions, id)
	case "outcome":
		w.outcomes = append(w.outcomes, id)
	case "ban":
		w.bans = append(w.bans, prefix)
	case "lift":
		w.lifts = append(w.lifts, prefix)
	}
}

// check opens the file and looks for everything that was acknowledged.
func (w *witness) check(t *testing.T) {
	t.Helper()
	s, err := Open(w.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if report, err := s.Verify(t.Context()); err != nil || !report.OK {
		t.Errorf("chain: got %+v, %v", report, err)
	}
	var integrity string
	if err := s.db.Load().w.QueryRow(`PRAGMA integrity_check`).Scan(&integrity); err != nil || integrity != "ok" {
		t.Errorf("integrity: got %q, %v", integrity, err)
	}
	w.checkDecisions(t, s)
	w.checkBans(t, s)
}

func (w *witness) checkDecisions(t *testing.T, s *Store) {
	t.Helper()
	stored, err := s.Decisions(t.Context(), Query{Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	outcome := map[uint64]string{}
	for _, d := range stored {
		if _, twice := outcome[d.ID]; twice {
			t.Errorf("decision %d is there twice", d.ID)
		}
		outcome[d.ID] = d.Outcome
	}
	for _, id := range w.decisions {
		if _, ok := outcome[id]; !ok {
			t.Errorf("decision %d was acknowledged and is lost", id)
		}
	}
	for _, id := range w.outcomes {
		if outcome[id] != "confirmed" {
			t.Errorf("the outcome of decision %d was acknowledged and is lost", id)
		}
	}
}

func (w *witness) checkBans(t *testing.T, s *Store) {
	t.Helper()
	stored, err := s.Bans(t.Context(), Query{Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	bans := map[netip.Prefix]Ban{}
	for _, b := range stored {
		bans[b.Prefix] = b
	}
	for _, p := range w.bans {
		if _, ok := bans[p]; !ok {
			t.Errorf("ban of %s was acknowledged and is lost", p)
		}
	}
	for _, p := range w.lifts {
		if bans[p].LiftedBy != "root" {
			t.Errorf("lift of %s was acknowledged and is lost", p)
		}
	}
}

// work is the child: it records under load and says what has been committed.
func work(path string) {
	s, err := Open(path, Options{})
	if err != nil {
		log.Fatal(err)
	}
	m, err := s.Memory(time.Now())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	go s.Run(ctx)
	var say sync.Mutex
	tell := func(what string, which any) {
		say.Lock()
		defer say.Unlock()
		fmt.Println(what, which, ".")
	}
	committed := func(what string, which any) {
		if err := s.Commit(ctx); err != nil {
			log.Fatal(err)
		}
		tell(what, which)
	}
	tell("ready", path)
	go flood(s)
	go workBans(s, int(m.NextID), committed)
	for id := m.NextID; ; id++ {
		d := decision(id)
		s.Record(d)
		committed("decision", id)
		if id%2 == 0 {
			d.Outcome = "confirmed"
			s.Record(d)
			committed("outcome", id)
		}
	}
}

func workBans(s *Store, first int, committed func(string, any)) {
	for n := first << 8; ; n++ {
		p := netip.PrefixFrom(address(n), 32)
		s.Record(guard.Ban{Prefix: p, Since: time.Now(), Rule: "auth", Enforced: true})
		committed("ban", p)
		if n%3 == 0 {
			s.Record(guard.Lift{Prefix: p, At: time.Now(), By: "root"})
			committed("lift", p)
		}
	}
}

// flood keeps the writer busy with what nobody waits for.
func flood(s *Store) {
	for n := 0; ; n++ {
		s.Record(spread(n))
		s.Record(call(noon))
		if n%10 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}
