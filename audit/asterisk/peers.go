package asterisk

import (
	"strings"

	"pbxguard/adapters/asterisk/conf"
)

// peers are the sections of sip.conf or iax.conf that stand for somebody.
func (p *PBX) peers(file string) (all []*conf.Section) {
	for _, s := range p.file(file).Sections {
		kind := strings.ToLower(s.Get("type"))
		if !s.Template && (kind == "peer" || kind == "user" || kind == "friend") {
			all = append(all, s)
		}
	}
	return all
}

// peerContext is where a peer's calls begin.
func (p *PBX) peerContext(file string, s *conf.Section) string {
	return or(s.Get("context"), or(p.file(file).Section("general").Get("context"), "default"))
}

// outside tells which trunk "resource" of a technology leads to, and which
// number is sent there; the trunk is "" if it stays inside.
func (p *PBX) outside(tech, resource string) (trunk, number string) {
	if trunk, number = p.beyond(tech, resource); !strings.ContainsAny(number, digitSet+unknownText) {
		return "", "" // an extension called s, or guest, is no telephone number
	}
	return trunk, number
}

// beyond does that for any number.
func (p *PBX) beyond(tech, resource string) (trunk, number string) {
	switch strings.ToUpper(tech) {
	case "PJSIP":
		return p.outsidePJSIP(resource)
	case "SIP", "IAX2":
		return p.outsidePeer(tech, resource)
	case "", "?", "LOCAL", "SCCP", "SKINNY", "MGCP", "UNISTIM", "AGENT", "CONSOLE", "AUDIOSOCKET", "WEBSOCKET", "MULTICASTRTP", "UNICASTRTP", "SIMPLEUSB", "USBRADIO", "USRP", "RADIO":
		return "", ""
	}
	line, number, ok := strings.Cut(resource, "/") // DAHDI/g1/0044…, Dongle/dongle0/0044…
	if !ok || number == "" {
		return "", "" // a telephone on a line
	}
	return tech + "/" + line, number
}

// outsidePJSIP knows "number@trunk", "trunk/sip:number@host" and "trunk/number".
func (p *PBX) outsidePJSIP(resource string) (trunk, number string) {
	if name, uri, ok := strings.Cut(resource, "/"); ok {
		uri = strings.TrimPrefix(strings.TrimPrefix(uri, "sips:"), "sip:")
		number, _, _ := strings.Cut(uri, "@")
		return "PJSIP/" + name, number
	}
	number, name, ok := strings.Cut(resource, "@")
	if !ok {
		return "", ""
	}
	if number == "" || number == name { // a telephone by its own name
		return "", ""
	}
	return "PJSIP/" + name, number
}

// outsidePeer knows "peer/number", "number@peer" and "user:secret@host/number".
func (p *PBX) outsidePeer(tech, resource string) (trunk, number string) {
	name, number, slashed := strings.Cut(resource, "/")
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		user := name[:i]
		name = name[i+1:]
		if !slashed {
			number, slashed = user, true
		}
	}
	if !slashed || number == "" {
		return "", ""
	}
	if number == name { // a telephone by its own name
		return "", ""
	}
	number, _, _ = strings.Cut(number, "@")
	return strings.ToUpper(tech) + "/" + name, number
}

// voicemailOption is a setting of voicemail.conf's general section.
func (p *PBX) voicemailOption(key string) string {
	return p.file("voicemail.conf").Section("general").Get(key)
}

// queueContext is where a caller who waits in a queue may dial.
func (p *PBX) queueContext(name string) string {
	return p.file("queues.conf").Section(name).Get("context")
}
