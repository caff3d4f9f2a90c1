package guard

import (
	"time"

	"pbxguard/numbering"
)

// leg is one channel of the PBX.
type leg struct {
	site    *site
	id      LegID
	call    CallID
	channel string
	side    Side
	pair    string
	account *account // of its endpoint; nil for a Local channel
	dialled string   // when it started
	exten   string   // where it stood in the dial plan when it last dialled
	stands  struct { // what inside was asked for last
		plan   *numbering.Plan
		at     string
		inside bool
	}
	domain string // of exten, where the account does not tell it
	tried  string // the E.164 number it last tried

	by     *leg     // who dialled it
	placed bool     // dialled by the PBX itself: an originate
	talked bool     // a phone that it dialled has answered
	cause  *account // on whose behalf it dials since it was forwarded or transferred
	via    string   // "forward", "transfer", "originate"

	shows     string   // the caller's number that it is shown
	open      bool     // let in without a password
	arrives   *arrival // the call from outside that it is
	places    *attempt // the latest outbound attempt that it placed
	carries   *attempt // the outbound attempt whose trunk leg it is
	asked     int      // how often it asked to be let out
	emergency bool     // never to be touched
	started   time.Time
	answered  time.Time // zero while it rings
	round     int       // of resync
}

func (l *leg) trunk() bool { return l.account != nil && l.site.isTrunk(l.account) }

// told says whether the PBX has told of the leg itself and not only of others
// that it called.
func (l *leg) told() bool { return l.channel != "" }

func (l *leg) phone() bool { return l.account != nil && l.site.isPhone(l.account) }

// inside says whether it stands at an internal number of the dial plan.
func (l *leg) inside() bool {
	if k := &l.stands; k.plan != l.site.Plan || k.at != l.exten {
		k.plan, k.at, k.inside = l.site.Plan, l.exten, l.site.Plan.Internal(l.exten)
	}
	return l.stands.inside
}

// other is the other half of a Local channel, if it is up.
func (l *leg) other() *leg {
	p := l.site.locals[l.pair]
	switch {
	case p == nil:
		return nil
	case l.side == LocalOne:
		return p.two
	}
	return p.one
}

// setPair makes l one half of its Local channel. An emergency call is one on
// both sides of it.
func (l *leg) setPair() {
	p := l.site.locals[l.pair]
	if p == nil {
		p = new(locals)
		l.site.locals[l.pair] = p
	}
	if l.side == LocalOne {
		p.one = l
	} else {
		p.two = l
	}
	if p.one != nil && p.two != nil && (p.one.emergency || p.two.emergency) {
		p.one.emergency, p.two.emergency = true, true
	}
}

// unpair undoes setPair.
func (l *leg) unpair() {
	p := l.site.locals[l.pair]
	if p == nil || l.side == Endpoint {
		return
	}
	if p.one == l {
		p.one = nil
	}
	if p.two == l {
		p.two = nil
	}
	if p.one == nil && p.two == nil {
		delete(l.site.locals, l.pair)
	}
}

// legOf returns the leg of an event, made from what the event tells if it was
// not known: an event about a leg proves that the leg is there.
func (s *state) legOf(st *site, id LegID, ev *Event) *leg {
	if l := st.legs[id]; l != nil {
		return l
	}
	if id == "" || len(st.legs) >= maxLegs || st.gone[id] {
		return nil
	}
	l := &leg{site: st, id: id, call: ev.Call, started: s.now, round: st.round}
	st.legs[id] = l
	return l
}

// describe fills in what an event says of its own leg.
func (s *state) describe(l *leg, ev *Event) {
	if ev.Call != "" {
		l.call = ev.Call
	}
	if ev.Channel == "" || l.channel == ev.Channel {
		return
	}
	l.unpair()
	l.channel, l.side, l.pair = ev.Channel, ev.Side, ev.Pair
	if l.side == Endpoint {
		if ev.Account.Name != "" {
			l.account = s.account(ev.Account)
		}
		return
	}
	l.setPair()
}

func (s *state) legStarted(st *site, ev *Event) {
	l := s.legOf(st, ev.Leg, ev)
	if l == nil || l.dialled != "" {
		return
	}
	s.describe(l, ev)
	l.open = ev.Open
	if ev.ToTrunk && l.account != nil {
		st.learnTrunk(l.account)
	}
	if ev.Up && l.answered.IsZero() {
		l.answered = s.now
	}
	l.dialled = ev.Number
	if s.introduce(l) {
		return
	}
	l.exten = ev.Number
	switch {
	case l.side == LocalTwo && l.dialled != "":
		if one := l.other(); one != nil && one.by != nil && !s.guessed(l) {
			s.dial(l, l.dialled) // FreeSWITCH tells who calls the first half before this
		}
	case l.phone() && l.dialled != "":
		s.dial(l, l.dialled)
	case l.account != nil && !l.phone():
		if st.wonder(l.account) {
			s.changed(st, "an endpoint called "+clip(l.account.Name)+", which is neither phone nor trunk as far as is known")
		}
		if l.dialled != "" && l.by == nil && l.trunk() && !ev.ToTrunk {
			s.arrive(l, ev)
		}
	}
	s.settle(false)
}

// legDialling: one leg calls another. It is a forward's and a Local channel's
// first word on the number that is wanted, and a trunk's on the number sent.
func (s *state) legDialling(st *site, ev *Event) {
	o := s.legOf(st, ev.Other, &Event{Call: ev.OtherCall})
	if o == nil {
		return
	}
	if o.account == nil && o.side == Endpoint && ev.OtherAccount.Name != "" {
		o.account = s.account(ev.OtherAccount) // its own first event is still to come, or was lost
	}
	l := s.legOf(st, ev.Leg, ev)
	if l == nil {
		s.originated(st, o, ev)
		return
	}
	s.describe(l, ev)
	l.exten, l.domain = ev.Exten, ev.Domain
	o.by = l
	o.emergency = o.emergency || l.emergency
	switch {
	case o.side == LocalOne:
		two := o.other()
		if two == nil {
			return
		}
		two.emergency = two.emergency || o.emergency
		if a := s.attemptOf(two); a != nil && a.trunk != nil && (a.origin == two || a.trunk.by == two) {
			s.repay(a) // Asterisk 16 can tell of the trunk first
			s.place(a)
		} else if !s.guessed(two) {
			s.dial(two, two.dialled)
		}
		s.settle(false)
	case o.account == nil:
	case ev.ToTrunk || o.trunk():
		if ev.ToTrunk {
			st.learnTrunk(o.account)
		}
		o.shows = ev.Caller
		s.send(l, o, ev.Number)
	case l.arrives != nil:
		l.arrives.to = o.account
	}
}

// originated: the PBX itself was told to call o. Of a trunk that is a call which
// nobody in it has caused.
func (s *state) originated(st *site, o *leg, ev *Event) {
	o.placed = true
	if o.side != Endpoint || o.account == nil || !ev.ToTrunk && !o.trunk() {
		return
	}
	if ev.ToTrunk {
		st.learnTrunk(o.account)
	}
	s.send(o, o, ev.Number)
}

// legForwarded: the phone that was called answered with another number (SIP
// 302). What its caller dials next is dialled for that phone.
func (s *state) legForwarded(st *site, ev *Event) {
	l, o := st.legs[ev.Leg], st.legs[ev.Other]
	if l == nil {
		return
	}
	if o != nil && o.account != nil {
		l.cause, l.via = o.account, "forward"
	}
}

func (s *state) legAnswered(st *site, ev *Event) {
	l := s.legOf(st, ev.Leg, ev)
	if l == nil {
		return
	}
	s.describe(l, ev)
	if !l.answered.IsZero() {
		return
	}
	l.answered = s.now
	if l.by != nil && l.phone() {
		l.by.talked = true
	}
	if a := l.carries; a != nil {
		a.answered, a.accrued = s.now, s.now
	}
	if by := l.by; by != nil && by.arrives != nil && l.phone() {
		by.arrives.to = l.account
	}
}

// legTransferred: somebody in the call sends the other party to a number, and
// pays for what comes of it.
func (s *state) legTransferred(st *site, ev *Event) {
	l := s.legOf(st, ev.Leg, ev)
	if l == nil {
		return
	}
	if by := st.legs[ev.Other]; by != nil && by.account != nil {
		l.cause = by.account
	} else if ev.Account.Name != "" {
		l.cause = s.account(ev.Account)
	}
	l.via, l.exten, l.dialled = "transfer", ev.Number, ev.Number
	if a := l.places; a != nil {
		if s.comesOf(a, ev.Number) {
			s.repay(a)
			s.place(a)
			return
		}
		l.places = nil // what it dialled before goes on with its trunk, or has ended
		if a.trunk == nil {
			s.endAttempt(a, 0)
		}
	}
	s.dial(l, ev.Number)
}

// comesOf says whether a is what comes of a transfer to a number: the leg that
// is sent there may dial it before Asterisk tells of the transfer.
func (s *state) comesOf(a *attempt, number string) bool {
	const late = time.Second
	return a.trunk != nil && s.now.Sub(a.started) < late &&
		(a.sent == number || a.number.E164 != "" && a.number.E164 == s.normalise(a.site.Plan, number).E164)
}

// legRenamed takes the name and call that an event gives to a leg.
func (s *state) legRenamed(st *site, ev *Event) {
	if l := st.legs[ev.Leg]; l != nil {
		s.describe(l, ev)
	}
	if o := st.legs[ev.Other]; o != nil && ev.OtherCall != "" {
		o.call = ev.OtherCall
	}
}

func (s *state) legEnded(st *site, ev *Event) {
	if st.syncing && len(st.gone) < maxLegs {
		st.gone[ev.Leg] = true
	}
	if l := st.legs[ev.Leg]; l != nil {
		s.end(l, ev.Cause)
	}
}

// end forgets a leg and, with it, what it was carrying.
func (s *state) end(l *leg, cause int) {
	st := l.site
	delete(st.legs, l.id)
	l.unpair()
	s.departs(l)
	if a := l.carries; a != nil {
		s.endAttempt(a, cause)
	}
	if a := l.places; a != nil && a.trunk == nil {
		s.endAttempt(a, cause)
	}
	s.confirmKills(l)
}

// endAll ends every leg of a site that is no longer watched at all.
func (s *state) endAll(st *site) {
	for _, l := range st.legs {
		s.end(l, 0)
	}
}
