package freeswitch

import (
	"bytes"
	"strings"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// leg is what one event, or the dump of a channel, tells of a channel. Every
// event that is subscribed to tells all of it.
type leg struct {
	id       guard.LegID
	call     guard.CallID
	name     string
	outbound bool
	account  guard.Account // of its endpoint
	trunk    bool          // that endpoint leads outside
	open     bool          // nobody was asked for a password
	proved   bool          // sip_auth_username is there: the password was right
	number   string        // inbound: what was dialled; outbound: what is sent
	rdnis    string        // where its caller stood in the dial plan before
	domain   string        // of rdnis
	by       guard.LegID   // who calls it
	side     guard.Side
	pair     string
	caller   string
	verified string
	referred bool // its caller was sent here by REFER
	up       bool
}

// maxID is the longest id of a leg that is taken for one, in bytes: FreeSWITCH's
// own have 36, but with inbound-use-callid-as-uuid it is the Call-ID.
const maxID = 256

// isLeg says whether s may be sent as a leg's id. Anything that ends a word or a
// line would become another argument, or another command.
func isLeg(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case strings.IndexByte("-._@:+%*!~[]", c) >= 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// describe reads what the event tells of its channel. ok is false without an id
// that could be sent back, or without the headers that a channel has which came
// into being: one whose caller never answered the challenge has none of them.
func (t *translator) describe() (l leg, ok bool) {
	id := t.name("Unique-ID")
	if !isLeg(id) || !t.has("Caller-Destination-Number") && !t.has("Caller-Channel-Name") {
		return l, false
	}
	l.id, l.call = guard.LegID(id), guard.CallID(t.name("Channel-Call-UUID"))
	l.name = t.name("Channel-Name")
	l.outbound = string(t.get("Call-Direction")) == "outbound"
	l.up = string(t.get("Answer-State")) == "answered"
	l.rdnis = t.name("Caller-RDNIS")
	l.caller = t.name("Caller-Caller-ID-Number")
	kind, rest, _ := strings.Cut(l.name, "/")
	switch {
	case kind == "loopback":
		t.loopback(&l, strings.HasSuffix(rest, "-a"))
	case l.outbound:
		t.called(&l, kind, rest)
	default:
		t.caller(&l, kind, rest)
	}
	if l.outbound {
		t.origin(&l)
	}
	return l, true
}

// origin fills in who calls an outbound leg, and on whose behalf.
func (t *translator) origin(l *leg) {
	for _, key := range [...]string{"variable_originating_leg_uuid", "variable_originator"} {
		if by := t.name(key); isLeg(by) && by != string(l.id) {
			l.by = guard.LegID(by)
			break
		}
	}
	if l.by == "" && string(t.get("Other-Type")) == "originator" {
		if by := t.name("Other-Leg-Unique-ID"); isLeg(by) {
			l.by = guard.LegID(by)
		}
	}
	if e, ok := t.book.of(l.by); ok {
		l.call = e.call
	}
	l.referred = t.has("variable_sip_h_Referred-By") || t.has("variable_sip_refer_to")
	if l.domain = t.tenant(t.name("variable_domain_name")); l.domain == "" {
		l.domain = t.book.domain()
	}
}

// caller fills in who has come in. Only a digest user, or one whom an access
// list let in, is somebody; everything else that a caller says is his own word.
func (t *translator) caller(l *leg, kind, rest string) {
	l.number = t.name("Caller-Destination-Number")
	user := t.sole("variable_sip_auth_username")
	l.proved = user != ""
	l.open = !l.proved
	if user == "" {
		user = t.sole("variable_user_name")
	}
	if user != "" {
		domain := t.sole("variable_domain_name")
		if domain == "" {
			domain = t.sole("variable_sip_auth_realm")
		}
		l.account = t.account(user, domain)
		return
	}
	if kind == "verto.rtc" {
		user, domain, _ := strings.Cut(t.sole("variable_verto_user"), "@")
		if l.account = t.account(user, domain); user != "" {
			l.open = false // the web socket was logged in
			return
		}
	}
	l.trunk = true
	l.verified = verified(t.get("variable_sip_verstat"))
	l.account = guard.Account{PBX: t.pbx, Name: t.outside(kind, rest)}
	if gateway := t.sole("variable_sip_gateway"); gateway != "" {
		l.account.Name = gateway
	}
}

// called fills in whom a leg calls: a gateway, a user of the directory, or an
// address somewhere, which counts as a trunk of its profile's name.
func (t *translator) called(l *leg, kind, rest string) {
	l.number = t.sent()
	if gateway := t.sole("variable_sip_gateway_name"); gateway != "" {
		l.account, l.trunk = guard.Account{PBX: t.pbx, Name: gateway}, true
		return
	}
	if user := t.sole("variable_dialed_user"); user != "" {
		l.account = t.account(user, t.sole("variable_dialed_domain"))
		return
	}
	l.account, l.trunk = guard.Account{PBX: t.pbx, Name: t.outside(kind, rest)}, true
}

// outside is the name under which endpoints go that are neither a gateway nor
// somebody: the SIP profile, as in "sofia/external/0031@192.0.2.7", else the
// kind of channel.
func (t *translator) outside(kind, rest string) string {
	profile, _, ok := strings.Cut(rest, "/")
	if kind == "sofia" && ok && profile != "" {
		return t.names.Of([]byte(profile))
	}
	return t.names.Of([]byte(kind))
}

// sent is the number that really leaves: the user of the address called.
func (t *translator) sent() string {
	url := t.get("variable_sip_destination_url")
	if _, rest, ok := bytes.Cut(url, []byte(":")); ok && bytes.HasPrefix(url, []byte("sip")) {
		if user, _, ok := bytes.Cut(rest, []byte("@")); ok && len(user) > 0 {
			user, _, _ = bytes.Cut(user, []byte(";"))
			return t.names.Of(user)
		}
	}
	return t.name("Caller-Destination-Number")
}

// loopback fills in the half of a channel that loops back into the dial plan.
// Both halves belong to the call of whoever called the first.
func (t *translator) loopback(l *leg, first bool) {
	l.side, l.pair = guard.LocalTwo, t.name("variable_other_loopback_leg_uuid")
	if first {
		l.side, l.pair = guard.LocalOne, string(l.id)
	}
	l.number = t.name("Caller-Destination-Number")
	from := t.name("variable_other_loopback_from_uuid")
	if first || !isLeg(from) {
		return
	}
	l.call = guard.CallID(from)
	if e, ok := t.book.of(guard.LegID(from)); ok {
		l.call = e.call
	}
}

// verified is the network's word on a caller id in the guard's terms.
func verified(verstat []byte) string {
	rest, passed := bytes.CutPrefix(verstat, []byte("TN-Validation-Passed"))
	switch {
	case bytes.HasPrefix(verstat, []byte("TN-Validation-Failed")):
		return "failed"
	case !passed:
		return ""
	}
	switch grade := string(bytes.TrimPrefix(rest, []byte("-"))); grade {
	case "A", "B", "C":
		return grade
	}
	return ""
}

// account is the account of a user of the directory; that of nobody is empty.
// Domains are names of hosts, which differ in case at will.
func (t *translator) account(user, domain string) guard.Account {
	if user == "" {
		return guard.Account{}
	}
	return guard.Account{PBX: t.pbx, Domain: t.tenant(domain), Name: user}
}

// tenant is a domain as it is written in accounts.
func (t *translator) tenant(domain string) string {
	if low := strings.ToLower(domain); low != domain {
		return wire.Limit(low)
	}
	return domain
}
