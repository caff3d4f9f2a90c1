package asterisk

import (
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// coreRules are about HTTP, ARI, the console and the process.
func coreRules() []audit.Rule[*PBX] {
	return []audit.Rule[*PBX]{
		rule("AST-HTTP-001", audit.High, "http.conf", "Asterisk's web server talks in clear to the network",
			"ARI, AMI over HTTP and metrics with their passwords go over the wire.",
			"Set bindaddr=127.0.0.1 in http.conf, or enabled=no with tlsenable=yes behind a certificate.", "Asterisk http.conf.sample", func(p *PBX, r *audit.Result) {
				if s := p.file("http.conf").Section("general"); s.Yes("enabled") && !loopback(or(s.Get("bindaddr"), "0.0.0.0")) {
					r.Fail("general", at(s, "bindaddr"), "enabled=yes and bindaddr is %s", or(s.Get("bindaddr"), "not set"))
				}
			}),
		rule("AST-HTTP-002", audit.Low, "http.conf", "The web server shows itself",
			"Static files and the status page tell version and configuration.",
			"Set enable_static=no and enable_status=no.", "Asterisk http.conf.sample", func(p *PBX, r *audit.Result) {
				s := p.file("http.conf").Section("general")
				for _, key := range []string{"enable_static", "enablestatic", "enable_status"} {
					if s.Yes("enabled") && s.Yes(key) {
						r.Fail("general", at(s, key), "%s=yes", key)
					}
				}
			}),
		rule("AST-ARI-001", audit.Critical, "ari.conf", "An ARI password can be guessed",
			"ARI places calls.", "Give the user 20 or more random characters, and read_only=yes if it only watches.", "Asterisk ari.conf.sample", func(p *PBX, r *audit.Result) {
				f := p.file("ari.conf")
				if conf.False(or(f.Section("general").Get("enabled"), "yes")) {
					r.NotApplicable("ARI is not enabled")
					return
				}
				for _, s := range f.Sections {
					if s.Template || !strings.EqualFold(s.Get("type"), "user") {
						continue
					}
					if strings.EqualFold(s.Get("password_format"), "crypt") {
						continue
					}
					if ws := p.weak(s.Get("password"), []string{s.Name}); len(ws) > 0 || s.Get("password") == "" {
						severity := audit.Worst(ws)
						if s.Yes("read_only") && severity == audit.Critical {
							severity = audit.High
						}
						r.FailAs(severity, "user "+s.Name, at(s, "password"), "%s", or(audit.Describe(ws), "the password is empty"))
					}
				}
			}),
		rule("AST-ARI-002", audit.Medium, "ari.conf", "Every web page may call ARI",
			"With allowed_origins=*, a page that a colleague looks at uses ARI from inside.",
			"List the origins that may.", "Asterisk ari.conf.sample", func(p *PBX, r *audit.Result) {
				if s := p.file("ari.conf").Section("general"); slices.Contains(s.List("allowed_origins"), "*") {
					r.Fail("general", at(s, "allowed_origins"), "allowed_origins=*")
				}
			}),
		rule("AST-PROM-001", audit.Low, "prometheus.conf", "Metrics are open",
			"Who calls how much is told to everybody.", "Set auth_username= and auth_password=.", "Asterisk prometheus.conf.sample", func(p *PBX, r *audit.Result) {
				if s := p.file("prometheus.conf").Section("general"); s.Yes("enabled") && s.Get("auth_username") == "" {
					r.Fail("general", at(s, "enabled"), "enabled=yes without auth_username")
				}
			}),
		rule("AST-CORE-001", audit.High, "asterisk.conf", "Interfaces may run shell commands",
			"With live_dangerously=yes, AMI and ARI reach SHELL(), FILE() and DB().",
			"Set live_dangerously=no.", "Asterisk README-SERIOUSLY.bestpractices.md", func(p *PBX, r *audit.Result) {
				if s := p.file("asterisk.conf").Section("options"); s.Yes("live_dangerously") {
					r.Fail("options", at(s, "live_dangerously"), "live_dangerously=yes")
				}
			}),
		rule("AST-CORE-002", audit.High, "asterisk.conf", "Asterisk runs as root",
			"One hole in Asterisk is then the whole host.",
			"Set runuser=asterisk and rungroup=asterisk, or let systemd start it as that user.", "Asterisk asterisk.conf.sample", rootUser),
		rule("AST-CORE-003", audit.Medium, "asterisk.conf", "Every local user has the console",
			"Whoever may write to the control socket can do all that Asterisk can.",
			"Set astctlpermissions=0660 and astctlgroup=asterisk.", "Asterisk asterisk.conf.sample", func(p *PBX, r *audit.Result) {
				s := p.file("asterisk.conf").Section("files")
				if v := s.Get("astctlpermissions"); v != "" && strings.ContainsAny(v[len(v)-1:], "2367") {
					r.Fail("files", at(s, "astctlpermissions"), "astctlpermissions=%s", v)
				}
			}),
		rule("AST-CORE-004", audit.Medium, "asterisk.conf", "Configuration files run programs",
			"With execincludes=yes, whoever may write a configuration file runs code as Asterisk.",
			"Set execincludes=no.", "Asterisk asterisk.conf.sample", func(p *PBX, r *audit.Result) {
				if s := p.file("asterisk.conf").Section("options"); s.Yes("execincludes") {
					r.Fail("options", at(s, "execincludes"), "execincludes=yes")
				}
			}),
		rule("AST-CORE-005", audit.Medium, "cli_permissions.conf", "Every shell user has the whole console",
			"Whoever is in Asterisk's group can place calls and stop the PBX.",
			"Set default_perm=deny and permit each user what is needed.", "Asterisk cli_permissions.conf.sample", func(p *PBX, r *audit.Result) {
				s := p.file("cli_permissions.conf").Section("general")
				if strings.EqualFold(s.Get("default_perm"), "permit") && len(p.groupMembers("asterisk")) > 1 {
					r.Fail("general", at(s, "default_perm"), "default_perm=permit, and the group asterisk has %d members", len(p.groupMembers("asterisk")))
				}
			}),
		rule("AST-RTP-001", audit.Medium, "rtp.conf", "Speech may be hijacked",
			"Without strictrtp, whoever sends to the port hears the call and speaks in it.",
			"Set strictrtp=yes.", "Asterisk rtp.conf.sample", func(p *PBX, r *audit.Result) {
				s := p.file("rtp.conf").Section("general")
				if off(s, "strictrtp") {
					r.Fail("general", at(s, "strictrtp"), "strictrtp=no")
				} else if number(s, "probation", 4) > 20 {
					r.Fail("general", at(s, "probation"), "probation=%s", s.Get("probation"))
				}
			}),
		rule("AST-RTP-002", audit.Low, "rtp.conf", "Encrypted speech may be replayed",
			"Without replay protection, recorded packets are taken again.",
			"Leave srtpreplayprotection=yes.", "Asterisk rtp.conf.sample", func(p *PBX, r *audit.Result) {
				if s := p.file("rtp.conf").Section("general"); off(s, "srtpreplayprotection") {
					r.Fail("general", at(s, "srtpreplayprotection"), "srtpreplayprotection=no")
				}
			}),
		rule("AST-STIR-001", audit.Medium, "stir_shaken.conf", "False caller ids are let through",
			"STIR/SHAKEN is in use and a call that fails it goes on; or it fetches certificates from anywhere.",
			"Set failure_action=reject_request or continue_return_reason, relax_*=no, and leave x5u_deny as shipped.", "Asterisk stir_shaken.conf.sample", func(p *PBX, r *audit.Result) {
				for _, s := range p.file("stir_shaken.conf").Sections {
					if s.Template {
						continue
					}
					if s.Get("failure_action") == "continue" || strings.EqualFold(s.Get("type"), "verification") && !s.Has("failure_action") && s.Has("ca_file") {
						r.FailAs(audit.Info, s.Name, at(s, "failure_action"), "failure_action is continue")
					}
					for _, key := range []string{"relax_x5u_port_scheme_restrictions", "relax_x5u_path_restrictions"} {
						if s.Yes(key) {
							r.Fail(s.Name, at(s, key), "%s=yes", key)
						}
					}
					if s.Has("x5u_deny") && s.Get("x5u_deny") == "" {
						r.Fail(s.Name, at(s, "x5u_deny"), "x5u_deny is empty")
					}
				}
			}),
	}
}

// rootUser fails if nothing says that Asterisk runs as somebody else.
func rootUser(p *PBX, r *audit.Result) {
	s := p.file("asterisk.conf").Section("options")
	if user := s.Get("runuser"); user != "" {
		if user == "root" {
			r.Fail("options", at(s, "runuser"), "runuser=root")
		}
		return
	}
	for _, name := range []string{"/etc/default/asterisk", "/lib/systemd/system/asterisk.service", "/usr/lib/systemd/system/asterisk.service", "/etc/systemd/system/asterisk.service", "/etc/init.d/asterisk", "/etc/sysconfig/asterisk"} {
		data, err := p.site.Tree.ReadFile(name)
		if err == nil && (strings.Contains(string(data), "AST_USER=") || strings.Contains(string(data), "User=asterisk") || strings.Contains(string(data), "-U asterisk")) {
			return
		}
	}
	if p.freePBX().there() { // fwconsole starts it as asterisk
		return
	}
	if !p.wholeHost() {
		r.Incomplete("options", at(s, "runuser"), "runuser= is not set, and how the service is started is not part of what is audited")
		return
	}
	r.Fail("options", at(s, "runuser"), "runuser= is not set, and no service file names a user")
}

// groupMembers are the members of a unix group, beside its own user.
func (p *PBX) groupMembers(group string) []string {
	data, err := p.site.Tree.ReadFile("/etc/group")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 4 && f[0] == group && f[3] != "" {
			return strings.Split(f[3], ",")
		}
	}
	return nil
}
