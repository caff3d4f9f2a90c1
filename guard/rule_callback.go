package guard

import (
	"fmt"
	"time"

	"pbxguard/numbering"
)

// callBack is a call to who rang once so that he is called back.
var callBack = rule{
	doc: doc{
		id: "call-back", number: "R-071", about: aboutCallers, star: true,
		title: "calls to numbers that rang and hung up so that they are called back",
		why:   "about one in twenty calls back; it is dear",
		set:   setCallBack, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	hit:  func(s *state, _ *Limits, a *attempt) bool { return s.lured(a) },
	say: func(s *state, _ *Limits, a *attempt) string {
		if !s.lured(a) {
			return "nobody has rung from there and hung up"
		}
		return fmt.Sprintf("%s calls back %s%s, from where somebody rang and hung up", a.who(), a.shown(), in(a.number.Region))
	},
}

// lured says whether a number is one that is not to be called back: of a prefix
// that rang around, or dear and missed.
func (s *state) lured(a *attempt) bool {
	if a.number.E164 == "" || !s.costly(a) {
		return false
	}
	of := Account{PBX: a.site.name}
	if _, marked := s.met(of, seenMarked, callPrefix(a.number.E164), markFor); marked {
		return true
	}
	if !a.dear() && !a.number.Flags.Has(numbering.NANPOffshore) {
		return false
	}
	_, missed := s.met(of, seenMissed, a.number.E164, markFor)
	return missed
}

// callPrefix is by what numbers count as those of one caller: seven digits.
func callPrefix(e164 string) string { return e164[:min(len(e164), len("+")+7)] }

// callBackDear is a call to a number that called and costs more than it shows.
var callBackDear = rule{
	doc: doc{
		id: "call-back-dear", number: "R-082", about: aboutCallers,
		title: "calls back to personal and company numbers",
		why:   "such a number may follow its owner to anywhere at the caller's cost",
		set:   setCallBackDear, normal: Setting{Action: Alert},
	},
	when: whenPlaced,
	hit:  func(s *state, _ *Limits, a *attempt) bool { return s.callsBack(a) },
	say: func(s *state, _ *Limits, a *attempt) string {
		if !s.callsBack(a) {
			return "not a personal or company number that has called"
		}
		return fmt.Sprintf("%s calls back %s, a %s number", a.who(), a.shown(), a.class())
	},
}

func (s *state) callsBack(a *attempt) bool {
	if a.class() != numbering.Personal && a.class() != numbering.UAN {
		return false
	}
	_, called := s.met(Account{PBX: a.site.name}, seenCaller, a.number.E164, markFor)
	return called
}

// callerIDOut is a call that shows a number that is not the site's.
var callerIDOut = rule{
	doc: doc{
		id: "caller-id-out", number: "R-077", about: aboutCallers, star: true,
		title: "outbound calls that show a number which is not the site's own",
		why:   "a PBX that shows any number is a tool for who calls as a bank",
		set:   setCallerIDOut, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setCallerIDOut].Action
		if act >= Kill && s.young(a.site) {
			return Alert
		}
		return act
	},
	hit: func(s *state, _ *Limits, a *attempt) bool { return s.showsForeign(a) != "" },
	say: func(s *state, _ *Limits, a *attempt) string {
		n := s.showsForeign(a)
		if n == "" {
			return "shows a number of its own, or none"
		}
		return fmt.Sprintf("%s calls %s and shows %s, which is not a number of this site", a.who(), a.shown(), n)
	},
}

// showsForeign is the number that an attempt shows, if it is not the site's. A
// diverted call shows its caller's, and one inside an extension's.
func (s *state) showsForeign(a *attempt) string {
	if a.site.Own == nil || a.caller == "" || a.via != "" || a.trunk == nil {
		return ""
	}
	n := s.normalise(a.site.planOf(a.trunk.account.Name), a.caller)
	if n.E164 == "" || a.site.Own.MatchString(n.E164) || s.onList(OwnNumbers, n.E164) != "" {
		return ""
	}
	return n.E164
}

// bankAfterStranger is a long call of a stranger and then one to a bank.
var bankAfterStranger = rule{
	doc: doc{
		id: "bank-after-stranger", number: "R-081", about: aboutCallers,
		title: "a long call from an unknown number, and then one to a bank",
		why:   "so goes the call of who pretends to be the help desk; this is weak, and close to watching people: it is only written down",
		set:   setBankCall, normal: Setting{Action: Note, Span: 15 * time.Minute, Within: 10 * time.Minute},
		keys: []Key{spanKey("what is a long call"), withinKey("how long after it")},
	},
	when: whenPlaced,
	hit:  func(s *state, l *Limits, a *attempt) bool { return s.coached(l, a) },
	say: func(s *state, l *Limits, a *attempt) string {
		if !s.coached(l, a) {
			return "no call to a bank after a long one from a stranger"
		}
		return fmt.Sprintf("%s calls %s, on the list %s, after a call of %s from a number not known before",
			a.who(), a.shown(), s.onList(PaymentNumbers, a.number.E164), short(a.payer.stranger.talked))
	},
}

func (s *state) coached(l *Limits, a *attempt) bool {
	v, set := a.payer.stranger, l.Set[setBankCall]
	return v.talked > set.Span && s.now.Sub(v.ended) < set.Within && s.onList(PaymentNumbers, a.number.E164) != ""
}

// stranger is the latest call of an account with a number not known before.
type strangerCall struct {
	talked time.Duration
	ended  time.Time
}
