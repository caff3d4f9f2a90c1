package guard

import (
	"testing"
	"time"

	"pbxguard/numbering"
)

func listed(id LegID, call CallID, endpoint, number string, since time.Duration) Event {
	return Event{Kind: LegListed, Leg: id, Call: call, Channel: "PJSIP/" + endpoint + "-1",
		Account: ext(endpoint), Number: number, Up: true, Since: since}
}

func TestResyncJudgesWhatStartedUnseen(t *testing.T) {
	p := enforcing(t)
	p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill}
	r := newRig(t, p)
	r.feed(Event{Kind: ResyncStarted})
	r.feed(listed("1.1", "1.1", "100", "09001234567", time.Minute))
	r.feed(listed("1.2", "1.1", "trunk", "", time.Minute))
	r.feed(Event{Kind: ResyncEnded})
	if len(r.hungUp) != 1 || r.hungUp[0] != "1.1" {
		t.Errorf("hung up %v, want the premium call that began in the gap", r.hungUp)
	}
	calls := r.s.liveCalls()
	if len(calls) != 1 || calls[0].Payer.Name != "100" || calls[0].Age < time.Minute {
		t.Errorf("got %+v", calls)
	}
}

// Whoever restarts the guard ends nobody's honest call by that, and nobody's
// emergency call at all.
func TestResyncFollowsForwards(t *testing.T) {
	for _, tt := range []struct {
		name, number string
		told         bool // the list says which number the trunk was sent
		killed       bool
		emergency    bool
	}{
		{name: "to a mobile", number: "0612345678", told: true},
		{name: "to a mobile, number not told", number: "0612345678"},
		{name: "to a premium number", number: "09001234567", told: true, killed: true},
		{name: "to a premium number, number not told", number: "09001234567", killed: true},
		{name: "to an emergency number", number: "112", told: true, emergency: true},
		{name: "to an emergency number, number not told", number: "112", emergency: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill, numbering.Unknown: Kill}
			r := newRig(t, p)
			r.registered("101")
			local := func(id LegID, side Side, number string) Event {
				return Event{Kind: LegListed, Leg: id, Call: "1.1", Channel: string(id), Side: side, Pair: "pair", Number: number, Up: true}
			}
			two := local("1.4", LocalTwo, tt.number)
			if tt.told {
				two.ToTrunk, two.OtherAccount, two.Sent = true, ext("trunk"), tt.number
			}
			r.feed(Event{Kind: ResyncStarted})
			for _, ev := range []Event{two, listed("1.5", "1.1", "trunk", "", time.Minute), local("1.3", LocalOne, ""), listed("1.1", "1.1", "100", "101", time.Minute)} {
				r.feed(ev)
			}
			r.feed(Event{Kind: ResyncEnded})
			if got := len(r.hungUp) > 0; got != tt.killed {
				t.Errorf("killed: got %v want %v (%v)", got, tt.killed, r.records)
			}
			if tt.emergency {
				if err := r.s.hangupByHand("1.1", "test"); err != ErrEmergency || r.s.attempts != 0 {
					t.Errorf("hangup: got %v, want %v; %d attempts", err, ErrEmergency, r.s.attempts)
				}
				return
			}
			if r.s.attempts != 1 {
				t.Fatalf("got %d outbound attempts, want one", r.s.attempts)
			}
			if c := r.s.liveOut(r.s.first); c.Payer.Name != "101" || c.Via != "forward" || c.Trunk != "trunk" || c.Talking < time.Minute {
				t.Errorf("got %+v, want a call that 101 pays for", c)
			}
		})
	}
}

// What a phone dialled is read in the phones' plan, though a trunk carries it.
func TestResyncReadsWhatThePhoneDialled(t *testing.T) {
	p := enforcing(t)
	p.Default.Class = map[numbering.Class]Action{numbering.Unknown: Kill}
	site := p.PBXs["a"]
	site.TrunkPlan = site.Plan
	site.Plan = plan(t, func(p *numbering.Profile) { p.OutsideLine = "9" })
	r := newRig(t, p)
	r.feed(Event{Kind: ResyncStarted})
	r.feed(listed("1.1", "1.1", "100", "90201234567", time.Minute))
	r.feed(listed("1.2", "1.1", "trunk", "", time.Minute))
	r.feed(Event{Kind: ResyncEnded})
	calls := r.s.liveCalls()
	if len(r.hungUp) != 0 || len(calls) != 1 || calls[0].Number != "+31201234567" || calls[0].Trunk != "trunk" {
		t.Errorf("hung up %v, got %+v; want one honest call", r.hungUp, calls)
	}
}

// The leg of a caller from outside is not one that we called.
func TestResyncLeavesInboundCallsAlone(t *testing.T) {
	p := enforcing(t)
	p.Default.Concurrent = CountLimit{Max: 0, Action: Kill}
	r := newRig(t, p)
	r.feed(Event{Kind: ResyncStarted})
	r.feed(listed("1.1", "1.1", "trunk", "101", time.Minute))
	r.feed(listed("1.2", "1.1", "101", "", time.Minute))
	r.feed(listed("2.2", "1.1", "trunk", "102", time.Minute)) // joined to the first
	r.feed(Event{Kind: ResyncEnded})
	if r.s.attempts != 0 || len(r.hungUp) != 0 {
		t.Errorf("got %d outbound attempts, hung up %v", r.s.attempts, r.hungUp)
	}
}

func TestResyncDropsWhatEndedUnseen(t *testing.T) {
	r := newRig(t, enforcing(t))
	r.place("100", "0201234567")
	keep, keepTrunk := r.place("101", "0201234568")
	r.feed(Event{Kind: Connected})
	r.feed(Event{Kind: Disconnected, Number: "network cut"})
	r.feed(Event{Kind: Connected})
	r.feed(Event{Kind: ResyncStarted})
	r.feed(listed(keep, CallID(keep), "101", "0201234568", time.Second))
	r.feed(listed(keepTrunk, CallID(keep), "trunk", "", time.Second))
	late, lateTrunk := r.place("102", "0201234569") // while the list is on its way
	r.feed(Event{Kind: ResyncEnded})
	st := r.s.sites["a"]
	for _, id := range []LegID{keep, keepTrunk, late, lateTrunk} {
		if st.legs[id] == nil {
			t.Errorf("leg %s was dropped", id)
		}
	}
	if len(st.legs) != 4 || r.s.attempts != 2 {
		t.Errorf("got %d legs and %d attempts, want 4 and 2", len(st.legs), r.s.attempts)
	}
}

func TestLegThatEndsDuringAResyncStaysEnded(t *testing.T) {
	r := newRig(t, enforcing(t))
	leg, trunk := r.place("100", "0201234567")
	r.feed(Event{Kind: ResyncStarted})
	r.end(trunk, leg)
	r.feed(listed(leg, CallID(leg), "100", "0201234567", time.Second))
	r.feed(Event{Kind: ResyncEnded})
	r.empty()
}

func TestDriftIsRepairedWithoutBeingAsked(t *testing.T) {
	r := newRig(t, enforcing(t))
	r.feed(Event{Kind: Connected})
	r.wait(resyncEvery + 2*time.Second)
	if r.resyncs == 0 {
		t.Error("the PBX was never asked for its own list")
	}
}
