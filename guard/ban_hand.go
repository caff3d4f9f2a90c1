package guard

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"
)

// patienceWithFirewall is how many ticks an order waits for the firewall to
// take it, ten seconds' worth.
const patienceWithFirewall = 100

// order is something that the firewall has yet to be told.
type order struct {
	prefix netip.Prefix
	length time.Duration // 0 is until lifted
	lift   bool
	tries  int
}

// order tells the firewall, or keeps the order for the next tick.
func (s *sources) order(o order) {
	s.bans.orders = slices.DeleteFunc(s.bans.orders, func(old order) bool { return old.prefix == o.prefix })
	if !s.give(o) {
		s.bans.orders = append(s.bans.orders, o)
	}
}

func (s *sources) give(o order) bool {
	if o.lift {
		return s.fw.Unban(o.prefix)
	}
	return s.fw.Ban(o.prefix, o.length)
}

// retryOrders repeats what the firewall did not take, and says so when it never does.
func (s *sources) retryOrders() {
	kept := s.bans.orders[:0]
	for _, o := range s.bans.orders {
		if s.give(o) {
			continue
		}
		if o.tries++; o.tries < patienceWithFirewall {
			kept = append(kept, o)
			continue
		}
		what := "ban of "
		if o.lift {
			what = "end of the ban of "
		}
		s.hooks.decide(Decision{Rule: "firewall", Action: Alert, Source: o.prefix.Addr(),
			Reason: "the firewall did not take the " + what + o.prefix.String()})
	}
	s.bans.orders = kept
}

// banByHand bans a prefix whatever the mode; d 0 is until lifted. What is never
// banned is not banned by hand either.
func (s *sources) banByHand(p netip.Prefix, d time.Duration, reason, by string) error {
	if err := s.bannable(p, d); err != nil {
		return fmt.Errorf("cannot ban %s: %w", p, err)
	}
	p = plainPrefix(p)
	v := sentence{since: s.t, until: endless, rule: "by-hand", reason: reason, by: by, times: 1, proof: Path, enforced: true}
	if d > 0 {
		v.until = s.t + d
	}
	if k, ok := keyOfPrefix(p); ok {
		v.times = uint16(min(math.MaxUint16, s.times(k, Path)+1))
		s.bans.past[Path].Add(k, earlier{ended: v.until, times: v.times})
		s.forget(k)
	}
	s.order(order{prefix: p, length: d})
	s.hooks.banned(p)
	s.bans.set(p, v)
	s.hooks.record(s.banOf(p, v))
	if reason == "" {
		reason = "no reason given"
	}
	s.hooks.decide(Decision{Rule: "by-hand", Reason: p.String() + " banned by " + by + ": " + reason, By: by,
		Action: Kill, Enforced: true, Source: p.Addr()})
	return nil
}

func (s *sources) bannable(p netip.Prefix, d time.Duration) error {
	switch {
	case !p.IsValid():
		return errors.New("this is no address and no prefix")
	case s.fw == nil:
		return errors.New("there is no firewall")
	case d < 0:
		return fmt.Errorf("the length %s is negative", d)
	case len(s.bans.standing) >= s.maxBans():
		return fmt.Errorf("%d bans stand already", len(s.bans.standing))
	}
	p = plainPrefix(p)
	never, is := s.exempt(p)
	if !is {
		return nil
	}
	if slices.Contains(ourselves, never) {
		return fmt.Errorf("%s is this host or its own network and is never banned", never)
	}
	if never == p {
		return errors.New("it is allowed, or a trunk, and is never banned")
	}
	return fmt.Errorf("it overlaps %s, which is allowed, or a trunk, and is never banned", never)
}

// unbanByHand lifts the ban of exactly p. Its end is recorded before the firewall
// is told: after a crash between the two the ban is lifted, not forgotten.
func (s *sources) unbanByHand(p netip.Prefix, by string) error {
	if !p.IsValid() {
		return errors.New("cannot unban: this is no address and no prefix")
	}
	p = plainPrefix(p)
	if v, ok := s.bans.standing[p]; !ok || !v.enforced || v.until <= s.t {
		if wide, ok := s.banAround(p); ok {
			return fmt.Errorf("cannot unban %s: what is banned is %s", p, wide)
		}
		return fmt.Errorf("cannot unban %s: it is not banned", p)
	}
	s.lift(p, by)
	s.hooks.decide(Decision{Rule: "unban", Reason: p.String() + " let back in by " + by, By: by,
		Action: Allow, Enforced: true, Source: p.Addr()})
	return nil
}

// banAround finds a ban that holds p, or that p holds.
func (s *sources) banAround(p netip.Prefix) (netip.Prefix, bool) {
	for q, v := range s.bans.standing {
		if v.enforced && v.until > s.t && q.Overlaps(p) {
			return q, true
		}
	}
	return netip.Prefix{}, false
}

// lift ends a ban and forgets what led to it.
func (s *sources) lift(p netip.Prefix, by string) {
	enforced := s.bans.standing[p].enforced
	if k, ok := keyOfPrefix(p); ok {
		for i := range s.bans.past {
			s.bans.past[i].Remove(k)
		}
		s.slow.remove(s.netKey(p.Addr()))
		if pl, ok := s.places.Peek(k); ok {
			pl.guilty = 0
		}
	}
	s.bans.drop(p)
	s.hooks.record(Lift{Prefix: p, At: s.now, By: by})
	if enforced && s.fw != nil {
		s.order(order{prefix: p, lift: true})
	}
}

// liftNever lets go whom the policy has come to allow.
func (s *sources) liftNever() {
	for p := range s.bans.standing {
		if _, never := s.exempt(p); never {
			s.lift(p, "configuration")
		}
	}
}
