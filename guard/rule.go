package guard

import (
	"pbxguard/numbering"
)

// moment at which a rule is asked.
type when uint8

const (
	whenPlaced when = 1 << iota // a number is wanted, or sent
	whileUp                     // once a second while the call is up
	whenSet                     // a code was dialled that sends calls to a number
	whenEnded                   // it has ended: nothing is left to end, but somebody to bar
)

// rule is one reason to end a call: data, a question and an answer for people.
// A rule sees the attempt and what is counted; it changes neither.
type rule struct {
	doc
	when when
	// action is what a hit asks for; without it, what the setting says.
	action func(*state, *Limits, *attempt) Action
	hit    func(*state, *Limits, *attempt) bool
	say    func(*state, *Limits, *attempt) string // why it is hit, or how far from it
	// near, if set, says how much of the limit is used up, in percent: 80 and
	// more, or what notice says, are told once before the rule is hit.
	near func(*state, *Limits, *attempt) int
	// then notes a hit where the rule is not to be hit again at once.
	then func(*state, *attempt)
	// scope is how a lock that the rule makes bars; bans says that the source of
	// the call is banned as well.
	scope Scope
	bans  bool
}

// rules are asked in this order: what asks for a lock before what only ends the
// call. A rule is added as one file and one line here.
var rules = [...]rule{
	locked,
	machineCall,
	prefixGuessing,
	carrierSelect,
	offshore,
	unallocated,
	denied,
	withdrawnOut,
	destination,
	homeDetour,
	managerCall,
	outsideTransfer,
	dialThrough,
	diverted,
	forwardPumped,
	featureNumber,
	voicemailCallback,
	loop,
	callBack,
	callBackDear,
	callerIDOut,
	noPassword,
	newSource,
	unregistered,
	travelled,
	country,
	firstCountry,
	outOfHours,
	weekend,
	holiday,
	concurrent,
	concurrentCountry,
	concurrentAbroad,
	attemptRate,
	attemptRatePBX,
	sequential,
	block,
	shortCalls,
	failing,
	sameNumber,
	sameRange,
	spike,
	habits,
	habitsPBX,
	duration,
	durationAbroad,
	durationPremium,
	durationMobile,
	minutesHour,
	minutesDay,
	abroadHour,
	abroadDay,
	serviceMoney,
	spendHour,
	spendDay,
	spendMonth,
	spendPBXDay,
	spendPBXMonth,
	bankAfterStranger,
	repeatOffender,
}

// asked are the places in the table of the rules that are asked at a moment.
var asked = func() (list [whenEnded + 1][]int) {
	for w := whenPlaced; w <= whenEnded; w <<= 1 {
		for i := range rules {
			if rules[i].when&w != 0 {
				list[w] = append(list[w], i)
			}
		}
	}
	return list
}()

// ruleSet is a set of rules by their places in the table, of which there may be
// 128.
type ruleSet [2]uint64

func (f *ruleSet) has(i int) bool { return f[i/64]&(1<<(i%64)) != 0 }
func (f *ruleSet) add(i int)      { f[i/64] |= 1 << (i % 64) }

// judge asks every rule that has not been hit yet. A protected number, such as
// a helpline, is never judged; an emergency number never gets here.
func (s *state) judge(a *attempt, w when) {
	if a.killed && w != whenEnded || a.number.Flags.Has(numbering.Protected) {
		return
	}
	l := s.limitsOf(a.payer)
	excepted := len(s.exceptions) > 0 && s.excepted(a)
	for _, i := range asked[w] {
		r := &rules[i]
		if a.fired.has(i) || l.frees(r.id) {
			continue
		}
		if r.action == nil && l.Set[r.set].Action == Allow {
			continue // it is switched off
		}
		// Few rules are hit, so what a hit would ask for is worked out last.
		if !r.hit(s, l, a) {
			if r.near != nil && !a.neared.has(i) && !a.told.has(i) {
				s.warnNear(r, i, l, a)
			}
			continue
		}
		act := r.ask(s, l, a)
		if act == Allow {
			continue
		}
		if act > Note && excepted && r.excuses() {
			act = Note
		}
		if act < Kill && a.told.has(i) {
			continue // what was only told may still become reason enough
		}
		a.told.add(i)
		if act >= Kill {
			a.fired.add(i)
		}
		reason := r.say(s, l, a)
		if r.then != nil {
			r.then(s, a)
		}
		s.verdict(a, verdict{rule: r.id, action: act, reason: reason, enforced: s.enforced(l, r.id), scope: r.scope, bans: r.bans, about: r.about})
		if a.killed {
			return // one reason to end a call is enough
		}
	}
}

// nearly is how much of a limit, in percent, is worth a word before it is hit.
const nearly = 80

// warnNear tells somebody that an attempt comes near a limit.
func (s *state) warnNear(r *rule, i int, l *Limits, a *attempt) {
	if r.near(s, l, a) < nearly || r.ask(s, l, a) == Allow {
		return
	}
	a.neared.add(i)
	d := Decision{Rule: r.id, Reason: "soon: " + r.say(s, l, a), Action: Alert, Enforced: true}
	a.nameIn(&d)
	s.decided(&d)
}

// ask is what a hit of the rule would ask for.
func (r *rule) ask(s *state, l *Limits, a *attempt) Action {
	if r.action != nil {
		return r.action(s, l, a)
	}
	return l.Set[r.set].Action
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

// verdict is what a rule says of an attempt.
type verdict struct {
	rule     string
	action   Action
	reason   string
	enforced bool
	scope    Scope // of a lock
	bans     bool
	about    topic
}

// verdict writes a hit down and carries it out if it is enforced.
func (s *state) verdict(a *attempt, v verdict) {
	if a.over && v.action == Kill {
		v.action = Alert // there is nothing left to end
	}
	d := Decision{Rule: v.rule, Reason: v.reason, Action: v.action, Enforced: v.enforced}
	a.nameIn(&d)
	if a.over {
		d.Leg, d.Channel = "", "" // it is about the account: there is no such leg any more
	}
	if v.action >= Kill && a.payer.habit != nil {
		a.payer.habit.frozen = true
	}
	if v.action >= Kill && v.enforced && !a.killed && !a.over {
		s.kill(a, d)
	} else {
		if v.action >= Kill && !v.enforced && !a.spared {
			a.spared = true
			s.count.wouldKill++
		}
		s.decided(&d)
	}
	if v.action >= Kill && !a.over {
		a.payer.punish(s.now)
		if v.about == aboutTakeover || v.about == aboutNumbers {
			s.distrust(a)
		}
		s.strikes.add(s.strike(v.rule, a.payer.Account), s.now)
	}
	if v.action >= Kill && v.enforced && !a.over {
		s.stopForward(a, v.reason)
	}
	if v.action == Lock && v.enforced {
		s.lock(a.payer, d, s.scopeOf(a, v.scope))
		if v.bans && a.source.IsValid() {
			s.sources.shutOut(a.payer.Account, a.source, v.rule, v.reason)
		}
	}
}

// strike is what counts the calls of an account that a rule ended.
func (s *state) strike(rule string, a Account) uint64 { return s.sources.hash(a) ^ s.hash(rule) }

// struck is how many calls of an account a rule has ended within a day.
func (s *state) struck(rule string, a Account) int {
	return s.strikes.count(s.strike(rule, a), s.now)
}

// nameIn says in a decision which attempt it is about.
func (a *attempt) nameIn(d *Decision) {
	d.PBX, d.Account, d.Call, d.Source = a.site.name, a.payer.Account, a.call, a.source
	d.Leg, d.Channel = a.origin.id, a.origin.channel
	d.Dialled, d.Number, d.Country, d.Class = a.dialled, a.number.E164, a.number.Region, a.number.Class.String()
}
