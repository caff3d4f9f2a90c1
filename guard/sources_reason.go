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

// failedReason says what n failures of a source were, for people.
func (s *sources) failedReason(u *suspect, c *claim, n int) string {
	var what string
	switch u.faults {
	case 1 << wrongPassword:
		what = plural(n, "wrong password", "wrong passwords")
	case 1 << unknownAccount:
		what = plural(n, "login", "logins") + " to accounts that do not exist"
	case 1 << refusedByList:
		what = plural(n, "login", "logins") + " that an access list forbids"
	default:
		what = plural(n, "failed login", "failed logins")
	}
	whom := " for " + c.account.Name
	if u.several {
		whom = " for several accounts, the last " + c.account.Name
	}
	return what + whom + within(stampOf(s.t)-u.first) + " from " + c.from()
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
