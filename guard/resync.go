package guard

import (
	"cmp"
	"time"
)

// resyncEvery is how often the PBX is asked for its own list though nothing
// looks wrong, so that no drift lasts.
const resyncEvery = 5 * time.Minute

// resync holds the state against the PBX's own list of legs. Legs that start
// while it runs carry its round and are not missed by it; a leg that ends while
// it runs and is listed all the same stays ended.
func (s *state) resync(st *site, ev *Event) {
	switch ev.Kind {
	case ResyncStarted:
		st.round++
		st.syncing, st.syncedAt = true, s.now
		st.calling, st.helps = nil, map[CallID]bool{}
		clear(st.gone)
	case LegListed:
		s.legListed(st, ev)
	case ResyncEnded:
		if st.syncing {
			s.resyncEnded(st)
		}
	}
}

func (s *state) legListed(st *site, ev *Event) {
	if !st.syncing || st.gone[ev.Leg] {
		return
	}
	fresh := st.legs[ev.Leg] == nil || !st.legs[ev.Leg].told() && ev.Channel != ""
	l := s.legOf(st, ev.Leg, ev)
	if l == nil {
		return
	}
	s.describe(l, ev)
	l.round = st.round
	if fresh {
		l.started = s.now.Add(-ev.Since)
		l.dialled, l.exten, l.domain = ev.Number, cmp.Or(ev.Exten, ev.Number), ev.Domain
		s.introduce(l)
		if st.Plan.Emergency(ev.Number) {
			st.helps[l.call] = true
		}
	}
	if ev.Up && l.answered.IsZero() {
		l.answered = l.started
	}
	if ev.ToTrunk {
		st.learnTrunk(s.account(ev.OtherAccount))
		st.calling = append(st.calling, calling{l, ev.OtherAccount, ev.Sent})
	}
}

// calling is a leg that calls a trunk, as a list tells it.
type calling struct {
	leg   *leg
	trunk Account
	sent  string
}

// resyncEnded drops legs that the PBX does not have and judges outbound legs
// that came up unseen.
func (s *state) resyncEnded(st *site) {
	watched := st.listed.After(st.since) // since the last list nothing was missed knowingly
	st.syncing, st.listed = false, s.now
	clear(st.gone)
	for _, l := range st.legs {
		if l.round != st.round {
			s.end(l, 0)
		}
	}
	for _, l := range st.legs {
		l.emergency = l.emergency || st.helps[l.call]
		root := st.legs[LegID(l.call)]
		switch {
		case l.by != nil || l.side != Endpoint || l.dialled != "" || root == l:
		case !l.trunk():
			l.by = root
		case l.carries == nil:
			if watched {
				s.missed(st, "a call over "+clip(l.account.Name)+" is up that nobody saw begin")
			}
			s.discover(l)
		}
	}
	st.calling, st.helps = nil, nil
	s.hangUpListed(st)
}

// discover finds out on whose behalf a trunk leg is up that nobody saw begin,
// and judges it as if it began now.
func (s *state) discover(trunk *leg) {
	from, sent := s.caller(trunk)
	if from == nil {
		return
	}
	trunk.by = from
	if from.places == nil {
		s.dial(from, from.dialled)
	}
	if sent != "" {
		s.send(from, trunk, sent)
	} else if a := from.places; a != nil && a.trunk == nil {
		a.trunk, trunk.carries = trunk, a
		a.answered, a.accrued = trunk.answered, s.now
		s.alsoKill(a)
	}
	if a := trunk.carries; a != nil {
		a.started = trunk.started
		if !a.answered.IsZero() {
			s.restore(a.payer, s.now.Sub(a.answered), s.now)
		}
	}
}

// caller finds who called a trunk leg, and with which number if that is told:
// the leg of its call that says so, else a Local channel that leads out, else
// the first leg.
func (s *state) caller(trunk *leg) (from *leg, sent string) {
	st := trunk.site
	for _, c := range st.calling {
		if c.leg.call == trunk.call && (from == nil || trunk.account.Account == c.trunk) {
			from, sent = c.leg, c.sent
		}
	}
	if from != nil {
		return from, sent
	}
	for _, l := range st.legs {
		if l.call == trunk.call && l.side == LocalTwo && l.dialled != "" && !st.Plan.Internal(l.dialled) {
			return l, ""
		}
	}
	return st.legs[LegID(trunk.call)], ""
}

// resyncIfDue asks for the list now and then, and again when an answer broke off.
func (s *state) resyncIfDue(st *site) {
	if !st.connected || s.now.Sub(st.listed) < resyncEvery || s.now.Sub(st.syncedAt) < time.Minute {
		return
	}
	st.syncedAt = s.now
	if pbx := s.out.PBXs[st.name]; pbx != nil {
		pbx.Resync()
	}
}
