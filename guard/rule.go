package guard

import (
	"pbxguard/numbering"
)

// moment at which a rule is asked.
type when uint8

const (
	whenPlaced when = 1 << iota // a number is wanted, or sent
	whileUp                     // once a second while the call is up
)

// rule is one reason to end a call: data, a question and an answer for people.
// A rule sees the attempt and what is counted; it changes neither.
type rule struct {
	id     string
	title  string // what it protects from, in one line
	when   when
	action func(*Limits, *attempt) Action
	hit    func(*state, *Limits, *attempt) bool
	say    func(*state, *Limits, *attempt) string // why it is hit, or how far from it
}

// rules are asked in this order. A rule is added as one file and one line.
var rules = [...]rule{
	locked,
	destination,
	country,
	outOfHours,
	weekend,
	holiday,
	concurrent,
	concurrentCountry,
	attemptRate,
	sequential,
	duration,
	minutesHour,
	minutesDay,
}

// judge asks every rule that has not been hit yet. A protected number, such as
// a helpline, is never judged; an emergency number never gets here.
func (s *state) judge(a *attempt, w when) {
	if a.killed || a.number.Flags.Has(numbering.Protected) {
		return
	}
	l := s.limitsOf(a.payer)
	for i := range rules {
		r := &rules[i]
		if r.when&w == 0 || a.fired&(1<<i) != 0 {
			continue
		}
		if act := r.action(l, a); act != Allow && r.hit(s, l, a) {
			a.fired |= 1 << i
			s.verdict(a, r.id, act, r.say(s, l, a), s.enforced(l, r.id))
			if a.killed {
				return // one reason to end a call is enough
			}
		}
	}
}

// enforced says whether a rule's verdict is carried out for a group.
func (s *state) enforced(l *Limits, id string) bool {
	if id == locked.id {
		return true // a lock is an act already
	}
	if m, ok := l.Enforced[id]; ok {
		return m == Enforce
	}
	return s.policy.CallsMode == Enforce
}

// verdict writes a hit down and carries it out if it is enforced.
func (s *state) verdict(a *attempt, id string, act Action, reason string, enforced bool) {
	d := Decision{Rule: id, Reason: reason, Action: act, Enforced: enforced}
	a.nameIn(&d)
	if act >= Kill && enforced && !a.killed {
		s.kill(a, d)
	} else {
		if act >= Kill && !enforced && !a.spared {
			a.spared = true
			s.count.wouldKill++
		}
		s.decided(&d)
	}
	if act == Lock && enforced {
		s.lock(a.payer, d)
	}
}

// nameIn says in a decision which attempt it is about.
func (a *attempt) nameIn(d *Decision) {
	d.PBX, d.Account, d.Call, d.Source = a.site.name, a.payer.Account, a.call, a.source
	d.Leg, d.Channel = a.origin.id, a.origin.channel
	d.Dialled, d.Number, d.Country, d.Class = a.dialled, a.number.E164, a.number.Region, a.number.Class.String()
}

// lock bars an account after a rule said so.
func (s *state) lock(acc *account, d Decision) {
	if acc.bar != nil {
		return
	}
	acc.bar = &Bar{Account: acc.Account, At: s.now, Rule: d.Rule, Reason: d.Reason}
	if s.policy.LockFor > 0 {
		acc.bar.Until = s.now.Add(s.policy.LockFor)
	}
	s.record(*acc.bar)
}
