package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pbxguard/guard"
)

// The encoding is for ever: a chain of last year must verify next year.
func TestChainIsFrozen(t *testing.T) {
	d := decision(7)
	d.By, d.Outcome, d.After = "root", "confirmed", time.Millisecond
	at := tail{}.next([]byte("0123456789abcdef"), d).next([]byte("fedcba9876543210"), guard.Decision{})
	const want = "09aeab506e97b82e7c5e444d0c03c83a860f9cb94e8ff532515616cdeabbfda4"
	if got := hex.EncodeToString(at.hash[:]); got != want || at.seq != 2 {
		t.Errorf("chain: got %d %s, want 2 %s", at.seq, got, want)
	}
}

// verifyAfter returns what Verify says of ten decisions after somebody has
// changed the file.
func verifyAfter(t *testing.T, change string) VerifyReport {
	t.Helper()
	s := openRunning(t, Options{})
	for id := range uint64(10) {
		record(t, s, decision(id+1))
	}
	if _, err := s.db.Load().w.Exec(change); err != nil {
		t.Fatal(err)
	}
	report, err := s.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerify(t *testing.T) {
	const altered = "the row, or the one before it, is not what was written"
	for _, tt := range []struct {
		name, change string
		rows         uint64
		reason       string // "": it holds
	}{
		{"untouched", `SELECT 1`, 10, ""},
		{"number", `UPDATE decisions SET number = '+31201234567' WHERE seq = 4`, 3, altered},
		{"time", `UPDATE decisions SET at = at + 1 WHERE seq = 4`, 3, altered},
		{"not enforced", `UPDATE decisions SET enforced = 0 WHERE seq = 10`, 9, altered},
		{"account renamed", `UPDATE accounts SET name = '101'`, 0, altered},
		{"rule renamed", `UPDATE texts SET text = 'hours' WHERE text = 'destination'`, 0, altered},
		{"source", `UPDATE decisions SET source = x'01020304' WHERE seq = 1`, 0, altered},
		{"unreadable source", `UPDATE decisions SET source = x'01' WHERE seq = 2`, 1, "the row cannot be read: "},
		{"row removed", `DELETE FROM decisions WHERE seq = 5`, 4, "rows are missing: 6 follows 4"},
		{"first removed", `DELETE FROM decisions WHERE seq = 1`, 0, "rows are missing: 2 follows 0"},
		{"dictionary gone", `DELETE FROM texts WHERE text = 'destination'`, 0, "the row cannot be read: "},
		{"swapped", `UPDATE decisions SET seq = CASE seq WHEN 3 THEN -4 WHEN 4 THEN -3 ELSE seq END;
			UPDATE decisions SET seq = -seq WHERE seq < 0`, 2, altered},
		{"hash too", `UPDATE decisions SET number = '', hash = randomblob(32) WHERE seq = 10`, 9, altered},
		{"inserted", `INSERT INTO decisions SELECT 11, 11, at, rule, reason, action, enforced, pbx, account, call, leg, channel,
			dialled, number, country, class, source, by, outcome, after, salt, hash FROM decisions WHERE seq = 10`, 10, altered},
		{"anchor", `UPDATE anchor SET hash = randomblob(32)`, 0, altered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := verifyAfter(t, tt.change)
			if r.Rows != tt.rows || r.OK != (tt.reason == "") {
				t.Errorf("got %+v, want %d rows that hold", r, tt.rows)
			}
			if tt.reason == "" {
				return
			}
			if r.Broken == nil {
				t.Fatalf("got %+v, want %s", r, tt.reason)
			}
			wantError(t, fmt.Errorf("%s", r.Broken.Reason), tt.reason)
			if r.Broken.Seq != tt.rows+1 {
				t.Errorf("broken at: got %d, want %d", r.Broken.Seq, tt.rows+1)
			}
		})
	}
}

// Who cuts the end off leaves a chain that holds; the head noted before tells.
func TestVerifyTellsTheHead(t *testing.T) {
	s := openRunning(t, Options{})
	record(t, s, decision(1), decision(2))
	noted := s.Stats()
	r, err := s.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if noted.Head == "" || r.Head != noted.Head || noted.Decisions != 2 {
		t.Errorf("head: got %q of 2 rows, want %q of %d", r.Head, noted.Head, noted.Decisions)
	}
	if _, err := s.db.Load().w.Exec(`DELETE FROM decisions WHERE seq = 2`); err != nil {
		t.Fatal(err)
	}
	if r, err = s.Verify(t.Context()); err != nil || !r.OK || r.Head == noted.Head {
		t.Errorf("after the cut: got %+v, %v, want another head than %s", r, err, noted.Head)
	}
}

func TestVerifyReportsWhatItCannotRead(t *testing.T) {
	s := openRunning(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Verify(ctx)
	wantError(t, err, "context canceled")
}

// Whatever the network puts into a decision, it comes back as it was, and the
// chain holds over it.
func TestHostileDecisions(t *testing.T) {
	s := openRunning(t, Options{})
	text := rapid.OneOf(rapid.String(), rapid.StringN(longest-2, longest+2, -1), rapid.Just("\x00'\xff\";--\r\n\x1b[2J"),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	id := uint64(1)
	rapid.Check(t, func(rt *rapid.T) {
		id++
		d := guard.Decision{
			ID: id, At: time.Unix(0, rapid.Int64Range(1, 1<<62).Draw(rt, "at")).UTC(), Rule: text.Draw(rt, "rule"),
			Reason: text.Draw(rt, "reason"), Action: guard.Action(rapid.IntRange(0, 4).Draw(rt, "action")),
			Enforced: rapid.Bool().Draw(rt, "enforced"), PBX: text.Draw(rt, "pbx"),
			Account: guard.Account{PBX: text.Draw(rt, "pbx"), Domain: text.Draw(rt, "domain"), Name: text.Draw(rt, "name")},
			Call:    guard.CallID(text.Draw(rt, "call")), Channel: text.Draw(rt, "channel"), Number: text.Draw(rt, "number"),
			After: time.Duration(rapid.Int64().Draw(rt, "after")),
		}
		if b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "source"); b[0] > 50 {
			d.Source, _ = netip.AddrFromSlice(b)
		}
		record(t, s, d)
		got, err := s.Decisions(t.Context(), Query{AfterID: id - 1})
		if err != nil {
			t.Fatal(err)
		}
		if want := []guard.Decision{clipDecision(d)}; !reflect.DeepEqual(got, want) {
			rt.Fatalf("decision:\n got %.3000q\nwant %.3000q", fmt.Sprint(got), fmt.Sprint(want))
		}
	})
	if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != id-1 {
		t.Errorf("chain: got %+v, %v, want %d rows that hold", r, err, id-1)
	}
}

func TestLongTextsAreClipped(t *testing.T) {
	s := openRunning(t, Options{})
	long := make([]byte, 10<<20)
	for i := range long {
		long[i] = 'x'
	}
	d := decision(1)
	d.Reason, d.Account.Name = string(long), string(long)
	record(t, s, d)
	got, err := s.Decisions(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got[0].Reason); n != longest {
		t.Errorf("reason: got %d bytes, want %d", n, longest)
	}
	if r, err := s.Verify(t.Context()); err != nil || !r.OK {
		t.Errorf("chain: got %+v, %v", r, err)
	}
}

// The chain goes on where it ended, in the next life of the process.
func TestChainOutlivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	for id := range uint64(3) {
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		stop := start(t, s)
		if st := s.Stats(); st.Decisions != id || (st.Head == "") != (id == 0) {
			t.Errorf("at start: got head %q of %d decisions, want %d", st.Head, st.Decisions, id)
		}
		record(t, s, decision(id+1))
		if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != id+1 {
			t.Errorf("chain: got %+v, %v, want %d rows that hold", r, err, id+1)
		}
		stop(t)
	}
}
