package guard

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/numbering"
)

func premiumKills(t *testing.T) *rig {
	p := enforcing(t)
	p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill}
	return newRig(t, p)
}

func outcome(r *rig) (Decision, bool) {
	for _, rec := range r.records {
		if d, ok := rec.(Decision); ok && d.Outcome != "" {
			return d, true
		}
	}
	return Decision{}, false
}

func TestKillIsConfirmedByTheEndOfEveryLeg(t *testing.T) {
	r := premiumKills(t)
	leg := r.phone("100", "09001234567")
	if !slices.Equal(r.hungUp, []LegID{leg}) {
		t.Fatalf("hung up %v, want %s", r.hungUp, leg)
	}
	trunk := r.out(leg, "09001234567") // the race was lost
	r.end(leg)
	if _, ok := outcome(r); ok {
		t.Fatal("confirmed while the trunk leg is up")
	}
	r.end(trunk)
	d, ok := outcome(r)
	if !ok || d.Outcome != "confirmed" || d.After <= 0 {
		t.Errorf("got %+v, want confirmed", d)
	}
	first, _ := r.last("destination")
	if d.ID != first.ID {
		t.Errorf("outcome is of decision %d, want %d", d.ID, first.ID)
	}
	if r.s.count.confirmed != 1 || r.s.count.kills != 1 {
		t.Errorf("got %d of %d confirmed", r.s.count.confirmed, r.s.count.kills)
	}
}

func TestKillThatDoesNotWorkIsPushed(t *testing.T) {
	r := premiumKills(t)
	leg, trunk := r.place("100", "09001234567")
	r.wait(400 * time.Millisecond)
	if len(r.hungUp) != 1 {
		t.Fatalf("hung up %v before 500 ms", r.hungUp)
	}
	r.wait(200 * time.Millisecond)
	if !slices.Contains(r.hungUp, trunk) {
		t.Errorf("hung up %v, want the trunk leg by itself too", r.hungUp)
	}
	r.wait(500 * time.Millisecond)
	if r.redials != 1 {
		t.Errorf("got %d fresh connections, want 1", r.redials)
	}
	r.wait(3 * time.Second)
	d, ok := outcome(r)
	if !ok || d.Outcome != "unconfirmed" {
		t.Errorf("got %+v, want unconfirmed", d)
	}
	if !slices.Contains(r.decided(), "kill-unconfirmed") {
		t.Error("nobody was told")
	}
	r.end(trunk, leg)
	r.empty()
}

func TestHangupRefusedStartsAResync(t *testing.T) {
	r := premiumKills(t)
	leg := r.phone("100", "09001234567")
	r.feed(Event{Kind: HangupRefused, Leg: leg})
	if r.resyncs != 1 {
		t.Errorf("got %d resyncs, want 1", r.resyncs)
	}
	r.feed(Event{Kind: ResyncStarted})
	r.feed(Event{Kind: ResyncEnded})
	r.empty()
	if d, ok := outcome(r); !ok || d.Outcome != "confirmed" {
		t.Errorf("got %+v: a leg that the PBX does not have is gone", d)
	}
}

func TestEmergencyIsNeverTouched(t *testing.T) {
	p := enforcing(t)
	p.Default = Limits{
		Concurrent: CountLimit{Max: 0, Action: Lock}, Attempts: CountLimit{Max: 0, Action: Lock},
		Duration: SpanLimit{Max: time.Second, Action: Kill}, Sequential: CountLimit{Max: 0, Action: Kill},
		CountryAction: Kill, MinutesDay: SpanLimit{Max: time.Second, Action: Kill},
		Class: map[numbering.Class]Action{numbering.EmergencyClass: Kill, numbering.Unknown: Kill},
	}
	for _, number := range []string{"112", "112#", "911"} {
		r := newRig(t, p)
		if err := r.s.barByHand(Bar{Account: ext("100"), By: "test"}); err != nil {
			t.Fatal(err)
		}
		leg, trunk := r.place("100", number)
		r.answer(trunk, leg)
		r.wait(time.Minute)
		if len(r.hungUp) != 0 {
			t.Errorf("%s: hung up %v", number, r.hungUp)
		}
		for _, id := range []string{string(leg), string(trunk)} {
			if err := r.s.hangupByHand(id, "test"); err != ErrEmergency {
				t.Errorf("%s: hangup by hand got %v, want %v", number, err, ErrEmergency)
			}
		}
		r.end(trunk, leg)
		r.empty()
		other := r.phone("100", "0201234567")
		if !slices.Contains(r.hungUp, other) {
			t.Errorf("%s: the lock did not hold for an ordinary call", number)
		}
	}
}

func TestEmergencyThroughALocalChannel(t *testing.T) {
	p := enforcing(t)
	p.Default.Duration = SpanLimit{Max: time.Second, Action: Kill}
	r := newRig(t, p)
	leg := r.phone("100", "112")
	trunk := r.out(r.local(leg, "112", "0201234567"), "0201234567") // routed to a local control room
	r.answer(trunk, leg)
	r.wait(time.Minute)
	if len(r.hungUp) != 0 {
		t.Errorf("hung up %v", r.hungUp)
	}
}

func TestLockSparesAddressesLongInUse(t *testing.T) {
	// The address has authenticated the account for ten days.
	p := enforcing(t)
	r := newRig(t, p)
	src := addrPort("198.51.100.7:5060")
	old := Standing{Account: ext("100"), Source: src.Addr(), First: r.now.Add(-240 * time.Hour), Last: r.now.Add(-time.Hour)}
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, Memory{Standings: []Standing{old}}, r.now)
	if err := r.s.barByHand(Bar{Account: ext("100"), Reason: "test", By: "root"}); err != nil {
		t.Fatal(err)
	}
	r.feed(Event{Kind: AuthOK, Account: ext("100"), Source: src, Service: "PJSIP", Session: "x"})
	r.phone("100", "0201234567")
	if len(r.hungUp) != 0 {
		t.Errorf("hung up %v: the phone at its usual place was silenced", r.hungUp)
	}
	r.feed(Event{Kind: AuthOK, Account: ext("100"), Source: addrPort("203.0.113.9:5060"), Service: "PJSIP", Session: "y"})
	leg := r.phone("100", "0201234567")
	if !slices.Contains(r.hungUp, leg) {
		t.Error("a call from a new address passed the lock")
	}
	if err := r.s.barByHand(Bar{Account: ext("100"), Off: true, By: "root"}); err != nil {
		t.Fatal(err)
	}
	n := len(r.hungUp)
	r.phone("100", "0201234567")
	if len(r.hungUp) != n {
		t.Error("unlock did not unlock")
	}
}

// Who locks an extension without naming its domain means the one there is, also
// one that has yet to turn up; of several none is guessed.
func TestLockWithoutDomain(t *testing.T) {
	in := func(domain string) Account { return Account{PBX: "a", Domain: domain, Name: "100"} }
	dials := func(r *rig, a Account, leg LegID) (killed bool) {
		r.feed(Event{Kind: LegStarted, Leg: leg, Call: CallID(leg), Channel: "sofia/internal/100", Account: a, Number: "0201234567"})
		return slices.Contains(r.hungUp, leg)
	}
	proves := func(r *rig, a Account) {
		r.feed(Event{Kind: AuthOK, Account: a, Source: addrPort("203.0.113.9:5060"), Service: "sofia", Session: a.Domain})
	}
	lock := func(r *rig, off bool) error { return r.s.barByHand(Bar{Account: in(""), Off: off, By: "root"}) }

	t.Run("the one domain", func(t *testing.T) {
		r := newRig(t, enforcing(t))
		proves(r, in("a.example"))
		if err := lock(r, false); err != nil || !dials(r, in("a.example"), "1") || dials(r, in("b.example"), "2") {
			t.Errorf("got %v, ended %v; want the call of the locked one ended", err, r.hungUp)
		}
		if err := lock(r, true); err != nil || dials(r, in("a.example"), "3") {
			t.Errorf("got %v, ended %v; want it unlocked", err, r.hungUp)
		}
	})
	t.Run("not seen yet", func(t *testing.T) {
		r := newRig(t, enforcing(t))
		if err := lock(r, false); err != nil || !dials(r, in("a.example"), "1") {
			t.Errorf("got %v, ended %v; want the call ended", err, r.hungUp)
		}
		if err := lock(r, true); err != nil || dials(r, in("a.example"), "2") {
			t.Errorf("got %v, ended %v; want it unlocked", err, r.hungUp)
		}
	})
	t.Run("several domains", func(t *testing.T) {
		r := newRig(t, enforcing(t))
		proves(r, in("a.example"))
		proves(r, in("b.example"))
		if err := lock(r, false); err == nil || !strings.Contains(err.Error(), "a.example, b.example") {
			t.Errorf("got %v, want to be asked which", err)
		}
		if dials(r, in("a.example"), "1") || dials(r, in("b.example"), "2") {
			t.Errorf("ended %v", r.hungUp)
		}
		if err := r.s.barByHand(Bar{Account: in("b.example"), By: "root"}); err != nil || !dials(r, in("b.example"), "3") || dials(r, in("a.example"), "4") {
			t.Errorf("got %v, ended %v; want the one ended that was named", err, r.hungUp)
		}
		if err := lock(r, true); err != nil || dials(r, in("b.example"), "5") {
			t.Errorf("got %v, ended %v; want the locked one unlocked", err, r.hungUp)
		}
	})
}

// A call is on the bill of who pays for it, whichever of its legs is named.
func TestHangupByHandNamesThePayer(t *testing.T) {
	for _, name := range []string{"caller", "trunk"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, enforcing(t))
			caller, trunk := r.place("100", "0201234567")
			id := map[string]LegID{"caller": caller, "trunk": trunk}[name]
			if err := r.s.hangupByHand(string(id), "root"); err != nil {
				t.Fatal(err)
			}
			d, ok := r.last("by-hand")
			if !ok || d.Account != ext("100") || d.Number != "+31201234567" || d.By != "root" {
				t.Errorf("got %+v, want a decision about the call of 100", d)
			}
			if len(r.hungUp) == 0 || r.hungUp[0] != caller {
				t.Errorf("hung up %v, want %s", r.hungUp, caller)
			}
		})
	}
}

// TestLostOrderIsGivenAgain: an order that was lost with its connection is given
// again once the PBX says that the call is up still, however late that is.
func TestLostOrderIsGivenAgain(t *testing.T) {
	r := premiumKills(t)
	r.feed(Event{Kind: Connected})
	caller, _ := r.place("100", "09001234567")
	r.wait(time.Minute) // nothing has helped, and somebody was told
	r.feed(Event{Kind: Disconnected})
	r.feed(Event{Kind: Connected})
	r.hungUp = nil
	r.feed(Event{Kind: ResyncStarted})
	r.feed(Event{Kind: LegListed, Leg: caller, Call: CallID(caller), Channel: "PJSIP/100-00000001", Account: ext("100"), Number: "09001234567"})
	r.feed(Event{Kind: ResyncEnded})
	if !slices.Contains(r.hungUp, caller) {
		t.Errorf("got %v hung up, want %v again", r.hungUp, caller)
	}
	r.hungUp = nil
	r.feed(Event{Kind: ResyncStarted})
	r.feed(Event{Kind: ResyncEnded})
	if len(r.hungUp) != 0 {
		t.Errorf("got %v hung up, want nothing of a call that has ended", r.hungUp)
	}
}
