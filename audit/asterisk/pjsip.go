package asterisk

import (
	"slices"
	"strconv"
	"strings"

	"pbxguard/adapters/asterisk/conf"
)

// readObjects sorts pjsip.conf and what pjsip_wizard.conf stands for by type.
func (p *PBX) readObjects() {
	p.objects = map[string][]*conf.Section{}
	for _, name := range p.objectFiles() {
		for _, s := range p.file(name).Sections {
			if kind := strings.ToLower(s.Get("type")); !s.Template && kind != "" {
				p.objects[kind] = append(p.objects[kind], s)
			}
		}
	}
	for _, s := range p.file("pjsip_wizard.conf").Sections {
		if !s.Template && strings.EqualFold(s.Get("type"), "wizard") {
			p.wizard(s)
		}
	}
	if p.realtime("ps_", "res_pjsip") != "" {
		p.merged = p.merge()
	}
	p.index()
}

// objectFiles are pjsip.conf and what else sorcery.conf says that objects of
// chan_pjsip stand in, as "endpoint = config,pjsip_more.conf,criteria=type=endpoint".
func (p *PBX) objectFiles() []string {
	names := []string{"pjsip.conf"}
	for _, s := range p.file("sorcery.conf").Sections {
		if s.Template || !strings.HasPrefix(strings.ToLower(s.Name), "res_pjsip") {
			continue
		}
		for _, set := range s.Settings {
			source, rest, _ := strings.Cut(set.Value, ",")
			name, _, _ := strings.Cut(rest, ",")
			if name = strings.TrimSpace(name); strings.TrimSpace(source) == "config" && name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// index makes the objects findable: a large PBX has ten thousand of them.
func (p *PBX) index() {
	p.named, p.usersOf, p.known, p.trunk = map[[2]string]*conf.Section{}, map[string][]*conf.Section{}, map[string][]*conf.Section{}, map[*conf.Section]bool{}
	for kind, all := range p.objects {
		for _, s := range all {
			if key := [2]string{kind, s.Name}; p.named[key] == nil {
				p.named[key] = s
			}
		}
	}
	for _, ep := range p.objects["endpoint"] {
		for _, name := range ep.List("auth") {
			p.usersOf[name] = append(p.usersOf[name], ep)
		}
	}
	for _, id := range p.objects["identify"] {
		p.known[id.Get("endpoint")] = append(p.known[id.Get("endpoint")], id)
	}
	for _, ep := range p.objects["endpoint"] {
		p.trunk[ep] = p.leadsElsewhere(ep)
	}
}

// wizard makes the objects that a section of pjsip_wizard.conf stands for.
func (p *PBX) wizard(s *conf.Section) {
	add := func(kind, name string, more ...conf.Setting) *conf.Section {
		o := &conf.Section{Name: name, At: s.At}
		for _, set := range s.Settings {
			if key, ok := strings.CutPrefix(set.Key, kind+"/"); ok {
				set.Key = key
				o.Settings = append(o.Settings, set)
			}
		}
		o.Settings = append(o.Settings, more...)
		p.objects[kind] = append(p.objects[kind], o)
		return o
	}
	set := func(key, value string) conf.Setting { return conf.Setting{Key: key, Value: value, At: s.At} }
	endpoint := add("endpoint", s.Name, set("aors", s.Name))
	aor := add("aor", s.Name)
	if s.Yes("accepts_auth") {
		name := s.Name + "-iauth"
		auth := add("inbound_auth", name)
		p.objects["auth"] = append(p.objects["auth"], auth)
		if !auth.Has("username") {
			auth.Settings = append(auth.Settings, set("username", s.Name))
		}
		endpoint.Settings = append(endpoint.Settings, set("auth", name))
	}
	if s.Yes("sends_auth") {
		name := s.Name + "-oauth"
		auth := add("outbound_auth", name)
		p.objects["auth"] = append(p.objects["auth"], auth)
		endpoint.Settings = append(endpoint.Settings, set("outbound_auth", name))
	}
	hosts := s.List("remote_hosts")
	for _, host := range hosts {
		aor.Settings = append(aor.Settings, set("contact", "sip:"+host))
	}
	if s.Yes("accepts_registrations") && !aor.Has("max_contacts") {
		aor.Settings = append(aor.Settings, set("max_contacts", "1"))
	}
	if len(hosts) > 0 && !s.Yes("accepts_registrations") && !s.Yes("accepts_auth") {
		add("identify", s.Name+"-identify", set("endpoint", s.Name), set("match", strings.Join(hosts, ",")))
	}
	if s.Yes("sends_registrations") && len(hosts) > 0 {
		add("registration", s.Name+"-reg-0", set("endpoint", s.Name), set("server_uri", "sip:"+hosts[0]))
	}
}

// object returns the first object of a type and name, or nil.
func (p *PBX) object(kind, name string) *conf.Section { return p.named[[2]string{kind, name}] }

// global is the section type=global, or an empty one.
func (p *PBX) global() *conf.Section {
	if all := p.objects["global"]; len(all) > 0 {
		return all[0]
	}
	return &conf.Section{Name: "global", At: conf.Pos{File: p.file("pjsip.conf").Name}}
}

// contextOf is the context in which an endpoint's calls begin.
func contextOf(ep *conf.Section) string { return or(ep.Get("context"), "default") }

// authsOf are the objects that an endpoint must answer a challenge with.
func (p *PBX) authsOf(ep *conf.Section) (all []*conf.Section) {
	for _, name := range ep.List("auth") {
		if a := p.object("auth", name); a != nil {
			all = append(all, a)
		}
	}
	return all
}

// identifiesOf are the objects that know an endpoint by its address.
func (p *PBX) identifiesOf(ep *conf.Section) []*conf.Section { return p.known[ep.Name] }

// aorsOf are an endpoint's address records.
func (p *PBX) aorsOf(ep *conf.Section) (all []*conf.Section) {
	for _, name := range ep.List("aors") {
		if a := p.object("aor", name); a != nil {
			all = append(all, a)
		}
	}
	return all
}

// registers tells whether we log in somewhere as an endpoint.
func (p *PBX) registers(ep *conf.Section) bool {
	return slices.ContainsFunc(p.objects["registration"], func(r *conf.Section) bool {
		return r.Get("endpoint") == ep.Name || r.Name == ep.Name || ep.Has("outbound_auth") && r.Get("outbound_auth") == ep.Get("outbound_auth")
	})
}

// accepts tells whether phones may register as an endpoint.
func (p *PBX) accepts(ep *conf.Section) bool {
	return slices.ContainsFunc(p.aorsOf(ep), func(a *conf.Section) bool { return number(a, "max_contacts", 0) > 0 })
}

// isTrunk tells whether beyond an endpoint there is another network.
func (p *PBX) isTrunk(ep *conf.Section) bool { return p.trunk[ep] }

// leadsElsewhere finds that out: we log in there, or it is known by its
// address, or it stands at a fixed place and need not log in.
func (p *PBX) leadsElsewhere(ep *conf.Section) bool {
	if isAnonymous(ep) {
		return false
	}
	if p.registers(ep) || ep.Has("outbound_auth") && ep.Get("outbound_auth") != ep.Get("auth") {
		return true
	}
	if len(p.identifiesOf(ep)) > 0 {
		return !p.accepts(ep) || len(p.authsOf(ep)) == 0
	}
	fixed := slices.ContainsFunc(p.aorsOf(ep), func(a *conf.Section) bool { return a.Get("contact") != "" })
	return fixed && len(ep.List("auth")) == 0
}

func isAnonymous(ep *conf.Section) bool {
	return ep.Name == "anonymous" || strings.HasPrefix(ep.Name, "anonymous@")
}

// identifiedBy tells whether an endpoint may be found by a way; the default is
// by name and by address.
func identifiedBy(ep *conf.Section, way string) bool {
	ways := ep.List("identify_by")
	if len(ways) == 0 {
		ways = []string{"username", "ip"}
	}
	return slices.ContainsFunc(ways, func(w string) bool { return strings.EqualFold(w, way) })
}

// number reads a whole number.
func number(s *conf.Section, key string, otherwise int) int {
	n, err := strconv.Atoi(strings.TrimSpace(s.Get(key)))
	if err != nil {
		return otherwise
	}
	return n
}
