package asterisk

import (
	"net/netip"
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// pjsipRules are about who may call through chan_pjsip without a secret, or
// with a bad one.
func pjsipRules() []audit.Rule[*PBX] {
	return []audit.Rule[*PBX]{
		rule("AST-PJSIP-001", audit.Critical, "pjsip dialplan",
			"An endpoint that needs no password can call abroad",
			"An endpoint without auth= is never challenged. Whoever writes its name in the From header of an INVITE is taken for it and calls at your cost.",
			"Set auth= on the endpoint. If it is a trunk that is known by its address, set identify_by=ip.",
			"Asterisk res_pjsip_authenticator_digest.c, digest_requires_authentication", openEndpoints(true)),
		rule("AST-PJSIP-002", audit.High, "pjsip dialplan",
			"An endpoint that needs no password can reach the inside",
			"An endpoint without auth= is never challenged. Whoever writes its name in the From header reaches extensions and voicemail: calls with false names, guessed mailbox PINs.",
			"Set auth= on the endpoint. If it is a trunk that is known by its address, set identify_by=ip.",
			"Asterisk res_pjsip_authenticator_digest.c, digest_requires_authentication", openEndpoints(false)),
		rule("AST-PJSIP-003", audit.Critical, "modules.conf",
			"The module that asks for SIP passwords is not loaded",
			"Without res_pjsip_authenticator_digest.so, chan_pjsip assumes that no authentication is wanted: every endpoint is open to everybody.",
			"Remove \"noload = res_pjsip_authenticator_digest.so\" from modules.conf, or load it, and restart.",
			"Asterisk res_pjsip.c, ast_sip_requires_authentication", func(p *PBX, r *audit.Result) {
				const name = "res_pjsip_authenticator_digest.so"
				if p.module("res_pjsip.so") == unloaded || len(p.objects["endpoint"]) == 0 {
					r.NotApplicable("chan_pjsip is not used")
					return
				}
				if p.module(name) == unloaded {
					r.Fail(name, p.file("modules.conf").Name, "res_pjsip is loaded and %s is not", name)
				}
			}),
		rule("AST-PJSIP-004", audit.Critical, "pjsip dialplan",
			"Guests may call",
			"Calls of strangers belong to the endpoint \"anonymous\". If its context leads to a trunk, the internet calls at your cost.",
			"Delete the endpoint, or give it a context that leads to nothing but the numbers you publish.",
			"Asterisk res_pjsip_endpoint_identifier_anonymous.c", func(p *PBX, r *audit.Result) {
				if p.module("res_pjsip_endpoint_identifier_anonymous.so") == unloaded {
					r.NotApplicable("the module for guests is not loaded")
					return
				}
				for _, ep := range p.objects["endpoint"] {
					if !isAnonymous(ep) {
						continue
					}
					if way := p.plan.leads(contextOf(ep)); way != "" {
						r.Fail("endpoint "+ep.Name, at(ep, "context"), "guests get abroad: %s", way)
					} else {
						r.FailAs(audit.High, "endpoint "+ep.Name, at(ep, "context"), "guests reach context %s", contextOf(ep))
					}
				}
			}),
		rule("AST-PJSIP-005", audit.Critical, "pjsip",
			"A SIP password can be guessed",
			"Robots try every SIP account of the internet around the clock: first its own name, then published passwords, then short numbers. One hit is a night of calls to premium numbers.",
			"Give the account 20 or more random characters of its own, for example from: openssl rand -base64 24",
			"S004; svcrack of SIPVicious; Asterisk configs/basic-pbx", weakSecrets),
		rule("AST-PJSIP-006", audit.Medium, "pjsip",
			"User names are the extension numbers",
			"Whoever knows an extension's number knows half of what a login needs.",
			"Set username= of each auth to something random that is not the extension.",
			"SIPVicious svwar", sameUsernames),
		rule("AST-PJSIP-007", audit.High, "pjsip",
			"An address range is taken for a provider",
			"Calls from the addresses in match= need no password. A wide range lets in whoever rents a server there; a name lets in whoever answers for it in the DNS.",
			"List the provider's own addresses, each with /32 (or /128).",
			"Asterisk pjsip.conf.sample, identify", wideMatches),
		rule("AST-PJSIP-008", audit.High, "pjsip dialplan",
			"A trunk may call out through the PBX",
			"The trunk's context leads to a trunk. Whoever can send calls from the provider's side, or from a forged address, calls abroad at your cost.",
			"Give the trunk's endpoint a context that only has your own numbers.",
			"Asterisk README-SERIOUSLY.bestpractices.md", func(p *PBX, r *audit.Result) {
				for _, ep := range p.objects["endpoint"] {
					if len(p.identifiesOf(ep)) == 0 || !p.isTrunk(ep) {
						continue
					}
					if way := p.plan.leads(contextOf(ep)); way != "" {
						r.Fail("endpoint "+ep.Name, at(ep, "context"), "calls from it get abroad: %s", way)
					}
				}
			}),
		rule("AST-PJSIP-009", audit.High, "pjsip dialplan",
			"An endpoint falls back on the context \"default\"",
			"Without context= an endpoint's calls begin in [default], which here leads somewhere.",
			"Set context= on every endpoint, and leave [default] empty.",
			"Asterisk pjsip.conf.sample and extensions.conf.sample", func(p *PBX, r *audit.Result) {
				for _, ep := range p.objects["endpoint"] {
					if ep.Get("context") != "" {
						continue
					}
					if way := p.plan.leads("default"); way != "" {
						r.Fail("endpoint "+ep.Name, at(ep, "context"), "context= is missing, and [default] leads abroad: %s", way)
					} else if p.plan.includes("default", "demo") {
						r.Fail("endpoint "+ep.Name, at(ep, "context"), "context= is missing, and [default] includes the demo")
					}
				}
			}),
	}
}

// openEndpoints looks for endpoints without a password: those that lead abroad,
// or the others.
func openEndpoints(abroad bool) func(*PBX, *audit.Result) {
	return func(p *PBX, r *audit.Result) {
		for _, ep := range p.objects["endpoint"] {
			if isAnonymous(ep) || len(ep.List("auth")) > 0 || !identifiedBy(ep, "username") && !identifiedBy(ep, "auth_username") {
				continue
			}
			way := p.plan.leads(contextOf(ep))
			known := len(p.identifiesOf(ep)) > 0
			switch {
			case abroad && way != "":
				r.Fail("endpoint "+ep.Name, ep.At.String(), "no auth=, and whoever is named %s in From gets abroad: %s", ep.Name, way)
			case abroad || way != "":
			case known: // a trunk that anybody may claim to be reaches what the trunk reaches
				r.FailAs(audit.Low, "endpoint "+ep.Name, ep.At.String(), "no auth=, and identify_by still allows the name in From to stand for the trunk's address")
			case p.plan.contexts[contextOf(ep)] != nil:
				r.Fail("endpoint "+ep.Name, ep.At.String(), "no auth=, and whoever is named %s in From reaches context %s", ep.Name, contextOf(ep))
			}
		}
	}
}

// inboundAuths are the auth objects that others must know the secret of.
func (p *PBX) inboundAuths() (all []*conf.Section) {
	for _, a := range p.objects["auth"] {
		if len(p.usersOf[a.Name]) > 0 {
			all = append(all, a)
		}
	}
	return all
}

// namesOf is what a guesser knows about the account behind an auth object.
func (p *PBX) namesOf(auth *conf.Section) []string {
	names := []string{auth.Name, auth.Get("username")}
	for _, ep := range p.usersOf[auth.Name] {
		name, _, _ := strings.Cut(ep.Get("callerid"), "<")
		names = append(names, ep.Name, strings.Trim(name, ` "`))
		for _, box := range ep.List("mailboxes") {
			box, _, _ = strings.Cut(box, "@")
			names = append(names, box)
		}
	}
	return names
}

func (p *PBX) weak(secret string, names []string) []audit.Weakness {
	p.site.Secret(secret)
	return audit.Weaknesses(secret, audit.Owner{Names: names, Words: p.site.Words, Year: p.site.Now.Year()})
}

func weakSecrets(p *PBX, r *audit.Result) {
	users := map[string][]string{}
	for _, a := range p.inboundAuths() {
		object, names := "auth "+a.Name, p.namesOf(a)
		secret, found := a.Get("password"), a.Find("password")
		hashed := a.Get("md5_cred") != "" || a.Get("password_digest") != ""
		switch {
		case strings.EqualFold(a.Get("auth_type"), "google_oauth"):
		case hashed:
			judgeHash(p, r, a, names)
		case secret == "":
			r.Fail(object, a.At.String(), "the password is empty")
		default:
			if ws := p.weak(secret, names); len(ws) > 0 {
				r.FailAs(audit.Worst(ws), object, found.At.String(), "%s", audit.Describe(ws))
			}
			users[secret] = append(users[secret], a.Name)
		}
	}
	shared(r, "auth", users)
}

// shared reports secrets that several accounts have.
func shared(r *audit.Result, sort string, users map[string][]string) {
	for _, names := range users {
		if len(names) > 1 {
			slices.Sort(names)
			m := many{names: names}
			m.fail(r, audit.High, sort, "the same secret on all of them (PW-005)")
		}
	}
}

func judgeHash(p *PBX, r *audit.Result, a *conf.Section, names []string) {
	realm := or(a.Get("realm"), or(p.global().Get("default_realm"), "asterisk"))
	for _, key := range []string{"md5_cred", "password_digest"} {
		for _, set := range a.All(key) {
			hash := set.Value[strings.LastIndexByte(set.Value, ':')+1:]
			p.site.Secret(hash)
			if ws := audit.Digest(hash, a.Get("username"), realm, names); len(ws) > 0 {
				r.FailAs(audit.High, "auth "+a.Name, set.At.String(), "%s", audit.Describe(ws))
			}
		}
	}
}

// sameUsernames fails if every account's name is its extension. Where every
// secret is strong, that is a matter of hygiene.
func sameUsernames(p *PBX, r *audit.Result) {
	same, strong := 0, true
	var first conf.Pos
	for _, ep := range p.objects["endpoint"] {
		for _, a := range p.authsOf(ep) {
			if a.Get("username") != ep.Name || strings.Trim(ep.Name, digitSet) != "" {
				return
			}
			if same++; same == 1 {
				first = a.Pos("username")
			}
			strong = strong && len(p.weak(a.Get("password"), p.namesOf(a))) == 0
		}
	}
	if same < 2 {
		return
	}
	severity := audit.Medium
	if strong {
		severity = audit.Low
	}
	r.FailAs(severity, "", first.String(), "all %d user names are the number of their extension", same)
}

func wideMatches(p *PBX, r *audit.Result) {
	for _, id := range p.objects["identify"] {
		for _, set := range id.All("match") {
			for m := range strings.SplitSeq(set.Value, ",") {
				m = strings.TrimPrefix(strings.TrimSpace(m), "!")
				if why := wide(m); why != "" {
					severity := audit.High
					if strings.Contains(why, "DNS") {
						severity = audit.Medium
					}
					r.FailAs(severity, "identify "+id.Name, set.At.String(), "match=%s %s", m, why)
				}
			}
		}
	}
}

// wide says why an address list entry lets in more than a provider.
func wide(m string) string {
	if m == "" {
		return ""
	}
	addr, mask, masked := strings.Cut(m, "/")
	ip, err := netip.ParseAddr(strings.Trim(addr, "[]"))
	if err != nil {
		return "is a name, which the DNS decides about"
	}
	bits := ip.BitLen()
	if masked {
		bits = maskBits(mask, ip)
	}
	most := 24
	if !ip.Is4() {
		most = 56
	}
	switch {
	case bits == 0:
		return "is everybody"
	case bits < most:
		return "is a wide range"
	}
	return ""
}

// maskBits reads "24" or "255.255.255.0".
func maskBits(mask string, ip netip.Addr) int {
	m, err := netip.ParseAddr(mask)
	if err != nil {
		return min(atoi(mask), ip.BitLen())
	}
	n := 0
	for _, b := range m.AsSlice() {
		for ; b&0x80 != 0; b <<= 1 {
			n++
		}
	}
	return n
}
