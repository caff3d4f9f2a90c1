package history

import (
	"slices"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/numbering"
)

func account(name string) guard.Account { return guard.Account{PBX: "pbx", Name: name} }

// out is a call of an extension to a number outside.
func out(from, number string, at, ring, talk time.Duration) Call {
	c := Call{Start: monday.Add(at), End: ring + talk, Dialled: number, Out: true, Cause: 16,
		From: Party{Account: account(from)}, To: Party{Account: account("trunk")}}
	if talk > 0 {
		c.Answer = ring
	}
	return c
}

const second = time.Second

func TestPlay(t *testing.T) {
	premium := out("101", "09001234567", 0, 5*second, 10*time.Minute)
	atOnce := []Call{
		out("101", "0201234567", 0, second, time.Minute),
		out("101", "0201234568", second, second, time.Minute),
		out("101", "0201234569", 2*second, second, time.Minute),
		out("101", "0201234571", 3*second, second, time.Minute),
	}
	for _, tt := range []struct {
		name     string
		calls    []Call
		latency  time.Duration
		gate     bool
		outbound int
		rules    []string
		saved    guard.Money
		cost     guard.Money
	}{
		{"an honest call", []Call{out("101", "0201234567", 0, 5*second, 90*second)}, 0, false, 1, nil, 0, 2 * guard.Unit},
		{"premium is ended before it is answered", []Call{premium}, 0, false, 1, []string{"destination"}, 10 * guard.Unit, 0},
		{"late orders cost", []Call{premium}, 10 * second, false, 1, []string{"destination"}, 9 * guard.Unit, guard.Unit},
		{"but not at a gate", []Call{premium}, 10 * second, true, 1, []string{"destination"}, 10 * guard.Unit, 0},
		{"the fourth at once", atOnce, 0, false, 4, []string{"concurrent"}, guard.Unit, 3 * guard.Unit},
		{"the fourth after the first", append(slices.Clone(atOnce[:3]), out("101", "0201234571", 61*second, second, second)), 0, false, 4, nil, 0, 4 * guard.Unit},
		{"too long", []Call{out("101", "0201234567", 0, 5*second, 2*time.Hour)}, 0, false, 1, []string{"duration"}, 59 * guard.Unit, 61 * guard.Unit},
		{"emergency, four at once", []Call{
			out("101", "112", 0, second, time.Minute), out("101", "112", 0, second, time.Minute),
			out("101", "112", 0, second, time.Minute), out("101", "112", 0, second, 2*time.Hour),
		}, 0, false, 0, nil, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := policy(t)
			res, err := Play(tt.calls, nil, Options{PBX: "pbx", Policy: p, Latency: tt.latency, Gate: tt.gate})
			if err != nil {
				t.Fatal(err)
			}
			var rules []string
			for _, k := range res.Kills {
				rules = append(rules, k.Decision.Rule)
			}
			if !slices.Equal(rules, tt.rules) || res.Outbound != tt.outbound {
				t.Errorf("got kills by %q of %d outbound, want %q of %d", rules, res.Outbound, tt.rules, tt.outbound)
			}
			if res.Saved != tt.saved || res.Cost != tt.cost {
				t.Errorf("got %s saved, %s spent, want %s, %s", res.Saved, res.Cost, tt.saved, tt.cost)
			}
		})
	}
}

// TestPlayForward: a call from outside is forwarded by extension 102 to a
// premium number; two records, one pair of Local channels.
func TestPlayForward(t *testing.T) {
	half := func(side guard.Side) Party {
		return Party{Leg: map[guard.Side]string{guard.LocalOne: "L;1", guard.LocalTwo: "L;2"}[side], Side: side, Pair: "L"}
	}
	calls := []Call{
		{Start: monday, End: time.Hour, Answer: 6 * second, Dialled: "102", Context: "from-trunk",
			From: Party{Account: account("trunk"), Leg: "T1"}, To: half(guard.LocalOne)},
		{Start: monday, End: time.Hour, Answer: 6 * second, Dialled: "09001234567", Out: true,
			From: half(guard.LocalTwo), To: Party{Account: account("trunk"), Leg: "T2"}},
	}
	res, err := Play(calls, nil, Options{PBX: "pbx", Policy: policy(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Kills) != 1 || res.Kills[0].Decision.Account.Name != "102" || res.Kills[0].Index != 1 {
		t.Fatalf("got %+v, want one kill, paid by 102", res.Kills)
	}
	if res.Saved != 60*guard.Unit {
		t.Errorf("got %s saved, want 60", res.Saved)
	}
}

// TestPlayNextTrunk: a leg that tries a second trunk is one attempt, with a
// record for each.
func TestPlayNextTrunk(t *testing.T) {
	leg := Party{Account: account("101"), Leg: "A"}
	calls := []Call{
		{Start: monday, End: 2 * second, Dialled: "0201234567", Out: true, From: leg, To: Party{Account: account("trunk"), Leg: "B"}, Cause: 34},
		{Start: monday.Add(2 * second), End: 60 * second, Answer: 5 * second, Dialled: "0201234567", Out: true, From: leg, To: Party{Account: account("trunk"), Leg: "C"}},
	}
	p := policy(t)
	p.Default.Concurrent.Max = 1
	p.Default.Attempts = guard.CountLimit{Max: 1, Action: guard.Kill}
	res, err := Play(calls, nil, Options{PBX: "pbx", Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Kills) != 0 || res.Outbound != 2 {
		t.Errorf("got %+v of %d, want no kill of 2", res.Kills, res.Outbound)
	}
}

// TestPlayTakesAnyOrder: the order in which records stand does not matter.
func TestPlayTakesAnyOrder(t *testing.T) {
	calls := []Call{
		out("101", "0201234571", 3*second, second, time.Minute), out("101", "0201234567", 0, second, time.Minute),
		out("101", "0201234569", 2*second, second, time.Minute), out("101", "0201234568", second, second, time.Minute),
	}
	res, err := Play(calls, nil, Options{PBX: "pbx", Policy: policy(t)})
	if err != nil || len(res.Kills) != 1 || res.Kills[0].Index != 0 {
		t.Errorf("got %+v, %v, want the kill of what is given first and comes last", res, err)
	}
}

func TestPlayNoPBX(t *testing.T) {
	if _, err := Play(nil, nil, Options{PBX: "none", Policy: policy(t)}); err != ErrNoPBX {
		t.Errorf("got %v, want ErrNoPBX", err)
	}
}

// TestPlayEvents: recorded events are judged between calls.
func TestPlayEvents(t *testing.T) {
	ev := func(at time.Duration, e guard.Event) guard.Event { e.At = monday.Add(at); return e }
	events := []guard.Event{
		ev(0, guard.Event{Kind: guard.LegStarted, Leg: "1.1", Call: "1.1", Channel: "PJSIP/101-1", Account: account("101"), Number: "09001234567"}),
		ev(second, guard.Event{Kind: guard.LegAnswered, Leg: "1.1"}),
		ev(181*second, guard.Event{Kind: guard.LegEnded, Leg: "1.1"}),
	}
	res, err := Play(nil, events, Options{PBX: "pbx", Policy: policy(t)})
	if err != nil || res.ByRule["destination"] == nil || res.ByRule["destination"].Kills != 1 {
		t.Errorf("got %+v, %v, want a kill by destination", res, err)
	}
	if len(res.Kills) != 1 || res.Saved != 3*guard.Unit {
		t.Errorf("got %d kills that saved %s, want one that saved 3", len(res.Kills), res.Saved)
	}
}

func TestFamiliar(t *testing.T) {
	day := 24 * time.Hour
	calls := []Call{
		out("101", "0201", 0, second, time.Minute), out("101", "0201", day, second, time.Minute), out("101", "0201", 2*day, second, time.Minute),
		out("101", "0202", 0, second, time.Minute), out("101", "0202", second, second, time.Minute), out("101", "0202", day, second, time.Minute),
		out("101", "0203", 0, second, 0), out("101", "0203", day, second, 0), out("101", "0203", 2*day, second, 0),
	}
	known := Familiar(calls)
	for i, want := range map[int]bool{0: true, 3: false, 6: false} {
		if got := known(i); got != want {
			t.Errorf("call %d: got %v, want %v", i, got, want)
		}
	}
	if got := len(Last(slices.Clone(calls), day)); got != 5 {
		t.Errorf("got %d calls of the last day, want 5", got)
	}
}

// TestPlayDense: a long call is ended in time although something else happens
// more often than time passes by itself.
func TestPlayDense(t *testing.T) {
	calls := []Call{out("101", "0201234567", 0, second, 3*time.Hour)}
	for i := range 1000 {
		calls = append(calls, out("102", "0201234568", time.Duration(i)*10*second, second, second))
	}
	res, err := Play(calls, nil, Options{PBX: "pbx", Policy: policy(t), Step: 30 * second})
	if err != nil || len(res.Kills) != 1 || res.Kills[0].Talked > time.Hour+time.Minute {
		t.Errorf("got %+v, %v, want the long call ended after an hour", res.Kills, err)
	}
}

// TestPlayOutsideLine: a record that does not tell what the trunk was sent is of
// the number that was meant, not of the digits that got the line.
func TestPlayOutsideLine(t *testing.T) {
	profile, err := numbering.DefaultProfile("GB")
	if err != nil {
		t.Fatal(err)
	}
	profile.OutsideLine, profile.Extensions = "9", `^1\d\d$`
	phones, err := numbering.NewPlan(profile)
	if err != nil {
		t.Fatal(err)
	}
	profile.OutsideLine = ""
	trunk, err := numbering.NewPlan(profile)
	if err != nil {
		t.Fatal(err)
	}
	p := policy(t)
	p.PBXs["pbx"].Plan, p.PBXs["pbx"].TrunkPlan = phones, trunk
	p.Default = guard.Limits{Class: map[numbering.Class]guard.Action{numbering.Unknown: guard.Kill, numbering.Premium: guard.Kill}}
	for dialled, want := range map[string]int{"902079460123": 0, "907712953522": 0, "909098790001": 1} {
		c := out("101", dialled, 0, 2*time.Second, time.Minute)
		c.Sent = ""
		res, err := Play([]Call{c}, nil, Options{PBX: "pbx", Policy: p})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Kills) != want {
			t.Errorf("%s: got %d calls ended, want %d: %+v", dialled, len(res.Kills), want, res.Decisions)
		}
	}
}

// TestPlayBrokenTrunk plays a call that came in by a trunk whose name is no UTF-8,
// which no regular expression can hold.
func TestPlayBrokenTrunk(t *testing.T) {
	const name = "gate\xfa\xfb.1"
	c := out("101", "0201234567", 0, 2*time.Second, time.Minute)
	c.From = Party{Account: guard.Account{PBX: "pbx", Name: name}, Outside: true}
	p := policy(t)
	if _, err := Play([]Call{c}, nil, Options{PBX: "pbx", Policy: p}); err != nil {
		t.Fatal(err)
	}
	trunks := withTrunks(p, "pbx", []Call{c}).PBXs["pbx"].Trunks
	for _, n := range []string{name, "trunk"} {
		if !trunks.MatchString(n) {
			t.Errorf("%q is no trunk, by %v", n, trunks)
		}
	}
	if trunks.MatchString("gate\xfax1") {
		t.Errorf("another name is a trunk, by %v", trunks)
	}
}
