package incident

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pbxguard/guard"
)

var (
	sunday  = time.Date(2026, 11, 22, 3, 12, 0, 0, time.UTC)
	ext204  = guard.Account{PBX: "clinic", Name: "204"}
	guesser = netip.MustParseAddr("203.0.113.9")
)

func at(minutes int) time.Time { return sunday.Add(time.Duration(minutes) * time.Minute) }

func kill(id uint64, minutes int, change func(*guard.Decision)) guard.Decision {
	d := guard.Decision{ID: id, At: at(minutes), Rule: "country", Reason: "a call to Somalia", Action: guard.Kill, Enforced: true, PBX: "clinic",
		Account: ext204, Call: "c1", Leg: "l1", Outcome: "confirmed", After: time.Second}
	if change != nil {
		change(&d)
	}
	return d
}

func TestGroup(t *testing.T) {
	past := Past{
		Decisions: []guard.Decision{
			kill(1, -600, func(d *guard.Decision) { d.Action, d.Leg, d.Reason = guard.Note, "", "only noted" }),
			kill(2, -3, func(d *guard.Decision) {
				d.Account, d.Leg, d.Call, d.Source, d.Rule = guard.Account{}, "", "", guesser, "guessing"
			}),
			kill(3, 0, func(d *guard.Decision) {
				d.Action, d.Leg, d.Reason, d.Source = guard.Alert, "", "a new address", guesser
			}),
			kill(4, 1, nil),
			kill(5, 2, func(d *guard.Decision) { d.Call, d.Outcome, d.After = "c2", "denied", 0 }),
			kill(6, 3, func(d *guard.Decision) { d.Call, d.Outcome, d.Action, d.Reason = "c3", "", guard.Lock, "locked" }),
			kill(7, 200, func(d *guard.Decision) { d.Enforced, d.Call, d.Outcome = false, "c4", "" }),
		},
		Calls: []guard.CallRecord{
			{Call: "c0", Payer: ext204, Started: at(1), Duration: time.Minute, Cost: 5 * guard.Unit},
			{Call: "c1", Payer: ext204, Started: at(1), Duration: time.Second, Talked: time.Second, Dialled: "00252", Number: "+252", Country: "SO", Cost: 2 * guard.Unit},
			{Call: "c9", Payer: ext204, Started: at(-100), Duration: time.Second},
			{Call: "c8", Payer: guard.Account{PBX: "clinic", Name: "205"}, Started: at(1)},
			{Call: "c4", Payer: ext204, Started: at(200), Duration: time.Second, Cost: guard.Unit},
		},
		Bans: []Ban{
			{Ban: guard.Ban{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Since: at(-2), Reason: "guesses"}, Lifted: at(30)},
			{Ban: guard.Ban{Prefix: netip.MustParsePrefix("198.51.100.1/32"), Since: at(-2)}},
		},
	}
	all := Group(past, at(201))
	if len(all) != 3 {
		t.Fatalf("got %d incidents, want 3", len(all))
	}
	scan, main, late := all[0], all[1], all[2]
	if scan.ID != 2 || scan.Account.Name != "" || !slices.Equal(scan.Sources, []netip.Addr{guesser}) || len(scan.Bans) != 1 || scan.Open {
		t.Errorf("got %+v, want the guesser", scan)
	}
	if main.ID != 3 || main.Ended != 3 || main.Denied != 1 || main.Pending != 1 || main.Slowest != time.Second || main.Action != guard.Lock || main.Reason != "locked" || !main.Enforced {
		t.Errorf("got %+v, want three calls ended", main)
	}
	if len(main.Calls) != 2 || main.Cost != 2*guard.Unit || len(main.Bans) != 1 || main.Open {
		t.Errorf("got %d calls, %v, %d bans; want 2, 2.00, 1", len(main.Calls), main.Cost, len(main.Bans))
	}
	if late.ID != 7 || late.Enforced || late.Pending != 0 || !late.Open || late.Cost != guard.Unit {
		t.Errorf("got %+v, want one that was only observed and may go on", late)
	}
	if got := Find(all, 5); got != main {
		t.Errorf("got %+v of a verdict in the midst, want its incident", got)
	}
	if got := Find(all, 99); got != nil {
		t.Errorf("got %+v of no verdict", got)
	}
	var told []string
	for _, m := range main.Timeline() {
		told = append(told, m.At.Format("15:04 ")+m.What+" "+m.Text)
	}
	want := []string{
		"03:10 ban 203.0.113.0/24: guesses", "03:12 verdict a new address", "03:13 call calls ", "03:13 call calls 00252 (+252, SO)", "03:13 verdict a call to Somalia",
		"03:13 end call to +252 ended after 1s of talk", "03:14 end call to  ended unanswered", "03:14 verdict a call to Somalia", "03:15 verdict locked", "03:42 lifted 203.0.113.0/24",
	}
	if !slices.Equal(told, want) {
		t.Errorf("got  %q\nwant %q", told, want)
	}
}
