package asterisk

import (
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
)

// entry is a context in which somebody's calls begin who is not one of us.
type entry struct {
	name, context, at string
}

// entries are the ways in for strangers and providers.
func (p *PBX) entries() []entry {
	if p.ways != nil {
		return p.ways
	}
	p.ways = []entry{}
	seen := map[string]bool{}
	for _, e := range slices.Concat(p.pjsipEntries(), p.sipEntries(), p.iaxEntries(), p.lineEntries()) {
		if !seen[e.context] && p.plan.contexts[e.context] != nil {
			seen[e.context] = true
			p.ways = append(p.ways, e)
		}
	}
	return p.ways
}

func (p *PBX) pjsipEntries() (all []entry) {
	for _, ep := range p.objects["endpoint"] {
		if p.isTrunk(ep) || p.gateway("PJSIP", ep.Name) || isAnonymous(ep) && p.module("res_pjsip_endpoint_identifier_anonymous.so") != unloaded {
			all = append(all, entry{"endpoint " + ep.Name, contextOf(ep), at(ep, "context")})
		}
	}
	return all
}

func (p *PBX) sipEntries() (all []entry) {
	if !p.hasChanSIP() {
		return nil
	}
	g := p.file("sip.conf").Section("general")
	if !off(g, "allowguest") {
		all = append(all, entry{"guests of chan_sip", or(g.Get("context"), "default"), at(g, "context")})
	}
	for _, s := range p.peers("sip.conf") {
		context := p.peerContext("sip.conf", s)
		switch {
		case open(s) || claimed(g, s):
			all = append(all, entry{"peer " + s.Name + ", which needs no password", context, at(s, "context")})
		case fixedHost(s) || p.gateway("SIP", s.Name):
			all = append(all, entry{"peer " + s.Name, context, at(s, "context")})
		}
	}
	return all
}

// fixedHost tells whether a peer stands at an address of its own, as providers
// do.
func fixedHost(s *conf.Section) bool {
	return s.Get("host") != "" && !strings.EqualFold(s.Get("host"), "dynamic")
}

// open tells whether anybody may register as a peer of chan_sip.
func open(s *conf.Section) bool {
	return strings.EqualFold(s.Get("host"), "dynamic") && s.Get("secret") == "" && s.Get("md5secret") == "" && s.Get("remotesecret") == "" && !fenced(s)
}

// fenced tells whether a peer takes calls from some addresses only.
func fenced(s *conf.Section) bool {
	if s.Has("acl") {
		return true
	}
	why, _ := openList(s, "permit", "deny", false)
	return s.Has("deny") && why == ""
}

// claimed tells whether the name in From is enough to be taken for a user of
// chan_sip: it is asked for no password on INVITE, from whatever address.
func claimed(general, s *conf.Section) bool {
	return !strings.EqualFold(s.Get("type"), "peer") && unchallenged(general, s) && !fenced(s)
}

// unchallenged tells whether INVITEs of a peer need no password; [general]
// stands in for what the peer does not set.
func unchallenged(general, s *conf.Section) bool {
	set := s
	if !s.Has("insecure") {
		set = general
	}
	return slices.Contains(set.List("insecure"), "invite") || slices.Contains(set.List("insecure"), "very")
}

func (p *PBX) iaxEntries() (all []entry) {
	if p.module("chan_iax2.so") == unloaded {
		return nil
	}
	for _, s := range p.peers("iax.conf") {
		kind := strings.ToLower(s.Get("type"))
		switch {
		case kind != "peer" && s.Get("secret") == "" && s.Get("inkeys") == "" && s.Get("dbsecret") == "":
			all = append(all, entry{"user " + s.Name, p.peerContext("iax.conf", s), at(s, "context")})
		case kind != "peer" && (fixedHost(s) || p.gateway("IAX2", s.Name)):
			all = append(all, entry{"user " + s.Name, p.peerContext("iax.conf", s), at(s, "context")})
		}
	}
	return all
}

// lineFiles configure drivers of lines. Whoever calls on a line is outside; only
// DAHDI knows telephones too.
var lineFiles = []struct{ file, module string }{
	{"misdn.conf", "chan_misdn.so"}, {"capi.conf", "chan_capi.so"}, {"dongle.conf", "chan_dongle.so"}, {"quectel.conf", "chan_quectel.so"}, {"chan_mobile.conf", "chan_mobile.so"},
	{"ooh323.conf", "chan_ooh323.so"}, {"h323.conf", "chan_h323.so"}, {"khomp.conf", "chan_khomp.so"}, {"vpb.conf", "chan_vpb.so"}, {"extra.conf", "chan_extra.so"},
	{"motif.conf", "chan_motif.so"}, {"gtalk.conf", "chan_gtalk.so"},
}

// dahdiFiles are those of DAHDI, and of Zaptel before it.
var dahdiFiles = []string{"chan_dahdi.conf", "dahdi-channels.conf", "chan_dahdi_additional.conf", "zapata.conf", "zapata-auto.conf", "zapata_additional.conf"}

func (p *PBX) lineEntries() (all []entry) {
	for _, driver := range lineFiles {
		if p.module(driver.module) == unloaded {
			continue
		}
		for _, s := range p.file(driver.file).Sections {
			for _, set := range s.All("context") {
				all = append(all, entry{"lines of " + driver.file, set.Value, set.At.String()})
			}
		}
	}
	for _, file := range dahdiFiles {
		for _, s := range p.file(file).Sections {
			all = append(all, dahdiLines(file, s)...)
		}
	}
	return all
}

// dahdiLines follows a section, in which a channel= takes the settings before
// it. fxo_* is the signalling towards a telephone.
func dahdiLines(file string, s *conf.Section) (all []entry) {
	context, signalling := conf.Setting{Value: "default", At: s.At}, ""
	for _, set := range s.Settings {
		switch strings.ToLower(set.Key) {
		case "context":
			context = set
		case "signalling", "signaling":
			signalling = strings.ToLower(set.Value)
		case "channel", "dahdichan":
			if !strings.HasPrefix(signalling, "fxo") && signalling != "" {
				all = append(all, entry{"lines of " + file, context.Value, context.At.String()})
			}
		}
	}
	return all
}

// gateway tells whether numbers are dialled through what looks like a telephone:
// then it is a gateway to another network, and calls from there begin in its
// context.
func (p *PBX) gateway(tech, name string) bool {
	if p.gateways == nil {
		p.gateways = map[string]bool{}
		for _, o := range p.outward() {
			p.gateways[o.trunk] = true
		}
	}
	return p.gateways[tech+"/"+name]
}
