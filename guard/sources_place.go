package guard

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

const (
	// guessing is how many failures make the success after them suspicious,
	// guessingSlowly how many within a day, of one network or on one account, and
	// guilt how long a source gets no credit for what it guessed.
	guessing       = 3
	guessingSlowly = 5
	guilt          = 24 * time.Hour
	// refreshed is how often a standing is recorded that only lasts.
	refreshed = time.Hour
	// registrationLife is longer than any registration lasts without a refresh.
	registrationLife = 24 * time.Hour

	maxStandings = 10_000 // of one place
)

// place is a source from which accounts have authenticated.
type place struct {
	standings map[Account]*standing
	last      time.Duration // when anybody last did
	live      int           // registrations
	guilty    time.Duration // until then it gets no credit
}

// standing is a [Standing] and when it was last recorded.
type standing struct {
	Standing
	told time.Duration
}

// regard is what is thought of a source.
type regard uint8

const (
	stranger regard = iota
	honest          // somebody has authenticated from there
	exempted        // never to be banned
)

// spared says why a regard keeps a source from being banned.
var spared = [...]string{
	stranger: "",
	honest:   ", not banned: logins from there have worked",
	exempted: ", not banned: it never is",
}

// standing says how the source of c is regarded. An address that may be forged
// is spared for any success that is remembered.
func (s *sources) standing(c *claim) regard {
	if _, never := s.exempt(c.key.prefix()); never {
		return exempted
	}
	if p, ok := s.places.Peek(c.key); ok && s.trusted(p, c.proof) {
		return honest
	}
	return stranger
}

func (s *sources) trusted(p *place, proof Proof) bool {
	if len(p.standings) == 0 || s.t < p.guilty {
		return false
	}
	age := s.t - p.last
	return proof == Unproven || age <= s.policy.Bans.Trust || p.live > 0 && age <= registrationLife
}

// knows says whether a has worked from k.
func (s *sources) knows(a Account, k sourceKey) bool {
	p, ok := s.places.Peek(k)
	return ok && s.t >= p.guilty && p.standings[a] != nil
}

// known returns how long ago addr first worked for a; 0 is never, or not within
// the time of trust.
func (s *sources) known(a Account, addr netip.Addr, now time.Time) time.Duration {
	s.advance(now)
	p, ok := s.places.Peek(keyOf(addr))
	if !ok || s.t < p.guilty || p.standings[a] == nil {
		return 0
	}
	st := p.standings[a]
	if s.now.Sub(st.Last) > max(s.policy.Bans.Trust, registrationLife) {
		return 0
	}
	return max(0, s.now.Sub(st.First))
}

// usedFor tells of each address that works for an account how long it has. An IPv6
// one is told as the prefix's first address: each of the prefix works.
func (s *sources) usedFor(tell func(Account, netip.Addr, time.Duration)) {
	for _, k := range s.places.Keys() {
		p, ok := s.places.Peek(k)
		if !ok {
			continue
		}
		for a, st := range p.standings {
			if used := s.known(a, st.Source, s.now); used > 0 {
				tell(a, st.Source, used)
			}
		}
	}
}

// succeeded: the source of c knows the password of its account.
func (s *sources) succeeded(c claim, agent string) {
	if c.service == manager {
		if _, never := s.exempt(c.key.prefix()); never {
			return // our own login, and those of other programs on this host
		}
	}
	s.learnDomain(c.account)
	p := s.presence(c.account)
	p.source, p.key, p.at = c.source.Addr(), c.key, s.t
	s.placed(c.account, p, c.key)
	s.credit(&c, agent, s.isLive(p, c.key))
}

// credit gives the source of c a standing for its account, unless it looks as
// if it had guessed.
func (s *sources) credit(c *claim, agent string, live bool) {
	p := s.placeAt(c.key)
	if s.t < p.guilty {
		return
	}
	st := p.standings[c.account]
	if st == nil {
		if who := s.standing(c); s.guessed(c, who) && who == stranger {
			p.guilty = s.t + guilt
			return
		}
		if len(p.standings) >= maxStandings {
			return
		}
		a := cloneAccount(c.account)
		st = &standing{Standing: Standing{Account: a, Source: c.key.prefix().Addr(), First: s.now}, told: s.t - refreshed}
		p.standings[a] = st
	}
	p.last, st.Last = s.t, s.now
	if agent != "" && agent != st.Agent {
		st.Agent = strings.Clone(clip(agent))
	}
	if live != st.Registered || s.t-st.told >= refreshed {
		st.Registered = live
		s.tell(st)
	}
}

// guessed says whether a password that works for the first time from a source
// looks as if it had been guessed there, and tells somebody. That others fail on
// the account is told and no more: whoever does so could else keep its owner from
// working anywhere new.
func (s *sources) guessed(c *claim, who regard) bool {
	why, here := s.guess(c, who)
	if why == "" {
		return false
	}
	why = "the password of " + c.account.Name + " worked " + why
	s.alert(c, "guessed", why)
	if here && s.hooks.lock != nil && s.action("guessed", Lock) == Lock {
		s.hooks.lock(c.account, "guessed", why)
	}
	return here
}

// guess says what speaks for a guess, and whether it was done here or near.
func (s *sources) guess(c *claim, who regard) (why string, here bool) {
	if n := s.guesses(c, who); n >= guessing {
		return fmt.Sprintf("after %d failed logins from %s", n, c.from()), true
	}
	if who != stranger {
		return "", false
	}
	if s.bans.recent(c.key, s.t) {
		return "from " + c.from() + ", which has been banned for failed logins", true
	}
	if n := s.slow.day(c.key, stampOf(s.t)); n >= guessingSlowly {
		return fmt.Sprintf("after %d failed logins within a day from %s", n, c.from()), true
	}
	if n := s.slow.day(s.netKey(c.source.Addr()), stampOf(s.t)); n >= guessingSlowly {
		return fmt.Sprintf("after %d failed logins within a day from addresses of %s, now from %s", n, network(c.source.Addr()), c.from()), true
	}
	if t, ok := s.attacked.kept.peek(s.hash(c.account)); ok {
		t.failed.slide(stampOf(s.t))
		if _, n := t.failed.counts(); n >= guessingSlowly {
			return fmt.Sprintf("after %d failed logins within a day from elsewhere, for the first time from %s", n, c.from()), false
		}
	}
	return "", false
}

// placeAt returns the place of k, new if need be.
func (s *sources) placeAt(k sourceKey) *place {
	p, ok := s.places.Get(k)
	if !ok {
		p = &place{standings: map[Account]*standing{}}
		s.places.Add(k, p)
	}
	return p
}

func (s *sources) tell(st *standing) {
	st.told = s.t
	s.hooks.record(st.Standing)
}

// recall restores a standing of earlier days.
func (s *sources) recall(old *Standing) {
	if !old.Source.IsValid() {
		return
	}
	s.learnDomain(old.Account)
	k := keyOf(old.Source)
	p := s.placeAt(k)
	st := &standing{Standing: *old}
	if st.Last.IsZero() {
		st.Last = s.now // a registration read from the PBX's own files
	}
	if st.First.IsZero() {
		st.First = st.Last
	}
	if last := st.Last.Sub(s.epoch); len(p.standings) == 0 || last > p.last {
		p.last = last
	}
	p.standings[old.Account] = st
	if old.Registered {
		pr := s.presence(old.Account)
		pr.contacts = append(pr.contacts, contact{at: netip.AddrPortFrom(old.Source.Unmap(), 0), key: k, since: s.t, proved: true})
		p.live++
	}
}

// cloneAccount copies a's strings, which may be parts of a large buffer.
func cloneAccount(a Account) Account {
	return Account{PBX: strings.Clone(a.PBX), Domain: strings.Clone(a.Domain), Name: strings.Clone(a.Name)}
}
