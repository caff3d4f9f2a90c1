package guard

import (
	"fmt"
	"hash/maphash"
	"math"
	"net/netip"
	"time"
)

// Who guesses slowly stays below the limit of the window. So failures are also
// counted by the hour and by the day, of addresses, of their networks and of the
// accounts that they are after.

// maxSlow bounds the addresses and networks of which that is counted, by proof.
const maxSlow = 50_000

// slow counts the failures of addresses and networks over a day. Nothing is kept
// of who failed but once within half a day: a door of its own remembers him.
type slow struct {
	kept [2]*recent[dayCount] // by proof: who may be forged cannot push out who may not
	door door
}

func newSlow(seed maphash.Seed) slow {
	return slow{
		kept: [2]*recent[dayCount]{newRecent[dayCount](maxSlow), newRecent[dayCount](maxSlow)},
		door: door{seed: seed, keep: 12 * time.Hour, part: 8},
	}
}

// add counts n failures of k, and returns what they come to within an hour and
// within a day.
func (s *slow) add(k sourceKey, proof Proof, n int, now time.Duration) (hour, day int) {
	d, ok := s.kept[proof].get(uint64(k))
	if !ok {
		if !s.door.knock(uint64(k), uint64(proof), now) {
			return n, n
		}
		d.add(1, stampOf(now)) // the one before
	}
	d.add(n, stampOf(now))
	s.kept[proof].put(uint64(k), d)
	return d.counts()
}

// day is how much of k failed within a day.
func (s *slow) day(k sourceKey, now stamp) (n int) {
	for _, t := range s.kept {
		if d, ok := t.peek(uint64(k)); ok {
			d.slide(now)
			_, day := d.counts()
			n += day
		}
	}
	return n
}

func (s *slow) remove(k sourceKey) {
	for _, t := range s.kept {
		t.remove(uint64(k))
	}
}

// expire forgets whose failures are a day old, few at a time.
func (s *slow) expire(now stamp) {
	for _, t := range s.kept {
		for range 1000 {
			d, ok := t.oldest()
			if !ok || !d.old(now) {
				break
			}
			t.removeOldest()
		}
	}
}

// dayCount counts within the last hour and the last day: 36 bytes without a
// pointer. A count may miss what is older than seven eighths of its time; it never
// holds what is older than all of it.
type dayCount struct {
	hour [8]uint8
	day  [24]uint8
	last stamp
}

const (
	eighth  = stamp(10 * 3600 / 8) // of an hour
	hourful = stamp(10 * 3600)
	dayful  = 24 * hourful
)

// add counts n now.
func (d *dayCount) add(n int, now stamp) {
	d.slide(now)
	for _, p := range []*uint8{&d.hour[now/eighth%8], &d.day[now/hourful%24]} {
		*p = uint8(min(math.MaxUint8, int(*p)+n))
	}
	d.last = now
}

// slide forgets what has become too old.
func (d *dayCount) slide(now stamp) {
	if d.last == 0 {
		return
	}
	for i := d.last/eighth + 1; i <= min(now/eighth, d.last/eighth+8); i++ {
		d.hour[i%8] = 0
	}
	for i := d.last/hourful + 1; i <= min(now/hourful, d.last/hourful+24); i++ {
		d.day[i%24] = 0
	}
	d.last = now
}

// counts returns what was counted within an hour and within a day.
func (d *dayCount) counts() (hour, day int) {
	for _, n := range d.hour {
		hour += int(n)
	}
	for _, n := range d.day {
		day += int(n)
	}
	return hour, day
}

// old says that nothing was counted for a day.
func (d dayCount) old(now stamp) bool { return now-min(d.last, now) > dayful }

// plod counts n failures of a stranger by the hour and the day, and returns what
// those of his address come to.
func (s *sources) plod(c *claim, n int) (hour, day int) {
	s.slow.add(s.netKey(c.source.Addr()), c.proof, n, s.t)
	return s.slow.add(c.key, c.proof, n, s.t)
}

// netKey is the neighbourhood of an address: a /24, or the /48 of IPv6.
func (s *sources) netKey(a netip.Addr) sourceKey {
	k := keyOf(a) // of IPv6 the first 64 bits
	if k>>32 == ipv4>>32 {
		k &^= 1<<8 - 1
	} else {
		k &^= 1<<16 - 1
	}
	return sourceKey(maphash.Comparable(s.seed, [2]uint64{uint64(k), 2}))
}

// excess says whether a failure of a stranger is one too many, and why. n is what
// it counts for.
func (s *sources) excess(u *suspect, c *claim, f fault, t toll, n int) (why string, ok bool) {
	b := &s.policy.Bans
	if b.Failures <= 0 {
		return "", false
	}
	hour, day := s.plod(c, n)
	unknown := 0
	if f == unknownAccount {
		unknown = s.unknowns(c)
	}
	switch {
	case t.all >= s.limit(c):
		return s.failedReason(u, c, t), true
	case b.Unknown > 0 && unknown >= b.Unknown:
		return fmt.Sprintf("logins for %s, the last %s, within %s from %s",
			plural(unknown, "account that does not exist", "accounts that do not exist"), c.account.Name, short(unknownWithin), c.from()), true
	case s.bareAddress(c):
		return fmt.Sprintf("a failed login for %s at %s: phones here use the name of their domain, which scanners do not know; from %s",
			c.account.Name, c.account.Domain, c.from()), true
	case b.Hourly > 0 && hour >= b.Hourly:
		return s.slowReason(c, hour, "an hour"), true
	case b.Daily > 0 && day >= b.Daily:
		return s.slowReason(c, day, "a day"), true
	}
	return "", false
}

func (s *sources) slowReason(c *claim, n int, within string) string {
	return fmt.Sprintf("%s within %s, the last for %s, from %s", plural(n, "failed login", "failed logins"), within, c.account.Name, c.from())
}

// unknownWithin is how long attempts on accounts that do not exist are counted
// together: a person who mistypes his name notices.
const unknownWithin = 2 * time.Minute

// unknowns counts an attempt on an account that does not exist, each account but
// once, and returns how many there were.
func (s *sources) unknowns(c *claim) int {
	now, all := stampOf(s.t), maphash.Comparable(s.seed, [2]uint64{uint64(c.key), 1})
	b, ok := s.bursts.peek(all)
	if !ok || now-b.first > span(unknownWithin) {
		b = burst{first: now}
	}
	one := maphash.Comparable(s.seed, [2]uint64{all, s.hash(c.account)})
	if tried, ok := s.bursts.peek(one); ok && tried.first == b.first && b.n > 0 {
		return int(b.n)
	}
	b.n++
	b.last = now
	s.bursts.put(all, b)
	s.bursts.put(one, burst{first: b.first})
	return int(b.n)
}

// domains says what phones of a PBX call it when their logins work.
type domains struct{ named, bare bool }

// learnDomain notes what a phone called the PBX.
func (s *sources) learnDomain(a Account) {
	if a.Domain == "" || a.Domain == manager {
		return
	}
	d := s.domains[a.PBX]
	if _, err := netip.ParseAddr(a.Domain); err == nil {
		d.bare = true
	} else {
		d.named = true
	}
	s.domains[a.PBX] = d
}

// bareAddress says whether c calls the PBX by an address where every phone whose
// login works uses a name. Only FreeSWITCH tells.
func (s *sources) bareAddress(c *claim) bool {
	d := s.domains[c.account.PBX]
	if !d.named || d.bare {
		return false
	}
	_, err := netip.ParseAddr(c.account.Domain)
	return err == nil
}
