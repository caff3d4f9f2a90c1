package freeswitch

import (
	"fmt"
	"strings"

	"pbxguard/audit"
)

func profileRules() []rule {
	sofia := []string{"sofia.conf"}
	reach := []string{"sofia.conf", "dialplan", "acl.conf"}
	return []rule{
		{Check: check{ID: "FS-ACL-001", Title: "A broad address list lets callers in without a password", Severity: audit.High, Needs: []string{"acl.conf", "sofia.conf"},
			Why: "An address that the list holds calls, or registers, without a login. A list that allows by default holds the internet; a local network holds every phone, guest and infected computer in it.",
			Fix: "Use a list with default=\"deny\" that names single hosts, or none.",
			Ref: "FreeSWITCH mod_sofia/sofia.c; switch_core.c switch_load_network_lists()"}, Find: broadList},
		{Check: check{ID: "FS-ACL-002", Title: "Strangers can claim to be behind your proxy", Severity: audit.Critical, Needs: []string{"acl.conf", "sofia.conf"},
			Why: "Whoever is in the list of apply-proxy-acl sends the header X-AUTH-IP with a trusted address and is believed.",
			Fix: "List the addresses of your own proxies alone, each as /32.",
			Ref: "FreeSWITCH mod_sofia/sofia.c, sofia_reg.c (X-AUTH-IP)"}, Find: wideProxy},
		{Check: check{ID: "FS-SIP-001", Title: "A profile for phones lets anybody call out", Severity: audit.Critical, Needs: reach,
			Why: "auth-calls is not true: an INVITE from anywhere is put into the dialplan, and the dialplan leads to a trunk.",
			Fix: "Set auth-calls to true.",
			Ref: "FreeSWITCH conf/vanilla/sip_profiles/internal.xml"}, Find: phonesUnasked},
		{Check: check{ID: "FS-SIP-002", Title: "Any password is accepted", Severity: audit.Critical, Needs: sofia,
			Why: "With accept-blind-reg or accept-blind-auth every login succeeds.",
			Fix: "Remove the setting, or set it to false.",
			Ref: "FreeSWITCH mod_sofia/sofia.c"}, Find: blindLogin},
		{Check: check{ID: "FS-SIP-003", Title: "A profile without login uses a context that reaches a trunk", Severity: audit.High, Needs: reach,
			Why: "Strangers who find the port call out over your trunks.",
			Fix: "Give the profile a context that holds your own numbers only, and nothing that dials out.",
			Ref: "FreeSWITCH documentation, Dialplan security; conf/vanilla/dialplan/public.xml"}, Find: openContext},
		{Check: check{ID: "FS-SIP-004", Title: "A profile for trunks is open to the world", Severity: audit.Medium, Needs: []string{"sofia.conf", "acl.conf"},
			Why: "Even with auth-calls=false FreeSWITCH checks a login that comes with a call, and gives it the user's rights: the port is a second door for guessing passwords.",
			Fix: "Set apply-inbound-acl to a list of your providers' addresses with default=\"deny\".",
			Ref: "FreeSWITCH mod_sofia/sofia.c"}, Find: openTrunkPort},
		{Check: check{ID: "FS-SIP-005", Title: "Failed logins are not logged", Severity: audit.Medium, Needs: sofia,
			Why: "Nobody, and no fail2ban, sees that passwords are being guessed. (pbxguard itself sees them as events.)",
			Fix: "Set log-auth-failures to true.",
			Ref: "FreeSWITCH mod_sofia/sofia_reg.c"}, Find: quietFailures},
		{Check: check{ID: "FS-SIP-006", Title: "A phone may register as another user", Severity: audit.Medium, Needs: sofia,
			Why: "Whoever has one password takes over the calls of any other extension.",
			Fix: "Set inbound-reg-force-matching-username to true.",
			Ref: "FreeSWITCH conf/vanilla/sip_profiles/internal.xml"}, Find: anyName},
		{Check: check{ID: "FS-SIP-007", Title: "Messages or subscriptions need no login", Severity: audit.Medium, Needs: sofia,
			Why: "Strangers send messages to your phones and watch who is calling.",
			Fix: "Set auth-subscriptions and auth-messages to true; update FreeSWITCH if it is older than 1.10.7.",
			Ref: "CVE-2021-37624, CVE-2021-41157; FreeSWITCH mod_sofia/sofia.c"}, Find: openMessages},
		{Check: check{ID: "FS-SIP-008", Title: "The caller chooses the realm of several domains", Severity: audit.Medium, Needs: []string{"sofia.conf", "directory"},
			Why: "With challenge-realm=auto_from a stranger finds out by trial which domains, and so which tenants, there are.",
			Fix: "Set challenge-realm to auto_to or to one name.",
			Ref: "FreeSWITCH conf/vanilla/sip_profiles/internal.xml"}, Find: chosenRealm},
		{Check: check{ID: "FS-SIP-009", Title: "Signalling or media is in clear, or uses broken encryption", Severity: audit.Medium, Needs: sofia,
			Why: "Whoever is on the way reads digests and conversations.",
			Fix: "Set tls to true, tls-version to tlsv1.2,tlsv1.3, and take AES_CM_128_NULL_AUTH out of rtp_sdes_suites.",
			Ref: "FreeSWITCH conf/vanilla/vars.xml; S004"}, Find: clearSignalling},
		{Check: check{ID: "FS-SIP-010", Title: "The other side can send a call elsewhere", Severity: audit.Medium, Needs: []string{"sofia.conf", "dialplan"},
			Why: "A REFER from a trunk, or a 302 from a phone, makes FreeSWITCH call a number of their choice at your cost, past the checks of your dialplan.",
			Fix: "Set disable-transfer to true on profiles for trunks, and manual-redirect to true with a context \"redirected\" that dials inside numbers only.",
			Ref: "FreeSWITCH mod_sofia/sofia.c, sip_profiles/internal.xml"}, Find: sentElsewhere},
		{Check: check{ID: "FS-SIP-011", Title: "A profile tells its version, or speaks WebSocket in clear", Severity: audit.Low, Needs: sofia,
			Why: "Scanners look for versions with known holes; a clear WebSocket shows digests and calls.",
			Fix: "Set user-agent-string to a neutral text, and remove ws-binding where wss-binding serves.",
			Ref: "FreeSWITCH conf/vanilla/sip_profiles/internal.xml"}, Find: tellTale},
		{Check: check{ID: "FS-SIP-012", Title: "A profile for trunks takes registrations", Severity: audit.Medium, Needs: sofia,
			Why: "It is one more door at which passwords are guessed, and nobody needs it.",
			Fix: "Set disable-register to true on profiles without phones.",
			Ref: "FreeSWITCH mod_sofia/sofia.c"}, Find: needlessRegister},
		{Check: check{ID: "FS-SIP-013", Title: "A profile keeps nonces long, or asks ENUM", Severity: audit.Low, Needs: sofia,
			Why: "A digest that was overheard can be used again for as long; ENUM lets a stranger's DNS route your calls.",
			Fix: "Set nonce-ttl to 60 to 300 and dialplan to XML.",
			Ref: "FreeSWITCH mod_sofia/sofia.c"}, Find: longNonce},
	}
}

func broadList(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		for _, name := range []string{"apply-inbound-acl", "apply-register-acl"} {
			if name == "apply-inbound-acl" && !p.is("auth-calls") {
				continue // there it keeps addresses off: nobody is asked for a password anyhow
			}
			for _, a := range p.set.all(name) {
				list, _, _ := strings.Cut(a.value, ":")
				if why := m.lists[list].trusts(24); why != "" {
					r.Fail(p.String(), a.at.String(), "%s: %s", name, why)
				}
			}
		}
	}
}

func wideProxy(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		for _, a := range p.set.all("apply-proxy-acl") {
			if why := m.lists[a.value].trusts(28); why != "" {
				token := ""
				if p.set.value("apply-proxy-acl-x-token") != "" {
					token = "; any token in the header is enough"
				}
				r.Fail(p.String(), a.at.String(), "%s%s", why, token)
			}
		}
	}
}

func phonesUnasked(m *model, r *audit.Result) { m.unasked(r, true) }

func openContext(m *model, r *audit.Result) { m.unasked(r, false) }

// unasked reports the profiles that let strangers call out, those of phones or
// the others.
func (m *model) unasked(r *audit.Result, phones bool) {
	for _, w := range m.strangers() {
		for _, p := range m.profiles {
			if !w.from.open || p.is("auth-calls") || p.phones() != phones || !strings.HasPrefix(w.from.name, p.String()+" ") {
				continue
			}
			if out, how, ok := m.worst(w.reached); ok {
				r.Fail(p.String(), p.where("auth-calls"), "%s by dialling %s: %s", how.What, out.dialled, out)
			}
		}
	}
	for _, p := range m.profiles {
		if v, ok := p.set.get("auth-calls"); ok && Unknown(v.value) && p.phones() == phones {
			r.Incomplete(p.String(), v.at.String(), "auth-calls is known only to the running FreeSWITCH")
		}
	}
}

func blindLogin(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		for _, name := range []string{"accept-blind-reg", "accept-blind-auth"} {
			if p.is(name) {
				r.Fail(p.String(), p.where(name), "%s is true", name)
			}
		}
	}
}

func openTrunkPort(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		if !p.is("auth-calls") && m.guarded(p) == "" {
			r.Fail(p.String(), p.where("auth-calls"), "no login is asked for and no apply-inbound-acl keeps strangers off")
		}
	}
}

func quietFailures(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		if !p.is("log-auth-failures") && (p.phones() || !p.is("disable-register")) {
			r.Fail(p.String(), p.where("log-auth-failures"), "log-auth-failures is not true")
		}
	}
}

func anyName(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		if p.phones() && !p.is("inbound-reg-force-matching-username") {
			r.Fail(p.String(), p.where("inbound-reg-force-matching-username"), "inbound-reg-force-matching-username is not true")
		}
	}
}

func openMessages(m *model, r *audit.Result) {
	old := older(m.version(), 1, 10, 7)
	for _, p := range m.profiles {
		for _, what := range []string{"subscriptions", "messages"} {
			on, set := p.set.get("auth-" + what)
			off := p.is("disable-auth-" + what)
			switch {
			case off:
				r.Fail(p.String(), p.where("disable-auth-"+what), "disable-auth-%s is true", what)
			case set && !truth(on.value) && !Unknown(on.value):
				r.Fail(p.String(), on.at.String(), "auth-%s is not true", what)
			case !set && old:
				r.Fail(p.String(), p.at.String(), "auth-%s is not set, and FreeSWITCH %s asks for no login by default", what, m.version())
			}
		}
	}
}

// version is that of FreeSWITCH, if it was told or is written down somewhere.
func (m *model) version() string { return m.site.Facts["freeswitch.version"] }

// older compares a version such as 1.10.6 with another; one that is not known
// is not older.
func older(version string, want ...int) bool {
	var got [3]int
	if n, _ := fmt.Sscanf(version, "%d.%d.%d", &got[0], &got[1], &got[2]); n < 2 {
		return false
	}
	for i, w := range want {
		if got[i] != w {
			return got[i] < w
		}
	}
	return false
}

func chosenRealm(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		if v, ok := p.set.get("challenge-realm"); ok && strings.EqualFold(v.value, "auto_from") && len(m.domains) > 1 {
			r.Fail(p.String(), v.at.String(), "challenge-realm is auto_from and there are %d domains", len(m.domains))
		}
	}
}

func clearSignalling(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		if !p.phones() {
			continue
		}
		if !p.is("tls") {
			if v, ok := p.set.get("tls"); ok && Unknown(v.value) {
				r.Incomplete(p.String(), v.at.String(), "tls is known only to the running FreeSWITCH")
			} else {
				r.Fail(p.String(), p.where("tls"), "tls is not true")
			}
			continue
		}
		v, set := p.set.get("tls-version")
		if bad := brokenTLS(v.value, set); bad != "" {
			r.Fail(p.String(), p.where("tls-version"), "tls-version allows %s", bad)
		}
	}
	if suites, at, ok := m.doc.Var("rtp_sdes_suites"); ok && strings.Contains(suites, "NULL_AUTH") {
		r.Fail("rtp_sdes_suites", at.String(), "it offers AES_CM_128_NULL_AUTH, media without a proof of origin")
	}
}

// brokenTLS names the protocols below TLS 1.2 that a profile takes; without a
// setting FreeSWITCH takes 1.0 and above.
func brokenTLS(list string, set bool) string {
	if !set || list == "" {
		return "tlsv1, tlsv1.1 by default"
	}
	var bad []string
	for _, v := range strings.Split(list, ",") {
		switch v = strings.ToLower(strings.TrimSpace(v)); v {
		case "sslv2", "sslv3", "sslv23", "tlsv1", "tlsv1.1":
			bad = append(bad, v)
		}
	}
	return strings.Join(bad, ", ")
}

func sentElsewhere(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		if !p.phones() && !p.is("disable-transfer") {
			r.Fail(p.String(), p.where("disable-transfer"), "disable-transfer is not true: the other side of a trunk may send REFER")
		}
		if !p.phones() {
			continue
		}
		if !p.is("manual-redirect") {
			r.Fail(p.String(), p.where("manual-redirect"), "manual-redirect is not true: a 302 is followed wherever it leads")
			continue
		}
		if m.plan.section.Find("context", "name", "redirected") == nil {
			continue
		}
		w, whole := m.walkFrom(entry{name: p.String() + ", 302", ctx: "redirected"}, m.probes())
		if !whole {
			r.Incomplete("context redirected", "", unfollowed)
		}
		if out, how, ok := m.worst(w.reached); ok {
			r.Fail("context redirected", out.at.String(), "a 302 reaches %s: %s", how.What, out)
		}
	}
}

func tellTale(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		if ws, ok := p.set.get("ws-binding"); ok && ws.value != "" && !strings.HasPrefix(ws.value, "127.") {
			r.Fail(p.String(), ws.at.String(), "a WebSocket in clear listens on %s", Show(ws.value))
		}
		if ua, ok := p.set.get("user-agent-string"); !ok || strings.Contains(strings.ToLower(ua.value), "freeswitch") {
			r.Fail(p.String(), p.where("user-agent-string"), "it shows that it is FreeSWITCH, and which version")
		}
	}
}

func needlessRegister(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		if !p.is("disable-register") && !p.phones() {
			r.Fail(p.String(), p.where("disable-register"), "disable-register is not true on a profile for trunks")
		}
	}
}

const longestNonce = 3600 // seconds

func longNonce(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		if ttl, at := number(p.set, "nonce-ttl", 60); ttl > longestNonce {
			r.Fail(p.String(), at, "nonce-ttl is %d s", ttl)
		}
		if d, ok := p.set.get("dialplan"); ok && strings.Contains(strings.ToLower(d.value), "enum") {
			r.Fail(p.String(), d.at.String(), "dialplan is %s", d.value)
		}
	}
}
