package guard

import (
	"testing"
	"time"

	"pbxguard/numbering"
)

// A lock that a rule makes bars the account from its next call on, for as long
// as the policy says, emergency calls excepted.
func TestRuleLocks(t *testing.T) {
	p := enforcing(t)
	p.LockFor = time.Hour
	p.Default.Class = map[numbering.Class]Action{numbering.Satellite: Lock}
	r := newRig(t, p)
	kills := func() uint64 { return r.s.count.kills }
	leg := r.phone("100", "00881612345678")
	r.end(leg)
	if kills() != 1 {
		t.Fatalf("got %d kills, want the satellite call ended", kills())
	}
	leg, trunk := r.place("100", "0201234567")
	r.end(trunk, leg)
	if d, ok := r.last("locked"); kills() != 2 || !ok || !d.Enforced {
		t.Errorf("got %d kills, want the next call ended by the lock", kills())
	}
	if st := r.s.status(); len(st.Locks) != 1 || st.Locks[0].Rule != "destination" {
		t.Errorf("status shows locks %+v", st.Locks)
	}
	r.place("101", "0201234567")
	r.place("100", "112")
	if kills() != 2 {
		t.Errorf("got %d kills: the lock hit another account or an emergency call", kills())
	}
	r.wait(time.Hour + time.Second)
	r.place("100", "0201234567")
	if kills() != 2 {
		t.Error("the lock outlived its time")
	}
	r.place("100", "00881612345678")
	r.place("100", "0201234567")
	if kills() != 4 {
		t.Errorf("got %d kills, want the account locked again by what comes after the lock", kills())
	}
}

func TestObservedRuleLocksNothing(t *testing.T) {
	p := enforcing(t)
	p.CallsMode = Observe
	p.Default.Class = map[numbering.Class]Action{numbering.Satellite: Lock}
	r := newRig(t, p)
	r.place("100", "00881612345678")
	if len(r.s.status().Locks) != 0 {
		t.Error("observing made a lock")
	}
}

func TestRuleEnforcedByItself(t *testing.T) {
	p := enforcing(t)
	p.CallsMode = Observe
	p.Default.Class = map[numbering.Class]Action{numbering.Satellite: Kill}
	p.Default.Enforced = map[string]Mode{"destination": Enforce}
	r := newRig(t, p)
	r.place("100", "00881612345678")
	if r.s.count.kills != 1 {
		t.Error("a rule that is enforced by itself was only observed")
	}
}
