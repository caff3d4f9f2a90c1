package guard

import (
	"container/heap"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// ladderMemory is how long an earlier ban makes the next one longer, past
	// for how many sources that is remembered.
	ladderMemory = 30 * 24 * time.Hour
	maxPast      = 50_000
	// endless is the end of a ban that somebody has to lift.
	endless = time.Duration(math.MaxInt64)
)

// sentence is a [Ban] in force, without what its place in the table says.
type sentence struct {
	since, until time.Duration // since the epoch
	rule         string
	reason       string
	by           string
	times        uint16
	proof        Proof
	enforced     bool
}

// earlier is what is remembered of a source's earlier bans.
type earlier struct {
	ended    time.Duration
	times    uint16
	observed bool // it was never really banned
}

// bans are those in force and what is remembered of others.
type bans struct {
	standing map[netip.Prefix]sentence
	due      ends
	past     [2]*simplelru.LRU[sourceKey, earlier] // by proof: who may be forged cannot push out who may not
	orders   []order                               // that the firewall did not take yet
	unproven budget
	enforced int
	would    uint64
}

func newBans() bans {
	b := bans{standing: map[netip.Prefix]sentence{}}
	for i := range b.past {
		b.past[i], _ = simplelru.NewLRU[sourceKey, earlier](maxPast, nil)
	}
	return b
}

// ends is a heap of when bans run out.
type ends []end

type end struct {
	at     time.Duration
	prefix netip.Prefix
}

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].at < e[j].at }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(x any)        { *e = append(*e, x.(end)) }
func (e *ends) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// stands says whether p itself is banned, or would be.
func (b *bans) stands(p netip.Prefix, now time.Duration) bool {
	v, ok := b.standing[p]
	return ok && v.until > now
}

// recent says whether a ban of k ended less than a day ago.
func (b *bans) recent(k sourceKey, now time.Duration) bool {
	for i := range b.past {
		if r, ok := b.past[i].Peek(k); ok && now-r.ended < reoffence {
			return true
		}
	}
	return false
}

// set puts a ban in force, in place of an earlier one of p.
func (b *bans) set(p netip.Prefix, v sentence) {
	b.drop(p)
	b.standing[p] = v
	if v.enforced {
		b.enforced++
	}
	if v.until != endless {
		heap.Push(&b.due, end{v.until, p})
	}
}

func (b *bans) drop(p netip.Prefix) {
	if v, ok := b.standing[p]; ok && v.enforced {
		b.enforced--
	}
	delete(b.standing, p)
}

// judge carries out what a rule asks for: a ban, or less if the policy says so.
func (s *sources) judge(u *suspect, c *claim, rule, reason string) {
	act := s.action(rule, Kill)
	if act < Kill {
		s.warnAs(u, c, rule, act, reason)
		return
	}
	d := s.term(c)
	switch {
	case d <= 0:
		s.warnAs(u, c, rule, Alert, reason+", not banned: the policy allows no ban of an address that may be forged")
		return
	case len(s.bans.standing) >= s.maxBans():
		s.warnAs(u, c, "ban-full", Alert, fmt.Sprintf("%s, not banned: %d bans stand already", reason, len(s.bans.standing)))
		return
	}
	if c.proof == Unproven {
		if ok, first := s.bans.unproven.take(s.policy.Bans.Budget, s.t); !ok {
			if first {
				s.alert(c, "ban-budget", fmt.Sprintf("%d addresses that may be forged were banned in this minute, no more are; the next: %s",
					s.policy.Bans.Budget, reason))
			}
			return
		}
	}
	s.ban(c, d, rule, reason)
}

// shutOut bans the address of calls that a rule has ended, as far as an address
// that may be forged is ever banned.
func (s *sources) shutOut(a Account, addr netip.Addr, rule, reason string) {
	c := claim{account: a, source: netip.AddrPortFrom(addr, 0), key: keyOf(addr), proof: Unproven}
	if s.standing(&c) == exempted || s.bans.stands(c.key.prefix(), s.t) {
		return
	}
	for other := range s.accountsAt(c.key) {
		if other != a {
			return // others use it honestly
		}
	}
	s.judge(&suspect{}, &c, rule, reason)
}

func (s *sources) accountsAt(k sourceKey) map[Account]*standing {
	if p, ok := s.places.Peek(k); ok {
		return p.standings
	}
	return nil
}

// term is how long the source of c is banned.
func (s *sources) term(c *claim) time.Duration {
	b := &s.policy.Bans
	if c.proof == Unproven {
		return b.Unproven
	}
	if len(b.Ladder) == 0 {
		return b.Unproven
	}
	return b.Ladder[min(s.times(c.key, c.proof), len(b.Ladder)-1)]
}

// times is how often k was banned before.
func (s *sources) times(k sourceKey, p Proof) int {
	if r, ok := s.bans.past[p].Peek(k); ok && s.t-r.ended < ladderMemory {
		return int(r.times)
	}
	return 0
}

// ban tells the firewall first and the ledger after: every packet counts.
func (s *sources) ban(c *claim, d time.Duration, rule, reason string) {
	p := c.key.prefix()
	v := sentence{
		since: s.t, until: s.t + d, rule: rule, reason: reason, proof: c.proof, enforced: s.enforcing(),
		times: uint16(min(math.MaxUint16, s.times(c.key, c.proof)+1)),
	}
	if v.enforced {
		s.order(order{prefix: p, length: d})
		s.hooks.banned(p)
	} else {
		s.bans.would++
	}
	s.bans.set(p, v)
	s.bans.past[c.proof].Add(c.key, earlier{ended: v.until, times: v.times, observed: !v.enforced})
	s.forget(c.key)
	s.hooks.record(s.banOf(p, v))
	s.hooks.decide(s.decision(c, rule, Kill, reason, v.enforced))
}

// forget drops what was counted against k.
func (s *sources) forget(k sourceKey) {
	for i := range s.failing {
		s.failing[i].remove(k)
		s.asking[i].remove(k)
	}
	s.slow.remove(k)
}

func (s *sources) maxBans() int {
	if n := s.policy.Bans.Max; n > 0 {
		return n
	}
	return DefaultBans().Max
}

// banOf is the [Ban] that a sentence is.
func (s *sources) banOf(p netip.Prefix, v sentence) Ban {
	b := Ban{
		Prefix: p, Since: s.epoch.Add(v.since), Rule: v.rule, Reason: v.reason, By: v.by,
		Times: int(v.times), Proof: v.proof, Enforced: v.enforced,
	}
	if v.until != endless {
		b.Until = s.epoch.Add(v.until)
	}
	return b
}

// expireBans forgets bans that have run out. The kernel has ended them itself.
func (s *sources) expireBans() {
	for n := 0; n < 1000 && len(s.bans.due) > 0 && s.bans.due[0].at <= s.t; n++ {
		e := heap.Pop(&s.bans.due).(end)
		if v, ok := s.bans.standing[e.prefix]; ok && v.until == e.at {
			s.bans.drop(e.prefix)
		}
	}
}
