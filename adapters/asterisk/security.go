package asterisk

import (
	"bytes"
	"net/netip"
	"strconv"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// securityKeys are the headers that every security event has, in Asterisk's
// order (main/security_events.c). What a stranger can write into AccountID is
// cut at 36 characters by chan_pjsip, far less than a forged set of them takes.
var securityKeys = [...]string{
	"EventTV", "Severity", "Service", "EventVersion", "AccountID", "SessionID", "LocalAddress", "RemoteAddress",
}

// Places in securityKeys.
const (
	atService = 2
	atAccount = 4
	atSession = 5
	atLocal   = 6
	atRemote  = 7
)

// final are the headers with which an event of a kind ends when it is not cut
// off, or has at least somewhere behind RemoteAddress.
var final = map[string]string{
	"SuccessfulAuth":          "UsingPassword",
	"ChallengeSent":           "Challenge",
	"ChallengeResponseFailed": "ExpectedResponse",
	"InvalidTransport":        "AttemptedTransport",
}

// pieces is how many blocks behind a security event that was cut off are taken
// for pieces of it, unless one is seen to be the last.
const pieces = 8

// security translates an event of class security whose own headers begin at
// line i. Only the structure that Asterisk gives it is believed: all headers
// once and in order.
func (t *translator) security(b *wire.Block, i int) {
	name := b.Value(0)
	if b.Odd() || !isSecurity(b, i) {
		t.cut(b, "a security event with a header missing or twice")
		return
	}
	source, proof, ok := remote(b.Value(i + atRemote))
	if !ok {
		t.cut(b, "a security event with an address that is none")
		return
	}
	if t.suspect > 0 {
		t.suspect--
		t.emit(&guard.Event{Kind: guard.Forged, PBX: t.pbx, At: t.at, Number: "an event behind one that was cut off"})
		return
	}
	ev := &t.ev
	ev.Source, ev.Proof = source, proof
	switch string(name) {
	case "ChallengeSent":
		ev.Kind = guard.AuthChallenged
	case "SuccessfulAuth":
		ev.Kind = guard.AuthOK
	case "ChallengeResponseFailed", "InvalidPassword", "InvalidAccountID":
		ev.Kind = guard.AuthFailed
	case "FailedACL":
		ev.Kind = guard.AuthRefused
	default: // InvalidTransport comes only after the right password: a phone set up wrongly
		return
	}
	ev.Service = t.names.Of(b.Value(i + atService))
	ev.Session = wire.Clip(b.Value(i + atSession))
	t.who(ev, b.Value(i+atAccount))
	ev.Unknown = ev.Unknown || string(name) == "InvalidAccountID"
	if meant(ev, b) {
		t.emit(ev)
	}
}

// isSecurity says whether the lines from i on are those of a security event,
// all of them.
func isSecurity(b *wire.Block, i int) bool {
	for at, key := range securityKeys {
		if !b.Is(i+at, key) {
			return false
		}
	}
	for j := i + len(securityKeys); j < b.Len(); j++ {
		if isCore(b, j) {
			return false
		}
	}
	key := final[string(b.Value(0))]
	return key == "" || b.Count(key) == 1
}

// isCore says whether line i has a key that may stand in a security event only once.
func isCore(b *wire.Block, i int) bool {
	if b.Is(i, "Event") || b.Is(i, "Privilege") {
		return true
	}
	for _, key := range securityKeys {
		if b.Is(i, key) {
			return true
		}
	}
	return false
}

// meant says whether an event means what its name says.
func meant(ev *guard.Event, b *wire.Block) bool {
	switch {
	case ev.Kind == guard.AuthOK && ev.Service != "AMI":
		// Nobody proves a password where none is asked for, as on a trunk.
		return string(b.Last("UsingPassword")) == "1"
	case ev.Kind == guard.AuthRefused:
		// chan_sip's way to say that a number is not in the dial plan.
		return string(b.Last("ACLName")) != "no_extension_match"
	}
	return true
}

// cut reports a piece of a security event. Behind its first piece any number of
// whole false events can follow, up to the last piece, which holds the true
// addresses.
func (t *translator) cut(b *wire.Block, what string) {
	if _, _, ok := vouched(b); ok {
		t.suspect = 0
	} else {
		t.suspect = pieces
	}
	t.forged(what, b)
}

// vouched is the address of whoever caused a piece of a security event, if the
// PBX vouches for it: the last RemoteAddress, where it stands as Asterisk writes
// it and nothing of what a stranger writes stands before it.
func vouched(b *wire.Block) (source netip.AddrPort, proof guard.Proof, ok bool) {
	last := b.Len() - 1
	for ; last >= 0 && !b.Is(last, "RemoteAddress"); last-- {
		if isCore(b, last) {
			return source, proof, false
		}
	}
	if !b.Is(last-1, "LocalAddress") || !b.Is(last-2, "SessionID") {
		return source, proof, false
	}
	for i := range last {
		if b.Is(i, "Challenge") || b.Is(i, "Response") {
			return source, proof, false
		}
	}
	return remote(b.Value(last))
}

// remote reads an address as in "IPV4/UDP/192.0.2.7/5060" or "IPV6/TCP/::1/46353".
func remote(v []byte) (addr netip.AddrPort, proof guard.Proof, ok bool) {
	family, rest, _ := bytes.Cut(v, []byte("/"))
	transport, rest, _ := bytes.Cut(rest, []byte("/"))
	host, port, found := bytes.Cut(rest, []byte("/"))
	if !found || string(family) != "IPV4" && string(family) != "IPV6" {
		return addr, proof, false
	}
	switch string(transport) {
	case "TCP", "TLS", "WS", "WSS":
		proof = guard.Path
	}
	addr, ok = addrPort(host, port)
	return addr, proof, ok
}

// addrPort reads an address without brackets and a port.
func addrPort(host, port []byte) (netip.AddrPort, bool) {
	ip, err := netip.ParseAddr(string(host))
	n, err2 := strconv.ParseUint(string(port), 10, 16)
	if err != nil || err2 != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip.Unmap().WithZone(""), uint16(n)), true
}

// who fills in the account that an event names. pjsip calls one that does not
// exist "<unknown>" once it has said which was asked for. chan_sip gives the
// caller's From in the first event of a call's login and the number that was
// dialled in the others; only what it says first is an account, and of a
// success nothing is known but that some password was right.
func (t *translator) who(ev *guard.Event, account []byte) {
	if string(account) == "<unknown>" {
		ev.Unknown = true
		return
	}
	if ev.Service == "SIP" {
		user, isURI := uriUser(account)
		switch {
		case isURI:
			account = user
			t.logins.add(ev.Session, wire.Clip(user))
		case ev.Kind == guard.AuthChallenged:
			t.logins.drop(ev.Session)
		default:
			from, dialling := t.logins.of(ev.Session)
			if dialling && ev.Kind == guard.AuthOK {
				return
			}
			if dialling {
				account = []byte(from)
			}
		}
	}
	if len(account) > 0 {
		ev.Account = guard.Account{PBX: t.pbx, Name: t.names.Of(account)}
	}
}
