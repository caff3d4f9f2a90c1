package guard

import (
	"fmt"
	"time"
)

// block finds calls into one block of a hundred numbers.
var block = rule{
	doc: doc{
		id: "block", number: "R-029", about: aboutVolume, star: true,
		title: "numbers of one block of a hundred, called in any order",
		why:   "the numbers that pay are rented in blocks",
		set:   setBlock, normal: Setting{Action: Kill, Max: 7, Within: 10 * time.Minute},
		keys: []Key{maxKey("how many different ones there may be"), withinKey("within what time")},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		return s.atHome(a, l.Set[setBlock].Action) // a firm of one's own country has such a block
	},
	hit: func(s *state, l *Limits, a *attempt) bool { return s.inBlock(l, a) > l.Set[setBlock].Max },
	say: func(s *state, l *Limits, a *attempt) string {
		return fmt.Sprintf("%s called %d different numbers within %s that differ only in their last two digits, the last %s; the limit is %d",
			a.who(), s.inBlock(l, a), short(l.Set[setBlock].Within), a.shown(), l.Set[setBlock].Max)
	},
}

// inBlock counts the different numbers of the block of a.
func (s *state) inBlock(l *Limits, a *attempt) (n int) {
	if len(a.number.E164) < 8 {
		return 0
	}
	t, most := &a.payer.trail, &l.Set[setBlock]
	if len(t.steps) <= most.Max {
		return 0
	}
	mine := s.hash(a.number.E164[:len(a.number.E164)-2])
	var seen [maxTrail]uint64
	for i := len(t.steps) - 1; i >= 0; i-- {
		p := t.step(i)
		if s.now.Sub(p.at) >= most.Within {
			break
		}
		if p.block != mine || holds(seen[:n], p.number) {
			continue
		}
		seen[n] = p.number
		n++
	}
	return n
}

func holds(list []uint64, x uint64) bool {
	for _, v := range list {
		if v == x {
			return true
		}
	}
	return false
}

// shortCalls are calls abroad that were answered and ended at once: somebody
// tries which numbers work, half an hour to a day before the rest comes.
var shortCalls = rule{
	doc: doc{
		id: "short-calls", number: "R-030", about: aboutVolume,
		title: "short calls abroad, one after the other",
		why:   "test calls precede the attack by half an hour to a day: there is no cheaper moment to stop it",
		set:   setShort, normal: Setting{Action: Alert, Max: 9, Within: 15 * time.Minute, Span: 15 * time.Second},
		keys: []Key{
			maxKey("how many calls shorter than span there may be; to countries new to the extension, two shorter than twice span"),
			withinKey("within what time"), spanKey("what is short"),
		},
	},
	when: whenPlaced | whenEnded,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setShort].Action
		if act == Alert && !s.young(a.site) && s.suspect(l, a) && s.off(l, a) {
			return Lock
		}
		return act
	},
	hit: func(s *state, l *Limits, a *attempt) bool {
		if !s.isForeign(a) {
			return false
		}
		all, fresh := s.shorts(l, a)
		return all > l.Set[setShort].Max || fresh > 2
	},
	say: func(s *state, l *Limits, a *attempt) string {
		all, fresh := s.shorts(l, a)
		return fmt.Sprintf("%s placed %s abroad within %s, %d of them to countries new to it, the last to %s",
			a.who(), plural(all, "short call", "short calls"), short(l.Set[setShort].Within), fresh, a.shown())
	},
	scope: BarAbroad,
}

// shorts counts short answered calls abroad, and those to new countries.
func (s *state) shorts(l *Limits, a *attempt) (all, fresh int) {
	set := &l.Set[setShort]
	t := &a.payer.trail
	all = t.count(s.now, set.Within, isAbroad|wasAnswered, set.Span)
	return all, t.count(s.now, set.Within, isAbroad|isNewLand|wasAnswered, 2*set.Span)
}

// failing are calls abroad to numbers that do not exist.
var failing = rule{
	doc: doc{
		id: "failing", number: "R-032", about: aboutVolume,
		title: "calls abroad of which most fail because there is no such number",
		why:   "who does not know the dial plan tries, and fails",
		set:   setFailing, normal: Setting{Action: Lock, Max: 9, Within: 10 * time.Minute},
		keys: []Key{maxKey("how many calls there may be of which more than seven in ten fail"), withinKey("within what time")},
	},
	when: whenPlaced | whenEnded,
	hit: func(s *state, l *Limits, a *attempt) bool {
		if !s.isForeign(a) {
			return false
		}
		all, failed := s.fails(l, a)
		return all > l.Set[setFailing].Max && 10*failed > 7*all
	},
	say: func(s *state, l *Limits, a *attempt) string {
		all, failed := s.fails(l, a)
		return fmt.Sprintf("%d of %s abroad of %s failed within %s, the last to %s", failed, plural(all, "call", "calls"), a.who(), short(l.Set[setFailing].Within), a.shown())
	},
	scope: BarAbroad,
}

// fails counts the calls abroad that have ended, and those that failed.
func (s *state) fails(l *Limits, a *attempt) (all, failed int) {
	t, within := &a.payer.trail, l.Set[setFailing].Within
	return t.count(s.now, within, isAbroad|hasEnded, forever), t.count(s.now, within, isAbroad|hasFailed, forever)
}

// sameNumber is one number abroad that many call, or one calls again and again.
var sameNumber = rule{
	doc: doc{
		id: "same-number", number: "R-031", about: aboutVolume,
		title: "one number abroad called by several extensions within an hour, or many times a day",
		why:   "a number that pays by the minute is called for as long as it pays",
		set:   setSameNumber, normal: Setting{Action: Kill, Max: 9},
		keys: []Key{maxKey("how many calls a day there may be; three extensions within an hour are one too many")},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		usual := s.usual(Account{PBX: a.site.name}, seenNumber, a.number.E164) || !s.strange(a)
		act := s.byHabit(a, l.Set[setSameNumber].Action, usual)
		if act >= Kill && s.policy.Learn > 0 && !s.off(l, a) {
			return Alert // a conference, or a supplier whom everybody calls
		}
		return act
	},
	hit: func(s *state, l *Limits, a *attempt) bool {
		if !s.isForeign(a) || a.number.E164 == "" {
			return false
		}
		n, by := s.chased(a)
		return n > l.Set[setSameNumber].Max || by >= 3
	},
	say: func(s *state, l *Limits, a *attempt) string {
		n, by := s.chased(a)
		return fmt.Sprintf("%s was called %s today, within an hour by %s; the limits are %d and 2",
			a.shown(), plural(n, "time", "times"), plural(by, "extension", "extensions"), l.Set[setSameNumber].Max)
	},
}

// chased is how often a number was called within a day, and by how many
// extensions within an hour.
func (s *state) chased(a *attempt) (n, by int) {
	k := s.hash(a.number.E164)
	n = a.site.numbers.count(k, s.now)
	c, _ := a.site.callers.peek(k)
	return n, c.fresh(s.now)
}

// chase notes an attempt at a number abroad.
func (s *state) chase(a *attempt) {
	if !s.isForeign(a) || a.number.E164 == "" {
		return
	}
	k := s.hash(a.number.E164)
	a.site.numbers.add(k, s.now)
	a.site.areas.add(s.area(a.number), s.now)
	s.tryRange(a)
	c, _ := a.site.callers.get(k)
	c.add(uint32(s.sources.hash(a.payer.Account)), s.now)
	a.site.callers.put(k, c)
}

// callers are the latest few to call a number, and when in minutes since 1970.
type callers [4]struct {
	who uint32
	at  uint32
}

func (c *callers) add(who uint32, now time.Time) {
	at := 0
	for i := range c {
		if c[i].who == who {
			at = i
			break
		}
		if c[i].at < c[at].at {
			at = i
		}
	}
	c[at].who, c[at].at = who, minutes(now)
}

// fresh counts those of the last hour.
func (c *callers) fresh(now time.Time) (n int) {
	for i := range c {
		if c[i].at != 0 && minutes(now)-min(c[i].at, minutes(now)) < 60 {
			n++
		}
	}
	return n
}
