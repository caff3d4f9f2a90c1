package freeswitch

import (
	"net/netip"
	"strconv"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// service is what logins over mod_sofia are called in events.
const service = "sofia"

// abandoned groups what is told of calls whose challenge nobody answered.
const abandoned = "wrong_call_state"

// custom translates an event of mod_sofia about who logs in. REGISTER and INVITE
// are told of alike.
//
// The trap: in pre_register and register_attempt from-user is the user of To:,
// which in an INVITE is the number dialled, and to-user is the user of From:.
// Only username, the digest user, says whose password was tried.
func (t *translator) custom(subclass []byte) {
	ev := &t.ev
	*ev = guard.Event{PBX: t.pbx, At: t.at, Service: service}
	switch string(subclass) {
	case "sofia::pre_register":
		// What is asked for: of a REGISTER the account, of an INVITE the number.
		// Many of either without a password are a scan.
		ev.Kind, ev.Account = guard.AuthChallenged, t.user("from-user", "from-host")
	case "sofia::register_attempt":
		if !t.attempt(ev) {
			return
		}
	case "sofia::register":
		t.registered(ev)
		return
	case "sofia::unregister":
		ev.Kind, ev.Account = guard.Unregistered, t.registrant()
	case "sofia::expire":
		ev.Kind, ev.Account = guard.Unregistered, t.user("user", "host")
	case "sofia::wrong_call_state":
		t.abandoned(ev)
		return
	case PINEvents:
		t.mailbox(ev)
		return
	default:
		return
	}
	t.from(ev, "network-ip", "network-port")
	ev.Session = wire.Clip(t.get("call-id"))
	t.emit(ev)
}

// mailbox reads what came of a PIN (mod_voicemail.c, voicemail_check_main).
func (t *translator) mailbox(ev *guard.Event) {
	if string(t.get("VM-Action")) != "authentication" || string(t.get("VM-Auth-Result")) != "fail" {
		return
	}
	ev.Kind, ev.Account, ev.Service = guard.PINFailed, t.user("VM-User", "VM-Domain"), ""
	ev.Caller = t.name("Caller-Caller-ID-Number")
	if id := t.name("Unique-ID"); isLeg(id) {
		ev.Leg = guard.LegID(id)
	}
	t.emit(ev)
}

// attempt reads what came of credentials. Each try has exactly one such event.
func (t *translator) attempt(ev *guard.Event) bool {
	switch string(t.get("auth-result")) {
	case "FORBIDDEN":
		ev.Kind = guard.AuthFailed
	case "RENEWED", "SUCCESS":
		ev.Kind = guard.AuthOK
	default:
		return false // the nonce was too old: it is asked again
	}
	if ev.Account = t.user("username", "from-host"); ev.Account.Name == "" {
		ev.Account = t.user("to-user", "from-host")
	}
	t.book.mu.Lock()
	if ev.Kind == guard.AuthOK {
		t.book.see(ev.Account.Domain)
	}
	t.book.mu.Unlock()
	return true
}

// registered tells of a registration, and of the password behind it if one was
// asked for: an access list lets phones register without.
func (t *translator) registered(ev *guard.Event) {
	t.from(ev, "network-ip", "network-port")
	ev.Session = wire.Clip(t.get("call-id"))
	if user := t.user("sip_auth_username", "domain_name"); user.Name != "" {
		ev.Kind, ev.Account = guard.AuthOK, user
		t.emit(ev)
	}
	ev.Kind, ev.Account = guard.Registered, t.registrant()
	t.emit(ev)
}

// registrant is the account of a registration.
func (t *translator) registrant() guard.Account {
	if a := t.user("username", "from-host"); a.Name != "" {
		return a
	}
	return t.user("from-user", "from-host")
}

// placed tells that a caller knows the password of the account that pays: this
// names it as the call does, which the login's own events need not.
func (t *translator) placed(l *leg) {
	ev := &t.ev
	*ev = guard.Event{Kind: guard.AuthOK, PBX: t.pbx, At: t.at, Service: service, Account: l.account,
		Session: wire.Clip(t.get("variable_sip_call_id")), Agent: t.name("variable_sip_user_agent")}
	ev.Source = t.source("variable_sip_network_ip", "variable_sip_network_port")
	t.emit(ev)
}

// abandoned: a caller was asked for a password and did not answer for ten
// seconds. The number that he asked for was told by pre_register; this tells whom
// he claimed to be, so that many names from one address are a scan as well.
func (t *translator) abandoned(ev *guard.Event) {
	ev.Kind, ev.Session, ev.Account = guard.AuthChallenged, abandoned, t.user("from_user", "")
	ev.Source = t.source("network_ip", "network_port")
	t.emit(ev)
}

// user is the account that two headers name.
func (t *translator) user(user, domain string) guard.Account {
	name := t.name(user)
	if name == "" {
		return guard.Account{}
	}
	if domain == "" {
		return t.account(name, "")
	}
	return t.account(name, t.name(domain))
}

// from fills in where a request came from, and with what program. All that
// FreeSWITCH says of the transport is what the phone's Contact and Via say, which
// a datagram with a forged source can say as well: the path stays unproven.
func (t *translator) from(ev *guard.Event, ip, port string) {
	ev.Source, ev.Proof = t.source(ip, port), guard.Unproven
	ev.Agent = t.name("user-agent")
}

func (t *translator) source(ip, port string) netip.AddrPort {
	addr, ok := address(t.get(ip))
	n, err := strconv.ParseUint(string(t.get(port)), 10, 16)
	if !ok || err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, uint16(n))
}

// address reads an IP address as FreeSWITCH writes it, without brackets.
func address(v []byte) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(string(v))
	return ip.Unmap().WithZone(""), err == nil
}
