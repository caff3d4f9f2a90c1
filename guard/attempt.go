package guard

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"pbxguard/numbering"
)

// attempt is one try to reach a number outside, paid by one account: from the
// moment a leg wants the number, through the trunk leg that carries it, to its end.
type attempt struct {
	prev, next *attempt // in order of their start
	site       *site
	call       CallID
	payer      *account
	via        string
	origin     *leg // places it
	trunk      *leg // carries it; nil until something was sent

	dialled string
	sent    string
	number  numbering.Number
	foreign string // the country counted in site.abroad, if any

	started  time.Time
	answered time.Time
	accrued  time.Time // talk time up to here is in the payer's account
	source   netip.Addr
	retry    bool // the same number over another trunk, in one call
	counted  bool // as a try
	waiting  bool // is in state.waiting
	waited   bool // long enough

	caller  string          // what the called side is shown
	rung    bool            // the forward that it uses was told
	feature bool            // a code that sends calls to the number
	chosen  numbering.Flags // the carrier or prefix that was dialled

	rate      Rate
	priced    bool
	pricedFor string // the number that rate is of
	near      bool   // one digit away from a number that makes sense
	nearFor   string // what was dialled of which near is
	cost      Money  // so far, and in the purses

	fired  ruleSet // rules that asked for its end
	told   ruleSet // rules that have been hit
	neared ruleSet // rules that were told of before they are
	killed bool    // an order to end it was given
	asking bool    // its leg waits to be told: who denies it need not end it
	spared bool    // it would have been ended
	over   bool    // it has ended
}

// dial: leg l wants a number and nothing was sent yet. Whatever stays inside
// the PBX, and whatever is not understood, is left until a trunk is dialled:
// every PBX has services with odd numbers.
func (s *state) dial(l *leg, dialled string) {
	if dialled == "" || l.emergency || s.emergency(l, dialled, l.site.Plan) {
		return
	}
	n := s.normalise(l.site.Plan, dialled)
	if n.Kind == numbering.Feature && n.E164 != "" && l.phone() {
		s.diverts(l, dialled, n)
	}
	if staysInside(n, dialled) {
		return
	}
	a := s.attemptOf(l)
	if a == nil || a.trunk != nil {
		a = s.newAttempt(l, n)
	}
	a.dialled = dialled
	a.chosen = n.Flags & (numbering.CarrierSelect | numbering.TechPrefix)
	s.aim(a, n)
	s.place(a)
}

// diverts judges a code that sends calls to a number. No call goes out yet, so
// nothing is counted.
func (s *state) diverts(l *leg, dialled string, n numbering.Number) {
	a := &attempt{site: l.site, call: l.call, origin: l, payer: l.account, started: s.now, dialled: dialled, feature: true}
	a.number = behind(l.site.Plan, n)
	s.findSource(a)
	s.judge(a, whenSet)
	if !a.killed {
		s.forwarded(l.account, n.E164, "", "")
	}
}

// place counts an attempt as a try, once, and judges it. While a step between
// the caller and the leg that dials is still to be told of, it may be somebody
// else's, with limits of his own: that is waited for, until the next tick.
func (s *state) place(a *attempt) {
	if a.trunk != nil && !a.waited && s.guessed(a.origin) {
		if !a.waiting {
			a.waiting = true
			s.waiting = append(s.waiting, a)
		}
		return
	}
	if s.rejoin(a) {
		return
	}
	if !a.counted && !a.retry {
		a.payer.recent = append(a.payer.recent, s.now)
		a.payer.run.add(a.number.E164, s.now)
		s.tread(a)
		s.chase(a)
		s.usualCall(a)
		s.tested(a)
	}
	if a.trunk != nil && !a.rung {
		a.rung = true
		s.ring(a)
	}
	a.counted = true
	s.judge(a, whenPlaced)
	s.alsoKill(a)
}

// rejoin makes one of an attempt and of what the leg at the top of its chain has
// placed meanwhile, if the two turn out to be the same call. It says whether they
// did.
func (s *state) rejoin(a *attempt) bool {
	l, o, sent := a.origin, a.trunk, a.sent
	top := s.up(l)
	if o == nil || top == nil || top.trunk() {
		return false
	}
	p := s.attemptOf(top)
	if p == nil || p == a || p.trunk != nil {
		return false
	}
	p.dialled = cmp.Or(l.dialled, p.dialled)
	s.dropAttempt(a)
	s.send(l, o, sent)
	return true
}

// overtaken is how long the first event of a leg may take to come behind those
// of the legs that it called. FreeSWITCH's events overtake each other by some
// milliseconds, and until a caller is told of nobody knows whether he dialled an
// emergency number.
const overtaken = 300 * time.Millisecond

// introduce deals with what a leg has placed that is told of only now, and says
// whether it has placed anything.
func (s *state) introduce(l *leg) bool {
	var placed []*attempt
	for _, a := range s.waiting {
		if a.origin == l {
			placed = append(placed, a)
		}
	}
	if len(placed) == 0 {
		return false
	}
	helps := s.emergency(l, l.dialled, l.site.Plan)
	for _, a := range placed {
		if helps {
			a.trunk.emergency = true
			s.dropAttempt(a)
			continue
		}
		a.call, a.dialled = l.call, cmp.Or(l.dialled, a.dialled)
		s.repay(a)
		s.findSource(a)
	}
	s.settle(false)
	return true
}

// settle places the attempts that waited for a step which has now been told of;
// once they have waited long enough, as the tick says, all of them.
func (s *state) settle(enough bool) {
	if len(s.waiting) == 0 {
		return
	}
	waiting := s.waiting
	s.waiting = nil
	for _, a := range waiting {
		a.waiting = false
		a.waited = a.waited || enough && (a.origin.told() || s.now.Sub(a.started) >= overtaken)
		s.repay(a)
		s.place(a)
	}
}

// staysInside says whether a dialled number leads to something of the PBX
// itself, or may do: no trunk has been named yet.
func staysInside(n numbering.Number, dialled string) bool {
	switch n.Kind {
	case numbering.Internal, numbering.Feature, numbering.Harmonised:
		return true
	case numbering.Unparseable:
		return !n.Candidate && !smuggled(dialled)
	}
	return false
}

// behind is the number behind a feature code as if it were called.
func behind(p *numbering.Plan, n numbering.Number) numbering.Number {
	n.Kind = numbering.International
	if n.Region == p.Country() {
		n.Kind = numbering.National
	}
	return n
}

// smuggled says whether a number holds a control character. No phone sends one;
// somebody who does writes lines of his own into what the PBX tells.
func smuggled(number string) bool {
	for i := 0; i < len(number); i++ {
		if number[i] < ' ' || number[i] == 0x7f {
			return true
		}
	}
	return false
}

// send: leg l dials the trunk leg o with a number. This is what will be paid.
func (s *state) send(l, o *leg, sent string) {
	plan := l.site.planOf(o.account.Name)
	if l.emergency || o.emergency || s.emergency(l, sent, l.site.Plan) || s.emergency(l, sent, plan) {
		l.emergency, o.emergency = true, true
		if a := s.attemptOf(l); a != nil && a.trunk == nil {
			s.dropAttempt(a)
		}
		return
	}
	n := s.normalise(plan, sent)
	if n.Kind == numbering.Internal {
		return // a tie line to another PBX
	}
	a := o.carries
	if a == nil {
		a = s.attemptOf(l)
	}
	switch {
	case a == nil || a.trunk != nil && a.trunk != o:
		a = s.newAttempt(l, n)
		a.dialled = l.dialled
	case sameDigits(sent, a.number.E164):
		n = a.number // dialled in a form of its own, sent in E.164 digits
	}
	if a.dialled == "" {
		a.dialled = sent
	}
	a.trunk, a.sent, a.caller, o.carries = o, sent, o.shows, a
	if !o.answered.IsZero() {
		a.answered, a.accrued = o.answered, s.now
	}
	s.repay(a)
	s.findSource(a)
	s.aim(a, n)
	s.place(a)
}

// emergency says whether a number reached from l is an emergency number, and
// if so puts the leg out of everybody's reach, the caller's leg included.
func (s *state) emergency(l *leg, dialled string, plan *numbering.Plan) bool {
	if !plan.Emergency(dialled) {
		return false
	}
	s.helpCalled(l, dialled)
	for i := 0; l != nil && i < maxChain; i++ {
		l.emergency = true
		if o := l.other(); o != nil {
			o.emergency = true
		}
		l = s.up(l)
	}
	return true
}

// sameDigits says whether what was sent is the E.164 number it was before, with
// or without a plus, or behind a short prefix that the trunk wants.
func sameDigits(sent, e164 string) bool {
	const prefix = 6
	if len(e164) < 8 || len(sent) < len(e164)-1 || len(sent) > len(e164)+prefix {
		return false
	}
	return sent[len(sent)-len(e164)+1:] == e164[1:]
}

// attemptOf finds the attempt that l is placing, here or further up its chain
// of Local channels.
func (s *state) attemptOf(l *leg) *attempt {
	for range maxChain {
		if l.places != nil {
			return l.places
		}
		top := s.up(l)
		if top == nil || top.trunk() {
			return nil
		}
		l = top
	}
	return nil
}

func (s *state) newAttempt(l *leg, n numbering.Number) *attempt {
	a := &attempt{site: l.site, call: l.call, origin: l, started: s.now, prev: s.last}
	a.retry = n.E164 != "" && l.tried == n.E164
	l.tried = n.E164
	if s.last != nil {
		s.last.next = a
	} else {
		s.first = a
	}
	s.last = a
	s.attempts++
	l.places = a
	if a.payer, a.via = s.payer(l); a.payer == nil {
		a.payer = s.account(Account{PBX: l.site.name, Name: "?"})
	}
	a.payer.live++
	a.payer.used = s.now
	s.findSource(a)
	return a
}

// findSource asks where the payer's latest login came from. Logins and calls
// arrive over two connections, so that the login may be told of a little later.
func (s *state) findSource(a *attempt) {
	if a.source.IsValid() {
		return
	}
	if addr, ok := s.sources.placedCall(a.payer.Account, s.now); ok {
		a.source = addr
	}
}

// repay moves an attempt to the account that pays for it, now that more is known.
func (s *state) repay(a *attempt) {
	p, via := s.payer(a.origin)
	if p == nil {
		return // less is known: the caller has hung up meanwhile
	}
	if via != "" {
		a.via = via
	}
	if p == a.payer {
		return
	}
	a.payer.live--
	p.live++
	if i := a.payer.trail.index(a); i >= 0 {
		p.trail.push(a.payer.trail.take(i))
	}
	a.payer = p
}

// aim gives an attempt its number, or a better reading of it.
func (s *state) aim(a *attempt, n numbering.Number) {
	a.number = n
	foreign := ""
	if s.isForeign(a) {
		foreign = n.Region
	}
	if foreign != a.foreign {
		s.leaveCountry(a)
		a.foreign = foreign
		if foreign != "" {
			a.site.abroad[foreign]++
		}
	}
}

// isForeign says whether a number lies outside the PBX's own country.
func (s *state) isForeign(a *attempt) bool { return abroad(a.number, a.site.Plan.Country()) }

// abroad says whether a number lies outside a country.
func abroad(n numbering.Number, home string) bool {
	switch n.Kind {
	case numbering.International, numbering.IntlNetwork:
		return true
	case numbering.Unparseable:
		return n.Region != "" && n.Region != home
	}
	return false
}

func (s *state) leaveCountry(a *attempt) {
	if a.foreign == "" {
		return
	}
	if a.site.abroad[a.foreign]--; a.site.abroad[a.foreign] <= 0 {
		delete(a.site.abroad, a.foreign)
	}
	a.foreign = ""
}

// accrue adds what was talked since the last time to the payer's account.
func (s *state) accrue(a *attempt) {
	if a.answered.IsZero() {
		return
	}
	if d := s.now.Sub(a.accrued); d > 0 {
		now := s.moment(s.now, a.site.zone())
		a.payer.talk.add(d, now)
		if s.strange(a) {
			if a.payer.away == nil {
				a.payer.away = new(talk)
			}
			a.payer.away.add(d, now)
		}
		s.rent(a, d)
		a.accrued = s.now
	}
	s.charge(a, a.over)
}

// endAttempt takes an attempt off every count and writes it down.
func (s *state) endAttempt(a *attempt, cause int) {
	if a.waiting {
		a.waited = true
		o := a.trunk
		s.place(a)
		if a = o.carries; a == nil {
			return // it was an emergency call all along
		}
	}
	a.over = true
	a.over = true
	s.accrue(a)
	s.dropAttempt(a)
	s.close(a, cause)
	r := CallRecord{
		Call: a.call, PBX: a.site.name, Payer: a.payer.Account, Via: a.via,
		Started: a.started, Duration: s.now.Sub(a.started),
		Dialled: a.dialled, Sent: a.sent, Number: a.number.E164,
		Country: a.number.Region, Class: a.number.Class.String(),
		Cause: cause, Source: a.source, Killed: a.killed, Cost: a.cost,
	}
	if a.trunk != nil && a.trunk.account != nil {
		r.Trunk = a.trunk.account.Account
	}
	if !a.answered.IsZero() {
		r.Talked = s.now.Sub(a.answered)
	}
	s.record(r)
}

// close learns from an attempt that has ended, and judges what it shows of its
// payer.
func (s *state) close(a *attempt, cause int) {
	var talked time.Duration
	if !a.answered.IsZero() {
		talked = s.now.Sub(a.answered)
	}
	a.ended(talked, cause)
	s.judge(a, whenEnded)
	s.usualEnd(a, talked)
}

// dropAttempt takes an attempt off every count.
func (s *state) dropAttempt(a *attempt) {
	s.leaveCountry(a)
	a.payer.live--
	if a.waiting {
		s.waiting = slices.DeleteFunc(s.waiting, func(w *attempt) bool { return w == a })
	}
	if a.origin.places == a {
		a.origin.places = nil
	}
	if a.trunk != nil && a.trunk.carries == a {
		a.trunk.carries = nil
	}
	if a.prev != nil {
		a.prev.next = a.next
	} else if s.first == a {
		s.first = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	} else if s.last == a {
		s.last = a.prev
	}
	s.attempts--
}
