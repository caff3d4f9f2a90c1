package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"pbxguard/numbering"
)

// Scope is what a lock bars.
type Scope string

const (
	// BarAll bars every outbound call but emergency ones, from sources that the
	// account has not long been used from.
	BarAll Scope = ""
	// BarAbroad bars international and dear calls, from such sources.
	BarAbroad Scope = "international"
	// BarSpent bars international and dear calls from anywhere: the money is
	// spent, whoever spent it.
	BarSpent Scope = "spent"
)

func (p Scope) String() string {
	switch p {
	case BarAbroad, BarSpent:
		return "international and dear calls"
	}
	return "outbound calls"
}

// lock bars an account after a rule said so. A narrower lock gives way to a
// wider one.
func (s *state) lock(acc *account, d Decision, scope Scope) {
	if b := acc.bar; b.holds(s.now) && (b.By != "" || b.Scope == BarAll || b.Scope == scope || scope != BarAll) {
		return
	}
	acc.bar = &Bar{Account: acc.Account, At: s.now, Rule: d.Rule, Reason: d.Reason, Scope: scope}
	if s.policy.LockFor > 0 {
		acc.bar.Until = s.now.Add(s.policy.LockFor)
	}
	s.record(*acc.bar)
	s.relock(acc.PBX)
}

// relock has the dial plans of a PBX told of its locks, at the next tick.
func (s *state) relock(pbx string) {
	if s.out.Switchboards[pbx] != nil {
		s.relocked[pbx] = true
	}
}

// tellLocks tells dial plans of locks that have changed. They hold even while the
// guard is gone, and spare the same addresses.
func (s *state) tellLocks() {
	for pbx := range s.relocked {
		if s.out.Switchboards[pbx].SetLocks(s.locksOf(pbx)) {
			delete(s.relocked, pbx)
		}
	}
}

// maxSpared bounds the addresses that a lock in a dial plan spares.
const maxSpared = 8

// locksOf are the locks of a PBX in force.
func (s *state) locksOf(pbx string) []Locked {
	spared := map[Account][]netip.Addr{}
	for _, acc := range s.accounts {
		if acc.PBX == pbx && acc.bar.holds(s.now) {
			spared[acc.Account] = nil
		}
	}
	if len(spared) == 0 {
		return nil
	}
	s.sources.usedFor(func(a Account, addr netip.Addr, used time.Duration) {
		for i, of := range []Account{a, {PBX: a.PBX, Name: a.Name}} {
			if _, ok := spared[of]; !ok || i > 0 && of == a {
				continue
			}
			if b := s.accounts[of].bar; b.Scope != BarSpent && used-s.now.Sub(b.At) >= longUsed {
				spared[of] = append(spared[of], addr)
			}
		}
	})
	var list []Locked
	for a, addrs := range spared {
		b := s.accounts[a].bar
		// A dial plan can compare few addresses, and of IPv6 not the part that a
		// subscriber keeps: such an account is left to the guard.
		if len(addrs) > maxSpared || slices.ContainsFunc(addrs, netip.Addr.Is6) {
			continue
		}
		list = append(list, Locked{Account: a, All: b.Scope == BarAll, Until: b.Until, Spared: addrs})
	}
	return list
}

// scopeOf narrows what a lock bars that a rule makes. Where nobody knows from
// where an account calls, its owner cannot be told from a thief: a lock on all
// that goes out would silence him, so it bars what the thief is after.
func (s *state) scopeOf(a *attempt, scope Scope) Scope {
	if scope == BarAll && s.policy.Learn > 0 && !a.source.IsValid() && s.costly(a) {
		return BarAbroad
	}
	return scope
}

// lockAccount bars an account for what was found at its addresses.
func (s *state) lockAccount(a Account, rule, reason string) {
	if s.sites[a.PBX] == nil || s.policy.CallsMode != Enforce {
		return
	}
	s.lock(s.account(a), Decision{Rule: rule, Reason: reason}, BarAll)
}

// barred says whether the payer's lock bars an attempt.
func (s *state) barred(a *attempt) bool {
	b := s.barOf(a.payer)
	switch {
	case b == nil, s.limitsOf(a.payer).own(a):
		return false
	case b.Scope != BarAll && !s.costly(a):
		return false
	case b.By == "" && !a.source.IsValid() && s.policy.Learn > 0 && s.its(a):
		return false
	case b.Scope == BarSpent:
		return true
	}
	// What counts is how long it was used when the lock was made: a thief does
	// not come to be trusted by waiting.
	return !a.source.IsValid() || s.sources.known(a.payer.Account, a.source, s.now)-s.now.Sub(b.At) < longUsed
}

// its says whether a call abroad is what its owner usually does, by all that is
// known of it but its source.
func (s *state) its(a *attempt) bool {
	if a.dear() {
		return false
	}
	return s.familiar(a) || !s.strange(a) && !s.off(s.limitsOf(a.payer), a)
}

// barOf is the lock on an account: its own, or the one on its name without a
// domain, which a person may have ordered before the account was seen.
func (s *state) barOf(a *account) *Bar {
	if a.bar.holds(s.now) {
		return a.bar
	}
	if a.Domain == "" {
		return nil
	}
	if all := s.accounts[Account{PBX: a.PBX, Name: a.Name}]; all != nil && all.bar.holds(s.now) {
		return all.bar
	}
	return nil
}

// holds says whether there is a lock and its time has not passed.
func (b *Bar) holds(now time.Time) bool {
	return b != nil && (b.Until.IsZero() || now.Before(b.Until))
}

// costly says whether a call costs more than one inside the country: it is
// international, or its class is dear.
func (s *state) costly(a *attempt) bool { return s.isForeign(a) || a.dear() }

// dear says whether a class has a price of its own.
func dear(c numbering.Class) bool {
	switch c {
	case numbering.Premium, numbering.Satellite, numbering.IntlNetworkClass, numbering.Unknown, numbering.Personal:
		return true
	}
	return false
}

// dear says whether an attempt has a price of its own. A number of the own
// country that its plan does not have has none: nobody shares what it costs.
func (a *attempt) dear() bool {
	return dear(a.class()) && !(a.number.Kind == numbering.National && a.number.Class == numbering.Unknown)
}

// says words a lock for people.
func (b *Bar) says(a *attempt) string {
	return fmt.Sprintf("extension %s is locked for %s since %s: %s", a.payer.Name, b.Scope,
		b.At.In(a.site.zone()).Format("2006-01-02 15:04"), b.Reason)
}
