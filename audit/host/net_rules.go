package host

import (
	"fmt"
	"strings"

	"pbxguard/audit"
)

// inner are the ports that only the host itself, or a few others, should reach.
var inner = []struct {
	port uint16
	udp  bool
	what string
	bad  audit.Severity // when it listens on all addresses
}{
	{5038, false, "Asterisk's AMI", audit.Critical},
	{5039, false, "Asterisk's AMI over TLS", audit.Critical},
	{8021, false, "FreeSWITCH's event socket", audit.Critical},
	{8088, false, "Asterisk's HTTP server (ARI, AMI)", audit.High},
	{8089, false, "Asterisk's HTTPS server (ARI, AMI)", audit.High},
	{3306, false, "MySQL", audit.High},
	{5432, false, "PostgreSQL", audit.High},
	{6379, false, "Redis", audit.Critical},
	{11211, false, "memcached", audit.Critical},
	{11211, true, "memcached", audit.Critical},
	{4573, false, "FastAGI", audit.High},
	{69, true, "TFTP, which gives phones' passwords to all", audit.High},
	{10000, false, "Webmin", audit.High},
}

func listening(m *model, r *audit.Result) {
	for _, s := range m.sockets {
		if s.local() {
			continue
		}
		for _, p := range inner {
			if p.port == s.addr.Port() && p.udp == s.udp {
				m.exposed(r, s, p.what, p.bad)
			}
		}
		if s.addr.Port() == 8080 && !s.udp && s.user == "freeswitch" {
			m.exposed(r, s, "FreeSWITCH's XML-RPC", audit.Critical)
		}
	}
}

// exposed judges a port by where it listens; one that the firewall opens to
// nobody is less bad.
func (m *model) exposed(r *audit.Result, s socket, what string, bad audit.Severity) {
	severity, how := audit.High, ""
	if s.any() || !s.addr.Addr().IsPrivate() {
		severity = bad
	}
	f := m.wall.families[0]
	if s.addr.Addr().Is6() {
		f = m.wall.families[1]
	}
	if f.there && f.drops && f.opens(fmt.Sprint(s.addr.Port())) == "" && m.states["firewall"].how == audit.Whole {
		severity, how = audit.Low, "; the firewall's files let nobody in from everywhere"
	}
	r.FailAs(severity, fmt.Sprint("port ", s.addr.Port()), s.at, "%s (%s, %s)%s", what, s.where(), s.user, how)
}

var sipPorts = []string{"5060", "5061", "5080", "4569"}

func openWall(m *model, r *audit.Result) {
	if m.wall.file == "" {
		return
	}
	for i, name := range []string{"IPv4", "IPv6"} {
		f := m.wall.families[i]
		switch {
		case !f.there:
			r.Fail(name, m.wall.file, "there are no rules for %s", name)
		case !f.drops:
			r.Fail(name, f.policy, "what no rule names is accepted")
		default:
			for _, port := range sipPorts {
				if where := f.opens(port); where != "" {
					r.Fail(name+" port "+port, where, "everybody is let in, without a list or a limit")
				}
			}
		}
	}
}

func webAdmin(m *model, r *audit.Result) {
	which := ""
	for name, file := range map[string]string{"FreePBX": "/etc/freepbx.conf", "FusionPBX": "/etc/fusionpbx/config.conf"} {
		if m.site.Tree.Exists(file) {
			which = name
		}
	}
	if which == "" {
		r.NotApplicable("neither FreePBX nor FusionPBX is there")
		return
	}
	secure, clear := false, ""
	for _, s := range m.sockets {
		if !s.udp && !s.local() && s.addr.Port() == 443 {
			secure = true
		}
		if !s.udp && !s.local() && s.addr.Port() == 80 {
			clear = s.at
		}
	}
	if clear != "" && !secure {
		r.Fail(which, clear, "it is served on port 80 and there is no port 443")
	}
	for i, name := range []string{"IPv4", "IPv6"} {
		f := m.wall.families[i]
		if !secure && clear == "" || !f.there {
			continue
		}
		if where := f.opens("443"); where != "" || !f.drops {
			r.Fail(which+" over "+name, where, "the firewall lets the whole internet in")
		}
	}
}

func sshLogin(m *model, r *audit.Result) {
	pass, set := m.sshd["passwordauthentication"]
	if !set {
		pass = setting{"yes", "/etc/ssh/sshd_config"}
	}
	if pass.value != "no" {
		r.Fail("PasswordAuthentication", pass.at, "passwords are taken")
	}
	if root := m.sshd["permitrootlogin"]; root.value == "yes" {
		r.Fail("PermitRootLogin", root.at, "root may log in with a password")
	}
}

func asRoot(m *model, r *audit.Result) {
	for _, p := range m.procs {
		if p.uid == "0" {
			r.Fail(p.name, p.at, "it runs as root, with capabilities %s", strings.TrimLeft(p.caps, "0"))
		}
	}
}
