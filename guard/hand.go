package guard

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

// meant is the account that a person means who names no domain: that of this
// name in the one domain that has it. One that is in no domain yet is left as
// it is, and its lock holds in whatever domain it turns up (see barOf).
func (s *state) meant(named Account, locked bool) (Account, error) {
	if named.Domain != "" {
		return named, nil
	}
	var domains []string
	for a, acc := range s.accounts {
		if a.PBX != named.PBX || a.Name != named.Name || acc.bar == nil && (locked || !acc.phone) {
			continue
		}
		if a.Domain == "" {
			return named, nil
		}
		domains = append(domains, a.Domain)
	}
	switch len(domains) {
	case 0:
	case 1:
		named.Domain = domains[0]
	default:
		slices.Sort(domains)
		return named, fmt.Errorf("extension %s is in several domains, so say which: %s", named.Name, strings.Join(domains, ", "))
	}
	return named, nil
}

// barByHand locks an account, or lets it back in.
func (s *state) barByHand(b Bar) error {
	if s.sites[b.Account.PBX] == nil {
		return fmt.Errorf("no PBX is called %q", b.Account.PBX)
	}
	var err error
	if b.Account, err = s.meant(b.Account, b.Off); err != nil {
		return err
	}
	acc := s.account(b.Account)
	b.At = s.now
	if b.Off {
		if acc.bar == nil {
			return fmt.Errorf("%s is not locked", b.Account)
		}
		acc.bar = nil
		if acc.origin != nil {
			s.unmeet(acc.Account, seenSuspect, network(acc.origin.source))
		}
	} else {
		acc.bar = &b
	}
	s.relock(b.Account.PBX)
	rule, reason := "lock", b.Reason
	if b.Off {
		rule = "unlock"
	}
	s.record(b)
	s.decide(Decision{Rule: rule, Reason: reason, Action: Lock, Enforced: true, PBX: b.Account.PBX, Account: b.Account, By: b.By})
	return nil
}
