package bench

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/store"
)

// rowsStored takes the ledger alone.
func rowsStored(t testing.TB, r *report) {
	s, err := store.Open(filepath.Join(t.TempDir(), "pbxguard.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	background(t, s.Run)

	const batch = 10_000
	var rates []float64
	for range r.times(20) {
		begin := time.Now()
		for i := range batch {
			record(t, s, call(begin, i))
		}
		commit(t, s)
		rates = append(rates, batch/time.Since(begin).Seconds())
	}
	var durable []time.Duration
	for i := range r.times(1000) {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
		begin := time.Now()
		record(t, s, guard.Ban{Prefix: p, Since: begin, Until: begin.Add(time.Hour), Rule: "auth", Reason: "5 wrong passwords", Times: 1, Enforced: true})
		commit(t, s)
		durable = append(durable, time.Since(begin))
		time.Sleep(time.Millisecond)
	}
	if st := s.Stats(); st.Lost > 0 {
		t.Errorf("%d records are lost", st.Lost)
	}
	r.heading("Store: SQLite on this disk")
	r.values("rows written, in batches (call records, 10,000 at a time)", rates, "/s", true, "")
	r.spread("a ban, until it is durable", durable, "")
}

// record waits for room, as nothing in the daemon does.
func record(t testing.TB, s *store.Store, rec guard.Record) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !s.Record(rec); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatal("the store takes no records")
		}
	}
}

func commit(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// call is the record of the ith of many calls.
func call(ended time.Time, i int) guard.CallRecord {
	number := fmt.Sprintf("020555%04d", i)
	return guard.CallRecord{
		Call: guard.CallID(fmt.Sprintf("1795320474.%d", i)), PBX: "asterisk",
		Payer: guard.Account{PBX: "asterisk", Name: fmt.Sprint(100 + i%100)}, Trunk: guard.Account{PBX: "asterisk", Name: "trunk"},
		Started: ended.Add(-time.Minute), Duration: time.Minute, Talked: 50 * time.Second,
		Dialled: number, Sent: number, Number: "+31" + number[1:], Country: "NL", Class: "fixed", Cause: 16,
		Source: netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 250)}),
	}
}
