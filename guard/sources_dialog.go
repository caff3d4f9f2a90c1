package guard

import (
	"net/netip"
	"time"
)

// dialog is the latest challenge that chan_sip sent for an account. Its success
// is told by the call that starts, before the event that says so.
type dialog struct {
	source  netip.Addr
	at      time.Duration
	several bool // sources were challenged; which of them calls cannot be known
	placed  time.Duration
	calls   bool // placed is set
}

// noteDialog remembers that chan_sip challenged the source of c.
func (s *sources) noteDialog(c *claim) {
	id := s.hash(c.account)
	d, ok := s.dialogs.Get(id)
	fresh := ok && s.t-d.at <= callAfter
	d.several = fresh && (d.several || d.source != c.source.Addr())
	d.source, d.at = c.source.Addr(), s.t
	s.dialogs.Add(id, d)
}

// placedCall says where the account whose leg has just started calls from: the
// latest address to know its password, or on chan_sip the one that was asked for
// it. That gives no standing: a stranger may have been asked at the same moment.
func (s *sources) placedCall(a Account, now time.Time) (netip.Addr, bool) {
	s.advance(now)
	id := s.hash(a)
	d, asked := s.dialogs.Peek(id)
	if asked {
		d.placed, d.calls = s.t, true
		s.dialogs.Add(id, d)
	}
	if p, ok := s.presences.Peek(a); ok && p.source.IsValid() && s.t-p.at <= callAfter {
		return p.source, true
	}
	if asked && s.t-d.at <= callAfter && !d.several {
		return d.source, true
	}
	return netip.Addr{}, false
}

// placedSince says whether an account has placed a call since then.
func (s *sources) placedSince(a Account, then time.Duration) bool {
	d, ok := s.dialogs.Peek(s.hash(a))
	return ok && d.calls && d.placed >= then
}
