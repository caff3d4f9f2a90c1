package guard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"pbxguard/numbering"
)

func (s *state) status() Status {
	st := Status{
		Since: s.since, CallsMode: s.policy.CallsMode, BansMode: s.policy.BansMode,
		Events: s.count.events, Shed: s.count.shed, Forged: s.count.forged,
		Calls: s.attempts, Kills: s.count.kills, Confirmed: s.count.confirmed,
		WouldKill: s.count.wouldKill, Lost: s.count.lost, ByRule: maps.Clone(s.count.byRule),
		Pending: len(s.kills), Locks: []Bar{},
	}
	for _, name := range slices.Sorted(maps.Keys(s.sites)) {
		site := s.sites[name]
		one := SiteStatus{PBX: name, Connected: site.connected, Since: site.since, LastEvent: site.lastEvent, Legs: len(site.legs)}
		for _, l := range site.legs {
			if l.trunk() {
				one.TrunkLegs++
			}
		}
		st.Sites = append(st.Sites, one)
		for _, odd := range site.odd {
			st.Unknown = append(st.Unknown, name+"/"+odd)
		}
	}
	for _, a := range s.accounts {
		if a.bar != nil {
			st.Locks = append(st.Locks, *a.bar)
		}
	}
	slices.SortFunc(st.Locks, func(a, b Bar) int { return a.At.Compare(b.At) })
	s.sources.status(&st)
	return st
}

// liveCalls lists outbound attempts, and of other calls the leg that began them.
func (s *state) liveCalls() []LiveCall {
	calls := []LiveCall{}
	for a := s.first; a != nil; a = a.next {
		calls = append(calls, s.liveOut(a))
	}
	for _, st := range s.sites {
		for _, l := range st.legs {
			if l.by != nil || l.places != nil || l.carries != nil || l.side != Endpoint || l.account == nil {
				continue
			}
			calls = append(calls, s.liveOther(l))
		}
	}
	slices.SortStableFunc(calls, func(a, b LiveCall) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Leg, b.Leg))
	})
	return calls
}

func (s *state) liveOut(a *attempt) LiveCall {
	c := LiveCall{
		Call: a.call, Leg: a.origin.id, PBX: a.site.name, Payer: a.payer.Account, Direction: "out",
		Dialled: a.dialled, Number: a.number.E164, Country: a.number.Region, Class: a.class().String(),
		Via: a.via, Started: a.started, Age: s.now.Sub(a.started), Source: a.source, Killing: a.killed,
	}
	if a.trunk != nil {
		c.Leg = a.trunk.id
		if a.trunk.account != nil {
			c.Trunk = a.trunk.account.Name
		}
	}
	if !a.answered.IsZero() {
		c.Talking = s.now.Sub(a.answered)
	}
	return c
}

func (s *state) liveOther(l *leg) LiveCall {
	c := LiveCall{
		Call: l.call, Leg: l.id, PBX: l.site.name, Payer: l.account.Account, Direction: "internal",
		Dialled: l.dialled, Started: l.started, Age: s.now.Sub(l.started), Emergency: l.emergency,
	}
	switch {
	case l.emergency:
		c.Direction = "out"
	case !l.phone():
		c.Direction = "in"
	}
	if !l.answered.IsZero() {
		c.Talking = s.now.Sub(l.answered)
	}
	return c
}

// explain judges a call that nobody has placed, on top of what is counted now.
func (s *state) explain(q Question) (Answer, error) {
	if q.PBX == "" && len(s.sites) == 1 {
		for name := range s.sites {
			q.PBX = name
		}
	}
	st := s.sites[q.PBX]
	if st == nil {
		return Answer{}, fmt.Errorf("no PBX is called %q", q.PBX)
	}
	key := Account{PBX: q.PBX, Name: q.Account}
	acc := s.accounts[key]
	if acc == nil {
		acc = &account{Account: key}
	}
	trial := *acc // nothing that is counted here may last
	trial.recent = append(slices.Clone(acc.recent), q.At)
	trial.live++
	trial.away, trial.purse = copyOf(acc.away), copyOf(acc.purse)
	defer func(p purse) { st.purse = p }(st.purse)
	n := st.Plan.Normalise(q.Number)
	trial.run.add(n.E164, s.now)
	a := &attempt{site: st, payer: &trial, dialled: q.Number, number: n, started: q.At}
	limits := s.limitsOf(&trial)
	ans := Answer{
		Account: key, Group: limits.Group, Dialled: q.Number, Kind: n.Kind.String(), Number: n.E164,
		Country: n.Region, Class: a.class().String(), Flags: n.Flags.String(), At: q.At, Verdict: "allow",
	}
	switch {
	case st.Plan.Emergency(q.Number):
		ans.Verdict = "emergency"
		return ans, nil
	case n.Kind == numbering.Internal, n.Kind == numbering.Harmonised, n.Flags.Has(numbering.Protected),
		n.Kind == numbering.Feature && n.E164 == "":
		return ans, nil
	}
	s.askRules(&ans, limits, a, q.At)
	return ans, nil
}

func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// askRules asks every rule that looks at a number, as if it were at.
func (s *state) askRules(ans *Answer, limits *Limits, a *attempt, at time.Time) {
	defer func(now, known time.Time) { s.now, a.site.known = now, known }(s.now, a.site.known)
	a.site.known = a.site.known.Add(at.Sub(s.now)) // no more is known of what is usual than now
	s.now = at
	if s.isForeign(a) {
		a.foreign = a.number.Region
		a.site.abroad[a.foreign]++
		defer func() { s.leaveCountry(a) }()
	}
	worst := Allow
	for i := range rules {
		r := &rules[i]
		if r.when&(whenPlaced|whileUp) == 0 {
			continue
		}
		act := r.ask(s, limits, a)
		f := Finding{Rule: r.id, Action: act, Enforced: s.enforced(limits, r.id)}
		if act == Allow && r.id != destination.id {
			f.Reason = "off for this group"
		} else {
			f.Hit = act != Allow && r.hit(s, limits, a)
			f.Reason = r.say(s, limits, a)
		}
		if f.Hit {
			worst = max(worst, act)
		}
		ans.Findings = append(ans.Findings, f)
	}
	ans.Verdict = worst.String()
}
