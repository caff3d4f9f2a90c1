package asterisk

import (
	"net/netip"
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// pjsipServiceRules are about transports, access lists and the service as a
// whole.
func pjsipServiceRules() []audit.Rule[*PBX] {
	return []audit.Rule[*PBX]{
		rule("AST-PJSIP-017", audit.Medium, "pjsip",
			"SIP is not encrypted",
			"Over UDP and TCP, whoever sits on the way reads who calls whom and records logins to guess their passwords at leisure.",
			"Add a transport with protocol=tls and method=tlsv1_2, and let the phones use it. Leave cipher= out.",
			"S004; Asterisk pjsip.conf.sample, transport", weakTransports),
		rule("AST-PJSIP-018", audit.Low, "pjsip",
			"Speech is not encrypted",
			"With media_encryption=no, whoever sits on the way listens in.",
			"Set media_encryption=sdes (or dtls) on endpoints that use TLS.",
			"S004; Asterisk pjsip.conf.sample, media_encryption", func(p *PBX, r *audit.Result) {
				var clear, maybe many
				for _, ep := range p.phones() {
					tls := false
					if tr := p.object("transport", ep.Get("transport")); tr != nil {
						tls = strings.EqualFold(tr.Get("protocol"), "tls") || strings.EqualFold(tr.Get("protocol"), "wss")
					}
					switch enc := strings.ToLower(ep.Get("media_encryption")); {
					case tls && (enc == "" || enc == "no") && !ep.Yes("webrtc"):
						clear.add(ep.Name, ep.At)
					case ep.Yes("media_encryption_optimistic"):
						maybe.add(ep.Name, ep.Pos("media_encryption_optimistic"))
					}
				}
				clear.fail(r, audit.Low, "endpoint", "it uses TLS, and media_encryption is no")
				maybe.fail(r, audit.Low, "endpoint", "media_encryption_optimistic=yes lets speech go in clear")
			}),
		rule("AST-PJSIP-019", audit.Medium, "pjsip",
			"The whole internet may knock at SIP",
			"Scanners find every open SIP port within hours and never stop trying.",
			"Let the firewall admit the networks of your phones and providers only, or add an object type=acl with deny first and then permit.",
			"S004; Asterisk acl.conf.sample", openTransports),
		rule("AST-PJSIP-020", audit.High, "pjsip",
			"An access list lets everybody in",
			"The last matching line of a list wins, and what no line matches is allowed: permit lines without a deny have no effect.",
			"Write deny=0.0.0.0/0.0.0.0 and deny=::/0 first, then the permit lines.",
			"Asterisk acl.c, ast_apply_ha; acl.conf.sample", func(p *PBX, r *audit.Result) {
				for _, s := range slices.Concat(p.objects["acl"], p.objects["endpoint"], p.file("acl.conf").Sections) {
					if s.Template {
						continue
					}
					six := strings.EqualFold(s.Get("type"), "acl") && p.listensOnSix()
					if why, where := openList(s, "permit", "deny", six); why != "" {
						r.Fail(strings.TrimSpace(strings.ToLower(or(s.Get("type"), "acl"))+" "+s.Name), where, "%s", why)
					}
				}
			}),
		rule("AST-PJSIP-021", audit.Low, "pjsip",
			"SIP answers tell the version",
			"Scanners pick PBXes by version when a hole becomes known.",
			"Set user_agent= in the section type=global to something neutral.",
			"Asterisk pjsip.conf.sample, user_agent", func(p *PBX, r *audit.Result) {
				if len(p.objects["transport"]) == 0 && len(p.objects["endpoint"]) == 0 {
					r.NotApplicable("chan_pjsip is not used")
					return
				}
				g := p.global()
				agent := g.Get("user_agent")
				if lower := strings.ToLower(agent); agent == "" || strings.Contains(lower, "asterisk") || strings.Contains(lower, "fpbx") || strings.Contains(lower, "freepbx") {
					r.Fail("global", at(g, "user_agent"), "user_agent is %q", or(agent, "the default, with the version"))
				}
			}),
		rule("AST-PJSIP-022", audit.Low, "pjsip",
			"Scans are not noticed early",
			"Asterisk tells of an address that asks for unknown accounts when it did so often enough; this is set so that it never does.",
			"Leave unidentified_request_count=5 and unidentified_request_period=5.",
			"Asterisk pjsip.conf.sample", func(p *PBX, r *audit.Result) {
				g := p.global()
				count, period := number(g, "unidentified_request_count", 5), number(g, "unidentified_request_period", 5)
				if count > 5 && count > period || number(g, "unidentified_request_prune_interval", 30) > 86400 || period == 0 {
					r.Fail("global", at(g, "unidentified_request_count"), "%d requests within %d seconds", count, period)
				}
			}),
		rule("AST-PJSIP-026", audit.Info, "asterisk",
			"Endpoints come from a database",
			"What the files say is not all: accounts in the database are not audited here.",
			"Run the audit where the running Asterisk can be asked, or dump the database into files for it.",
			"Asterisk sorcery.conf.sample, extconfig.conf.sample", func(p *PBX, r *audit.Result) {
				if why := p.realtime("ps_", "res_pjsip"); why != "" {
					r.Fail("pjsip", "", "%s", why)
				}
				for _, name := range []string{"sorcery.conf", "extconfig.conf"} {
					if state, why := p.together([]string{name}, ""); state == audit.Lost || state == audit.Partial {
						r.Incomplete(name, "", "%s", why)
					}
				}
			}),
		rule("AST-PJSIP-027", audit.Medium, "pjsip",
			"MESSAGE may come in a false name",
			"Before the fixed releases, an account that has logged in once may send messages in the name of any other (CVE-2025-47779).",
			"Update to 18.26.2, 20.14.1, 21.9.1, 22.4.1 or later; until then set message_context= to an empty context.",
			"GHSA-2grh-7mhv-fcfw", func(p *PBX, r *audit.Result) {
				v := p.version()
				if v.major == 0 {
					r.Incomplete("version", "", "the version of Asterisk is not known")
					return
				}
				if !v.forgesMessages() {
					return
				}
				var m many
				for _, ep := range p.phones() {
					if ep.Get("message_context") == "" {
						m.add(ep.Name, ep.At)
					}
				}
				m.fail(r, audit.Medium, "endpoint", "Asterisk %s, and message_context is not set", v.text)
			}),
	}
}

// forgesMessages tells whether a release has CVE-2025-47779.
func (v version) forgesMessages() bool {
	switch {
	case v.cert > 0 && v.major == 18:
		return v.cert < 14
	case v.cert > 0:
		return v.cert < 5
	}
	fixed := map[int][2]int{18: {26, 2}, 20: {14, 1}, 21: {9, 1}, 22: {4, 1}}[v.major]
	return v.major < 18 || v.major == 19 || fixed[0] > 0 && v.before(fixed[0], fixed[1])
}

func weakTransports(p *PBX, r *audit.Result) {
	transports := p.objects["transport"]
	encrypted, reachable := false, false
	var first conf.Pos
	for _, t := range transports {
		protocol := strings.ToLower(t.Get("protocol"))
		switch protocol {
		case "tls", "wss":
			encrypted = true
			weakTLS(t, r)
		default:
			if !loopback(t.Get("bind")) && !private(t.Get("bind")) {
				if !reachable {
					first = t.At
				}
				reachable = true
			}
		}
	}
	if reachable && !encrypted {
		r.Fail("transport", first.String(), "no transport has protocol=tls")
	}
}

func weakTLS(t *conf.Section, r *audit.Result) {
	method := strings.ToLower(t.Get("method"))
	if slices.Contains([]string{"tlsv1", "tlsv1_1", "sslv2", "sslv3", "sslv23"}, method) {
		r.Fail("transport "+t.Name, at(t, "method"), "method=%s is broken", method)
	}
	for _, word := range []string{"ADH", "NULL", "EXP", "RC4"} {
		if cipher := strings.ToUpper(t.Get("cipher")); strings.Contains(cipher, word) && !strings.Contains(cipher, "!"+word) {
			r.Fail("transport "+t.Name, at(t, "cipher"), "cipher= allows %s", word)
			return
		}
	}
}

// host is the address of "address:port".
func host(bind string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(strings.TrimSpace(bind)); err == nil {
		return ap.Addr(), true
	}
	a, err := netip.ParseAddr(strings.Trim(strings.TrimSpace(bind), "[]"))
	return a, err == nil
}

func loopback(bind string) bool {
	a, ok := host(bind)
	return ok && a.IsLoopback() || strings.HasPrefix(bind, "localhost")
}

func private(bind string) bool {
	a, ok := host(bind)
	return ok && a.IsPrivate()
}

// everywhere tells whether a service listens on all addresses.
func everywhere(bind string) bool {
	a, ok := host(bind)
	return !ok || a.IsUnspecified()
}

// listensOnSix tells whether any transport takes IPv6.
func (p *PBX) listensOnSix() bool {
	return slices.ContainsFunc(p.objects["transport"], func(t *conf.Section) bool {
		a, ok := host(t.Get("bind"))
		return ok && a.Is6() && !a.IsLoopback()
	})
}

func openTransports(p *PBX, r *audit.Result) {
	if slices.ContainsFunc(p.objects["acl"], func(s *conf.Section) bool { return s.Has("deny") || s.Has("acl") }) {
		return
	}
	for _, t := range p.objects["transport"] {
		if !everywhere(t.Get("bind")) {
			continue
		}
		switch guarded, known := p.firewall(); {
		case guarded:
		case known:
			r.Fail("transport "+t.Name, at(t, "bind"), "bind=%s, no object type=acl, and no firewall rule was found", t.Get("bind"))
		default:
			r.Incomplete("transport "+t.Name, at(t, "bind"), "bind=%s and no object type=acl; the firewall is not part of what is audited", t.Get("bind"))
		}
	}
}

// firewallFiles are where hosts keep their packet filters.
var firewallFiles = []string{
	"/etc/nftables.conf", "/etc/iptables/rules.v4", "/etc/sysconfig/iptables", "/etc/sysconfig/nftables.conf", "/etc/ufw/user.rules",
	"/etc/firewalld/zones/public.xml", "/etc/shorewall/rules", "/etc/csf/csf.conf",
}

// firewall tells whether the host filters what comes in, and whether that can
// be known: the files of a host other than this one say enough.
func (p *PBX) firewall() (guarded, known bool) {
	if !p.wholeHost() {
		return false, false
	}
	for _, name := range firewallFiles {
		data, err := p.site.Tree.ReadFile(name)
		if err != nil {
			if !missing(err) {
				return false, false
			}
			continue
		}
		text := strings.ToLower(string(data))
		for _, sign := range []string{"policy drop", ":input drop", "-p input drop", "5060", "-j drop", " drop", "reject", "<zone"} {
			if strings.Contains(text, sign) {
				return true, true
			}
		}
	}
	if p.site.Tree.Exists("/etc/ufw/ufw.conf") {
		data, _ := p.site.Tree.ReadFile("/etc/ufw/ufw.conf")
		if strings.Contains(string(data), "ENABLED=yes") {
			return true, true
		}
	}
	return false, true
}

// openList says why permit and deny lines let everybody in, and where.
func openList(s *conf.Section, permit, deny string, six bool) (why, where string) {
	denied4, denied6, permits := false, false, 0
	for _, set := range s.Settings {
		allow, refuse := strings.EqualFold(set.Key, permit), strings.EqualFold(set.Key, deny)
		if !allow && !refuse {
			continue
		}
		for one := range strings.SplitSeq(set.Value, ",") {
			all, isSix := everybody(strings.TrimSpace(one))
			switch {
			case allow && all && (denied4 || denied6):
				return "a permit of everybody stands behind the deny lines", set.At.String()
			case allow:
				if permits++; permits == 1 {
					where = set.At.String()
				}
			case refuse && all && isSix:
				denied6 = true
			case refuse && all:
				denied4 = true
			}
		}
	}
	switch {
	case permits > 0 && !denied4 && !denied6 && !s.Has(deny):
		return "permit lines without a deny have no effect", where
	case permits > 0 && denied4 && !denied6 && six:
		return "IPv6 is listened to and not denied", where
	}
	return "", ""
}

// everybody tells whether a list entry matches every address of its family.
func everybody(entry string) (all, six bool) {
	addr, mask, masked := strings.Cut(strings.TrimPrefix(entry, "!"), "/")
	ip, err := netip.ParseAddr(strings.Trim(addr, "[]"))
	if err != nil {
		return false, false
	}
	bits := ip.BitLen()
	if masked {
		bits = maskBits(mask, ip)
	}
	return bits == 0, ip.Is6()
}
