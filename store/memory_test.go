package store

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"pbxguard/guard"
)

const day = 24 * time.Hour

func TestMemory(t *testing.T) {
	s := openRunning(t, Options{})
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }

	standing := ban("203.0.113.1/32", ago(time.Hour), 2*time.Hour)
	forever := ban("203.0.113.2/32", ago(90*day), 0)
	ended := ban("203.0.113.3/32", ago(20*day), time.Hour)
	ended.Times = 3
	old := ban("203.0.113.4/32", ago(40*day), time.Hour)
	lifted := ban("203.0.113.5/32", ago(time.Hour), 0)
	liftedLongAgo := ban("203.0.113.6/32", ago(60*day), 0)
	v6 := ban("2001:db8::/64", ago(time.Minute), time.Hour)
	record(t, s, standing, forever, ended, old, lifted, liftedLongAgo, v6,
		guard.Lift{Prefix: lifted.Prefix, At: ago(time.Minute), By: "root"},
		guard.Lift{Prefix: liftedLongAgo.Prefix, At: ago(31 * day), By: "root"})

	barred := guard.Bar{Account: alice, At: ago(day), Until: noon.Add(1), Rule: "destination", Reason: "premium", Scope: guard.BarSpent}
	barredForGood := guard.Bar{Account: bob, At: ago(300 * day), Rule: "hand", Reason: "left", By: "root"}
	record(t, s, barred, barredForGood,
		guard.Bar{Account: trunk, At: ago(day), Until: noon, Rule: "x"},
		guard.Bar{Account: guard.Account{PBX: "hq", Name: "300"}, At: ago(day), Rule: "x"},
		guard.Bar{Account: guard.Account{PBX: "hq", Name: "300"}, At: ago(time.Hour), Off: true})

	phone := guard.Standing{Account: alice, Source: netip.MustParseAddr("192.0.2.1"), First: ago(400 * day), Last: ago(day), Agent: "Phone"}
	record(t, s, phone, guard.Standing{Account: alice, Source: netip.MustParseAddr("192.0.2.2"), First: ago(400 * day), Last: ago(31 * day)})

	talked, silent, yesterday := call(ago(time.Hour)), call(ago(time.Hour)), call(ago(26*time.Hour))
	silent.Talked = 0
	record(t, s, talked, silent, yesterday, decision(41), decision(7), guard.Watched{Total: time.Hour}, guard.Watched{Total: 2 * time.Hour})

	paid := call(ago(40 * time.Hour))
	paid.Cost = 2 * guard.Unit
	hour := guard.Hour{Account: alice, At: noon.Truncate(time.Hour).Add(-day), Calls: 7, Numbers: 5, Peak: 2, Abroad: 1, Talked: time.Minute}
	seen := guard.Seen{Account: guard.Account{PBX: "hq"}, What: "number", Key: "+25261234567", First: ago(50 * day), Last: ago(day), Days: 4}
	again := seen
	again.Last, again.Days = ago(time.Hour), 5
	exception := guard.Exception{ID: 5, At: ago(day).UTC(), Until: ago(-day).UTC(), Account: alice, Countries: []string{"TH"}, Reason: "travels", By: "root"}
	takenBack := exception
	takenBack.ID, takenBack.Off = 6, true
	stopped := guard.ForwardOff{ID: 7, At: ago(day).UTC(), Account: alice, How: "CF", Number: "0025261234567", Reason: "fraud"}
	record(t, s, paid, hour, seen, again, exception, takenBack, stopped,
		guard.Hour{Account: alice, At: ago(60 * day), Calls: 7}, guard.Seen{Account: alice, What: "country", Key: "SO", Last: ago(91 * day)})

	m, err := s.Memory(noon)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "memory", m, guard.Memory{
		Spent:       []guard.Spent{{Account: alice, Day: paid.Started.Add(paid.Duration), Amount: 2 * guard.Unit}},
		Hours:       []guard.Hour{hour},
		Seen:        []guard.Seen{again},
		Exceptions:  []guard.Exception{exception},
		ForwardsOff: []guard.ForwardOff{stopped},
		Bans:        []guard.Ban{v6, standing, forever, ended},
		Bars:        []guard.Bar{barredForGood, barred},
		Standings:   []guard.Standing{phone},
		Usage:       []guard.Usage{{Account: alice, At: talked.Started.Add(talked.Duration), Talked: talked.Talked}},
		NextID:      42,
		Watched:     2 * time.Hour,
	})
}

// Of several bans of one prefix the engine is told those that matter.
func TestMemoryOfRepeatedBans(t *testing.T) {
	at := func(h int, d time.Duration, times int) guard.Ban {
		b := ban("203.0.113.1/32", noon.Add(time.Duration(h)*time.Hour), d)
		b.Times = times
		return b
	}
	observed := at(-7, day, 2)
	observed.Enforced = false
	unproven := at(-6, time.Hour, 1)
	unproven.Proof = guard.Unproven
	lift := guard.Lift{Prefix: observed.Prefix, At: noon.Add(-5 * time.Hour), By: "root"}
	for _, tt := range []struct {
		name string
		in   []guard.Record
		want []guard.Ban
	}{
		{"all ended", []guard.Record{at(-9, time.Hour, 1), at(-7, time.Hour, 2)}, []guard.Ban{at(-7, time.Hour, 2)}},
		{"second in force", []guard.Record{at(-9, time.Hour, 1), at(-7, day, 2)}, []guard.Ban{at(-7, day, 2)}},
		{"first in force", []guard.Record{at(-9, 0, 1), at(-7, time.Hour, 2)}, []guard.Ban{at(-9, 0, 1), at(-7, time.Hour, 2)}},
		{"one of each kind", []guard.Record{at(-9, time.Hour, 1), observed, unproven},
			[]guard.Ban{at(-9, time.Hour, 1), observed, unproven}},
		{"lifted", []guard.Record{at(-9, time.Hour, 1), at(-7, day, 2), lift}, []guard.Ban{}},
		{"lifted and banned again", []guard.Record{at(-9, time.Hour, 1), at(-7, day, 2), lift, at(-1, day, 1)},
			[]guard.Ban{at(-1, day, 1)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openRunning(t, Options{})
			record(t, s, tt.in...)
			m, err := s.Memory(noon)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "bans", m.Bans, tt.want)
		})
	}
}

func TestMemoryOfNothing(t *testing.T) {
	m, err := openRunning(t, Options{}).Memory(noon)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "memory", m, guard.Memory{Bans: []guard.Ban{}, NextID: 1})
}

// The same ban again, as after a commit whose outcome was unclear, is one row;
// and a ban that follows a lift stands.
func TestBanAgain(t *testing.T) {
	s := openRunning(t, Options{})
	over := ban("203.0.113.1/32", noon.Add(-time.Hour), time.Minute)
	b := ban("203.0.113.1/32", noon, time.Hour)
	record(t, s, over, b, b, guard.Lift{Prefix: b.Prefix, At: noon.Add(time.Minute), By: "root"})
	record(t, s, guard.Lift{Prefix: b.Prefix, At: noon.Add(90 * time.Second), By: "somebody else"})
	again := ban("203.0.113.1/32", noon.Add(2*time.Minute), time.Hour)
	record(t, s, again, again)
	record(t, s, guard.Lift{Prefix: netip.MustParsePrefix("203.0.113.2/32"), At: noon.Add(time.Minute), By: "root"})
	got, err := s.Bans(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "bans", got, []Ban{{Ban: over}, {Ban: b, Lifted: noon.Add(time.Minute), LiftedBy: "root"}, {Ban: again}})
	for i, want := range []bool{false, false, true} {
		if in := got[i].InForce(noon.Add(3 * time.Minute)); in != want {
			t.Errorf("ban %d in force: got %v, want %v", i, in, want)
		}
	}
}

// A phone seen again keeps its first time and, if it does not say, its agent.
func TestStandingIsUpdated(t *testing.T) {
	s := openRunning(t, Options{})
	st := guard.Standing{Account: alice, Source: netip.MustParseAddr("192.0.2.1"), First: noon, Last: noon, Registered: true, Agent: "Phone"}
	later := st
	later.First, later.Last, later.Registered, later.Agent = noon.Add(time.Hour), noon.Add(time.Hour), false, ""
	record(t, s, st, later)
	got, err := s.Standings(t.Context(), Query{Account: "100"})
	if err != nil {
		t.Fatal(err)
	}
	want := later
	want.First, want.Agent = noon, "Phone"
	equal(t, "standings", got, []guard.Standing{want})
}

func TestMemoryOfDamagedFile(t *testing.T) {
	s := openRunning(t, Options{})
	record(t, s, ban("203.0.113.1/32", noon, 0))
	if _, err := s.db.Load().w.Exec(`UPDATE bans SET prefix = x'0102'`); err != nil {
		t.Fatal(err)
	}
	m, err := s.Memory(noon)
	wantError(t, err, "cannot read what the store remembers")
	if m.NextID != uint64(noon.UnixMilli()) {
		t.Errorf("next id: got %d, want one of the clock", m.NextID)
	}
}

func TestPrune(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := run(t, path, Options{Retention: 90 * day})
	now := noon.Add(200 * day)
	old, recent := noon, now.Add(-day)
	for id := range uint64(2500) { // more than one transaction removes
		d := decision(id + 1)
		d.At = old.Add(time.Duration(id))
		s.Record(d)
		c := call(d.At)
		s.Record(c)
	}
	kept := decision(2501)
	kept.At = recent
	record(t, s, kept, call(recent), failure("203.0.113.9:1", "1", old), failure("203.0.113.9:1", "2", recent),
		ban("203.0.113.1/32", old, time.Hour), ban("203.0.113.2/32", old, 0), ban("203.0.113.3/32", old, 150*day),
		ban("203.0.113.4/32", recent, time.Hour), ban("203.0.113.5/32", old, 0),
		guard.Lift{Prefix: netip.MustParsePrefix("203.0.113.5/32"), At: old, By: "root"},
		guard.Standing{Account: alice, Source: netip.MustParseAddr("192.0.2.1"), First: old, Last: old},
		guard.Standing{Account: bob, Source: netip.MustParseAddr("192.0.2.1"), First: old, Last: recent},
		guard.Bar{Account: alice, At: old, Until: old.Add(day)}, guard.Bar{Account: bob, At: old}, guard.Bar{Account: trunk, At: old, Off: true},
		guard.Hour{Account: alice, At: old}, guard.Hour{Account: alice, At: recent},
		guard.Seen{Account: alice, What: "country", Key: "SO", Last: old}, guard.Seen{Account: alice, What: "country", Key: "DE", Last: recent},
		guard.Exception{ID: 1, At: old, Off: true}, guard.Exception{ID: 2, At: old},
		guard.Gap{PBX: "hq", From: old, To: old}, guard.Gap{PBX: "hq", From: old.Add(1), To: recent})
	before := s.Stats()
	if err := s.Prune(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]int{
		"decisions": 1, "calls": 1, "auths": 1, "bans": 3, "standings": 1, "bars": 1, "gaps": 1,
		"hours": 1, "seen": 1, "acts": 1,
	} {
		if got := count(t, s, table); got != want {
			t.Errorf("rows of %s: got %d, want %d", table, got, want)
		}
	}
	r, err := s.Verify(t.Context())
	if err != nil || !r.OK || r.Rows != 1 || r.Pruned != 2500 || r.Head != before.Head {
		t.Errorf("chain: got %+v, %v, want 1 row that holds after 2500, head %s", r, err, before.Head)
	}
	if free, err := freePages(t.Context(), s.db.Load().w); err != nil || free != 0 {
		t.Errorf("free pages: got %d, %v, want all given back", free, err)
	}
}

// An emptied chain goes on with the next number and the next id.
func TestPruneAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{Retention: day})
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, s)
	record(t, s, decision(30), decision(10))
	if err := s.Prune(t.Context(), noon.Add(9*day)); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != 0 || r.Pruned != 2 || r.Head != s.Stats().Head {
		t.Errorf("chain: got %+v, %v, want an empty one that ends with %s", r, err, s.Stats().Head)
	}
	stop(t)
	s = run(t, path, Options{})
	m, err := s.Memory(noon)
	if err != nil || m.NextID != 31 {
		t.Errorf("next id: got %d, %v, want 31", m.NextID, err)
	}
	record(t, s, decision(31))
	if r, err := s.Verify(t.Context()); err != nil || !r.OK || r.Rows != 1 || r.Pruned != 2 {
		t.Errorf("chain: got %+v, %v, want one row after 2", r, err)
	}
}

// Verifying while rows are pruned sees one or the other, never half.
func TestVerifyDuringPrune(t *testing.T) {
	s := openRunning(t, Options{Retention: day})
	for id := range uint64(5000) {
		s.Record(decision(id + 1))
	}
	record(t, s)
	pruned := make(chan error)
	go func() { pruned <- s.Prune(t.Context(), noon.Add(9*day)) }()
	for {
		r, err := s.Verify(t.Context())
		if err != nil || !r.OK || r.Rows+r.Pruned != 5000 {
			t.Fatalf("chain: got %+v, %v, want 5000 rows", r, err)
		}
		select {
		case err := <-pruned:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

func count(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	counts := map[string]string{
		"decisions": `SELECT count(*) FROM decisions`, "calls": `SELECT count(*) FROM calls`,
		"auths": `SELECT count(*) FROM auths`, "bans": `SELECT count(*) FROM bans`,
		"standings": `SELECT count(*) FROM standings`, "bars": `SELECT count(*) FROM bars`,
		"gaps": `SELECT count(*) FROM gaps`, "hours": `SELECT count(*) FROM hours`,
		"seen": `SELECT count(*) FROM seen`, "acts": `SELECT count(*) FROM acts`,
	}
	if err := s.db.Load().r.QueryRow(counts[table]).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
