package guard

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// together is how far apart a login and the registration it made may be
	// reported: they come over two connections.
	together = 2 * time.Second
	// callAfter is how long after a login its call may start.
	callAfter = 5 * time.Second

	maxContacts = 32 // of one account
)

// presence is where an account is.
type presence struct {
	source   netip.Addr // the latest to know the password, if any
	key      sourceKey  // of source
	at       time.Duration
	contacts []contact
}

// contact is one registration: what the phone calls its address, and where it
// really is, which differ behind a NAT.
type contact struct {
	at     netip.AddrPort
	key    sourceKey
	since  time.Duration
	proved bool // a login told where it really is
}

// registered: an account can be reached at an address that its phone named. If
// it has just authenticated, that is where it really is; if it had when it first
// named that address, it still is.
func (s *sources) registered(c claim, agent string) {
	p := s.presence(c.account)
	at, proved := c.source, false
	if i := slices.IndexFunc(p.contacts, func(n contact) bool { return n.at == at && n.proved }); i >= 0 {
		c.key, proved = p.contacts[i].key, true
	} else if p.source.IsValid() && s.t-p.at <= together {
		c.key, proved = p.key, true
	}
	if proved {
		c.source = netip.AddrPortFrom(c.key.prefix().Addr(), at.Port())
	}
	was := slices.Clone(p.contacts)
	for i := len(p.contacts) - 1; i >= 0; i-- {
		// chan_sip knows one registration of an account, and reports each refresh.
		if c.service == chanSIP || p.contacts[i].at == at || i == 0 && len(p.contacts) >= maxContacts {
			s.dropContact(p, i)
		}
	}
	s.credit(&c, agent, true)
	p.contacts = append(p.contacts, contact{at: at, key: c.key, since: s.t, proved: proved})
	s.enliven(c.key, 1)
	for _, n := range was {
		s.settle(c.account, p, n.key)
	}
}

// unregistered: an account is no longer reachable at an address, or nowhere if
// the PBX names none.
func (s *sources) unregistered(c claim) {
	p, ok := s.presences.Peek(c.account)
	if !ok {
		return
	}
	for i := len(p.contacts) - 1; i >= 0; i-- {
		at := p.contacts[i].at
		if !c.source.IsValid() || at == c.source || at.Port() == 0 && at.Addr() == c.source.Addr() {
			k := p.contacts[i].key
			s.dropContact(p, i)
			s.settle(c.account, p, k)
		}
	}
}

// dropContact forgets one registration.
func (s *sources) dropContact(p *presence, i int) {
	s.enliven(p.contacts[i].key, -1)
	p.contacts = slices.Delete(p.contacts, i, i+1)
}

// settle records that a is no longer registered at k, if it is not.
func (s *sources) settle(a Account, p *presence, k sourceKey) {
	if s.isLive(p, k) {
		return
	}
	if pl, ok := s.places.Peek(k); ok && pl.standings[a] != nil && pl.standings[a].Registered {
		pl.standings[a].Registered = false
		s.tell(pl.standings[a])
	}
}

// placed puts the registrations that a login made where its phone turned out to
// be. What the phone only said of itself gives no standing.
func (s *sources) placed(a Account, p *presence, k sourceKey) {
	for i := range p.contacts {
		n := &p.contacts[i]
		if n.proved || s.t-n.since > together {
			continue
		}
		n.proved = true
		from := n.key
		if from == k {
			continue
		}
		n.key = k
		s.enliven(from, -1)
		s.enliven(k, 1)
		s.settle(a, p, from)
		if pl, ok := s.places.Peek(from); ok && pl.standings[a] != nil && !pl.standings[a].Registered &&
			s.now.Sub(pl.standings[a].First) <= together {
			delete(pl.standings, a)
		}
	}
}

// enliven counts a registration more or less at k.
func (s *sources) enliven(k sourceKey, n int) {
	if n > 0 {
		s.placeAt(k).live += n
	} else if p, ok := s.places.Peek(k); ok {
		p.live = max(0, p.live+n) // the place may have been forgotten in between
	}
}

func (s *sources) isLive(p *presence, k sourceKey) bool {
	return slices.ContainsFunc(p.contacts, func(n contact) bool { return n.key == k })
}

// forgetContacts is called when there are more accounts than can be kept.
func (s *sources) forgetContacts(p *presence) {
	for _, n := range p.contacts {
		s.enliven(n.key, -1)
	}
}

func (s *sources) presence(a Account) *presence {
	p, ok := s.presences.Get(a)
	if !ok {
		p = &presence{}
		s.presences.Add(cloneAccount(a), p)
	}
	return p
}
