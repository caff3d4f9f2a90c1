package guard

import (
	"hash/maphash"
	"math"
	"time"
)

// fault is how an attempt failed.
type fault uint8

const (
	wrongPassword fault = iota
	unknownAccount
	refusedByList
	faultKinds
)

// faults are the kinds as an [AuthRecord] names them.
var faults = [faultKinds]string{"wrong password", "unknown account", "access list"}

const (
	// reoffence is how long after a ban a source is on probation: two failures
	// earn the next one.
	reoffence = 24 * time.Hour
	// patience is the least time between attempts of a phone that has a wrong
	// password and asks again by itself.
	patience = 15 * time.Second
	// hurry is the most time between requests for an account that does not
	// exist which nobody but a scanner sends: others keep alive more slowly.
	hurry = 5 * time.Second
)

// parts is into how many the window is cut to slide. A count may miss what is
// older than fifteen of them; it never holds what is older than all.
const parts = 16

// suspect is what is known of a source whose logins fail: 32 bytes without a pointer.
type suspect struct {
	failed  [parts]uint8 // failures in each part, a ring
	first   stamp        // of those in the window
	last    stamp
	alerted stamp
	account uint16 // the last one, hashed
	faults  uint8  // which kinds, a bit each
	several bool   // accounts
}

// slide forgets what has left the window. part is its sixteenth.
func (u *suspect) slide(now, part stamp) {
	if u.last == 0 {
		return
	}
	then := u.last / part
	for i := then + 1; i <= min(now/part, then+parts); i++ {
		u.failed[i%parts] = 0
	}
	if u.count() == 0 {
		*u = suspect{alerted: u.alerted}
	}
}

// add counts n failures now.
func (u *suspect) add(n int, account uint16, f fault, now, part stamp) {
	if u.first == 0 {
		u.first = now
	} else if u.account != account {
		u.several = true
	}
	p := &u.failed[now/part%parts]
	*p = uint8(min(math.MaxUint8, int(*p)+n))
	u.last, u.account = now, account
	u.faults |= 1 << f
}

func (u *suspect) count() (n int) {
	for _, p := range u.failed {
		n += int(p)
	}
	return n
}

// burst is a run of attempts of one source on one account that follow each
// other faster than a phone repeats itself.
type burst struct {
	n           uint32
	first, last stamp
}

// toll is what the failures of a source come to.
type toll struct {
	all   int   // in the window; of an address that may hold phones, accounts
	quick int   // the burst on this account and those on unknown ones
	began stamp // when quick did
}

// failed counts a failure, and does what it calls for.
func (s *sources) failed(c claim, f fault) {
	s.note(&c, faults[f])
	s.attack(&c, f)
	s.managed(&c)
	if s.bans.stands(c.key.prefix(), s.t) {
		return
	}
	u, sightings := s.failing[c.proof].see(c.key, s.t)
	if sightings == 0 {
		return
	}
	who := s.standing(&c)
	if scans(&c, f) {
		sightings *= scannerWeight
		s.warn(&u, &c, "scanner", scanReason(&c))
	}
	t := s.count(&u, &c, f, sightings, who)
	switch {
	case who != stranger:
		s.spare(&u, &c, t, who)
	case s.learning():
		s.suspect(&u, &c, t)
	default:
		if why, ok := s.excess(&u, &c, f, t, sightings); ok {
			s.judge(&u, &c, "auth", why)
		}
	}
	if !s.bans.stands(c.key.prefix(), s.t) {
		s.failing[c.proof].put(c.key, u)
	}
}

// spare tells of failures for which nobody is banned.
func (s *sources) spare(u *suspect, c *claim, t toll, who regard) {
	if max(t.all, t.quick) >= s.failures() {
		s.warn(u, c, "auth-known", s.failedReason(u, c, t)+spared[who])
	}
}

// suspect judges a failure while it is not known who belongs here: only who
// hurries is banned.
func (s *sources) suspect(u *suspect, c *claim, t toll) {
	if t.quick >= s.limit(c) {
		s.judge(u, c, "auth", s.failedReason(u, c, t))
	} else if t.all >= s.failures() {
		s.warn(u, c, "auth-learning", s.failedReason(u, c, t)+", not banned while learning who belongs here")
	}
}

// count adds a failure to u. Of an address that may hold honest phones each
// account counts once: a phone repeats its stale password for days.
func (s *sources) count(u *suspect, c *claim, f fault, n int, who regard) (t toll) {
	now, part := stampOf(s.t), s.part()
	u.slide(now, part)
	repeated := false
	if who != stranger || s.learning() {
		t, repeated = s.hasten(c, f, now)
	}
	if !repeated || u.first == 0 {
		u.add(n, uint16(s.hash(c.account)), f, now, part)
	}
	t.all = u.count()
	return t
}

// hasten adds an attempt to its burst. It returns what that burst and the one
// on unknown accounts come to, and whether this account was counted before.
func (s *sources) hasten(c *claim, f fault, now stamp) (t toll, repeated bool) {
	id, unknown := s.burstID(c, f), s.burstID(c, unknownAccount)
	b := s.burstOf(id, now)
	repeated = b.n > 0 && id != unknown
	if b.n == 0 || id != unknown && now-b.last >= span(patience) {
		b = burst{first: now}
	}
	b.n++
	b.last = now
	s.bursts.put(id, b)
	t = toll{quick: int(b.n), began: b.first}
	if o := s.burstOf(unknown, now); id != unknown && o.n > 0 {
		t.quick += int(o.n)
		t.began = min(t.began, o.first)
	}
	return t, repeated
}

// burstOf is a burst that goes on within the window.
func (s *sources) burstOf(id uint64, now stamp) burst {
	if b, ok := s.bursts.peek(id); ok && now-b.last <= span(s.window()) {
		return b
	}
	return burst{}
}

// burstID names the burst of a source on an account, or that on unknown ones.
func (s *sources) burstID(c *claim, f fault) uint64 {
	of := uint64(0)
	if f != unknownAccount {
		of = s.hash(c.account)
	}
	return maphash.Comparable(s.seed, [2]uint64{uint64(c.key), of})
}

// guesses is how many attempts stand against the source of c that an honest
// person at the keyboard would not have made.
func (s *sources) guesses(c *claim, who regard) (n int) {
	now := stampOf(s.t)
	if who != stranger || s.learning() {
		return int(s.burstOf(s.burstID(c, wrongPassword), now).n + s.burstOf(s.burstID(c, unknownAccount), now).n)
	}
	for i := range s.failing {
		if u, ok := s.failing[i].kept.peek(uint64(c.key)); ok {
			u.slide(now, s.part())
			n += u.count()
		}
	}
	return n
}

// failures is how many earn a ban, limit how many do so of this source.
func (s *sources) failures() int {
	if n := s.policy.Bans.Failures; n > 0 {
		return n
	}
	return math.MaxInt // the rule is off
}

func (s *sources) limit(c *claim) int {
	if s.bans.recent(c.key, s.t) {
		return min(2, s.failures())
	}
	return s.failures()
}

func (s *sources) part() stamp { return max(1, span(s.window())/parts) }

func (s *sources) hash(a Account) uint64 { return maphash.Comparable(s.seed, a) }

// note writes one failed attempt down.
func (s *sources) note(c *claim, what string) {
	s.hooks.record(AuthRecord{
		At: s.now, PBX: c.account.PBX, Source: c.source, Account: c.account.Name,
		Service: c.service, What: what, Proof: c.proof,
	})
}
