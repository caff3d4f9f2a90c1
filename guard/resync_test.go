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
