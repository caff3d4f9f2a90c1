package freeswitch

import (
	"net/netip"
	"strings"
)

// profile is a SIP profile: a port that listens.
type profile struct {
	name     string
	at       Pos
	set      settings
	gateways int
	multi    bool // it also takes the gateways of directory users
}

func (p *profile) String() string { return "profile " + p.name }

// is tells whether a setting is true, which it is not by default.
func (p *profile) is(name string) bool { return truth(p.set.value(name)) }

// where is the place of a setting, or of the profile.
func (p *profile) where(name string) string {
	if s, ok := p.set.get(name); ok {
		return s.at.String()
	}
	return p.at.String()
}

// context is where its calls begin.
func (p *profile) context() string {
	if c := p.set.value("context"); c != "" {
		return c
	}
	return "default"
}

// phones tells whether phones register with it: it takes registrations, and is
// not one for trunks.
func (p *profile) phones() bool {
	if p.is("disable-register") || strings.Contains(strings.ToLower(p.name), "external") {
		return false
	}
	return p.is("auth-calls") || p.gateways == 0
}

// gateway is a trunk.
type gateway struct {
	name string
	at   Pos
	set  settings
	of   string // the profile, or the user, that it stands in
}

// readProfiles reads the profiles of sofia.conf and their gateways.
func (m *model) readProfiles() {
	for _, e := range m.conf("sofia.conf").Child("profiles").Each("profile") {
		p := &profile{name: e.Attr("name"), at: e.Pos, set: params(e.Child("settings"), "param")}
		for _, g := range e.Child("gateways").Each("gateway") {
			p.gateways++
			m.gateways = append(m.gateways, gateway{g.Attr("name"), g.Pos, params(g, "param"), p.name})
		}
		for _, d := range e.Child("domains").Each("domain") {
			p.multi = p.multi || truth(d.Attr("parse"))
		}
		m.profiles = append(m.profiles, p)
	}
	m.readUserGateways()
}

// readUserGateways reads the gateways that users have, which a profile loads
// whose domains say parse="true".
func (m *model) readUserGateways() {
	var taker *profile
	for _, p := range m.profiles {
		if p.multi {
			taker = p
		}
	}
	if taker == nil {
		return
	}
	var walk func(e *Element, user string)
	walk = func(e *Element, user string) {
		if e.Name == "user" {
			user = e.Attr("id")
		}
		for _, g := range e.Child("gateways").Each("gateway") {
			taker.gateways++
			m.gateways = append(m.gateways, gateway{g.Attr("name"), g.Pos, params(g, "param"), "user " + user})
		}
		for _, c := range e.Children {
			if c.Name != "gateways" {
				walk(c, user)
			}
		}
	}
	for _, d := range m.section("directory").Each("domain") {
		walk(d, "")
	}
}

// list is a network list of acl.conf, or one that FreeSWITCH makes itself.
type list struct {
	name  string
	at    Pos
	allow bool // what is in no node
	nodes []node
	auto  bool
}

type node struct {
	at     Pos
	allow  bool
	prefix netip.Prefix
	text   string
	domain bool // it holds the addresses of a domain's users
}

// readLists reads acl.conf. A list without a default allows; so does a node
// without a type in it.
func (m *model) readLists() {
	m.lists = map[string]*list{}
	for name, allow := range map[string]bool{"rfc1918.auto": false, "rfc6598.auto": false, "nat.auto": false, "localnet.auto": false, "loopback.auto": false,
		"any_v4.auto": true, "any_v6.auto": true, "wan.auto": true, "wan_v4.auto": true, "wan_v6.auto": true} {
		m.lists[name] = &list{name: name, allow: allow, auto: true}
	}
	for _, e := range m.conf("acl.conf").Child("network-lists").Each("list") {
		l := &list{name: e.Attr("name"), at: e.Pos, allow: true}
		if d, ok := e.Lookup("default"); ok {
			l.allow = truth(d)
		}
		for _, n := range e.Each("node") {
			l.nodes = append(l.nodes, newNodes(n, l.allow)...)
		}
		if l.name != "" {
			m.lists[l.name] = l
		}
	}
}

func newNodes(e *Element, allow bool) []node {
	if t, ok := e.Lookup("type"); ok {
		allow = truth(t)
	}
	n := node{at: e.Pos, allow: allow}
	if d, ok := e.Lookup("domain"); ok {
		n.domain, n.text = true, d
		return []node{n}
	}
	var nodes []node
	text := e.Attr("cidr")
	if host, mask := e.Attr("host"), e.Attr("mask"); text == "" && host != "" && mask != "" {
		text = host + "/" + mask
	}
	for _, one := range strings.Split(text, ",") {
		n.text = strings.TrimSpace(one)
		n.prefix = prefixOf(n.text)
		nodes = append(nodes, n)
	}
	return nodes
}

// prefixOf reads 192.0.2.0/24, 192.0.2.0/255.255.255.0 or a bare address; what
// is none of these is the zero prefix.
func prefixOf(text string) netip.Prefix {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked()
	}
	host, mask, _ := strings.Cut(text, "/")
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	bits := addr.BitLen()
	if m, err := netip.ParseAddr(mask); err == nil && m.Is4() {
		bits = 0
		for _, b := range m.As4() {
			for ; b&0x80 != 0; b <<= 1 {
				bits++
			}
		}
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

// wide tells whether a prefix holds more addresses than a few hosts: fewer bits
// than v4 in IPv4, or 16 bits less than 128 there in IPv6.
func wide(p netip.Prefix, v4 int) bool {
	if !p.IsValid() {
		return false
	}
	if p.Addr().Is4() {
		return p.Bits() < v4
	}
	return p.Bits() < 128-4*(32-v4)
}

// trusts says why a list lets in more than known hosts with at least v4 bits of
// prefix; "" if it does not.
func (l *list) trusts(v4 int) string {
	switch {
	case l == nil, l.name == "loopback.auto":
		return ""
	case l.allow && l.auto:
		return "the list " + l.name + " holds the whole internet"
	case l.allow:
		return "the list " + l.name + " allows whatever it does not name"
	case l.auto:
		return "the list " + l.name + " holds whole local networks"
	}
	for _, n := range l.nodes {
		if n.allow && !n.domain && !n.prefix.Addr().IsLoopback() && (wide(n.prefix, v4) || Unknown(n.text)) {
			return "the list " + l.name + " holds " + Show(n.text)
		}
	}
	return ""
}
