package guard

import (
	"time"

	"pbxguard/numbering"
)

// arrival is a call that came in over a trunk.
type arrival struct {
	leg      *leg
	trunk    *account
	did      string // the number of ours that was called
	shown    string // what the caller shows, as it came
	number   numbering.Number
	verified string
	known    bool     // it has called before
	to       *account // the extension that answered, or rings
	talked   time.Duration
	rang     time.Duration
	over     bool
	fired    uint64
	killed   bool
	place    int // in site.inward
}

// arrivalRule is one reason to look at a call that comes in.
type arrivalRule struct {
	doc
	when when // placed, up or ended
	hit  func(*state, *Limits, *arrival) bool
	say  func(*state, *Limits, *arrival) string
	// then notes what follows from a hit, whatever is done about the call.
	then func(*state, *arrival)
}

// arrivalRules are asked in this order.
var arrivalRules = [...]arrivalRule{
	ownNumberIn,
	silentCaller,
	withdrawnIn,
	impossibleCaller,
	homeCallerAbroad,
	unverifiedCaller,
	wangiri,
	sweep,
	pumping,
}

// arrive notes a call from a trunk and judges who it says it is from.
func (s *state) arrive(l *leg, ev *Event) {
	if l.arrives != nil || l.account == nil {
		return
	}
	v := &arrival{leg: l, trunk: l.account, did: l.dialled, shown: ev.Caller, verified: ev.Verified}
	v.number = s.callerNumber(l, ev.Caller)
	if v.number.E164 != "" {
		_, v.known = s.met(Account{PBX: l.site.name}, seenCaller, v.number.E164, seenFor)
	}
	l.arrives, v.place = v, len(l.site.inward)
	l.site.inward = append(l.site.inward, v)
	s.judgeArrival(v, whenPlaced)
}

// callerNumber reads what a caller shows, as trunks of the PBX write it.
func (s *state) callerNumber(l *leg, shown string) numbering.Number {
	if shown == "" || len(shown) > 2*clipped || smuggled(shown) {
		return numbering.Number{}
	}
	n := s.normalise(l.site.planOf(l.account.Name), shown)
	if n.Kind == numbering.Unparseable && n.Flags.Has(numbering.AssumedIntl) {
		// E.164 digits without a plus: what most networks send.
		n.Kind = numbering.International
		if n.Region == l.site.Plan.Country() {
			n.Kind = numbering.National
		}
	}
	return n
}

// departs judges a call that came in and has ended.
func (s *state) departs(l *leg) {
	v := l.arrives
	if v == nil {
		return
	}
	l.site.left(v)
	if l.emergency {
		return
	}
	v.over = true
	v.rang = s.now.Sub(l.started)
	if !l.answered.IsZero() {
		v.talked, v.rang = s.now.Sub(l.answered), l.answered.Sub(l.started)
	}
	s.learnCaller(v)
	s.tallyArrival(v)
	s.judgeArrival(v, whenEnded)
}

// learnCaller remembers who has called, and who has rung and hung up.
func (s *state) learnCaller(v *arrival) {
	e164, of := v.number.E164, Account{PBX: v.leg.site.name}
	if e164 == "" {
		return
	}
	s.meet(of, seenCaller, e164)
	if v.talked == 0 && v.rang < luring {
		s.meet(of, seenMissed, e164)
	}
	if v.to != nil && v.talked > 0 && !v.known {
		v.to.stranger = strangerCall{talked: v.talked, ended: s.now}
	}
}

// judgeArrival asks every rule about calls that come in. For an hour after an
// emergency call nobody is turned away: it may be the centre that calls back.
func (s *state) judgeArrival(v *arrival, w when) {
	if v.killed || v.leg.emergency {
		return
	}
	l := &s.policy.Default
	for i := range arrivalRules {
		r := &arrivalRules[i]
		act := l.Set[r.set].Action
		if r.when&w == 0 || act == Allow || v.fired&(1<<i) != 0 || !r.hit(s, l, v) {
			continue
		}
		v.fired |= 1 << i
		d := Decision{Rule: r.id, Reason: r.say(s, l, v), Action: min(act, Kill), Enforced: s.enforced(l, r.id)}
		v.nameIn(&d)
		if r.then != nil {
			r.then(s, v)
		}
		if d.Action == Kill && s.now.Sub(v.leg.site.helped) < helpReturns {
			d.Action = Alert
			d.Reason += "; let through, as an emergency centre may call back"
		}
		if d.Action == Kill && d.Enforced && !v.over {
			v.killed = true
			s.killLeg(v.leg, d)
			return
		}
		if d.Action == Kill && !d.Enforced {
			s.count.wouldKill++
		}
		s.decided(&d)
	}
}

// helpReturns is how long after an emergency call the centre may call back.
const helpReturns = time.Hour

func (v *arrival) nameIn(d *Decision) {
	d.PBX, d.Account, d.Call = v.leg.site.name, v.trunk.Account, v.leg.call
	d.Leg, d.Channel = v.leg.id, v.leg.channel
	d.Dialled, d.Number, d.Country, d.Class = v.did, v.number.E164, v.number.Region, v.number.Class.String()
}

// from is who calls, for people.
func (v *arrival) from() string {
	switch {
	case v.number.E164 != "":
		return v.number.E164
	case v.shown == "":
		return "a caller who shows no number"
	}
	return v.shown
}

// left takes a call off those that came in and are up.
func (st *site) left(v *arrival) {
	last := len(st.inward) - 1
	st.inward[v.place] = st.inward[last]
	st.inward[v.place].place = v.place
	st.inward[last] = nil
	st.inward = st.inward[:last]
}
