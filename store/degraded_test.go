package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/guard"
)

// told is what OnError was told.
type told struct {
	mu   sync.Mutex
	errs []error
}

func (t *told) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errs = append(t.errs, err)
}

func (t *told) check(tb testing.TB, when string, want ...string) {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.errs) != len(want) {
		tb.Fatalf("%s OnError was told %v, want %q", when, t.errs, want)
	}
	for i, err := range t.errs {
		if !strings.Contains(fmt.Sprint(err), want[i]) {
			tb.Errorf("%s OnError was told %v, want one with %q", when, err, want[i])
		}
	}
}

// hold keeps the file locked, as a person with a transaction open in a shell
// does, until the function it returns is called.
func hold(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", uri(path, "_txlock=immediate"))
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		db.Close()
	})
}

// While nothing can be written bans and decisions are kept, in order, and the
// rest is counted as lost.
func TestDegraded(t *testing.T) {
	var told told
	path := filepath.Join(t.TempDir(), "state.db")
	s := run(t, path, Options{OnError: told.note})
	record(t, s, decision(1), ban("203.0.113.1/32", noon, 0))
	release := hold(t, path)
	defer release()
	s.Record(ban("203.0.113.2/32", noon, 0))
	s.Record(guard.Lift{Prefix: ban("203.0.113.1/32", noon, 0).Prefix, At: noon, By: "root"})
	s.Record(decision(2))
	s.Record(call(noon))
	s.Record(failure("203.0.113.9:1", "1", noon))
	wantError(t, s.Commit(t.Context()), "database is locked")
	wantError(t, s.Commit(t.Context()), "database is locked")
	st := s.Stats()
	if !st.Degraded || st.Since.IsZero() || !strings.Contains(st.Reason, "locked") || st.Kept != 3 || st.Lost != 2 {
		t.Errorf("while locked: got %+v, want 3 kept and 2 lost", st)
	}
	told.check(t, "while locked", "cannot write the store")
	if m, err := s.Memory(noon); err != nil || len(m.Bans) != 1 {
		t.Errorf("memory while locked: got %+v, %v, want the first ban", m, err)
	}

	release()
	record(t, s, decision(3))
	told.check(t, "afterwards", "cannot write the store", "<nil>")
	st = s.Stats()
	if st.Degraded || st.Reason != "" || st.Kept != 0 || st.Lost != 2 {
		t.Errorf("afterwards: got %+v, want nothing kept", st)
	}
	if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != 3 {
		t.Errorf("chain: got %+v, %v, want 3 rows that hold", r, err)
	}
	bans, err := s.Bans(t.Context(), Query{})
	if err != nil || len(bans) != 2 || bans[0].LiftedBy != "root" || bans[1].LiftedBy != "" {
		t.Errorf("bans: got %+v, %v, want the first lifted and the second not", bans, err)
	}
}

// It heals by itself, without anybody asking.
func TestDegradedHeals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	healed := make(chan struct{})
	s := run(t, path, Options{OnError: func(err error) {
		if err == nil {
			close(healed)
		}
	}})
	record(t, s)
	release := hold(t, path)
	s.Record(ban("203.0.113.2/32", noon, 0))
	wantError(t, s.Commit(t.Context()), "locked")
	release()
	select {
	case <-healed:
	case <-time.After(10 * time.Second):
		t.Fatal("not healed after 10 s")
	}
	if n := count(t, s, "bans"); n != 1 {
		t.Errorf("bans: got %d, want 1", n)
	}
}

// What is kept is bounded: the oldest goes.
func TestKeptIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := run(t, path, Options{Queue: 10})
	record(t, s)
	release := hold(t, path)
	defer release()
	for id := range uint64(25) {
		if !s.Record(decision(id + 1)) {
			t.Fatalf("decision %d was not queued", id+1)
		}
		if id%5 == 4 {
			wantError(t, s.Commit(t.Context()), "locked")
		}
	}
	if st := s.Stats(); st.Kept != 10 || st.Lost != 15 {
		t.Errorf("got %d kept and %d lost, want 10 and 15", st.Kept, st.Lost)
	}
	release()
	record(t, s)
	got, err := s.Decisions(t.Context(), Query{})
	if err != nil || len(got) != 10 || got[0].ID != 16 {
		t.Errorf("decisions: got %d from %+v, %v, want 10 from 16", len(got), got, err)
	}
}

func TestStoppedWhileDegraded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	defer hold(t, path)()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	s.Record(ban("203.0.113.2/32", noon, 0))
	start := time.Now()
	cancel()
	wantError(t, <-ended, "cannot save the last 1 records: ")
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("stopping took %v, want little more than the 500 ms a lock is waited for", took)
	}
	if s.Record(decision(1)) {
		t.Error("a stopped store took a record")
	}
	if err := s.Commit(t.Context()); err != ErrClosed {
		t.Errorf("commit: got %v, want %v", err, ErrClosed)
	}
	if st := s.Stats(); st.Lost != 2 {
		t.Errorf("lost: got %d, want 2", st.Lost)
	}
}

// A full lane takes no more, and one does not fill the other.
func TestQueueIsBounded(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "state.db"), Options{Queue: 3})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		if got, want := s.Record(call(noon)), n < 3; got != want {
			t.Errorf("call %d queued: got %v, want %v", n, got, want)
		}
	}
	for n := range 5 {
		if got, want := s.Record(ban("203.0.113.2/32", noon.Add(time.Duration(n)), 0)), n < 3; got != want {
			t.Errorf("ban %d queued: got %v, want %v", n, got, want)
		}
	}
	if st := s.Stats(); st.Lost != 4 || st.Queue != 6 {
		t.Errorf("got %d lost and %d queued, want 4 and 6", st.Lost, st.Queue)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	wantError(t, s.Commit(ctx), "context deadline exceeded") // nobody writes
	start(t, s)(t)
}

// Stopping writes what is queued, and soon.
func TestStopDrains(t *testing.T) {
	const n = 1000
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		s.Record(call(noon))
		s.Record(decision(uint64(i + 1)))
		s.Record(spread(i))
	}
	stop, begin := start(t, s), time.Now()
	stop(t)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("draining %d records took %v, want less than a second", 3*n, took)
	}
	s = run(t, path, Options{})
	for _, table := range []string{"calls", "decisions", "auths"} {
		if got := count(t, s, table); got != n {
			t.Errorf("rows of %s: got %d, want %d", table, got, n)
		}
	}
}

// A ban reaches the file without anybody asking for it, and before the next tick.
func TestBansAreWrittenAtOnce(t *testing.T) {
	s := openRunning(t, Options{})
	record(t, s)
	for n := range 20 {
		before := s.Stats().Batches
		s.Record(guard.Ban{Prefix: ban("203.0.113.2/32", noon, 0).Prefix, Since: noon.Add(time.Duration(n)), Enforced: true})
		for start := time.Now(); s.Stats().Batches == before; {
			if time.Since(start) > 5*time.Second {
				t.Fatal("a ban was not written in 5 s")
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// Nor does it wait for more than one batch of what is queued before it.
func TestBansOvertake(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "state.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := &writer{Store: s}
	s.Record(ban("203.0.113.2/32", noon, 0)) // while the writer is at this:
	if _, err := w.save(series(2*batchRows, func(int) guard.Record { return call(noon) })); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "bans"); n != 1 {
		t.Errorf("bans: got %d, want 1", n)
	}
}

// What must survive a power failure is synced with each commit (2), the rest is
// not (1).
func TestOnlyTheJournalIsSynced(t *testing.T) {
	s := openRunning(t, Options{})
	for _, tt := range []struct {
		r    guard.Record
		want int
	}{
		{ban("203.0.113.2/32", noon, 0), 2}, {call(noon), 1}, {decision(1), 2}, {spread(1), 1},
		{guard.Lift{Prefix: ban("203.0.113.2/32", noon, 0).Prefix, At: noon}, 2}, {guard.Standing{}, 1}, {guard.Bar{}, 2},
	} {
		record(t, s, tt.r)
		var got int
		if err := s.db.Load().w.QueryRow(`PRAGMA synchronous`).Scan(&got); err != nil || got != tt.want {
			t.Errorf("synchronous for %T: got %d, %v, want %d", tt.r, got, err, tt.want)
		}
	}
}

// odd is a record that no table is for.
type odd struct{ guard.Gap }

// One bad record does not hold up the good ones.
func TestRefusedRecordIsDropped(t *testing.T) {
	var log strings.Builder
	s := openRunning(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	record(t, s, decision(1), odd{}, decision(2))
	if st := s.Stats(); st.Lost != 1 || st.Degraded {
		t.Errorf("got %+v, want one lost", st)
	}
	if n := count(t, s, "decisions"); n != 2 {
		t.Errorf("decisions: got %d, want 2", n)
	}
	if !strings.Contains(log.String(), "store.odd") {
		t.Errorf("log: got %q, want it to name the record", log.String())
	}
}
