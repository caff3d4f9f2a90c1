package guard

import "time"

// young says that a PBX has not been watched for long enough to know what is
// usual there.
func (s *state) young(st *site) bool {
	return s.policy.Learn > 0 && s.now.Sub(st.known) < s.policy.Learn
}

// settled says whether what a site usually does is known and counts.
func (s *state) settled(st *site) bool { return s.policy.Learn > 0 && !s.young(st) }

// strange says whether an international call goes where its payer does not
// usually call and nobody has said that it may.
func (s *state) strange(a *attempt) bool {
	if !s.isForeign(a) {
		return false
	}
	if s.limitsOf(a.payer).Countries[a.number.Region] {
		return false
	}
	return s.policy.Learn == 0 || !s.usual(a.payer.Account, seenCountry, a.number.Region)
}

// off says whether nobody is at work where an attempt is placed: the office is
// closed, and the PBX usually does little at this hour.
func (s *state) off(l *Limits, a *attempt) bool { return s.shut(l, a.site) && !s.atWork(a.site) }

// shut says whether a site's office is closed now. Many ask it of one event.
func (s *state) shut(l *Limits, st *site) bool {
	if k := &s.closing; k.site != st || k.limits != l || k.at != s.now {
		k.at, k.site, k.limits = s.now, st, l
		k.shut = s.closedAt(l, st, s.now.In(st.zone()))
	}
	return s.closing.shut
}

// familiar says whether the PBX has called the very number on earlier days, and
// nobody saw anything wrong in that.
func (s *state) familiar(a *attempt) bool {
	v, ok := s.met(Account{PBX: a.site.name}, seenNumber, a.number.E164, seenFor)
	return ok && v.days >= 2 && v.age(s.now) >= 48*time.Hour
}

// known says whether an international call goes where its PBX usually calls, or
// may.
func (s *state) known(a *attempt) bool {
	return s.limitsOf(a.payer).Countries[a.number.Region] || s.usual(Account{PBX: a.site.name}, seenAbroad, a.number.Region)
}

// few is how many calls abroad in an hour somebody may place who stays late.
const few = 2

// late says whether a call abroad while the office is closed may well be that of
// somebody who stays late: to a number that is called on other days too, or one
// of few to a country that is.
func (s *state) late(a *attempt) bool {
	if a.dear() {
		return false
	}
	if s.familiar(a) {
		return true
	}
	if !s.known(a) {
		return false
	}
	return a.payer.trail.count(s.now, time.Hour, isAbroad, forever) <= few
}

func (s *state) closedAt(l *Limits, st *site, wall time.Time) bool {
	if l.Hours.From != l.Hours.To && !l.Hours.open(wall) {
		return true
	}
	if day := wall.Weekday(); day == time.Saturday || day == time.Sunday {
		return true
	}
	if st.Closed == nil {
		return false
	}
	_, closed := st.Closed(wall)
	return closed
}

// atNight says whether a payer is somebody who usually calls abroad, or there,
// while the office is closed.
func (s *state) atNight(a *attempt) bool {
	if v, ok := s.met(a.payer.Account, seenOffHours, a.number.Region, seenFor); ok && v.days >= 2 {
		return true
	}
	v, ok := s.met(a.payer.Account, seenOffHours, "*", seenFor)
	return ok && v.days >= 5
}

// byHabit tempers what a rule about international calls asks for by what is
// usual. While nothing is known it ends no call; what is usual it lets be.
func (s *state) byHabit(a *attempt, act Action, usual bool) Action {
	switch {
	case act < Kill || s.policy.Learn == 0:
		return act
	case s.young(a.site):
		return Alert
	case usual:
		return Allow
	}
	return act
}

// atHome tempers what a rule about volume asks for where habits count: calls
// inside the country cost little, and are alerted rather than ended.
func (s *state) atHome(a *attempt, act Action) Action {
	if act >= Kill && s.policy.Learn > 0 && !s.costly(a) {
		return Alert
	}
	return act
}

// busy is how many calls in an hour make somebody who dials for a living.
const busy = 20

// sparing tempers the same for calls inside the country of who dials for a
// living, and of everybody while that is not known.
func (s *state) sparing(a *attempt, act Action) Action {
	if act < Kill || s.policy.Learn == 0 || s.costly(a) {
		return act
	}
	if a.via == "forward" {
		return Alert // as many as call in
	}
	dials := a.payer.habit != nil && a.payer.habit.mostCalls() >= busy
	if dials || s.young(a.site) {
		return Alert
	}
	return act
}

// usualEnd learns from an attempt that has ended and in which nobody saw wrong.
func (s *state) usualEnd(a *attempt, talked time.Duration) {
	if a.killed || a.spared {
		return
	}
	s.usualTalk(a, talked)
	if a.via == "forward" && talked > 0 {
		s.meet(a.payer.Account, seenForward, a.number.E164)
	}
	region := a.number.Region
	if !s.isForeign(a) || talked <= 0 {
		return
	}
	of := a.payer.Account
	s.meet(of, seenCountry, region)
	s.meet(Account{PBX: of.PBX}, seenAbroad, region)
	s.meet(Account{PBX: of.PBX}, seenNumber, a.number.E164)
	if s.closedAt(s.limitsOf(a.payer), a.site, a.started.In(a.site.zone())) {
		s.meet(of, seenOffHours, region)
		s.meet(of, seenOffHours, "*")
	}
}
