package asterisk

import (
	"slices"
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

// outside tells which trunk "resource" of a technology leads to, and which
// number is sent there; the trunk is "" if it stays inside.
func (p *PBX) outside(tech, resource string) (trunk, number string) {
	switch strings.ToUpper(tech) {
	case "PJSIP":
		return p.outsidePJSIP(resource)
	case "SIP", "IAX2":
		return p.outsidePeer(tech, resource)
	case "DAHDI", "ZAP", "OOH323", "H323", "MISDN", "CAPI", "KHOMP", "MOTIF", "CONSOLE", "DONGLE", "QUECTEL", "SCCP", "USRP":
		line, number, ok := strings.Cut(resource, "/")
		if !ok || number == "" || strings.EqualFold(tech, "SCCP") {
			return "", "" // a telephone on a line
		}
		return tech + "/" + line, number
	}
	return "", ""
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
	if ep := p.object("endpoint", name); ep != nil && !p.isTrunk(ep) {
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
	file := "sip.conf"
	if strings.EqualFold(tech, "IAX2") {
		file = "iax.conf"
	}
	inside := slices.ContainsFunc(p.peers(file), func(s *conf.Section) bool {
		return s.Name == name && strings.EqualFold(s.Get("host"), "dynamic") && s.Get("secret") != ""
	})
	if inside {
		return "", ""
	}
	number, _, _ = strings.Cut(number, "@")
	return tech + "/" + name, number
}

// voicemailOption is a setting of voicemail.conf's general section.
func (p *PBX) voicemailOption(key string) string {
	return p.file("voicemail.conf").Section("general").Get(key)
}

// queueContext is where a caller who waits in a queue may dial.
func (p *PBX) queueContext(name string) string {
	return p.file("queues.conf").Section(name).Get("context")
}
