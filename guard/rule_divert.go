package guard

import (
	"fmt"
	"time"

	"pbxguard/numbering"
)

// diverted judges calls that come in and go out again: what a forward may reach
// is less than what its owner may dial.
var diverted = rule{
	doc: doc{
		id: "diverted", number: "R-060", about: aboutDiversion, star: true,
		title: "calls from outside that are forwarded or sent on abroad or to dear numbers",
		why:   "a forward has all the routes that its PBX has, and nobody sits beside it",
		set:   setDiverted, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setDiverted].Action
		switch {
		case act < Kill || s.policy.Learn == 0 || a.dear():
			return act
		case s.usual(a.payer.Account, seenForward, a.number.E164):
			return Note // its owner has had it for long
		case s.young(a.site) && (!s.off(l, a) || s.hadForward(a)):
			return Alert // its owner may have had it for long
		case a.via == "transfer" && !s.off(l, a):
			return Alert // somebody has just talked to him
		}
		return act
	},
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.fromOutside(a) && s.costly(a) && !(s.isForeign(a) && l.Countries[a.number.Region] && !a.dear())
	},
	say: func(s *state, _ *Limits, a *attempt) string {
		if !s.fromOutside(a) {
			return "not a call from outside that goes out again"
		}
		return fmt.Sprintf("a call from outside goes on to %s%s, paid by %s", a.shown(), in(a.number.Region), a.who())
	},
}

// hadForward says whether a forward was in use on an earlier day.
func (s *state) hadForward(a *attempt) bool {
	v, ok := s.met(a.payer.Account, seenForward, a.number.E164, seenFor)
	return ok && v.days > 1
}

// fromOutside says whether who talks over an attempt has called in himself.
func (s *state) fromOutside(a *attempt) bool {
	if a.origin == nil || a.via == "" || a.via == "originate" {
		return false
	}
	return a.via == "trunk" || s.head(a.origin).trunk()
}

// forwardPumped is a new forward that one and the same caller uses at once.
var forwardPumped = rule{
	doc: doc{
		id: "forward-pumped", number: "R-061", about: aboutDiversion,
		title: "a forward that was just set and that one caller calls again and again",
		why:   "who sets a forward to be paid calls it himself, hiding his number",
		set:   setForwardPumped, normal: Setting{Action: Lock, Max: 1, Within: 30 * time.Minute},
		keys: []Key{maxKey("how many calls of one caller, or of callers who hide their number, a forward may get that is less than a day old"), withinKey("within what time")},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		return s.atHome(a, l.Set[setForwardPumped].Action) // volunteers who answer a line in turn
	},
	hit: func(s *state, l *Limits, a *attempt) bool {
		return s.freshForward(a) && s.fromOutside(a) && s.rings(l, a) > l.Set[setForwardPumped].Max
	},
	say: func(s *state, l *Limits, a *attempt) string {
		if !s.freshForward(a) {
			return "not forwarded, or not lately"
		}
		return fmt.Sprintf("extension %s is forwarded to %s since %s, and one caller has used it %s within %s",
			a.payer.Name, a.shown(), a.payer.forward.set.In(a.site.zone()).Format("15:04"), plural(s.rings(l, a), "time", "times"), short(l.Set[setForwardPumped].Within))
	},
}

// forward is where an account's calls go, as far as that was seen.
type forward struct {
	number string // E.164; "": nowhere
	how    string // what the PBX calls the setting, if it was told
	raw    string // the number as the PBX has it
	set    time.Time
	rings  [8]ring // the latest calls from outside
}

type ring struct {
	at   time.Time
	from uint64 // the caller, hashed; the same for all who hide
}

func (s *state) freshForward(a *attempt) bool {
	f := a.payer.forward
	return a.via == "forward" && f != nil && f.number != "" && s.now.Sub(f.set) < 24*time.Hour
}

// rings counts the calls of the caller of a.
func (s *state) rings(l *Limits, a *attempt) (n int) {
	from := s.callerOf(a)
	for _, r := range a.payer.forward.rings {
		if r.from == from && !r.at.IsZero() && s.now.Sub(r.at) < l.Set[setForwardPumped].Within {
			n++
		}
	}
	return n
}

// callerOf is who began the call that an attempt is part of.
func (s *state) callerOf(a *attempt) uint64 {
	if v := s.head(a.origin).arrives; v != nil && v.number.E164 != "" {
		return s.hash(v.number.E164)
	}
	return s.hash("hidden")
}

// ring notes that a forward carries a call.
func (s *state) ring(a *attempt) {
	if a.via != "forward" || a.number.E164 == "" || !s.fromOutside(a) {
		return
	}
	f := a.payer.forward
	if f == nil || f.number != a.number.E164 && f.raw != a.sent {
		s.forwarded(a.payer, a.number.E164, "", a.sent)
		f = a.payer.forward
	}
	copy(f.rings[1:], f.rings[:])
	f.rings[0] = ring{at: s.now, from: s.callerOf(a)}
}

// forwarded notes where an account's calls go from now on. What is already
// known is not new.
func (s *state) forwarded(acc *account, number, how, raw string) {
	if number == "" {
		acc.forward = nil
		return
	}
	set := s.now
	if v, ok := s.met(acc.Account, seenForward, number, seenFor); ok {
		set = time.Unix(int64(v.first)*60, 0)
	}
	if f := acc.forward; f != nil && f.number == number {
		if how != "" {
			f.how, f.raw = how, raw
		}
		return
	}
	acc.forward = &forward{number: number, how: how, raw: raw, set: set}
	s.meet(acc.Account, seenForward, number)
}

// featureNumber is a code that switches a forward on, with where to.
var featureNumber = rule{
	doc: doc{
		id: "feature-number", number: "R-062", about: aboutDiversion,
		title: "feature codes with a number abroad or a dear one behind them",
		why:   "*72 and a number is a call that has not been made yet",
		set:   setFeatureNumber, normal: Setting{Action: Kill},
	},
	when: whenSet,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setFeatureNumber].Action
		if act >= Kill && s.policy.Learn > 0 && !a.dear() && !s.off(l, a) && !s.strange(a) {
			return Alert
		}
		return act
	},
	hit: func(s *state, _ *Limits, a *attempt) bool { return a.feature && s.costly(a) },
	say: func(_ *state, _ *Limits, a *attempt) string {
		if !a.feature {
			return "not a feature code with a number"
		}
		return fmt.Sprintf("%s dialled %s, which sends its calls to %s%s", a.who(), a.dialled, a.number.E164, in(a.number.Region))
	},
}

// outsideTransfer is somebody outside who sends a call on.
var outsideTransfer = rule{
	doc: doc{
		id: "outside-transfer", number: "R-063", about: aboutDiversion, star: true,
		title: "transfers by a party outside",
		why:   "whoever is called may ask the PBX to call on, if it lets him, at its cost",
		set:   setOutsideTransfer, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	hit:  func(_ *state, _ *Limits, a *attempt) bool { return sentOn(a) },
	say: func(_ *state, _ *Limits, a *attempt) string {
		if !sentOn(a) {
			return "not a transfer by somebody outside"
		}
		return fmt.Sprintf("a party on trunk %s transferred the call to %s%s", a.payer.Name, a.shown(), in(a.number.Region))
	},
}

func sentOn(a *attempt) bool { return a.via == "transfer" && a.site.isTrunk(a.payer) }

// dialThrough is a call from outside that reached a trunk by way of a service
// of the PBX: DISA, a menu, a mailbox, a conference.
var dialThrough = rule{
	doc: doc{
		id: "dial-through", number: "R-064", about: aboutDiversion,
		title: "calls from outside that go out again through DISA, a menu, a mailbox or a conference",
		why:   "a PIN of four digits is all that stands between the world and the trunk",
		set:   setDialThrough, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setDialThrough].Action
		if act >= Kill && s.policy.Learn > 0 && !s.costly(a) {
			return Alert // a number of ours that rings a mobile looks the same
		}
		return act
	},
	hit: func(_ *state, _ *Limits, a *attempt) bool { return through(a) },
	say: func(_ *state, _ *Limits, a *attempt) string {
		if !through(a) {
			return "not a call from outside through a service, or one that may"
		}
		return fmt.Sprintf("a call that came in over trunk %s to %s goes out to %s%s, caused by no extension",
			a.payer.Name, a.origin.dialled, a.shown(), in(a.number.Region))
	},
}

func through(a *attempt) bool {
	if a.via != "trunk" || a.origin == nil || a.trunk == nil {
		return false
	}
	may := a.site.DialThrough
	return may == nil || !may.MatchString(a.origin.dialled) && !may.MatchString(a.origin.exten)
}

// voicemailCallback is a mailbox that calls back who has left a message.
var voicemailCallback = rule{
	doc: doc{
		id: "voicemail-callback", number: "R-065", about: aboutDiversion,
		title: "a mailbox or menu that calls back a number that called within the last week",
		why:   "leave a message, guess the PIN, have the mailbox return the call: the PBX pays for a number of the caller's choice",
		set:   setVoicemailCallback, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	hit:  func(s *state, _ *Limits, a *attempt) bool { return s.returned(a) },
	say: func(s *state, _ *Limits, a *attempt) string {
		if !s.returned(a) {
			return "not a mailbox that returns a call"
		}
		return fmt.Sprintf("%s has a service of the PBX call back %s, which called within the last week", a.who(), a.shown())
	},
}

// returned says whether a leg that stands in a service dials who has called.
func (s *state) returned(a *attempt) bool {
	l := a.origin
	if l == nil || a.trunk == nil || l.dialled == a.sent || a.number.E164 == "" {
		return false
	}
	inService := a.site.Services != nil && (a.site.Services.MatchString(l.dialled) || a.site.Services.MatchString(l.exten))
	if !inService && s.normalise(a.site.Plan, l.dialled).Kind != numbering.Feature {
		return false
	}
	_, called := s.met(Account{PBX: a.site.name}, seenCaller, a.number.E164, mailFor)
	return called
}

// loop is a call that is forwarded, and forwarded, and forwarded.
var loop = rule{
	doc: doc{
		id: "loop", number: "R-067", about: aboutDiversion,
		title: "a call that is sent on too often",
		why:   "forwards in a circle multiply one call until the trunk is full",
		set:   setLoop, normal: Setting{Action: Kill, Max: 3},
		keys: []Key{maxKey("how often a call may be sent on")},
	},
	when: whenPlaced,
	hit:  func(s *state, l *Limits, a *attempt) bool { return s.hops(a) > l.Set[setLoop].Max },
	say: func(s *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("the call was sent on %s before it reached for %s; the limit is %d", plural(s.hops(a), "time", "times"), a.shown(), l.Set[setLoop].Max)
	},
}

// hops counts how often a call was sent on before an attempt.
func (s *state) hops(a *attempt) (n int) {
	l := a.origin
	for range maxChain {
		if l == nil {
			break
		}
		if s.forwarder(l) != nil || l.cause != nil {
			n++
		}
		l = s.up(l)
	}
	return n
}
