package guard

import (
	"fmt"
	"time"

	"pbxguard/numbering"
)

// tell writes down what one of the rules judged elsewhere has found.
func (s *state) tell(d Decision, set set) {
	d.Action = s.policy.Default.Set[set].Action
	if d.Action == Allow {
		return
	}
	d.Enforced = d.Action < Kill || s.enforced(&s.policy.Default, d.Rule)
	s.decided(&d)
}

// forwardSet: an account's calls go somewhere else from now on.
func (s *state) forwardSet(st *site, ev *Event) {
	if ev.Account.Name == "" || len(s.accounts) >= maxAccounts {
		return
	}
	named, err := s.meant(ev.Account, false)
	if err != nil {
		return // it may be any of several
	}
	acc := s.account(named)
	n := s.normalise(st.Plan, ev.Number)
	if ev.Number == "" {
		if f := acc.forward; f != nil && f.how == ev.Exten {
			acc.forward = nil
		}
		return
	}
	news := acc.forward == nil || acc.forward.number != n.E164
	s.forwarded(acc, n.E164, ev.Exten, ev.Number)
	if ev.Up && news && acc.forward != nil && acc.sought == nil {
		acc.forward.set = s.now.Add(-24 * time.Hour)
	}
	s.foundForward(acc)
	s.nightForward(st, acc, n, ev)
}

// nightForward judges a forward by when its owner registered.
func (s *state) nightForward(st *site, acc *account, n numbering.Number, ev *Event) {
	if n.E164 == "" || ev.Up || acc.nightOwl || acc.night.IsZero() || s.now.Sub(acc.night) > time.Hour {
		return
	}
	s.tell(Decision{
		Rule: "night-forward", PBX: st.name, Account: acc.Account, Number: n.E164, Country: n.Region, Class: n.Class.String(),
		Reason: fmt.Sprintf("extension %s registered at %s, as it never had at such an hour, and has its calls forwarded to %s",
			acc.Name, acc.night.In(st.zone()).Format("15:04 on Monday"), n.E164),
	}, setNightForward)
}

// pinFailed: somebody does not know the PIN.
func (s *state) pinFailed(st *site, ev *Event) {
	most := s.policy.Default.Set[setPINs].Max
	d := Decision{Rule: "pin-guessing", PBX: st.name, Account: ev.Account, Call: ev.Call, Leg: ev.Leg, Dialled: ev.Number}
	if ev.Caller != "" {
		if n := st.pins.add(s.hash("caller "+ev.Caller), s.now); n == most+1 {
			d.Reason = fmt.Sprintf("%s gave %d wrong PINs within an hour, the last for %s", clip(ev.Caller), n, clip(ev.Account.Name))
			s.tell(d, setPINs)
			return
		}
	}
	if n := st.pins.add(s.hash("mailbox "+ev.Account.Name), s.now); n == 2*most+1 {
		d.Reason = fmt.Sprintf("%d wrong PINs were given for %s within an hour", n, clip(ev.Account.Name))
		s.tell(d, setPINs)
	}
}

// helpCalled: somebody calls for help. It is told, and changes nothing.
func (s *state) helpCalled(l *leg, dialled string) {
	st := l.site
	again := s.now.Sub(st.helped) < time.Second
	st.helped = s.now
	if again {
		return // the same call, seen again on its way out
	}
	d := Decision{
		Rule: "emergency", PBX: st.name, Call: l.call, Leg: l.id, Channel: l.channel, Dialled: dialled, Class: "emergency",
		Reason: "emergency call to " + dialled,
	}
	if l.account != nil {
		d.Account = l.account.Account
		d.Reason += " by " + l.account.Name
	}
	s.tell(d, setEmergency)
}

// late is by how much events may come late before somebody is told.
const late = 2 * time.Second

// watchSites tells of PBXs that are not seen.
func (s *state) watchSites() {
	for _, st := range s.sites {
		gap := s.now.Sub(st.since)
		if st.connected || st.lost || st.since.Equal(s.since) && !st.everUp || gap < s.policy.Default.Set[setBlind].Span {
			continue
		}
		st.lost = true
		s.tell(Decision{Rule: "blind", PBX: st.name, Reason: fmt.Sprintf("%s is not seen for %s: no connection", st.name, short(gap))}, setBlind)
	}
}

// watchLag tells of events that come late.
func (s *state) watchLag(st *site, ev *Event) {
	lag := s.now.Sub(ev.At)
	if st.slow || lag < late {
		st.slow = st.slow && lag > late/2
		return
	}
	st.slow = true
	s.missed(st, fmt.Sprintf("an event of %s came %s late, or the clock of this host was set back", st.name, short(lag)))
}

// watchArrivals judges calls that came in and are up.
func (s *state) watchArrivals() {
	if s.policy.Default.Set[setPumping].Action == Allow {
		return
	}
	for _, st := range s.sites {
		for _, v := range st.inward {
			if !v.leg.answered.IsZero() {
				s.judgeArrival(v, whileUp)
			}
		}
	}
}

// missed tells of events that were lost, and of legs that a list had and nobody
// had seen.
func (s *state) missed(st *site, what string) {
	s.tell(Decision{Rule: "blind", PBX: st.name, Reason: what}, setBlind)
}

// managerIn tells of a user of the manager interface who was never seen there, once
// it was watched for a day: an account out of nowhere.
func (s *state) managerIn(st *site, ev *Event) {
	if ev.Account.Name == "" {
		return
	}
	of, user := Account{PBX: st.name}, clip(ev.Account.Name)
	v, watched := s.met(of, seenManager, "*", seenFor)
	_, known := s.met(of, seenManager, user, seenFor)
	s.meet(of, seenManager, user)
	s.meet(of, seenManager, "*")
	if watched && !known && v.age(s.now) >= 24*time.Hour {
		s.changed(st, "the manager interface has a new user called "+user+", from "+ev.Source.Addr().String())
	}
}

// unheard is how many calls of phones may come without a word about any login, where
// there were such words before.
const unheard = 50

// watchLogins tells when a PBX has stopped telling of logins: then nobody sees
// passwords being guessed, or from where calls come.
func (s *state) watchLogins(st *site, ev *Event) {
	switch ev.Kind {
	case AuthChallenged, AuthOK, AuthFailed, AuthRefused:
		st.logins, st.silent = true, 0
	case LegStarted:
		if l := st.legs[ev.Leg]; !st.logins || l == nil || !l.phone() || ev.Number == "" || ev.Open {
			return
		}
		if st.silent++; st.silent == unheard {
			s.changed(st, plural(unheard, "call", "calls")+" of phones came without a word about a login: events of class security are switched off, or no longer read")
		}
	}
}

// changed tells of a PBX that is not what it was.
func (s *state) changed(st *site, what string) {
	s.tell(Decision{Rule: "pbx-changed", PBX: st.name, Reason: what}, setChanged)
}
