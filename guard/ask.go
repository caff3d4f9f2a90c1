package guard

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"pbxguard/numbering"
)

// Basis says on what a [Ruling] stands.
type Basis uint8

const (
	// ByDefault: the rules were not asked, because the engine did not answer in
	// time or the question names no PBX that it knows.
	ByDefault Basis = iota
	// ByEmergency: an emergency number, which waits for nobody.
	ByEmergency
	// ByRules: the engine has judged.
	ByRules
)

var bases = [...]string{"default", "emergency", "rules"}

func (b Basis) String() string { return bases[b] }

// Ruling answers a leg that asks whether its call may leave.
type Ruling struct {
	Allow bool
	By    Basis
}

// GatePolicy is what an administrator wants of calls that ask before they leave.
type GatePolicy struct {
	// CloseAbroad denies international calls, and numbers that are not
	// understood, of which the rules could not be asked. Otherwise such calls
	// are allowed.
	CloseAbroad bool
	// Announce says that the PBX tells a caller who is denied. A leg that has
	// yet to ask is then not hung up before it could have.
	Announce bool
}

// Ask judges a call before it leaves: by the same rules and on the same counts
// as the events that will tell of it, which do not count it again. ev is of kind
// [LegAsking]. A denied call is written down as a kill, but it is for the asker
// to end it.
//
// Ask always rules. When ctx ends before the engine has answered, the default of
// [GatePolicy] applies. An emergency number is allowed at once, whatever the
// engine does.
func (e *Engine) Ask(ctx context.Context, ev Event) Ruling {
	p := e.policy.Load()
	site := p.PBXs[ev.PBX]
	if site == nil {
		return Ruling{Allow: true}
	}
	if site.helps(&ev) {
		return Ruling{Allow: true, By: ByEmergency}
	}
	q := &question{Event: ev, answer: make(chan bool, 1)}
	q.Kind = LegAsking
	select {
	case e.asks <- func(s *state) { s.ask(q) }:
	case <-ctx.Done():
		return p.unasked(site, &ev)
	}
	select {
	case allow := <-q.answer:
		return Ruling{Allow: allow, By: ByRules}
	case <-ctx.Done():
	}
	if q.taken.CompareAndSwap(false, true) {
		return p.unasked(site, &ev)
	}
	return Ruling{Allow: <-q.answer, By: ByRules} // the engine is at it
}

// helps says whether a call that asks goes to an emergency number.
func (site *Site) helps(ev *Event) bool {
	return site.Plan.Emergency(ev.Number) || site.planOf(ev.OtherAccount.Name).Emergency(ev.Number)
}

// planOf is how numbers look that are sent to a trunk; without one, the number
// is as its owner dialled it.
func (site *Site) planOf(trunk string) *numbering.Plan {
	switch p := site.TrunkPlans[trunk]; {
	case trunk == "":
		return site.Plan
	case p != nil:
		return p
	case site.TrunkPlan != nil:
		return site.TrunkPlan
	}
	return site.Plan
}

// unasked is the ruling on a call of which the engine could not be asked.
func (p *Policy) unasked(site *Site, ev *Event) Ruling {
	if !p.Gate.CloseAbroad || p.CallsMode == Observe {
		return Ruling{Allow: true}
	}
	switch n := site.planOf(ev.OtherAccount.Name).Normalise(ev.Number); {
	case n.Flags.Has(numbering.Protected):
		return Ruling{Allow: true}
	default:
		return Ruling{Allow: !abroad(n, site.Plan.Country()) && n.Kind != numbering.Unparseable}
	}
}

// question is a leg that asks and waits.
type question struct {
	Event
	since  time.Time
	answer chan bool // holds one
	// taken is set by whoever rules: the engine, or the asker whose patience
	// ended. So nothing is written down that was not done.
	taken atomic.Bool
}

// askPatience is how long a question waits for the events that tell of its leg:
// they arrive over another connection. maxQuestions bounds how many wait.
const (
	askPatience  = 100 * time.Millisecond
	maxQuestions = 1000
)

// maxInquiries bounds how often one leg may ask. No dial plan tries so many trunks;
// somebody who explores the rules does.
const maxInquiries = 100

// ask takes a question in, and answers it once enough is known of its leg.
func (s *state) ask(q *question) {
	if q.At.After(s.now) {
		s.now = q.At
	}
	q.since = s.now
	st := s.sites[q.PBX]
	if st == nil || len(s.questions) >= maxQuestions {
		s.rule(q) // by what the question itself tells
		return
	}
	st.gated = true
	if s.ripe(st, q) {
		s.rule(q)
		return
	}
	s.questions = append(s.questions, q)
}

// answerQuestions answers what has become ripe or has waited long enough.
func (s *state) answerQuestions() {
	s.questions = slices.DeleteFunc(s.questions, func(q *question) bool {
		st := s.sites[q.PBX]
		if st != nil && !s.ripe(st, q) && s.now.Sub(q.since) < askPatience {
			return false
		}
		s.rule(q)
		return true
	})
}

// ripe says whether it is known who pays for what a leg asks for. A question
// that names another account than the events do may be about a leg that is just
// being replaced by another.
func (s *state) ripe(st *site, q *question) bool {
	l := st.legs[q.Leg]
	switch {
	case l == nil:
		return false
	case l.emergency:
		return true
	case l.side == Endpoint && (l.account == nil || q.Account.Name != "" && q.Account.Name != l.account.Name):
		return false
	}
	return !s.guessed(l)
}

// rule answers a question, unless its asker has given up.
func (s *state) rule(q *question) {
	if !q.taken.CompareAndSwap(false, true) {
		return
	}
	q.answer <- s.allows(&q.Event)
}

// allows judges the call of a leg that asks.
func (s *state) allows(ev *Event) bool {
	st := s.sites[ev.PBX]
	if st == nil {
		return true
	}
	l := st.legs[ev.Leg]
	if l == nil {
		// The connection that carries events is behind. It is the PBX that
		// asks, so the leg is there.
		if l = s.legOf(st, ev.Leg, ev); l == nil {
			return !smuggled(ev.Number)
		}
		l.dialled, l.exten = ev.Exten, ev.Exten
	}
	if l.channel == "" {
		s.describe(l, ev)
	}
	plan := st.planOf(ev.OtherAccount.Name)
	if l.emergency || s.emergency(l, ev.Number, st.Plan) || s.emergency(l, ev.Number, plan) {
		return true
	}
	if l.asked++; l.asked > maxInquiries {
		return false
	}
	n := s.normalise(plan, ev.Number)
	if n.Kind == numbering.Internal || ev.OtherAccount.Name == "" && staysInside(n, ev.Number) {
		return true
	}
	return s.admit(s.aspire(l, n, ev))
}

// aspire is the attempt that a leg asks for: the one that it is placing already,
// if that has not reached a trunk.
func (s *state) aspire(l *leg, n numbering.Number, ev *Event) *attempt {
	a := s.attemptOf(l)
	switch {
	case a == nil || a.trunk != nil:
		a = s.newAttempt(l, n)
		a.dialled = l.dialled
	case sameDigits(ev.Number, a.number.E164):
		n = a.number
	}
	if a.dialled == "" {
		a.dialled = ev.Number
	}
	a.sent = ev.Number
	s.repay(a)
	s.findSource(a)
	s.aim(a, n)
	return a
}

// admit asks the rules whether an attempt may go out. One that may not ends here.
func (s *state) admit(a *attempt) bool {
	if !a.killed {
		a.asking = true
		s.place(a)
		a.asking = false
	} else {
		s.settleHeld(a)
	}
	if !a.killed {
		return true
	}
	if !s.onOrder(a) {
		s.endAttempt(a, s.policy.HangupCause)
	}
	return false
}

// deny writes down that a call was kept from leaving. Should it go out all the
// same, the PBX tells of it, and it is judged and ended as any other.
func (s *state) deny(a *attempt, d Decision) {
	a.killed = true
	s.count.kills++
	s.decided(&d)
	s.denied(d, 0)
}

func (s *state) denied(d Decision, after time.Duration) {
	s.count.confirmed++
	d.Outcome, d.After = "denied", after
	s.record(d)
}

// heldBack says whether the end of an attempt waits for its leg to ask, so that
// the caller is told: its leg is hung up with the first push otherwise.
func (s *state) heldBack(a *attempt) bool {
	return s.policy.Gate.Announce && a.site.gated && a.trunk == nil
}

// settleHeld makes a denial of a kill that was held back for it.
func (s *state) settleHeld(a *attempt) {
	s.kills = slices.DeleteFunc(s.kills, func(k *kill) bool {
		if !k.held || !slices.Contains(k.legs, a.origin) {
			return false
		}
		s.denied(k.decision, s.now.Sub(k.ordered))
		return true
	})
}

// onOrder says whether the end of an attempt's leg has been ordered.
func (s *state) onOrder(a *attempt) bool {
	return slices.ContainsFunc(s.kills, func(k *kill) bool { return slices.Contains(k.legs, a.origin) })
}
