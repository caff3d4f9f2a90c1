package history

import (
	"time"

	"pbxguard/guard"
)

// streams is what recorded events have brought up. A call that the guard ends
// ends then; what the recording tells of it afterwards only says what it would
// have cost.
type streams struct {
	calls map[guard.LegID]*recorded
	by    map[guard.CallID]*recorded
	dying []*recorded
}

// recorded is a call of a recording.
type recorded struct {
	legs     []guard.LegID
	dead     bool
	counted  bool
	fate     int // in the kills, counted from 1
	answered time.Time
}

// hangup ends the call of a leg.
func (s *streams) hangup(leg guard.LegID) {
	if r := s.calls[leg]; r != nil && !r.dead {
		r.dead = true
		s.dying = append(s.dying, r)
	}
}

// stream gives the engine a recorded event.
func (p *Player) stream(ev guard.Event) {
	if p.legs[ev.Leg] != nil {
		p.feed(ev) // it is about a call that is played
		return
	}
	r := p.streams.see(&ev)
	if r == nil {
		p.feed(ev)
		return
	}
	if !r.counted {
		r.counted = true
		p.result.Calls++
	}
	if ev.Kind == guard.LegAnswered && r.answered.IsZero() {
		r.answered = ev.At
	}
	if !r.dead {
		p.feed(ev)
		return
	}
	if ev.Kind == guard.LegEnded {
		p.spared(r, ev.At)
	}
}

// see finds the recorded call that an event is about, if it is about one.
func (s *streams) see(ev *guard.Event) *recorded {
	if ev.Leg == "" || ev.Kind == guard.HangupRefused {
		return nil
	}
	if s.calls == nil {
		s.calls, s.by = map[guard.LegID]*recorded{}, map[guard.CallID]*recorded{}
	}
	r := s.calls[ev.Leg]
	if r == nil && ev.Call != "" {
		r = s.by[ev.Call]
	}
	if r == nil {
		r = new(recorded)
		if ev.Call != "" {
			s.by[ev.Call] = r
		}
	}
	for _, leg := range []guard.LegID{ev.Leg, ev.Other} {
		if leg != "" && s.calls[leg] == nil {
			s.calls[leg] = r
			r.legs = append(r.legs, leg)
		}
	}
	return r
}

// endStreams ends the legs of recorded calls that the guard has ended.
func (p *Player) endStreams() {
	for len(p.streams.dying) > 0 {
		r := p.streams.dying[0]
		p.streams.dying = p.streams.dying[1:]
		for i := len(r.legs) - 1; i >= 0; i-- {
			p.feed(guard.Event{Kind: guard.LegEnded, Leg: r.legs[i], Cause: 21})
		}
	}
}

// streamKilled notes the end of a recorded call.
func (p *Player) streamKilled(d *guard.Decision) {
	r := p.streams.calls[d.Leg]
	if r == nil || r.fate != 0 {
		return
	}
	f := Fate{Index: -1, Decision: *d}
	if t := p.opt.Prices; !r.answered.IsZero() && p.now.After(r.answered) {
		f.Talked = p.now.Sub(r.answered)
		if t != nil {
			f.Cost = t.Rate(d.Number).Cost(f.Talked)
		}
	}
	p.result.Kills = append(p.result.Kills, f)
	r.fate = len(p.result.Kills)
}

// spared counts what a call that was ended would have cost until its recorded
// end.
func (p *Player) spared(r *recorded, at time.Time) {
	t := p.opt.Prices
	if t == nil || r.fate == 0 || r.answered.IsZero() {
		return
	}
	f := &p.result.Kills[r.fate-1]
	saved := t.Rate(f.Decision.Number).Cost(at.Sub(r.answered)) - f.Cost
	if saved > f.Saved {
		p.result.Saved += saved - f.Saved
		f.Saved = saved
	}
}
