package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
)

// noon is some moment.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 123456789, time.UTC)

var (
	alice = guard.Account{PBX: "hq", Name: "100"}
	bob   = guard.Account{PBX: "hq", Domain: "tenant.example", Name: "200"}
	trunk = guard.Account{PBX: "hq", Name: "carrier"}
)

// open opens a store in a fresh directory and runs its writer until the test ends.
func openRunning(t testing.TB, o Options) *Store {
	t.Helper()
	return run(t, filepath.Join(t.TempDir(), "state.db"), o)
}

// run opens the store at path and runs its writer until the test ends.
func run(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, s)
	t.Cleanup(func() { stop(t) })
	return s
}

// start runs the writer of s; what it returns stops it and closes s, once.
func start(t testing.TB, s *Store) (stop func(testing.TB)) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	return func(t testing.TB) {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the writer ended with %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// record records rs and waits until they are committed.
func record(t testing.TB, s *Store, rs ...guard.Record) {
	t.Helper()
	for _, r := range rs {
		if !s.Record(r) {
			t.Fatalf("%T was not queued", r)
		}
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func decision(id uint64) guard.Decision {
	return guard.Decision{
		ID: id, At: noon.Add(time.Duration(id) * time.Second), Rule: "destination", Reason: "premium-rate number",
		Action: guard.Kill, Enforced: true, PBX: "hq", Account: alice, Call: "1741953600.17", Leg: "1741953600.18",
		Channel: "PJSIP/100-0000002a", Dialled: "000231770", Number: "+231770", Country: "LR", Class: "mobile",
		Source: netip.MustParseAddr("203.0.113.9"),
	}
}

func ban(prefix string, since time.Time, d time.Duration) guard.Ban {
	b := guard.Ban{
		Prefix: netip.MustParsePrefix(prefix), Since: since, Rule: "auth", Reason: "5 wrong passwords", Times: 1,
		Proof: guard.Path, Enforced: true,
	}
	if d > 0 {
		b.Until = since.Add(d)
	}
	return b
}

func failure(source, account string, at time.Time) guard.AuthRecord {
	return guard.AuthRecord{
		At: at, PBX: "hq", Source: netip.MustParseAddrPort(source), Account: account, Service: "PJSIP",
		What: "wrong password",
	}
}

func call(at time.Time) guard.CallRecord {
	return guard.CallRecord{
		Call: "1741953600.17", PBX: "hq", Payer: alice, Trunk: trunk, Started: at, Duration: 90 * time.Second,
		Talked: 80 * time.Second, Dialled: "0612345678", Sent: "+31612345678", Number: "+31612345678", Country: "NL",
		Class: "mobile", Via: "forward", Cause: 16, Source: netip.MustParseAddr("2001:db8::5"), Killed: true,
	}
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// What goes in comes out, after a restart too.
func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ? b % c.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, s)
	d, outcome := decision(1), decision(1)
	outcome.Outcome, outcome.After = "confirmed", 12*time.Millisecond
	c := call(noon)
	f := failure("203.0.113.9:5060", "100", noon)
	st := guard.Standing{Account: bob, Source: netip.MustParseAddr("fe80::1%eth0"), First: noon, Last: noon, Registered: true, Agent: "Phone 1"}
	b := ban("2001:db8::/64", noon, time.Hour)
	lift := guard.Lift{Prefix: b.Prefix, At: noon.Add(time.Minute), By: "root"}
	gap := guard.Gap{PBX: "hq", From: noon, To: noon.Add(time.Second), Reason: "connection lost"}
	record(t, s, d, c, f, st, b, lift, gap, outcome, decision(2))
	stop(t)

	s, err = Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, all := t.Context(), Query{}
	decisions, err := s.Decisions(ctx, all)
	equal(t, "decisions", decisions, []guard.Decision{outcome, decision(2)})
	calls, err2 := s.CallRecords(ctx, all)
	equal(t, "calls", calls, []guard.CallRecord{c})
	auths, err3 := s.Auths(ctx, all)
	equal(t, "auths", auths, []Auth{{AuthRecord: f, Count: 1, Last: noon}})
	standings, err4 := s.Standings(ctx, all)
	equal(t, "standings", standings, []guard.Standing{st})
	bans, err5 := s.Bans(ctx, all)
	equal(t, "bans", bans, []Ban{{Ban: b, Lifted: lift.At, LiftedBy: "root"}})
	gaps, err6 := s.Gaps(ctx, all)
	equal(t, "gaps", gaps, []guard.Gap{gap})
	if err := errors.Join(err, err2, err3, err4, err5, err6); err != nil {
		t.Error(err)
	}
	if err := s.Run(ctx); err == nil {
		t.Error("a store for reading only was written")
	}
	if s.Record(d) {
		t.Error("a store for reading only took a record")
	}
}

func TestQueries(t *testing.T) {
	s := openRunning(t, Options{})
	other := decision(3)
	other.Rule, other.Account, other.Source = "hours", bob, netip.Addr{}
	record(t, s, decision(1), decision(2), other, decision(4))
	at := func(id int) time.Time { return noon.Add(time.Duration(id) * time.Second) }
	for _, tt := range []struct {
		name string
		q    Query
		want []uint64
	}{
		{"all", Query{}, []uint64{1, 2, 3, 4}},
		{"newest", Query{Limit: 2}, []uint64{3, 4}},
		{"next", Query{AfterID: 1, Limit: 2}, []uint64{2, 3}},
		{"nothing new", Query{AfterID: 4}, nil},
		{"since", Query{Since: at(3)}, []uint64{3, 4}},
		{"until", Query{Until: at(3)}, []uint64{1, 2}},
		{"between", Query{Since: at(2), Until: at(4)}, []uint64{2, 3}},
		{"rule", Query{Rule: "hours"}, []uint64{3}},
		{"no such rule", Query{Rule: "' OR 1=1 --"}, nil},
		{"account by name", Query{Account: "100"}, []uint64{1, 2, 4}},
		{"account in full", Query{Account: "hq/tenant.example/200"}, []uint64{3}},
		{"account of another PBX", Query{Account: "branch/100"}, nil},
		{"source", Query{Source: netip.MustParseAddr("203.0.113.9"), Limit: 2}, []uint64{2, 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.Decisions(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			var ids []uint64
			for _, d := range got {
				ids = append(ids, d.ID)
			}
			equal(t, "ids", ids, tt.want)
		})
	}
}

func TestBansAroundAnAddress(t *testing.T) {
	s := openRunning(t, Options{})
	record(t, s, ban("203.0.113.7/32", noon, time.Hour), ban("203.0.113.0/24", noon.Add(1), 0),
		ban("203.0.113.8/32", noon.Add(2), 0), ban("0.0.0.0/0", noon.Add(3), 0), ban("2001:db8::/64", noon.Add(4), 0))
	for _, tt := range []struct{ address, want string }{
		{"203.0.113.7", "[203.0.113.7/32 203.0.113.0/24 0.0.0.0/0]"},
		{"2001:db8::9", "[2001:db8::/64]"},
		{"2001:db9::9", "[]"},
	} {
		bans, err := s.Bans(t.Context(), Query{Source: netip.MustParseAddr(tt.address)})
		if err != nil {
			t.Fatal(err)
		}
		got := []netip.Prefix{}
		for _, b := range bans {
			got = append(got, b.Prefix)
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("bans around %s: got %v, want %s", tt.address, got, tt.want)
		}
	}
}

func wantError(t testing.TB, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error: got %v, want one with %q", err, part)
	}
}
