package guard

import (
	"container/heap"
	"math"
	"slices"
)

// list returns the bans in force, newest first.
func (s *sources) list() []Ban {
	all := make([]Ban, 0, s.bans.enforced)
	for p, v := range s.bans.standing {
		if v.enforced && v.until > s.t {
			all = append(all, s.banOf(p, v))
		}
	}
	slices.SortFunc(all, func(a, b Ban) int {
		if c := b.Since.Compare(a.Since); c != 0 {
			return c
		}
		return a.Prefix.Compare(b.Prefix)
	})
	return all
}

// recallBans restores bans of earlier days: those in force, and of the others
// how often there were any.
func (s *sources) recallBans(old []Ban) {
	for _, b := range old {
		p := plainPrefix(b.Prefix)
		if !p.IsValid() || !b.Enforced && s.policy.BansMode == Enforce {
			continue
		}
		v := sentence{
			since: b.Since.Sub(s.epoch), until: endless, rule: b.Rule, reason: b.Reason, by: b.By,
			times: uint16(min(math.MaxUint16, max(1, b.Times))), proof: min(b.Proof, Path), enforced: b.Enforced,
		}
		if !b.Until.IsZero() {
			v.until = b.Until.Sub(s.epoch)
		}
		if k, ok := keyOfPrefix(p); ok && s.t-v.until < ladderMemory {
			s.bans.past[v.proof].Add(k, earlier{ended: v.until, times: v.times, observed: !v.enforced})
		}
		if v.until > s.t {
			s.bans.drop(p)
			s.bans.standing[p] = v
			if v.enforced {
				s.bans.enforced++
			}
			if v.until != endless {
				s.bans.due = append(s.bans.due, end{v.until, p})
			}
		}
	}
	heap.Init(&s.bans.due)
}

// dropObserved forgets the bans that were only written down.
func (s *sources) dropObserved() {
	for p, v := range s.bans.standing {
		if !v.enforced {
			s.bans.drop(p)
		}
	}
	for i := range s.bans.past {
		for _, k := range s.bans.past[i].Keys() {
			if r, _ := s.bans.past[i].Peek(k); r.observed {
				s.bans.past[i].Remove(k)
			}
		}
	}
}
