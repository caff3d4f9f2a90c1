package asterisk

import (
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

const sipRef = "Asterisk 20 sip.conf.sample"

// sipRules are about chan_sip, which Asterisk 21 lost.
func sipRules() []audit.Rule[*PBX] {
	general := func(p *PBX) *conf.Section { return p.file("sip.conf").Section("general") }
	return []audit.Rule[*PBX]{
		rule("AST-SIP-001", audit.Critical, "chan_sip dialplan", "Guests may call through chan_sip",
			"allowguest is on unless it is switched off: calls of strangers begin in the general context.",
			"Set allowguest=no in [general] of sip.conf.", sipRef, func(p *PBX, r *audit.Result) {
				g := general(p)
				if off(g, "allowguest") {
					return
				}
				context := or(g.Get("context"), "default")
				if way := p.plan.leads(context); way != "" {
					r.Fail("general", at(g, "allowguest"), "allowguest is not no, and guests get abroad: %s", way)
				} else if what := p.plan.rings(context); what != "" {
					r.FailAs(audit.High, "general", at(g, "allowguest"), "allowguest is not no, and in context %s guests reach %s", context, what)
				} else {
					r.FailAs(audit.Low, "general", at(g, "allowguest"), "allowguest is not no, though context %s leads guests nowhere", context)
				}
			}),
		rule("AST-SIP-002", audit.High, "chan_sip dialplan", "Anybody may register as a peer",
			"A dynamic peer without a secret belongs to whoever registers first.",
			"Set secret= on the peer.", sipRef, func(p *PBX, r *audit.Result) {
				for _, s := range p.peers("sip.conf") {
					if !open(s) {
						continue
					}
					if way := p.plan.leads(p.peerContext("sip.conf", s)); way != "" {
						r.FailAs(audit.Critical, "peer "+s.Name, s.At.String(), "host=dynamic, there is no secret, and its calls get abroad: %s", way)
					} else {
						r.Fail("peer "+s.Name, s.At.String(), "host=dynamic, and there is no secret")
					}
				}
			}),
		rule("AST-SIP-003", audit.High, "chan_sip dialplan", "A peer's calls are not challenged",
			"insecure=invite takes every INVITE from the peer's address, or for a dynamic peer from wherever it is registered, without a password.",
			"Remove insecure= from phones; on trunks keep it only with host= an address and a context of your own numbers.", sipRef, func(p *PBX, r *audit.Result) {
				for _, s := range p.peers("sip.conf") {
					if !unchallenged(general(p), s) {
						continue
					}
					where := at(s, "insecure")
					if !s.Has("insecure") {
						where = at(general(p), "insecure")
					}
					way := p.plan.leads(p.peerContext("sip.conf", s))
					switch {
					case way != "" && claimed(general(p), s):
						r.FailAs(audit.Critical, "peer "+s.Name, where, "insecure=invite: whoever is named %s in From gets abroad: %s", s.Name, way)
					case way != "":
						r.Fail("peer "+s.Name, where, "insecure=invite, and its calls get abroad: %s", way)
					case strings.EqualFold(s.Get("host"), "dynamic"):
						r.Fail("peer "+s.Name, where, "insecure=invite with host=dynamic")
					}
				}
			}),
		rule("AST-SIP-004", audit.High, "chan_sip", "Every REGISTER makes a peer",
			"With autocreatepeer, a stranger who registers has an extension.",
			"Set autocreatepeer=no.", sipRef, func(p *PBX, r *audit.Result) {
				if g := general(p); g.Has("autocreatepeer") && !off(g, "autocreatepeer") {
					r.Fail("general", at(g, "autocreatepeer"), "autocreatepeer=%s", g.Get("autocreatepeer"))
				}
			}),
		rule("AST-SIP-005", audit.Medium, "chan_sip", "Answers tell which accounts exist",
			"With alwaysauthreject=no, wrong names get another answer than wrong passwords.",
			"Set alwaysauthreject=yes.", sipRef, func(p *PBX, r *audit.Result) {
				if g := general(p); off(g, "alwaysauthreject") {
					r.Fail("general", at(g, "alwaysauthreject"), "alwaysauthreject=no")
				}
			}),
		rule("AST-SIP-006", audit.High, "chan_sip", "Redirections to anywhere are followed",
			"With promiscredir, a 302 answer sends a call to any SIP address.",
			"Set promiscredir=no.", sipRef, func(p *PBX, r *audit.Result) {
				for _, s := range append(p.peers("sip.conf"), general(p)) {
					if s.Yes("promiscredir") {
						r.Fail(s.Name, at(s, "promiscredir"), "promiscredir=yes")
					}
				}
			}),
		rule("AST-SIP-007", audit.Medium, "chan_sip dialplan", "A trunk may transfer calls",
			"A REFER from the trunk sends a call on to any number of TRANSFER_CONTEXT, or else of its context.",
			"Set allowtransfer=no on trunks.", sipRef, func(p *PBX, r *audit.Result) {
				g := general(p)
				for _, s := range p.peers("sip.conf") {
					trunk := !strings.EqualFold(s.Get("host"), "dynamic") && s.Get("host") != ""
					if trunk && !off(s, "allowtransfer") && (s.Has("allowtransfer") || !off(g, "allowtransfer")) {
						severity := audit.Low
						if p.plan.leads(p.plan.transferContext(nil, p.peerContext("sip.conf", s))) != "" {
							severity = audit.Medium
						}
						r.FailAs(severity, "peer "+s.Name, at(s, "allowtransfer"), "allowtransfer is not no")
					}
				}
			}),
		rule("AST-SIP-008", audit.High, "chan_sip", "A phone may register with any address",
			"Register with the provider's address as contact, then call that extension: the call goes out at your cost. The sample file itself tells the trick.",
			"Set contactdeny=0.0.0.0/0.0.0.0 and contactpermit= your networks, or dynamic_exclude_static=yes.", sipRef, func(p *PBX, r *audit.Result) {
				g := general(p)
				dynamic := slices.ContainsFunc(p.peers("sip.conf"), func(s *conf.Section) bool {
					return strings.EqualFold(s.Get("host"), "dynamic") && !s.Has("contactdeny") && !s.Has("contactpermit") && !s.Has("contactacl")
				})
				if dynamic && !g.Yes("dynamic_exclude_static") && !g.Has("contactdeny") && !g.Has("contactpermit") && !g.Has("contactacl") {
					severity := audit.Low // nobody's address is worth it
					if slices.ContainsFunc(p.peers("sip.conf"), fixedHost) {
						severity = audit.High
					}
					r.FailAs(severity, "general", g.At.String(), "neither contactdeny nor dynamic_exclude_static is set")
				}
			}),
		rule("AST-SIP-009", audit.Medium, "chan_sip", "Calls for other domains are relayed",
			"With allowexternaldomains, the PBX passes INVITEs and REFERs on to any domain.",
			"Set allowexternaldomains=no.", sipRef, func(p *PBX, r *audit.Result) {
				if g := general(p); g.Has("domain") && !off(g, "allowexternaldomains") || g.Yes("allowexternaldomains") {
					r.Fail("general", at(g, "allowexternaldomains"), "allowexternaldomains is not no")
				}
			}),
		rule("AST-SIP-010", audit.Medium, "chan_sip dialplan", "MESSAGE runs the dialplan",
			"Messages from outside run extensions of outofcall_message_context.",
			"Set accept_outofcall_message=no, or name a context of its own.", sipRef, func(p *PBX, r *audit.Result) {
				g := general(p)
				context := g.Get("outofcall_message_context")
				if !off(g, "accept_outofcall_message") && p.plan.contexts[context] != nil {
					r.Fail("general", at(g, "outofcall_message_context"), "messages run context %s", context)
				}
			}),
		rule("AST-SIP-011", audit.High, "chan_sip", "chan_sip is in use",
			"The driver has had no security fixes for years and is gone from Asterisk 21.",
			"Move to chan_pjsip (contrib/scripts/sip_to_pjsip helps), then write noload = chan_sip.so.", "Asterisk versions page", func(p *PBX, r *audit.Result) {
				if len(p.peers("sip.conf")) > 0 || p.module("chan_sip.so") == loaded {
					r.Fail("chan_sip", p.file("sip.conf").Name, "chan_sip.so is not in noload, and sip.conf has %s", plural(len(p.peers("sip.conf")), "peer"))
				}
			}),
		rule("AST-SIP-012", audit.Critical, "chan_sip users.conf", "A SIP password can be guessed",
			"Robots try every SIP account of the internet around the clock: first its own name, then published passwords, then short numbers.",
			"Give the account 20 or more random characters of its own.", "S004; svcrack of SIPVicious", weakPeerSecrets),
		rule("AST-SIP-013", audit.Medium, "chan_sip", "SIP is not encrypted",
			"Over UDP and TCP, whoever sits on the way reads who calls whom and records logins to guess their passwords.",
			"Set tlsenable=yes with a certificate, transport=tls and encryption=yes on the peers; leave tlsdontverifyserver=no.", "S004; "+sipRef, func(p *PBX, r *audit.Result) {
				g := general(p)
				switch {
				case !g.Yes("tlsenable") && !loopback(or(g.Get("udpbindaddr"), g.Get("bindaddr"))):
					r.Fail("general", at(g, "tlsenable"), "tlsenable is not yes")
				case g.Yes("tlsdontverifyserver"):
					r.Fail("general", at(g, "tlsdontverifyserver"), "tlsdontverifyserver=yes")
				}
			}),
	}
}

func weakPeerSecrets(p *PBX, r *audit.Result) {
	users := map[string][]string{}
	judge := func(s *conf.Section, key string) {
		secret := s.Get(key)
		if secret == "" {
			return
		}
		name, _, _ := strings.Cut(s.Get("callerid"), "<")
		names := []string{s.Name, s.Get("defaultuser"), s.Get("username"), strings.Trim(name, ` "`)}
		if ws := p.weak(secret, names); len(ws) > 0 {
			r.FailAs(audit.Worst(ws), "peer "+s.Name, at(s, key), "%s", audit.Describe(ws))
		}
		users[secret] = append(users[secret], s.Name)
	}
	for _, s := range p.peers("sip.conf") {
		if strings.EqualFold(s.Get("host"), "dynamic") || s.Get("host") == "" {
			judge(s, "secret")
		}
		if hash := s.Get("md5secret"); hash != "" {
			realm := or(p.file("sip.conf").Section("general").Get("realm"), "asterisk")
			if ws := audit.Digest(hash, s.Name, realm, []string{s.Name}); len(ws) > 0 {
				r.FailAs(audit.High, "peer "+s.Name, at(s, "md5secret"), "%s", audit.Describe(ws))
			}
		}
	}
	for _, s := range p.file("users.conf").Sections {
		if !s.Template && (s.Yes("hassip") || p.file("users.conf").Section("general").Yes("hassip") && !strings.EqualFold(s.Name, "general")) {
			judge(s, "secret")
		}
	}
	shared(r, "peer", users)
}
