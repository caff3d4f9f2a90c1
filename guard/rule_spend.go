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
	spendHour     = spend("spend-hour", "money spent by one extension within an hour", setSpendHour, 10, hourCap)
	spendDay      = spend("spend-day", "money spent by one extension since midnight", setSpendDay, 25, dayCap)
	spendMonth    = spend("spend-month", "money spent by one extension this month", setSpendMonth, 100, monthCap)
	spendPBXDay   = spend("spend-pbx-day", "money spent by the whole PBX since midnight", setSpendPBXDay, 100, pbxDayCap)
	spendPBXMonth = spend("spend-pbx-month", "money spent by the whole PBX this month", setSpendPBXMonth, 500, pbxMonthCap)
)

// limit is a cap: whose purse it looks into, and at what.
type limit struct {
	set   set
	whole bool // of the PBX
	what  string
	of    func(*purse) Money
}

var (
	hourCap     = limit{setSpendHour, false, "within an hour", (*purse).hour}
	dayCap      = limit{setSpendDay, false, "today", func(p *purse) Money { return p.today }}
	monthCap    = limit{setSpendMonth, false, "this month", func(p *purse) Money { return p.monthly }}
	pbxDayCap   = limit{setSpendPBXDay, true, "today", func(p *purse) Money { return p.today }}
	pbxMonthCap = limit{setSpendPBXMonth, true, "this month", func(p *purse) Money { return p.monthly }}
)

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
	return fmt.Sprintf("%s has spent %s %s %s, calls that are up included; the limit is %d", who, currency, c.spent(s, a), c.what, c.setting(s, l).Max)
}

// spend makes the rule of a cap. Beyond it only international and dear calls
// are ended: nobody is cut off from the country he is in.
func spend(id, title string, set set, most int, c limit) rule {
	act := Lock
	if c.whole {
		act = Kill
	}
	return rule{
		doc: doc{
			id: id, number: "R-024", about: aboutVolume, star: true, title: title,
			why: "it bounds the loss, whatever else is missed; what running calls have cost by now counts",
			set: set, normal: Setting{Action: act, Max: most},
			keys: []Key{maxKey("how much, in the currency of the rate deck; half and four fifths of it are told")},
		},
		when:   whenPlaced | whileUp,
		action: func(s *state, l *Limits, _ *attempt) Action { return c.setting(s, l).Action },
		hit: func(s *state, l *Limits, a *attempt) bool {
			return s.policy.Tariff != nil && s.costly(a) && c.spent(s, a) >= Money(c.setting(s, l).Max)*Unit
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
		switch used := percent(c.spent(s, a), Money(set.Max)*Unit); {
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
