package guard

import (
	"fmt"
	"strings"
	"time"

	"pbxguard/numbering"
)

// ownNumberIn is a caller who shows one of our own numbers.
var ownNumberIn = arrivalRule{
	doc: doc{
		id: "own-number-in", number: "R-072", about: aboutCallers,
		title: "calls from outside that show a number or an extension of our own",
		why:   "nobody outside has our numbers: it is the boss who is not the boss",
		set:   setOwnNumberIn, normal: Setting{Action: Alert},
	},
	when: whenPlaced,
	hit: func(s *state, _ *Limits, v *arrival) bool {
		st := v.leg.site
		if v.number.E164 != "" {
			ours := st.Own != nil && st.Own.MatchString(v.number.E164) || s.onList(OwnNumbers, v.number.E164) != ""
			return ours && !s.outThere(st, v.number.E164)
		}
		return v.shown != "" && st.Plan.Internal(v.shown)
	},
	say: func(_ *state, _ *Limits, v *arrival) string {
		return fmt.Sprintf("a call to %s over trunk %s shows %s, which is ours", v.did, v.trunk.Name, v.from())
	},
}

// outThere says whether a call of ours is on its way to one of our own numbers:
// it comes back by way of the carrier.
func (s *state) outThere(st *site, own string) bool {
	for a := s.first; a != nil; a = a.next {
		if a.site == st && a.trunk != nil && st.Own != nil && st.Own.MatchString(a.number.E164) {
			return true
		}
	}
	return false
}

// silentCaller is a caller who shows a number that never calls.
var silentCaller = arrivalRule{
	doc: doc{
		id: "silent-caller", number: "R-075", about: aboutCallers,
		title: "calls from outside that show a number which never calls",
		why:   "a bank does not call from its service line; who does so is no bank",
		set:   setSilentCaller, normal: Setting{Action: Alert},
	},
	when: whenPlaced,
	hit:  func(s *state, _ *Limits, v *arrival) bool { return s.onList(SilentNumbers, v.number.E164) != "" },
	say: func(s *state, _ *Limits, v *arrival) string {
		return fmt.Sprintf("a call to %s shows %s, on the list %s, from which nobody calls", v.did, v.from(), s.onList(SilentNumbers, v.number.E164))
	},
}

// withdrawnIn is a caller with a number that a regulator has taken back.
var withdrawnIn = arrivalRule{
	doc: doc{
		id: "withdrawn-in", number: "R-078", about: aboutCallers,
		title: "calls from numbers that a regulator has withdrawn",
		why:   "they were withdrawn because a fraud was run on them",
		set:   setWithdrawnIn, normal: Setting{Action: Alert},
	},
	when: whenPlaced,
	hit:  func(s *state, _ *Limits, v *arrival) bool { return s.onList(WithdrawnNumbers, v.number.E164) != "" },
	say: func(s *state, _ *Limits, v *arrival) string {
		return fmt.Sprintf("a call to %s shows %s, on the list %s of withdrawn numbers", v.did, v.from(), s.onList(WithdrawnNumbers, v.number.E164))
	},
}

// impossibleCaller is a caller with a number of this country that it has not.
var impossibleCaller = arrivalRule{
	doc: doc{
		id: "impossible-caller", number: "R-073", about: aboutCallers,
		title: "calls from outside that show a number of this country which cannot call",
		why:   "a number of the wrong length, or a premium one, was made up",
		set:   setImpossibleCaller, normal: Setting{Action: Alert},
	},
	when: whenPlaced,
	hit: func(_ *state, _ *Limits, v *arrival) bool {
		n := v.number
		return n.E164 != "" && n.Region == v.leg.site.Plan.Country() &&
			(n.Flags.Has(numbering.Invalid) || n.Class == numbering.Premium || n.Class == numbering.Unknown)
	},
	say: func(_ *state, _ *Limits, v *arrival) string {
		return fmt.Sprintf("a call to %s shows %s, from which nobody in this country can call", v.did, v.from())
	},
}

// homeCallerAbroad is a caller of this country who comes in from another.
var homeCallerAbroad = arrivalRule{
	doc: doc{
		id: "home-caller-abroad", number: "R-074", about: aboutCallers,
		title: "calls over a trunk from abroad that show a number of this country, unverified",
		why:   "regulators have such calls blocked: a number of one's own country is answered sooner",
		set:   setHomeCallerAbroad, normal: Setting{Action: Alert},
	},
	when: whenPlaced,
	hit: func(_ *state, _ *Limits, v *arrival) bool {
		n, st := v.number, v.leg.site
		return st.Foreign != nil && st.Foreign.MatchString(v.trunk.Name) && v.verified != "A" && v.verified != "B" &&
			n.E164 != "" && n.Region == st.Plan.Country()
	},
	say: func(_ *state, _ *Limits, v *arrival) string {
		return fmt.Sprintf("a call to %s over trunk %s, which brings calls from abroad, shows %s", v.did, v.trunk.Name, v.from())
	},
}

// unverifiedCaller is a caller whose number the network does not vouch for.
var unverifiedCaller = arrivalRule{
	doc: doc{
		id: "unverified-caller", number: "R-076", about: aboutCallers,
		title: "calls whose number failed the network's check, or foreign ones that nobody vouches for",
		why:   "where numbers are signed, one that fails was forged",
		set:   setUnverified, normal: Setting{Action: Alert},
	},
	when: whenPlaced,
	hit: func(_ *state, _ *Limits, v *arrival) bool {
		return v.verified == "failed" || v.verified == "C" && v.number.Region != v.leg.site.Plan.Country()
	},
	say: func(_ *state, _ *Limits, v *arrival) string {
		return fmt.Sprintf("a call to %s shows %s; the network's check of it says %s", v.did, v.from(), v.verified)
	},
}

// luring is for how long a caller rings who only wants to be called back.
const luring = 6 * time.Second

// wangiri is somebody who rings around and hangs up.
var wangiri = arrivalRule{
	doc: doc{
		id: "wangiri", number: "R-070", about: aboutCallers,
		title: "one foreign prefix that rings several of our numbers and hangs up",
		why:   "one ring and gone: who calls back pays",
		set:   setWangiri, normal: Setting{Action: Alert, Max: 2},
		keys: []Key{maxKey("how many of our numbers may ring so within an hour; the prefix is then not to be called back for 30 days")},
	},
	when: whenEnded,
	hit: func(s *state, l *Limits, v *arrival) bool {
		return v.luring() && s.lures(v) > l.Set[setWangiri].Max
	},
	say: func(s *state, _ *Limits, v *arrival) string {
		return fmt.Sprintf("%s…%s rang %s within an hour and hung up each time; do not call back",
			callPrefix(v.number.E164), in(v.number.Region), plural(s.lures(v), "number of ours", "numbers of ours"))
	},
	then: func(s *state, v *arrival) {
		s.meet(Account{PBX: v.leg.site.name}, seenMarked, callPrefix(v.number.E164))
	},
}

// luring says whether a call rang so that it is called back.
func (v *arrival) luring() bool {
	return v.over && v.talked == 0 && v.rang < luring && v.number.E164 != "" && v.number.Region != v.leg.site.Plan.Country()
}

// lures counts our numbers that the prefix of a caller rang.
func (s *state) lures(v *arrival) int {
	c, _ := v.leg.site.lures.peek(s.hash(callPrefix(v.number.E164)))
	return c.fresh(s.now)
}

// tallyArrival counts a call that came in and has ended.
func (s *state) tallyArrival(v *arrival) {
	st := v.leg.site
	if v.luring() {
		k := s.hash(callPrefix(v.number.E164))
		c, _ := st.lures.get(k)
		c.add(uint32(s.hash(v.did)), s.now)
		st.lures.put(k, c)
	}
	if v.fleeting() {
		st.sweeps.add(s.sweepKey(v), s.now)
	}
	if s.longEnough(v) {
		st.lengths.add(s.lengthKey(v), s.now)
	}
}

// sweep is a robot that rings our numbers one by one.
var sweep = arrivalRule{
	doc: doc{
		id: "sweep", number: "R-079", about: aboutCallers,
		title: "our numbers rung one after the other, for a moment each",
		why:   "somebody finds out which numbers are answered, and by what",
		set:   setSweep, normal: Setting{Action: Alert, Max: 19},
		keys: []Key{maxKey("how many neighbouring numbers may ring so within ten minutes over one trunk")},
	},
	when: whenEnded,
	hit: func(s *state, l *Limits, v *arrival) bool {
		return v.fleeting() && v.leg.site.sweeps.count(s.sweepKey(v), s.now) > l.Set[setSweep].Max
	},
	say: func(s *state, _ *Limits, v *arrival) string {
		return fmt.Sprintf("%s over trunk %s within ten minutes rang neighbours of %s for a moment, the last from %s",
			plural(v.leg.site.sweeps.count(s.sweepKey(v), s.now), "call", "calls"), v.trunk.Name, v.did, v.from())
	},
}

func (s *state) sweepKey(v *arrival) uint64 {
	return s.hash(v.trunk.Name + "/" + v.did[:max(0, len(v.did)-2)])
}

// fleeting says whether a call was over in a moment.
func (v *arrival) fleeting() bool { return v.over && v.rang+v.talked < 3*time.Second }

// pumping is a call to a number of ours that is free to the caller, kept up.
var pumping = arrivalRule{
	doc: doc{
		id: "pumping", number: "R-080", about: aboutCallers,
		title: "calls that stay up for long on a toll-free number of ours, outside office hours",
		why:   "a toll-free number costs who has it: robots keep menus company at night",
		set:   setPumping, normal: Setting{Action: Alert, Span: time.Hour, Max: 9},
		keys: []Key{spanKey("how long one may last"), maxKey("how many of one length there may be within a day")},
	},
	when: whileUp | whenEnded,
	hit: func(s *state, l *Limits, v *arrival) bool {
		st, set := v.leg.site, l.Set[setPumping]
		if v.leg.answered.IsZero() || !s.shut(l, st) || s.normalise(st.Plan, v.did).Class != numbering.TollFree {
			return false
		}
		if s.now.Sub(v.leg.answered) > set.Span {
			return true
		}
		return s.longEnough(v) && st.lengths.count(s.lengthKey(v), s.now) > set.Max
	},
	say: func(s *state, _ *Limits, v *arrival) string {
		text := fmt.Sprintf("call from %s to %s, which is free to the caller, is up for %s", v.from(), v.did, short(s.now.Sub(v.leg.answered)))
		if n := v.leg.site.lengths.count(s.lengthKey(v), s.now); v.over {
			text = fmt.Sprintf("%s to %s, which is free to the caller, lasted some %s each", plural(n, "call", "calls"), v.did, short(v.talked))
		}
		return text
	},
}

// longEnough says whether a call's length says anything.
func (s *state) longEnough(v *arrival) bool { return v.over && v.talked > time.Minute }

// lengthKey is the same for calls to one number whose lengths are 5 % apart at most.
func (s *state) lengthKey(v *arrival) uint64 {
	class := 0
	for d := v.talked; d > time.Minute; d = d * 100 / 105 {
		class++
	}
	return s.hash(v.did + strings.Repeat("+", class))
}
