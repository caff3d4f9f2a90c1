package host

import (
	"fmt"
	"strconv"
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
		if m.wall.file == inKernel {
			how = "; the firewall lets nobody in from everywhere"
		}
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

// freeWeb are the ports that FreePBX's web pages are served on, as its module
// sysadmin has them.
var freeWeb = []struct {
	port uint16
	what string
}{
	{80, "the administration"}, {443, "the administration"}, {81, "UCP"}, {4443, "UCP"}, {8001, "UCP's server"}, {8003, "UCP's server"},
	{82, "the phone apps"}, {3443, "the phone apps"}, {83, "provisioning"}, {1443, "provisioning"}, {84, "provisioning"}, {2443, "provisioning"},
}

// freePBXOpen looks for pages of FreePBX that the whole internet reaches.
func freePBXOpen(m *model, r *audit.Result) {
	if !m.site.Tree.Exists("/etc/freepbx.conf") && !m.site.Tree.Exists("/etc/amportal.conf") {
		r.NotApplicable("FreePBX is not there")
		return
	}
	if m.wall.file == "" {
		return // the source firewall says that it is not known
	}
	for _, s := range m.sockets {
		if s.udp || s.local() {
			continue
		}
		for _, page := range freeWeb {
			if page.port == s.addr.Port() {
				m.reached(r, s, page.what)
			}
		}
	}
}

// reached reports a page of FreePBX if the firewall's files let everybody in to
// it, over the protocol that the socket takes. One on :: takes both.
func (m *model) reached(r *audit.Result, s socket, what string) {
	port := fmt.Sprint(s.addr.Port())
	for i, name := range []string{"IPv4", "IPv6"} {
		if s.addr.Addr().Is4() && i == 1 || s.addr.Addr().Is6() && !s.any() && i == 0 {
			continue
		}
		f, object := m.wall.families[i], fmt.Sprintf("port %s over %s", port, name)
		switch {
		case !f.there:
			r.Fail(object, s.at, "%s is served (%s), and no firewall rules for %s are there", what, s.where(), name)
		case !f.drops:
			r.Fail(object, f.policy, "%s is served (%s), and what no rule names is accepted", what, s.where())
		case f.opens(port) != "":
			r.Fail(object, f.opens(port), "%s is served (%s), and everybody is let in", what, s.where())
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
	for i, name := range []string{"IPv4", "IPv6"} {
		if where := m.wall.families[i].opens("22"); where != "" {
			r.FailAs(audit.Low, "port 22 over "+name, where, "the firewall lets everybody knock")
		}
	}
}

// asGoodAsRoot are capabilities (capability.h of Linux) with which a process
// makes itself root: DAC_OVERRIDE, SETUID, SYS_MODULE, SYS_PTRACE, SYS_ADMIN.
const asGoodAsRoot = 1<<1 | 1<<7 | 1<<16 | 1<<19 | 1<<21

func asRoot(m *model, r *audit.Result) {
	for _, p := range m.procs {
		if p.uid == "0" {
			r.Fail(p.name, p.at, "it runs as root, with capabilities %s", strings.TrimLeft(p.caps, "0"))
		} else if mask, err := strconv.ParseUint(p.caps, 16, 64); err == nil && mask&asGoodAsRoot != 0 {
			r.FailAs(audit.Medium, p.name, p.at, "it has capabilities that are as good as root: %s", strings.TrimLeft(p.caps, "0"))
		}
	}
}
