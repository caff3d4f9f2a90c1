package guard

import (
	"fmt"
	"time"
)

// maxAlerts is how many alerts about addresses a minute may see: who attacks
// decides how much there is to tell.
const maxAlerts = 60

// decision is what was found about the source of c.
func (s *sources) decision(c *claim, rule string, act Action, reason string, enforced bool) Decision {
	d := Decision{Rule: rule, Reason: reason, Action: act, Enforced: enforced, PBX: c.account.PBX, Account: c.account}
	if c.source.IsValid() {
		d.Source = c.source.Addr()
	}
	return d
}

// alert tells somebody, if the policy does not forbid it.
func (s *sources) alert(c *claim, rule, reason string) {
	s.alertAs(c, rule, min(Alert, s.action(rule, Alert)), reason)
}

func (s *sources) alertAs(c *claim, rule string, act Action, reason string) {
	if act == Allow {
		return
	}
	ok, first := s.alerts.take(maxAlerts, s.t)
	if first {
		act, rule, reason = Alert, "alerts", fmt.Sprintf("more than %d alerts about addresses in a minute, the rest is left out; the next: %s", maxAlerts, reason)
	} else if !ok {
		return
	}
	s.hooks.decide(s.decision(c, rule, act, reason, s.enforcing()))
}

// warn is alert, once in a window for each source.
func (s *sources) warn(u *suspect, c *claim, rule, reason string) {
	s.warnAs(u, c, rule, min(Alert, s.action(rule, Alert)), reason)
}

func (s *sources) warnAs(u *suspect, c *claim, rule string, act Action, reason string) {
	now := stampOf(s.t)
	if u.alerted != 0 && now-u.alerted <= span(s.window()) {
		return
	}
	u.alerted = now
	s.alertAs(c, rule, act, reason)
}

// failedReason says what the failures of a source were, for people.
func (s *sources) failedReason(u *suspect, c *claim, t toll) string {
	n, since, several := t.all, u.first, u.several
	if t.quick >= s.limit(c) {
		n, since, several = t.quick, t.began, false
	}
	one, many, why := "failed login", "failed logins", ""
	switch u.faults {
	case 1 << wrongPassword:
		one, many = "wrong password", "wrong passwords"
	case 1 << unknownAccount:
		one, many, why = "login", "logins", ", which does not exist,"
	case 1 << refusedByList:
		one, many, why = "login", "logins", ", which an access list forbids,"
	}
	whom := " for "
	if several {
		whom = " for several accounts, the last "
	}
	return plural(n, one, many) + whom + c.account.Name + why + within(min(stampOf(s.t)-since, span(s.window()))) + " from " + c.from()
}

// from names the source of c and what it came over.
func (c *claim) from() string {
	over := "UDP"
	switch {
	case c.service == manager:
		over = manager
	case c.proof == Path:
		over = "TCP"
	}
	return c.source.Addr().String() + " (" + over + ")"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// within says how long something took.
func within(d stamp) string {
	switch t := time.Duration(d) * 100 * time.Millisecond; {
	case t < time.Second:
		return " within a second"
	case t < 2*time.Minute:
		return fmt.Sprintf(" in %d s", t/time.Second)
	default:
		return fmt.Sprintf(" in %d min", t/time.Minute)
	}
}
