package guard

import (
	"cmp"
	"time"

	"pbxguard/numbering"
)

// state is everything the engine knows. It belongs to the goroutine that runs
// the engine; no other reads or writes it.
type state struct {
	policy  *Policy
	version int // of the policy; accounts remember which one chose their limits
	out     Outside
	sources *sources
	now     time.Time // of the latest event; it never goes back
	since   time.Time

	sites    map[string]*site
	accounts map[Account]*account
	numbers  map[*numbering.Plan]*numbering.Cache

	first, last *attempt // live outbound attempts, in order of their start
	attempts    int
	waiting     []*attempt  // to be judged once it is known who pays
	kills       []*kill     // not yet confirmed
	questions   []*question // of legs of which too little is known yet

	exceptions  []Exception
	forwardsOff []ForwardOff
	seeking     int             // forwards
	relocked    map[string]bool // PBXs whose dial plans are to be told of locks
	verdicts    []ruled         // the latest that can be undone

	seen    acquaintance // of days before
	strikes tally        // calls that a rule ended, by rule and account, within a day

	latest struct { // moment that was asked for
		at   time.Time
		zone *time.Location
		is   moment
	}
	closing struct { // what shut was asked for last
		at     time.Time
		site   *site
		limits *Limits
		shut   bool
	}
	swept  time.Time // when durations and minutes were last looked at
	tidied time.Time // when idle accounts were last forgotten
	stale  time.Time // before which no account is idle for too long
	nextID uint64
	count  counters
}

// counters are what status shows.
type counters struct {
	events, shed, forged              uint64
	kills, confirmed, wouldKill, lost uint64
	byRule                            map[string]uint64
}

func newState(p *Policy, out Outside, mem Memory, now time.Time) *state {
	s := &state{
		out: out, now: now, since: now, swept: now, tidied: now,
		sites:    map[string]*site{},
		accounts: map[Account]*account{},
		nextID:   mem.NextID,
		count:    counters{byRule: map[string]uint64{}},
		seen:     newAcquaintance(),
		strikes:  newTally(24 * time.Hour),
		relocked: map[string]bool{},
	}
	s.sources = newSources(p, out.Firewall, hooks{decide: s.decide, record: s.record, banned: s.hangUpBanned, lock: s.lockAccount}, mem, now)
	s.setPolicy(p)
	for _, st := range mem.Standings {
		s.account(st.Account).phone = true
	}
	for _, b := range mem.Bars {
		if !b.Off && (b.Until.IsZero() || b.Until.After(now)) {
			bar := b
			s.account(b.Account).bar = &bar
		}
	}
	s.recallSpent(mem.Spent)
	for i := range mem.Usage {
		u := &mem.Usage[i]
		s.restore(s.account(u.Account), u.Talked, u.At)
		s.respend(u)
	}
	for _, x := range mem.Exceptions {
		if !x.Off && now.Before(x.Until) && len(s.exceptions) < maxExceptions {
			s.exceptions = append(s.exceptions, x)
		}
	}
	for _, f := range mem.ForwardsOff {
		if !f.Off && len(s.forwardsOff) < maxForwardsOff {
			s.forwardsOff = append(s.forwardsOff, f)
		}
	}
	s.recallSeen(mem.Seen)
	s.recallHours(mem.Hours)
	for _, st := range s.sites {
		if h := st.habit.past; len(h) > 0 {
			st.known = time.Unix(int64(st.habit.since)*3600, 0)
		}
	}
	return s
}

// setPolicy puts p in force. Sites that it no longer names are forgotten.
func (s *state) setPolicy(p *Policy) {
	s.policy = p
	s.version++
	s.closing.site = nil
	s.numbers = map[*numbering.Plan]*numbering.Cache{}
	for name, conf := range p.PBXs {
		if s.sites[name] == nil {
			s.sites[name] = newSite(name, s.now)
		}
		s.sites[name].Site = conf
		s.sites[name].version = s.version
	}
	for name, st := range s.sites {
		if p.PBXs[name] == nil {
			s.endAll(st)
			delete(s.sites, name)
		}
	}
	s.sources.setPolicy(p)
}

// handle judges one event. Time never goes back: an event from before the
// latest one happens now, so a clock that is set back shortens nothing.
func (s *state) handle(ev *Event) {
	if ev.At.After(s.now) {
		s.now = ev.At
	}
	if len(s.questions) > 0 {
		defer s.answerQuestions()
	}
	if ev.Kind == Tick {
		s.tick()
		return
	}
	s.count.events++
	st := s.sites[ev.PBX]
	if st == nil {
		return
	}
	st.lastEvent = s.now
	s.watchLag(st, ev)
	switch ev.Kind {
	case Connected, Disconnected:
		s.connection(st, ev.Kind == Connected, ev.Number)
		if ev.Kind == Connected {
			s.relock(st.name)
		}
	case ResyncStarted, LegListed, ResyncEnded:
		s.resync(st, ev)
	case LegStarted:
		s.legStarted(st, ev)
		s.watchLogins(st, ev)
	case LegDialling:
		s.legDialling(st, ev)
	case LegForwarded:
		s.legForwarded(st, ev)
	case LegAnswered:
		s.legAnswered(st, ev)
	case LegEnded:
		s.legEnded(st, ev)
	case LegTransferred:
		s.legTransferred(st, ev)
	case LegsJoined, LegOriginated:
		s.legRenamed(st, ev)
	case LegAsking:
		s.allows(ev)
	case ForwardSet:
		s.forwardSet(st, ev)
	case PINFailed:
		s.pinFailed(st, ev)
	case HangupRefused:
		s.hangupRefused(st, ev.Leg)
	case Shed:
		s.count.shed += uint64(ev.Count)
		s.missed(st, plural(ev.Count, "event", "events")+" of "+st.name+" lost: the guard did not keep up")
	case PBXChanged:
		s.changed(st, st.name+": "+clip(ev.Number))
	case Forged:
		s.count.forged++
		s.sources.handle(ev, s.now)
	case AuthChallenged, AuthOK, AuthFailed, AuthRefused, Registered, Unregistered:
		s.watchLogins(st, ev)
		if ev.Kind == AuthOK && ev.Service == manager {
			s.managerIn(st, ev)
		}
		if ev.Kind == AuthOK || ev.Kind == Registered {
			s.provedPhone(st, ev)
			s.logIn(ev)
		}
		s.sources.handle(ev, s.now)
	}
}

// tick does what happens without an event: kills that need another push, and
// once a second durations, minutes and forgetting.
func (s *state) tick() {
	s.sources.tick(s.now)
	s.settle(true)
	s.pushKills()
	if s.now.Sub(s.swept) < time.Second {
		return
	}
	s.swept = s.now
	for a := s.first; a != nil; {
		next := a.next // judging may end a
		s.accrue(a)
		s.judge(a, whileUp)
		a = next
	}
	for _, st := range s.sites {
		s.resyncIfDue(st)
	}
	s.watchSites()
	s.watchArrivals()
	s.giveUpForwards()
	s.tellLocks()
	if s.now.Sub(s.tidied) >= time.Minute {
		s.tidied = s.now
		s.forget()
		s.watchMachines()
	}
}

// decide completes d, counts it and writes it down.
func (s *state) decide(d Decision) { s.decided(&d) }

func (s *state) decided(d *Decision) {
	s.nextID++
	d.ID = s.nextID
	if d.At.IsZero() {
		d.At = s.now
	}
	s.count.byRule[d.Rule]++
	s.remember(d)
	s.record(*d)
}

func (s *state) record(r Record) {
	if !s.out.Ledger.Record(r) {
		s.count.lost++
	}
}

// normalise reads a number in a plan, remembering what it has read before.
func (s *state) normalise(p *numbering.Plan, dialled string) numbering.Number {
	c := s.numbers[p]
	if c == nil {
		c = numbering.NewCache(p, cmp.Or(s.policy.Numbers, 4096))
		s.numbers[p] = c
	}
	return c.Normalise(dialled)
}

func (s *state) zone(pbx string) *time.Location {
	if st := s.sites[pbx]; st != nil {
		return st.zone()
	}
	return time.UTC
}
