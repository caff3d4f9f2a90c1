package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// check looks at what lies between tables.
func (c *Config) check(t *table) {
	list := t.at("pbx")
	if list == nil {
		for i := range c.PBX {
			c.PBX[i].check(&table{t.decoder, nil, "pbx"})
		}
	}
	c.checkPBXs(t)
	c.checkGroups(t)
	c.checkReceivers(t)
}

// checkPBXs finds what two PBXs may not share.
func (c *Config) checkPBXs(t *table) {
	names, addresses := map[string]bool{}, map[string]bool{}
	for i := range c.PBX {
		p, at := &c.PBX[i], t.element("pbx", i)
		if names[strings.ToLower(p.Name)] {
			at.fail("name", "another PBX has this name", quoted(p.Name))
		}
		if addresses[p.Address] {
			at.fail("address", "another PBX has this address", quoted(p.Address))
		}
		names[strings.ToLower(p.Name)] = !at.bad("name")
		addresses[p.Address] = !at.bad("address")
	}
}

// checkGroups finds groups of one name, and extensions that two groups list.
func (c *Config) checkGroups(t *table) {
	names := map[string]bool{}
	type member struct {
		span
		group int
	}
	var earlier []member
	for i := range c.Groups {
		g, at := &c.Groups[i], t.element("group", i)
		switch {
		case g.Name == "":
			at.fail("name", "a group needs a name", "")
		case names[g.Name]:
			at.fail("name", "another group has this name", quoted(g.Name))
		}
		names[g.Name] = true
		if len(g.Extensions) == 0 {
			at.fail("extensions", "a group needs extensions", "")
		}
		for j, text := range g.Extensions {
			s, err := parseSpan(text)
			if err != nil {
				continue // told when it was read
			}
			where := at.element("extensions", j)
			for _, e := range earlier {
				other := c.Groups[e.group].Name
				switch {
				case e.group == i:
				case s.meets(e.span):
					where.fail("", fmt.Sprintf("overlaps %q of group %s; an extension belongs to one group", e.text, other), quoted(text))
				case e.covers(s):
					t.warn("group %s: %q has no effect, since %q of group %s comes first", g.Name, text, e.text, other)
				}
			}
			earlier = append(earlier, member{s, i})
		}
	}
}

func (p *PBX) check(t *table) {
	before := len(t.errs)
	if p.Type == FreeSWITCH {
		p.freeSWITCH(t)
	}
	for _, key := range []string{"name", "address", "username"} {
		if n := t.at(key); n != nil && n.text == "" && (key != "username" || p.Type != FreeSWITCH) {
			t.fail(key, "must not be empty", "")
		}
	}
	for _, key := range []string{"ca_file", "server_name"} {
		if t.says(key) && !p.TLS {
			t.fail(key, "has no effect without tls = true", "")
		}
	}
	if p.Type == FreeSWITCH {
		// It has one way to log in, and no TLS.
	} else if p.Login == "plain" && !p.TLS && !p.loopback() {
		t.fail("login", "would send the secret in the clear; use \"challenge\" or tls = true", quoted(p.Login))
	} else if !p.TLS && !p.loopback() {
		t.warn("pbx %s: anybody between here and %s can read what is dialled, and change it; use tls = true", p.Name, p.Address)
	}
	if p.CAFile != "" && p.TLS {
		p.readAuthority(t)
	}
	p.readSecrets(t)
	if p.DialPlan.LocalLength > 0 && p.DialPlan.Area == "" {
		t.child("dialplan").fail("area", "is needed to complete local numbers, which have local_length digits", "")
	}
	if len(t.errs) == before {
		p.checkPlans(t)
	}
}

// checkPlans tries the dial plan out, of which each key is right by itself.
// Numbering says what is wrong with it as one line "KEY: REASON" for each fault.
func (p *PBX) checkPlans(t *table) {
	at := t.child("dialplan")
	if country, said := p.country(t.config.home); !said {
		how := "cannot be told from the host's time zone"
		if t.config.home != "" {
			how = "is guessed from the host's time zone"
		}
		t.warn("pbx %s: where it stands %s: numbers are read as in %s; set country under [pbx.dialplan]", p.Name, how, country)
	}
	_, _, _, err := p.plans(t.config.home)
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		key, reason, ok := strings.Cut(line, ": ")
		if !ok || bare.FindString(key) == "" {
			key, reason = "", line
		}
		at.fail(key, reason, "")
	}
}

// loopback says whether the PBX is on this host.
func (p *PBX) loopback() bool {
	host, _, err := net.SplitHostPort(p.Address)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (r *Rules) check(t *table) {
	if at := t.child("sequential"); at.at("max") != nil && r.Sequential.Max < 2 {
		at.fail("max", "must be at least 2: the first number of a row is one", fmt.Sprint(r.Sequential.Max))
	}
	if at := t.child("attempts"); at.at("max") != nil && r.Attempts.Max < 1 {
		at.fail("max", "must be at least 1", fmt.Sprint(r.Attempts.Max))
	}
}

func (h *Hours) check(t *table) {
	if (t.at("open") != nil || t.at("close") != nil) && h.Open == h.Close {
		key := "close"
		if t.at(key) == nil {
			key = "open"
		}
		t.fail(key, "the office closes when it opens; to switch the rule off, set action to \"allow\"", quoted(h.Close.String()))
	}
}

func (b *Bans) check(t *table) {
	if len(b.Ladder) == 0 {
		t.fail("ladder", "must hold at least one duration", "")
	}
	for i := 1; i < len(b.Ladder); i++ {
		if b.Ladder[i] < b.Ladder[i-1] {
			t.element("ladder", i).fail("", "a later ban must not be shorter than the one before", quoted(FormatDuration(b.Ladder[i])))
		}
	}
	for _, p := range b.Prefixes() {
		if p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 16 {
			t.warn("bans.allow: %s is a large part of the Internet", p)
		}
	}
}

// minRetention is how long the evidence of a fraud is usually wanted for.
const minRetention = 90 * 24 * time.Hour

func (s *Store) check(t *table) {
	if s.Retention < minRetention {
		t.warn("store.retention: fraud is often found on the next bill; keep at least %s (it is %s)",
			FormatDuration(minRetention), FormatDuration(s.Retention))
	}
}

// element is one element of the list at key, counted from 0.
func (t *table) element(key string, i int) *table {
	e := &table{decoder: t.decoder, node: t.node, key: dot(t.key, key)}
	if list := t.at(key); list != nil && i < len(list.elems) {
		e.node = list.elems[i]
	}
	return e
}

func quoted(s string) string { return fmt.Sprintf("%q", shown(s)) }
