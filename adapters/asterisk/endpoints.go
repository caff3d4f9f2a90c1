package asterisk

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"pbxguard/adapters/asterisk/conf"
)

// endpoints sorts what the channel drivers are configured with into trunks and
// phones.
type endpoints struct {
	trunks map[string]*Trunk
	phones map[string]bool
}

func (e *endpoints) trunk(name string, hosts ...string) {
	t := e.trunks[name]
	if t == nil {
		t = &Trunk{Name: name}
		e.trunks[name] = t
	}
	for _, h := range hosts {
		if h != "" && !slices.Contains(t.Hosts, h) {
			t.Hosts = append(t.Hosts, h)
		}
	}
}

func (e *endpoints) sorted() (trunks []Trunk, phones []string) {
	for _, t := range e.trunks {
		slices.Sort(t.Hosts)
		trunks = append(trunks, *t)
	}
	slices.SortFunc(trunks, func(a, b Trunk) int { return strings.Compare(a.Name, b.Name) })
	for name := range e.phones {
		if e.trunks[name] == nil {
			phones = append(phones, name)
		}
	}
	slices.Sort(phones)
	return trunks, phones
}

// pjsip reads pjsip.conf. A phone logs in and says where it is; a trunk is
// known by its address, or we log in to it, or it stands at a fixed place and
// need not log in.
func (e *endpoints) pjsip(sections []*conf.Section) {
	of := map[string][]*conf.Section{}
	for _, s := range sections {
		if !s.Template {
			kind := strings.ToLower(s.Get("type"))
			of[kind] = append(of[kind], s)
		}
	}
	for _, ep := range of["endpoint"] {
		hosts := uriHosts(ep.List("outbound_proxy"))
		fixed := false
		for _, aor := range of["aor"] {
			if slices.Contains(ep.List("aors"), aor.Name) {
				hosts = append(hosts, uriHosts(aor.List("contact"))...)
				hosts = append(hosts, uriHosts(aor.List("outbound_proxy"))...)
				fixed = fixed || aor.Get("contact") != ""
			}
		}
		known := false
		for _, id := range of["identify"] {
			if id.Get("endpoint") == ep.Name {
				known = true
				hosts = append(hosts, matches(id.List("match"))...)
			}
		}
		loggedIn := ep.Get("outbound_auth") != ""
		for _, reg := range of["registration"] {
			if reg.Get("endpoint") == ep.Name || reg.Name == ep.Name {
				loggedIn = true
				hosts = append(hosts, uriHosts(reg.List("server_uri"))...)
				hosts = append(hosts, uriHosts(reg.List("outbound_proxy"))...)
			}
		}
		logsIn := ep.Get("auth") != ""
		switch {
		case loggedIn, known && (fixed || !logsIn), fixed && !logsIn:
			e.trunk(ep.Name, hosts...)
		case logsIn:
			e.phones[ep.Name] = true
		}
	}
}

// wizard reads pjsip_wizard.conf, which says in one section what pjsip.conf
// says in several.
func (e *endpoints) wizard(sections []*conf.Section) {
	for _, s := range sections {
		if s.Template || strings.ToLower(s.Get("type")) != "wizard" {
			continue
		}
		remote := s.List("remote_hosts")
		switch {
		case s.Yes("sends_registrations"), s.Yes("sends_auth"), len(remote) > 0 && !s.Yes("accepts_registrations"):
			var hosts []string
			for _, r := range remote {
				hosts = append(hosts, hostOf(r))
			}
			hosts = append(hosts, matches(s.List("identify/match"))...)
			hosts = append(hosts, uriHosts(s.List("outbound_proxy"))...)
			e.trunk(s.Name, hosts...)
		case s.Yes("accepts_registrations"), s.Yes("accepts_auth"):
			e.phones[s.Name] = true
		}
	}
}

// peers reads sip.conf or iax.conf.
func (e *endpoints) peers(sections []*conf.Section) {
	var registers []string
	for _, s := range sections {
		kind, host := strings.ToLower(s.Get("type")), s.Get("host")
		switch {
		case s.Template:
		case s.Name == "general":
			for _, set := range s.Settings {
				if strings.EqualFold(set.Key, "register") {
					registers = append(registers, set.Value) // whose password may hold commas
				}
			}
		case kind != "peer" && kind != "friend":
		case strings.EqualFold(host, "dynamic"):
			e.phones[s.Name] = true
		default:
			e.trunk(s.Name, hostOf(host), hostOf(s.Get("outboundproxy")))
		}
	}
	for _, line := range registers {
		e.register(line)
	}
}

// register adds the host at which "user:secret@host:port/extension" logs in: to
// the trunk that has it already, or as one by itself.
func (e *endpoints) register(line string) {
	host := line[strings.LastIndexByte(line, '@')+1:]
	if end := strings.IndexAny(host, "/~?"); end >= 0 {
		host = host[:end]
	}
	host = hostOf(host)
	for _, t := range e.trunks {
		if slices.Contains(t.Hosts, host) {
			return
		}
	}
	if host != "" {
		e.trunk(host, host)
	}
}

// uriHosts are the hosts of SIP URIs.
func uriHosts(uris []string) (hosts []string) {
	for _, uri := range uris {
		uri = strings.TrimLeft(uri, `<"`)
		for _, scheme := range []string{"sip:", "sips:"} {
			uri = strings.TrimPrefix(uri, scheme)
		}
		if end := strings.IndexAny(uri, ";?>"); end >= 0 {
			uri = uri[:end]
		}
		hosts = append(hosts, hostOf(uri[strings.LastIndexByte(uri, '@')+1:]))
	}
	return hosts
}

// hostOf cuts a port off.
func hostOf(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		return host
	}
	return strings.Trim(s, "[]")
}

// matches are the values of identify's match: addresses, names, and prefixes
// written as "192.0.2.0/24" or "192.0.2.0/255.255.255.0".
func matches(values []string) (hosts []string) {
	for _, v := range values {
		addr, mask, ok := strings.Cut(v, "/")
		if !ok {
			hosts = append(hosts, hostOf(v))
			continue
		}
		if m, err := netip.ParseAddr(mask); err == nil && m.Is4() {
			b := m.As4()
			ones, _ := net.IPv4Mask(b[0], b[1], b[2], b[3]).Size()
			mask = strconv.Itoa(ones)
		}
		if p, err := netip.ParsePrefix(addr + "/" + mask); err == nil {
			hosts = append(hosts, p.Masked().String())
		}
	}
	return hosts
}
