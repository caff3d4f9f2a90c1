package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A kill is a claim until the PBX's own events confirm it: the leg at the top of
// the call and every trunk leg must be gone. While it waits it is pushed, one
// step at a time.
var pushes = [...]time.Duration{
	500 * time.Millisecond,  // each trunk leg by itself
	1000 * time.Millisecond, // everything again, over a fresh connection
	3000 * time.Millisecond, // somebody must act
}

// kill is an order to end a call that is not yet confirmed.
type kill struct {
	decision Decision
	site     *site
	legs     []*leg // still up
	ordered  time.Time
	pushed   int
	held     bool // not hung up yet: the leg may still ask
}

// kill orders the end of what a carries, and then writes the decision down: the
// call goes on meanwhile. An emergency call is never touched: of a call that
// shares a leg with one, only the rest can be ended.
func (s *state) kill(a *attempt, d Decision) {
	if a.asking {
		s.deny(a, d)
		return
	}
	a.killed = true
	k := &kill{site: a.site, ordered: s.now}
	for _, l := range []*leg{s.head(a.origin), a.origin, a.trunk} {
		k.add(l)
	}
	if k.held = s.heldBack(a); len(k.legs) > 0 && !k.held {
		s.hangUp(k.legs[0])
	}
	s.decided(&d)
	if len(k.legs) == 0 {
		d.Outcome = "emergency"
		s.record(d)
		return
	}
	k.decision = d
	s.count.kills++
	s.kills = append(s.kills, k)
}

// add puts a leg on the list if it is up and may be touched.
func (k *kill) add(l *leg) {
	if l == nil || l.emergency || l.site.legs[l.id] != l || slices.Contains(k.legs, l) {
		return
	}
	k.legs = append(k.legs, l)
}

// head is the leg at the top of a chain of Local channels. A leg from outside
// that was merely forwarded is ended too: its dial plan would try again.
func (s *state) head(l *leg) *leg {
	for range maxChain {
		top := s.up(l)
		if top == nil {
			break
		}
		l = top
	}
	return l
}

// alsoKill extends an order to a trunk leg that came up in spite of it.
func (s *state) alsoKill(a *attempt) {
	if !a.killed || a.trunk == nil {
		return
	}
	for _, k := range s.kills {
		if !slices.Contains(k.legs, a.origin) {
			continue
		}
		k.add(a.trunk)
		if k.held {
			k.held = false
			s.hangUp(k.legs[0])
		}
	}
}

// hangUp is the only way to end a leg. A leg that has become part of an
// emergency call since its end was ordered is let be.
func (s *state) hangUp(l *leg) {
	if l.emergency {
		return
	}
	if pbx := s.out.PBXs[l.site.name]; pbx != nil {
		pbx.Hangup(l.id, s.policy.HangupCause)
	}
}

// pushKills gives every kill that has waited too long its next push.
func (s *state) pushKills() {
	for _, k := range s.kills {
		if k.pushed == len(pushes) || s.now.Sub(k.ordered) < pushes[k.pushed] {
			continue
		}
		k.pushed++
		k.held = false
		switch k.pushed {
		case 2:
			if pbx := s.out.PBXs[k.site.name]; pbx != nil {
				pbx.Redial()
			}
		case 3:
			s.unconfirmed(k)
			continue
		}
		for _, l := range k.legs {
			s.hangUp(l)
		}
	}
}

// hangUpListed orders again what a list shows to be up that should have ended:
// with the connection that the order was given to, the order may be lost.
func (s *state) hangUpListed(st *site) {
	for _, k := range s.kills {
		if k.site != st || k.held || s.now.Sub(k.ordered) < pushes[0] {
			continue
		}
		for _, l := range k.legs {
			if l.round == st.round {
				s.hangUp(l)
			}
		}
	}
}

// unconfirmed tells somebody that a call may still be up.
func (s *state) unconfirmed(k *kill) {
	d := k.decision
	d.Outcome, d.After = "unconfirmed", s.now.Sub(k.ordered)
	s.record(d)
	s.decide(Decision{
		Rule: "kill-unconfirmed", Action: Alert, Enforced: true, PBX: d.PBX, Account: d.Account,
		Call: d.Call, Leg: k.legs[0].id, Channel: k.legs[0].channel, Number: d.Number,
		Reason: fmt.Sprintf("the PBX has not confirmed the end of this call after %v", d.After.Round(time.Millisecond)),
	})
}

// confirmKills takes a leg that has ended off every order.
func (s *state) confirmKills(l *leg) {
	s.kills = slices.DeleteFunc(s.kills, func(k *kill) bool {
		i := slices.Index(k.legs, l)
		if i < 0 {
			return false
		}
		k.legs = slices.Delete(k.legs, i, i+1)
		if len(k.legs) > 0 {
			return false
		}
		s.count.confirmed++
		d := k.decision
		d.Outcome, d.After = "confirmed", s.now.Sub(k.ordered)
		s.record(d)
		return true
	})
}

// hangupRefused: the PBX knows no such leg, so what is known here is wrong.
func (s *state) hangupRefused(st *site, id LegID) {
	if st.legs[id] == nil {
		return // it has ended since
	}
	if pbx := s.out.PBXs[st.name]; pbx != nil && !st.syncing {
		pbx.Resync()
	}
}

// hangUpBanned ends the calls of an address that has just been banned.
func (s *state) hangUpBanned(p netip.Prefix) {
	for a := s.first; a != nil; a = a.next {
		if a.source.IsValid() && p.Contains(a.source) && !a.killed {
			s.verdict(a, verdict{rule: "banned-source", action: Kill, enforced: s.policy.CallsMode == Enforce,
				reason: "placed from " + a.source.String() + ", which is banned"})
		}
	}
}
