package guard

import (
	"fmt"
	"hash/maphash"
	"math"
)

// fewAccounts is how many an honest address may leave unanswered before each
// further one is written down.
const fewAccounts = 3

// asked: the source asked for an account and sent no credentials. Different
// accounts make a scan.
func (s *sources) asked(c claim, unknown bool) {
	limit := s.policy.Bans.Scan
	if limit <= 0 {
		limit = math.MaxInt // the rule is off
	}
	d, sightings := s.asking[c.proof].see(c.key, s.t)
	if sightings == 0 {
		return
	}
	if d == nil {
		d = &distinct{}
	}
	now := stampOf(s.t)
	n, before := d.add(uint32(s.hash(c.account)), now, span(s.window()), min(limit, maxAsked))
	s.asking[c.proof].put(c.key, d)
	if unknown && before != 0 && now-before <= span(hurry) {
		s.failed(c, unknownAccount)
		return
	}
	if n >= fewAccounts && before == 0 {
		s.note(&c, "scan")
	}
	if n < min(limit, maxAsked) || s.bans.stands(c.key.prefix(), s.t) {
		return
	}
	u, sightings := s.failing[c.proof].see(c.key, s.t)
	reason := fmt.Sprintf("asked for %d accounts without a password%s, the last %s, from %s",
		n, within(stampOf(s.t)-(*d)[0].at), c.account.Name, c.from())
	if who := s.standing(&c); who != stranger {
		s.warn(&u, &c, "auth-known", reason+spared[who])
	} else {
		s.judge(&u, &c, "scan", reason)
	}
	if sightings > 0 && !s.bans.stands(c.key.prefix(), s.t) {
		s.failing[c.proof].put(c.key, u)
	}
}

// maxAsked is how many accounts of a scan are told apart.
const maxAsked = 10_000

// target is an account that is failed on.
type target struct {
	from    distinct // sources
	failed  dayCount // logins, from where it had never worked
	alerted stamp
}

// attack notes who fails on an account: many sources that each stay below the
// limit are one attack. Where the account has worked from before does not count.
func (s *sources) attack(c *claim, f fault) {
	limit := min(s.policy.Bans.Spray, maxAsked)
	if limit <= 0 || f == unknownAccount || s.knows(c.account, c.key) {
		return
	}
	id := sourceKey(s.hash(c.account))
	t, sightings := s.attacked.see(id, s.t)
	if sightings == 0 {
		return
	}
	if t == nil {
		t = &target{}
	}
	now, window := stampOf(s.t), span(s.window())
	t.from.add(uint32(maphash.Comparable(s.seed, c.key)), now, max(window, hourful), max(limit, 2))
	n := t.from.since(now, window)
	t.failed.add(1, now)
	if hour, _ := t.failed.counts(); s.policy.Bans.Account > 0 && hour >= s.policy.Bans.Account && len(t.from) > 1 &&
		(t.alerted == 0 || now-t.alerted > hourful) {
		t.alerted = now
		s.alert(c, "spray", fmt.Sprintf("%s for %s within an hour from several addresses, the last %s; give it a new password",
			plural(hour, "failed login", "failed logins"), c.account.Name, c.from()))
	}
	if n >= limit && (t.alerted == 0 || now-t.alerted > window) {
		t.alerted = now
		s.alert(c, "spray", fmt.Sprintf("%d addresses tried passwords for %s%s, the last %s",
			n, c.account.Name, within(now-t.from[0].at), c.from()))
	}
	s.attacked.put(id, t)
}

// forged: somebody smuggled a line break into what the PBX tells us. Whom the
// PBX itself names as the sender is no phone; nobody else is to blame.
func (s *sources) forged(ev *Event) {
	c, ok := s.claim(ev)
	reason := "forged event: " + clip(ev.Number)
	if !ok {
		s.alert(&c, "forged", reason)
		return
	}
	if s.bans.stands(c.key.prefix(), s.t) {
		return
	}
	u, sightings := s.failing[c.proof].see(c.key, s.t)
	reason += ", sent from " + c.from()
	who := s.standing(&c)
	s.warn(&u, &c, "forged", reason+spared[who])
	if who == stranger {
		s.judge(&u, &c, "forged", reason)
	}
	if sightings > 0 && !s.bans.stands(c.key.prefix(), s.t) {
		s.failing[c.proof].put(c.key, u)
	}
}
