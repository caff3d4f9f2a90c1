package asterisk

import (
	"bytes"
	"net/netip"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// contactStatus: chan_pjsip got or lost the address of an endpoint. The address
// is the one in the phone's Contact header, which the phone chose, unless the
// endpoint has rewrite_contact: it proves nothing.
func (t *translator) contactStatus(b *wire.Block, i int, ev *guard.Event) verdict {
	for at, key := range [...]string{"URI", "ContactStatus", "AOR", "EndpointName"} {
		if !b.Is(i+at, key) {
			return torn
		}
	}
	switch string(b.Value(i + 1)) {
	case "Created", "Reachable", "NonQualified", "Updated":
		ev.Kind = guard.Registered
	case "Removed", "Unregistered":
		ev.Kind = guard.Unregistered
	default:
		return ignored // Unreachable, Unqualified: it stays registered
	}
	source, ok := uriAddr(b.Value(i))
	if !ok {
		return ignored // a host name, as of a trunk or in WebRTC
	}
	ev.Source, ev.Service = source, "PJSIP"
	ev.Account = guard.Account{PBX: t.pbx, Name: t.names.Of(b.Value(i + 3))}
	return whole
}

// peerStatus: a peer of chan_sip or chan_iax2 has registered or gone. With
// chan_pjsip the event has no address and ContactStatus says more.
func (t *translator) peerStatus(b *wire.Block, i int, ev *guard.Event) verdict {
	for at, key := range [...]string{"ChannelType", "Peer", "PeerStatus"} {
		if !b.Is(i+at, key) {
			return torn
		}
	}
	switch string(b.Value(i + 2)) {
	case "Registered":
		ev.Kind = guard.Registered
	case "Unregistered":
		ev.Kind = guard.Unregistered
	default:
		return ignored
	}
	_, peer, _ := bytes.Cut(b.Value(i+1), []byte("/"))
	ev.Service = t.names.Of(b.Value(i))
	ev.Account = guard.Account{PBX: t.pbx, Name: t.names.Of(peer)}
	if b.Is(i+3, "Address") {
		ev.Source, _ = hostPort(b.Value(i + 3))
	}
	return whole
}

// uriAddr is the address in a SIP URI, if it is one: "sip:100@192.0.2.7:5060",
// "sip:100@[2001:db8::7];transport=tcp", "sip:192.0.2.7".
func uriAddr(uri []byte) (netip.AddrPort, bool) {
	uri = bytes.TrimPrefix(uri, []byte("<"))
	scheme, rest, _ := bytes.Cut(uri, []byte(":"))
	if string(scheme) != "sip" && string(scheme) != "sips" {
		return netip.AddrPort{}, false
	}
	if _, host, ok := bytes.Cut(rest, []byte("@")); ok {
		rest = host
	}
	if end := bytes.IndexAny(rest, ";?>"); end >= 0 {
		rest = rest[:end]
	}
	return hostPort(rest)
}

// hostPort reads "192.0.2.7:5060", "[2001:db8::7]:5060", or either without a
// port, which is then SIP's own, 5060.
func hostPort(v []byte) (netip.AddrPort, bool) {
	port := []byte("5060")
	host := v
	if end := bytes.IndexByte(v, ']'); bytes.HasPrefix(v, []byte("[")) && end > 0 {
		host = v[1:end]
		if rest, ok := bytes.CutPrefix(v[end+1:], []byte(":")); ok {
			port = rest
		}
	} else if colon := bytes.IndexByte(v, ':'); colon >= 0 && bytes.IndexByte(v[colon+1:], ':') < 0 {
		host, port = v[:colon], v[colon+1:]
	}
	return addrPort(host, port)
}
