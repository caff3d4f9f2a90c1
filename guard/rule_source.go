package guard

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// newTraits lists what is new about from where an attempt comes: what the
// account has for the first time since a day, while others are older than a week.
func (s *state) newTraits(a *attempt) (traits []string) {
	o := a.payer.origin
	if o == nil || !a.source.IsValid() || s.policy.Learn == 0 {
		return nil
	}
	of := a.payer.Account
	if v, ok := s.met(of, seenNetwork, "*", seenFor); !ok || v.age(s.now) < longUsed {
		return nil
	}
	fresh := func(w what, key string) bool {
		v, ok := s.met(of, w, key, seenFor)
		return key != "" && (!ok || v.age(s.now) < 24*time.Hour)
	}
	n := network(a.source)
	_, suspect := s.met(of, seenSuspect, n, seenFor)
	if suspect || fresh(seenNetwork, n) && !o.roams(s.now) {
		text := "network " + n
		if a.source == o.source && o.place.System != 0 {
			text += fmt.Sprintf(" of AS%d", o.place.System)
		}
		traits = append(traits, text)
	}
	if a.source == o.source && fresh(seenAgent, o.agent) {
		traits = append(traits, "user agent "+o.agent)
	}
	if a.source == o.source && o.placed && fresh(seenPlace, o.place.Country) {
		traits = append(traits, "country "+o.place.Country)
	}
	return traits
}

// suspected says whether calls of an account from there were ended before.
func (s *state) suspected(a *attempt) bool {
	_, ok := s.met(a.payer.Account, seenSuspect, network(a.source), seenFor)
	return ok
}

// newSource is a call abroad of an account from somewhere new.
var newSource = rule{
	doc: doc{
		id: "new-source", number: "R-041", about: aboutTakeover,
		title: "international calls of an extension within a day of a new network, country or user agent",
		why:   "a stolen password is used from elsewhere, with another program, to call abroad",
		set:   setNewSource, normal: Setting{Action: Lock},
	},
	when: whenPlaced,
	hit:  func(s *state, l *Limits, a *attempt) bool { return s.elsewhere(l, a) },
	say: func(s *state, _ *Limits, a *attempt) string {
		if !s.isForeign(a) {
			return "not an international call"
		}
		t := s.newTraits(a)
		if len(t) == 0 {
			return "nothing is new about where it comes from"
		}
		return fmt.Sprintf("%s calls %s%s from %s; new since a day: %s", a.who(), a.shown(), in(a.number.Region), a.source, strings.Join(t, ", "))
	},
}

// distrust remembers from where calls of an account were ended, so that it does
// not come to be trusted by waiting.
func (s *state) distrust(a *attempt) {
	if a.source.IsValid() && len(s.newTraits(a)) > 0 {
		s.meet(a.payer.Account, seenSuspect, network(a.source))
	}
}

// elsewhere says whether an attempt abroad has two new traits, or one and a
// country or an hour that is not usual.
func (s *state) elsewhere(l *Limits, a *attempt) bool {
	if !s.isForeign(a) {
		return false
	}
	traits := s.newTraits(a)
	switch n := len(traits); {
	case n >= 2:
		return true
	case n == 1 && s.suspected(a):
		return true
	case n == 1:
		_, called := s.met(a.payer.Account, seenCountry, a.number.Region, seenFor)
		return !called && !l.Countries[a.number.Region] || s.off(l, a) && !s.atNight(a)
	}
	return false
}

// unregistered is a call from where the account is not and never was.
var unregistered = rule{
	doc: doc{
		id: "unregistered", number: "R-040", about: aboutTakeover, star: true,
		title: "calls from an address where the extension is not registered and never was",
		why:   "who has a stolen password need not register: he just calls",
		set:   setUnregistered, normal: Setting{Action: Kill, Max: 1},
		keys: []Key{maxKey("how many such calls a day are ended before the extension is locked")},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		set := &l.Set[setUnregistered]
		switch {
		case set.Action < Kill:
			return set.Action
		case s.policy.Learn > 0 && !s.costly(a):
			return Alert
		case s.struck("unregistered", a.payer.Account) >= set.Max:
			return Lock
		}
		return set.Action
	},
	bans: true,
	hit:  func(s *state, _ *Limits, a *attempt) bool { return s.homeless(a) },
	say: func(s *state, _ *Limits, a *attempt) string {
		if !s.homeless(a) {
			return "registered there, or known from there, or it cannot be told"
		}
		return fmt.Sprintf("%s calls %s from %s, where it is not registered and was never seen before", a.who(), a.shown(), a.source)
	},
}

// homeless says whether an account that registers calls from somewhere else.
func (s *state) homeless(a *attempt) bool {
	if !a.source.IsValid() || a.via != "" || s.sources.learning() {
		return false
	}
	return s.sources.homeless(a.payer.Account, a.source, s.now)
}

// homeless says whether a is registered, but not at addr, and had never been
// there before the login of this call.
func (s *sources) homeless(a Account, addr netip.Addr, now time.Time) bool {
	p, ok := s.presences.Peek(a)
	if !ok || len(p.contacts) == 0 || s.isLive(p, keyOf(addr)) {
		return false
	}
	if _, never := s.exempt(keyOf(addr).prefix()); never {
		return false
	}
	return s.known(a, addr, now) < together
}

// travelled is an account in two places that nobody can be at.
var travelled = rule{
	doc: doc{
		id: "travel", number: "R-042", about: aboutTakeover,
		title: "one extension in two countries within an hour, or farther apart than anybody travels",
		why:   "one of the two is somebody else",
		set:   setTravel, normal: Setting{Action: Alert, Max: 900},
		keys: []Key{maxKey("how fast anybody travels, in km/h")},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setTravel].Action
		switch {
		case act == Alert && a.payer.origin.roams(s.now):
			return Note // a telephone in a pocket changes networks, and their countries, at every corner
		case act == Alert && s.isForeign(a) && s.strange(a):
			return Lock
		}
		return act
	},
	hit: func(s *state, l *Limits, a *attempt) bool {
		o := a.payer.origin
		return o != nil && s.now.Sub(o.moved) < time.Hour && o.tooFast(l.Set[setTravel].Max)
	},
	say: func(s *state, l *Limits, a *attempt) string {
		o := a.payer.origin
		if o == nil || !o.tooFast(l.Set[setTravel].Max) {
			return "in one place, as far as can be told"
		}
		return fmt.Sprintf("%s was in %s and %s later in %s", a.who(), countryName(o.before.Country), short(o.moved.Sub(o.beforeAt)), countryName(o.place.Country))
	},
}

// noPassword is a call that the PBX let in without a password and that goes out.
var noPassword = rule{
	doc: doc{
		id: "no-password", number: "R-047", about: aboutTakeover,
		title: "calls that were let in without a password and go out",
		why:   "an endpoint known by its address, or by nothing, is open to whoever has the address",
		set:   setNoPassword, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	hit:  func(_ *state, _ *Limits, a *attempt) bool { return a.trunk != nil && openCall(a) },
	say: func(_ *state, _ *Limits, a *attempt) string {
		if !openCall(a) {
			return "let in by a password, as far as is known"
		}
		return fmt.Sprintf("%s was let in without a password and calls %s", a.who(), a.shown())
	},
}

func openCall(a *attempt) bool { return a.origin != nil && a.origin.open && a.via == "" }

// managerCall is a call that somebody had the PBX place.
var managerCall = rule{
	doc: doc{
		id: "manager-call", number: "R-049", about: aboutTakeover,
		title: "calls abroad that a program had the PBX place",
		why:   "who gets at the manager interface needs no phone",
		set:   setManagerCall, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		return s.byHabit(a, l.Set[setManagerCall].Action, !s.strange(a))
	},
	hit: func(s *state, l *Limits, a *attempt) bool {
		return a.via == "originate" && s.costly(a) && (a.dear() || !l.Countries[a.number.Region])
	},
	say: func(_ *state, _ *Limits, a *attempt) string {
		if a.via != "originate" {
			return "not placed by a program"
		}
		return fmt.Sprintf("a program had the PBX call %s%s for %s", a.shown(), in(a.number.Region), a.payer.Name)
	},
}
