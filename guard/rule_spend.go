package guard

import (
	"fmt"
	"time"

	"pbxguard/numbering"
)

// The caps, as purse.told counts them.
const (
	spentHour = iota
	spentDay
	spentMonth
	spentPBXDay
	spentPBXMonth
)

// A cap is what may be spent within some time.
var (
	spendHour     = spend("spend-hour", "money spent by one extension within an hour", hourCap)
	spendDay      = spend("spend-day", "money spent by one extension since midnight", dayCap)
	spendMonth    = spend("spend-month", "money spent by one extension this month", monthCap)
	spendPBXDay   = spend("spend-pbx-day", "money spent by the whole PBX since midnight", pbxDayCap)
	spendPBXMonth = spend("spend-pbx-month", "money spent by the whole PBX this month", pbxMonthCap)
)

// limit is a cap: whose purse it looks into, and at what.
type limit struct {
	set    set
	normal int  // as it is shipped
	whole  bool // of the PBX
	what   string
	of     func(*purse) Money
	usual  func(*purse) Money // what is usually spent within that time
}

var (
	hourCap     = limit{setSpendHour, 10, false, "within an hour", (*purse).hour, aDay}
	dayCap      = limit{setSpendDay, 25, false, "today", func(p *purse) Money { return p.today }, aDay}
	monthCap    = limit{setSpendMonth, 100, false, "this month", func(p *purse) Money { return p.monthly }, aMonth}
	pbxDayCap   = limit{setSpendPBXDay, 100, true, "today", func(p *purse) Money { return p.today }, aDay}
	pbxMonthCap = limit{setSpendPBXMonth, 500, true, "this month", func(p *purse) Money { return p.monthly }, aMonth}
)

func aDay(p *purse) Money   { return p.normal.day }
func aMonth(p *purse) Money { return p.normal.month }

// caps in the order of purse.told.
var caps = [...]limit{hourCap, dayCap, monthCap, pbxDayCap, pbxMonthCap}

// spent is what counts against a cap.
func (c *limit) spent(s *state, a *attempt) Money {
	p := a.payer.purse
	if c.whole {
		p = &a.site.purse
	}
	if p == nil || s.policy.Tariff == nil {
		return 0
	}
	p.roll(s.moment(s.now, a.site.zone()))
	return c.of(p)
}

// most is what may be spent: what is set or, where it is as it was shipped and
// that is more, twice what is usual. Whoever has set another figure means it.
func (c *limit) most(s *state, l *Limits, a *attempt) Money {
	set := c.setting(s, l)
	most := Money(set.Max) * Unit
	if p := c.purse(a); p != nil && set.Max == c.normal && s.settled(a.site) {
		most = max(most, 2*c.usual(p))
	}
	return most
}

func (c *limit) purse(a *attempt) *purse {
	if c.whole {
		return &a.site.purse
	}
	return a.payer.purse
}

// beyond is how many times what may be spent is spent for certain: then whoever
// calls, and wherever, is ended.
const beyond = 3

// act tempers what a cap asks for. While nobody knows what is usual, what was
// shipped says little; and who calls where he always does is not cut off, least
// of all when others have spent the money of the whole PBX.
func (c *limit) act(s *state, l *Limits, a *attempt) Action {
	set := c.setting(s, l)
	if set.Action < Kill || s.policy.Learn == 0 || set.Max != c.normal {
		return set.Action
	}
	much := c.spent(s, a) >= beyond*c.most(s, l, a)
	switch {
	case s.young(a.site) && (c.whole || !much), !much && s.its(a):
		return Alert
	}
	return set.Action
}

// setting is how the cap is set. That of a PBX is nobody's but everybody's.
func (c *limit) setting(s *state, l *Limits) *Setting {
	if c.whole {
		l = &s.policy.Default
	}
	return &l.Set[c.set]
}

func (c *limit) says(s *state, l *Limits, a *attempt) string {
	who, currency := a.who(), ""
	if c.whole {
		who = "this PBX"
	}
	if s.policy.Tariff == nil {
		return "there is no rate deck"
	}
	currency = s.policy.Tariff.Currency()
	return fmt.Sprintf("%s has spent %s %s %s, calls that are up included; the limit is %d", who, currency, c.spent(s, a), c.what, c.most(s, l, a)/Unit)
}

// spend makes the rule of a cap. Beyond it only international and dear calls
// are ended: nobody is cut off from the country he is in.
func spend(id, title string, c limit) rule {
	act := Lock
	if c.whole {
		act = Kill
	}
	return rule{
		doc: doc{
			id: id, number: "R-024", about: aboutVolume, star: true, title: title,
			why: "it bounds the loss, whatever else is missed; what running calls have cost by now counts",
			set: c.set, normal: Setting{Action: act, Max: c.normal},
			keys: []Key{maxKey("how much, in the currency of the rate deck; half and four fifths of it are told. As shipped it gives way to twice what is usual; any other figure is held to")},
		},
		when:   whenPlaced | whileUp,
		action: c.act,
		hit: func(s *state, l *Limits, a *attempt) bool {
			return s.policy.Tariff != nil && s.costly(a) && c.spent(s, a) >= c.most(s, l, a)
		},
		say:   func(s *state, l *Limits, a *attempt) string { return c.says(s, l, a) },
		scope: BarSpent,
	}
}

// warnSpent tells when half and four fifths of a cap are spent, once each.
func (s *state) warnSpent(a *attempt) {
	l := s.limitsOf(a.payer)
	for i := range caps {
		c := &caps[i]
		set := c.setting(s, l)
		if set.Action == Allow || set.Max == 0 {
			continue
		}
		p := a.payer.purse
		if c.whole {
			p = &a.site.purse
		}
		level := uint8(0)
		switch used := percent(c.spent(s, a), c.most(s, l, a)); {
		case used >= 100:
			continue
		case used >= 80:
			level = 80
		case used >= 50:
			level = 50
		}
		if level <= p.told[i] {
			continue
		}
		p.told[i] = level
		d := Decision{Rule: capIDs[i], Reason: c.says(s, l, a), Action: Alert, Enforced: true}
		a.nameIn(&d)
		s.decided(&d)
	}
}

var capIDs = [...]string{"spend-hour", "spend-day", "spend-month", "spend-pbx-day", "spend-pbx-month"}

// serviceMoney counts what is spent on numbers that are neither premium nor free.
var serviceMoney = rule{
	doc: doc{
		id: "services", number: "R-004",
		title: "money or time spent on service, company and directory numbers, and toll-free ones abroad",
		why:   "their price hides behind an ordinary look: nobody can tell 084 from 088",
		set:   setService, normal: Setting{Action: Alert, Max: 5, Span: 30 * time.Minute},
		keys: []Key{maxKey("how much a day, in the currency of the rate deck"), spanKey("how long one call may last where there is no rate deck")},
	},
	when: whileUp,
	hit: func(s *state, l *Limits, a *attempt) bool {
		if !service(a) || a.answered.IsZero() {
			return false
		}
		if s.policy.Tariff == nil {
			return s.now.Sub(a.answered) > l.Set[setService].Span
		}
		return a.payer.purse != nil && a.payer.purse.services >= Money(l.Set[setService].Max)*Unit
	},
	say: func(s *state, l *Limits, a *attempt) string {
		switch {
		case !service(a):
			return "not a service number"
		case s.policy.Tariff == nil || a.payer.purse == nil:
			return fmt.Sprintf("%s is up with %s, a %s number, for longer than %s", a.who(), a.shown(), a.class(), short(l.Set[setService].Span))
		}
		return fmt.Sprintf("%s has spent %s %s on service numbers today, now on %s (%s); the limit is %d", a.who(),
			s.policy.Tariff.Currency(), a.payer.purse.services, a.shown(), a.class(), l.Set[setService].Max)
	},
}

// service says whether a number is one whose price cannot be seen.
func service(a *attempt) bool {
	switch a.class() {
	case numbering.SharedCost, numbering.UAN, numbering.Directory, numbering.Personal:
		return true
	case numbering.TollFree:
		return a.number.Kind == numbering.International
	}
	return false
}
