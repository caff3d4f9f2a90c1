package guard

import (
	"slices"
	"time"
)

// purse is the money that an account or a PBX has spent, calls that are still
// up included: in each of the last 60 minutes, today and this month.
type purse struct {
	last     lastHour[Money]
	day      int64
	today    Money
	month    int32
	monthly  Money
	services Money // today, on service numbers
	told     [5]uint8

	days   [usualDays]Money // what was spent on days before, by day since 1970
	since  int64            // the first day that was seen
	normal normalSpending   // as of today
}

// usualDays is how many days say what is usually spent, and leastDays how many
// of them must have seen a call that cost something.
const (
	usualDays = 28
	leastDays = 5
)

// normalSpending is what somebody usually spends: on a day that few exceed, and
// in thirty days. 0: too little is known.
type normalSpending struct{ day, month Money }

// close puts a day away and works out what is usual.
func (p *purse) close(next int64) {
	if p.since == 0 {
		p.since = next
	} else {
		p.days[p.day%usualDays] = p.today
		for d := p.day + 1; d < next && d <= p.day+usualDays; d++ {
			p.days[d%usualDays] = 0
		}
	}
	p.days[next%usualDays] = 0
	p.work(next)
}

// work works out what is usual on the days before one.
func (p *purse) work(day int64) {
	p.normal = normalSpending{}
	var some [usualDays]Money
	var sum Money
	n := 0
	for _, m := range p.days {
		if m > 0 {
			some[n] = m
			sum += m
			n++
		}
	}
	if n < leastDays {
		return
	}
	slices.Sort(some[:n])
	p.normal.day = some[(n-1)*9/10]
	// One day that was an attack counts no more than the others.
	for i := n - 1; i >= 0 && some[i] > p.normal.day; i-- {
		sum -= some[i] - p.normal.day
	}
	p.normal.month = sum * 30 / Money(max(1, min(usualDays-1, day-p.since)))
}

// roll empties what has passed.
func (p *purse) roll(now moment) {
	p.last.roll(now.minute)
	if now.day > p.day {
		p.close(now.day)
		p.day, p.today, p.services = now.day, 0, 0
		p.told[spentDay], p.told[spentPBXDay] = 0, 0
	}
	if now.month > p.month {
		p.month, p.monthly = now.month, 0
		p.told[spentMonth], p.told[spentPBXMonth] = 0, 0
	}
	if p.hour() == 0 {
		p.told[spentHour] = 0
	}
}

func (p *purse) add(m Money, now moment) {
	p.roll(now)
	p.last.put(now.minute, m)
	p.today += m
	p.monthly += m
}

func (p *purse) hour() Money { return max(0, Money(p.last.sum)) }

// charge brings what an attempt costs up to now: while it is up with the step
// that is still to be billed, at its end without.
func (s *state) charge(a *attempt, over bool) {
	if s.policy.Tariff == nil || a.answered.IsZero() {
		return
	}
	if !a.priced || a.pricedFor != a.number.E164 {
		a.rate, a.priced, a.pricedFor = s.policy.Tariff.Rate(a.number.E164), true, a.number.E164
	}
	talked := s.now.Sub(a.answered)
	cost := a.rate.Running(talked)
	if over {
		cost = a.rate.Cost(talked)
	}
	more := cost - a.cost
	if more == 0 {
		return
	}
	a.cost = cost
	now := s.moment(s.now, a.site.zone())
	if a.payer.purse == nil {
		a.payer.purse = new(purse)
	}
	a.payer.purse.add(more, now)
	a.site.purse.add(more, now)
	if service(a) {
		a.payer.purse.services += more
	}
	if !over {
		s.warnSpent(a)
	}
}

// Usage of earlier days: what was spent this month, by day.
type Spent struct {
	Account Account
	Day     time.Time // when the calls ended
	Amount  Money
}

// recallSpent restores what was spent this month before the latest day, of
// which [Usage] tells call by call.
func (s *state) recallSpent(old []Spent) {
	for _, v := range old {
		st := s.sites[v.Account.PBX]
		if st == nil {
			continue
		}
		now, then := s.moment(s.now, st.zone()), s.moment(v.Day, st.zone())
		acc := s.account(v.Account)
		if acc.purse == nil {
			acc.purse = new(purse)
		}
		for _, p := range []*purse{acc.purse, &st.purse} {
			p.roll(now)
			if then.month == p.month {
				p.monthly += v.Amount
			}
			if ago := p.day - then.day; ago > 0 && ago < usualDays {
				p.days[then.day%usualDays] += v.Amount
				p.since = min(p.since, then.day)
				p.work(p.day)
			}
		}
	}
}

// respend restores what one call of the latest day has cost. The month has it.
func (s *state) respend(u *Usage) {
	st := s.sites[u.Account.PBX]
	if u.Cost == 0 || st == nil {
		return
	}
	now, then := s.moment(s.now, st.zone()), s.moment(u.At, st.zone())
	acc := s.account(u.Account)
	if acc.purse == nil {
		acc.purse = new(purse)
	}
	for _, p := range []*purse{acc.purse, &st.purse} {
		p.roll(now)
		if then.day == p.day {
			p.today += u.Cost
		}
		p.last.put(then.minute, u.Cost)
	}
}
