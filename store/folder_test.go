package store

import (
	"fmt"
	"testing"
	"time"

	"pbxguard/guard"
)

func TestAlikeFailuresShareARow(t *testing.T) {
	s := openRunning(t, Options{})
	first := failure("203.0.113.9:5060", "100", noon)
	again := failure("203.0.113.9:5061", "100", noon.Add(20*time.Millisecond))
	elsewhere := failure("203.0.113.10:5060", "100", noon.Add(time.Millisecond))
	tcp := failure("203.0.113.9:5060", "100", noon.Add(2*time.Millisecond))
	tcp.Proof = guard.Path
	record(t, s, first, elsewhere, again, tcp, again)
	got, err := s.Auths(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, a := range got {
		total += a.Count
	}
	if total != 5 {
		t.Errorf("failures: got %d, want all 5", total)
	}
	if len(got) > 0 && got[len(got)-1].Last.IsZero() {
		t.Errorf("last failure: got none")
	}
}

// alike folds at once what a batch of the writer would.
func TestFold(t *testing.T) {
	var f folder
	at := func(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }
	out := f.fold([]guard.Record{
		failure("203.0.113.9:5060", "100", at(0)), call(noon), failure("203.0.113.9:5061", "100", at(7)),
		failure("203.0.113.9:5060", "101", at(3)), failure("203.0.113.9:5062", "100", at(5)),
	}, noon, false)
	equal(t, "rows", out, []guard.Record{
		&failures{AuthRecord: failure("203.0.113.9:5060", "100", at(0)), count: 3, last: at(7)},
		call(noon),
		&failures{AuthRecord: failure("203.0.113.9:5060", "101", at(3)), count: 1, last: at(3)},
	})
}

// A flood from everywhere costs a bounded number of rows, and is still counted.
func TestFloodIsBounded(t *testing.T) {
	var f folder
	now := noon
	rows, counted, sent := 0, 0, 0
	for batch := range 600 { // a minute of 20,000 a second
		var bulk []guard.Record
		for range 2000 {
			sent++
			a := failure("203.0.113.9:5060", fmt.Sprint("user", sent), now)
			a.Source = spread(sent).Source
			bulk = append(bulk, a)
		}
		now = now.Add(batchTime)
		out := f.fold(bulk, now, batch == 599)
		rows, counted = rows+len(out), counted+weight(out...)
	}
	if limit := authBurst + 60*authRate + 2; rows > limit {
		t.Errorf("rows: got %d, want %d at most", rows, limit)
	}
	if counted != sent {
		t.Errorf("failures counted: got %d, want %d", counted, sent)
	}
	// A quiet time later the next ones are written down one by one again.
	out := f.fold([]guard.Record{spread(1), spread(2)}, now.Add(time.Hour), false)
	equal(t, "rows after a quiet hour", len(out), 2)
}

func TestFoldedIsWrittenWithinAMinute(t *testing.T) {
	f := folder{spent: authBurst, at: noon}
	if out := f.fold([]guard.Record{spread(1)}, noon, false); len(out) != 0 {
		t.Fatalf("rows: got %v, want none yet", out)
	}
	if out := f.fold(nil, noon.Add(foldFor-1), false); len(out) != 0 {
		t.Errorf("rows before the minute is over: got %v, want none", out)
	}
	out := f.fold(nil, noon.Add(foldFor), false)
	if len(out) != 1 || weight(out...) != 1 {
		t.Fatalf("rows after a minute: got %v, want one", out)
	}
	if row := out[0].(*failures); row.Source.IsValid() || row.Account != "" || row.What == "" {
		t.Errorf("folded row: got %+v, want only how it failed", row)
	}
	if out := f.fold(nil, noon.Add(2*foldFor), true); len(out) != 0 {
		t.Errorf("the same again: got %v, want none", out)
	}
}

// A folded row is stored and read like any other.
func TestFoldedIsStored(t *testing.T) {
	s := openRunning(t, Options{})
	w := &failures{AuthRecord: guard.AuthRecord{At: noon, PBX: "hq", What: "scan"}, count: 1234, last: noon.Add(time.Minute)}
	record(t, s, w)
	got, err := s.Auths(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "failures", got, []Auth{{AuthRecord: w.AuthRecord, Count: 1234, Last: w.last}})
}
