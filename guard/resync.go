package guard

import "time"

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
	fresh := st.legs[ev.Leg] == nil
	l := s.legOf(st, ev.Leg, ev)
	if l == nil {
		return
	}
	s.describe(l, ev)
	l.round = st.round
	if fresh {
		l.started = s.now.Add(-ev.Since)
		l.dialled, l.exten = ev.Number, ev.Number
	}
	if ev.Up && l.answered.IsZero() {
		l.answered = l.started
	}
}

// resyncEnded drops legs that the PBX does not have and judges outbound legs
// that came up unseen. Who dialled them is not in the list; the first leg of the
// call is held to have done so.
func (s *state) resyncEnded(st *site) {
	st.syncing, st.listed = false, s.now
	clear(st.gone)
	for _, l := range st.legs {
		if l.round != st.round {
			s.end(l, 0)
		}
	}
	for _, l := range st.legs {
		root := st.legs[LegID(l.call)]
		if l.carries != nil || l.emergency || !l.trunk() || root == nil || root == l || l.by != nil {
			continue
		}
		l.by = root
		number := l.dialled
		if number == "" {
			number = root.dialled
		}
		if number == "" {
			continue
		}
		s.send(root, l, number)
		if a := l.carries; a != nil {
			a.started = l.started
		}
	}
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
