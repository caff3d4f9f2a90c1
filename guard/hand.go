package guard

import (
	"errors"
	"fmt"
	"slices"
)

// ErrEmergency refuses to touch an emergency call.
var ErrEmergency = errors.New("this is an emergency call, which is never touched")

// hangupByHand ends the call that a leg or call id names.
func (s *state) hangupByHand(id, by string) error {
	found := false
	for _, st := range s.sites {
		for _, l := range st.legs {
			if string(l.id) != id && string(l.call) != id && l.channel != id {
				continue
			}
			found = true
			if l.emergency {
				return ErrEmergency
			}
			d := Decision{
				Rule: "by-hand", Reason: "ended by " + by, By: by, Action: Kill, Enforced: true,
				PBX: st.name, Call: l.call, Leg: l.id, Channel: l.channel,
			}
			if l.account != nil {
				d.Account = l.account.Account
			}
			s.killLeg(l, d)
		}
	}
	if !found {
		return fmt.Errorf("no live call %q", id)
	}
	return nil
}

// killLeg orders the end of one leg and of the attempt that it is part of. A
// leg that is on an order already is left to it.
func (s *state) killLeg(l *leg, d Decision) {
	if slices.ContainsFunc(s.kills, func(k *kill) bool { return slices.Contains(k.legs, l) }) {
		return
	}
	for _, a := range []*attempt{l.carries, l.places} {
		if a != nil {
			a.nameIn(&d)
			s.kill(a, d)
			return
		}
	}
	s.decided(&d)
	k := &kill{decision: d, site: l.site, ordered: s.now, legs: []*leg{l}}
	s.count.kills++
	s.kills = append(s.kills, k)
	s.hangUp(l)
}

// barByHand locks an account, or lets it back in.
func (s *state) barByHand(b Bar) error {
	if s.sites[b.Account.PBX] == nil {
		return fmt.Errorf("no PBX is called %q", b.Account.PBX)
	}
	acc := s.account(b.Account)
	b.At = s.now
	if b.Off {
		if acc.bar == nil {
			return fmt.Errorf("%s is not locked", b.Account)
		}
		acc.bar = nil
	} else {
		acc.bar = &b
	}
	rule, reason := "lock", b.Reason
	if b.Off {
		rule = "unlock"
	}
	s.record(b)
	s.decide(Decision{Rule: rule, Reason: reason, Action: Lock, Enforced: true, PBX: b.Account.PBX, Account: b.Account, By: b.By})
	return nil
}
