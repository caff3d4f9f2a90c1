package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"pbxguard/guard"
)

// Discovered is what a PBX's own configuration says of its endpoints.
type Discovered struct {
	Trunks     []string       // endpoints that lead outside
	TrunkHosts []netip.Prefix // where they are, as far as that is known
	Phones     []string       // endpoints that are extensions
}

// Policy is what the guard is to do, given what was found of each PBX by its
// name. The addresses in never, such as those that the names of bans.allow
// have now, are not banned either.
func (c *Config) Policy(found map[string]Discovered, never ...netip.Prefix) (*guard.Policy, error) {
	closed, err := c.Closed.closed()
	if err != nil {
		return nil, fmt.Errorf("cannot use closed.days: %w", err)
	}
	p := &guard.Policy{
		CallsMode: c.Calls.Mode,
		BansMode:  c.Bans.Mode,
		PBXs:      map[string]*guard.Site{},
		Gate: guard.GatePolicy{
			CloseAbroad: c.Gate.WhenDown == GateClosedAbroad,
			Announce:    c.Gate.Enabled && c.Gate.Announcement != "",
		},
		HangupCause: c.Calls.HangupCause,
		LockFor:     c.Calls.LockFor,
		Learn:       c.Calls.Learn,
		Bans:        c.Bans.policy(),
	}
	p.Bans.Never = append(p.Bans.Never, never...)
	var homes []string
	for i := range c.PBX {
		b := &c.PBX[i]
		seen := found[b.Name]
		site, err := b.site(seen, c.home)
		if err != nil {
			return nil, fmt.Errorf("cannot use pbx %s: %w", b.Name, err)
		}
		site.Closed = closed
		p.PBXs[b.Name] = site
		p.Bans.Never = append(p.Bans.Never, seen.TrunkHosts...)
		if addr, err := netip.ParseAddr(b.host()); err == nil {
			p.Bans.Never = append(p.Bans.Never, netip.PrefixFrom(addr, addr.BitLen()))
		}
		country, _ := b.country(c.home)
		homes = append(homes, country)
	}
	p.Bans.Never = plain(p.Bans.Never)
	p.Default = c.Rules.limits("", homes)
	for i := range c.Groups {
		g := &c.Groups[i]
		accounts, err := g.accounts()
		if err != nil {
			return nil, fmt.Errorf("cannot use group %s: %w", g.Name, err)
		}
		limits := g.Rules.limits(g.Name, homes)
		if err := g.role(&limits, &p.Default); err != nil {
			return nil, fmt.Errorf("cannot use group %s: %w", g.Name, err)
		}
		p.Groups = append(p.Groups, guard.Group{Name: g.Name, Accounts: accounts, Limits: limits})
	}
	return p, nil
}

// role gives limits what the group's role says. Calls at once that the group does not
// set otherwise are as many as the role has.
func (g *Group) role(l, general *guard.Limits) (err error) {
	if g.Role != "phone" {
		l.Role = guard.Role(g.Role)
	}
	l.TestCall = g.TestCall
	if l.Concurrent.Max == general.Concurrent.Max {
		switch l.Role {
		case guard.RoleGuest:
			l.Concurrent.Max = 1
		case guard.RoleReception:
			l.Concurrent.Max = max(4, general.Concurrent.Max)
		}
	}
	l.Reaches, err = anyOf(digitPatterns(g.Reaches))
	return err
}

func (g *Group) accounts() (*regexp.Regexp, error) {
	var patterns []string
	for _, text := range g.Extensions {
		s, err := parseSpan(text)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, s.pattern())
	}
	return anyOf(patterns)
}

// site is what the guard must know of a PBX.
func (p *PBX) site(seen Discovered, home string) (*guard.Site, error) {
	s := &guard.Site{Zone: time.Local}
	var err error
	if s.Plan, s.TrunkPlan, s.TrunkPlans, err = p.plans(home); err != nil {
		return nil, err
	}
	if p.TimeZone != "" {
		if s.Zone, err = time.LoadLocation(p.TimeZone); err != nil {
			return nil, err
		}
	}
	if s.Trunks, err = anyOf(append(globs(p.Trunks), quotedAll(seen.Trunks)...)); err != nil {
		return nil, err
	}
	if s.Phones, err = anyOf(append(globs(p.Phones), quotedAll(seen.Phones)...)); err != nil {
		return nil, err
	}
	return s, p.numbersOf(s)
}

// numbersOf fills in the numbers that mean something on this site.
func (p *PBX) numbersOf(s *guard.Site) (err error) {
	for _, m := range []struct {
		to   **regexp.Regexp
		from []string
	}{
		{&s.Own, digitPatterns(p.Numbers)},
		{&s.DialThrough, digitPatterns(p.DialThrough)},
		{&s.Services, digitPatterns(p.Services)},
		{&s.Foreign, globs(p.ForeignTrunks)},
	} {
		if *m.to, err = anyOf(m.from); err != nil {
			return err
		}
	}
	return nil
}

// digitPatterns are regular expressions of numbers in which x is any digit.
func digitPatterns(numbers []string) []string {
	patterns := make([]string, len(numbers))
	for i, n := range numbers {
		patterns[i] = strings.NewReplacer("x", `\d`, "X", `\d`).Replace(regexp.QuoteMeta(n))
	}
	return patterns
}

func globs(names []string) []string {
	patterns := make([]string, len(names))
	for i, n := range names {
		patterns[i] = globPattern(n)
	}
	return patterns
}

func quotedAll(names []string) []string {
	patterns := make([]string, len(names))
	for i, n := range names {
		patterns[i] = regexp.QuoteMeta(n)
	}
	return patterns
}

func (p *PBX) host() string {
	host, _, err := net.SplitHostPort(p.Address)
	if err != nil {
		return ""
	}
	return host
}

func (b *Bans) policy() guard.BanPolicy {
	return guard.BanPolicy{
		Failures: b.Failures, Window: b.Window, Scan: b.Scan, Ladder: b.Ladder,
		Hourly: b.Hourly, Daily: b.Daily, Unknown: b.Unknown, Account: b.Account,
		Unproven: b.Unproven, Budget: b.Budget, Learn: b.Learn, Trust: b.Trust,
		Spray: b.Spray, Max: b.Max, Sources: b.Sources, Never: b.Prefixes(),
	}
}

// Prefixes are the addresses and prefixes of allow.
func (b *Bans) Prefixes() []netip.Prefix {
	prefixes, _ := b.allowed()
	return prefixes
}

// Names are the DNS names of allow, for somebody to resolve now and then.
func (b *Bans) Names() []string {
	_, names := b.allowed()
	return names
}

func (b *Bans) allowed() (prefixes []netip.Prefix, names []string) {
	for _, s := range b.Allow {
		if p, err := netip.ParsePrefix(s); err == nil {
			prefixes = append(prefixes, p)
		} else if a, err := netip.ParseAddr(s); err == nil {
			prefixes = append(prefixes, netip.PrefixFrom(a, a.BitLen()))
		} else {
			names = append(names, strings.TrimSuffix(s, "."))
		}
	}
	return plain(prefixes), names
}

// plain writes IPv4 addresses that are dressed up as IPv6 as what they are, and
// drops what is there twice.
func plain(prefixes []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p = p.Masked(); p.IsValid() && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
