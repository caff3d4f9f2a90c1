package asterisk

import (
	"path"
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// users are the accounts of manager.conf.
func (p *PBX) users() (all []*conf.Section) {
	for _, s := range p.file("manager.conf").Sections {
		if !s.Template && !strings.EqualFold(s.Name, "general") {
			all = append(all, s)
		}
	}
	return all
}

// manager is the general section, and whether AMI runs.
func (p *PBX) manager() (*conf.Section, bool) {
	g := p.file("manager.conf").Section("general")
	return g, g.Yes("enabled")
}

// managerRules are about AMI, the interface that can do everything.
func managerRules() []audit.Rule[*PBX] {
	const ref = "Asterisk manager.conf.sample"
	amiRule := func(id string, s audit.Severity, title, why, fix, ref string, find func(*PBX, *conf.Section, *audit.Result)) audit.Rule[*PBX] {
		return rule(id, s, "manager.conf", title, why, fix, ref, func(p *PBX, r *audit.Result) {
			g, on := p.manager()
			if !on {
				r.NotApplicable("AMI is not enabled")
				return
			}
			find(p, g, r)
		})
	}
	return []audit.Rule[*PBX]{
		amiRule("AST-AMI-001", audit.High, "AMI listens to the network",
			"Whoever reaches port 5038 may guess the password of an account that places calls and runs commands.",
			"Set bindaddr=127.0.0.1 in [general] of manager.conf.", ref, func(p *PBX, g *conf.Section, r *audit.Result) {
				if loopback(or(g.Get("bindaddr"), "0.0.0.0")) {
					return
				}
				guarded, _ := p.firewall()
				severity := audit.High
				if guarded || p.usersConfined() {
					severity = audit.Low
				}
				r.FailAs(severity, "general", at(g, "bindaddr"), "bindaddr is %s", or(g.Get("bindaddr"), "not set, which is every address"))
			}),
		amiRule("AST-AMI-002", audit.Critical, "An AMI password can be guessed",
			"An AMI account places calls: its password is as good as money.",
			"Give the account 20 or more random characters.", ref+"; FreePBX", func(p *PBX, _ *conf.Section, r *audit.Result) {
				for _, u := range p.users() {
					secret := u.Get("secret")
					if secret == "" {
						r.Fail("user "+u.Name, u.At.String(), "the secret is empty")
					} else if ws := p.weak(secret, []string{u.Name}); len(ws) > 0 {
						r.FailAs(audit.Worst(ws), "user "+u.Name, at(u, "secret"), "%s", audit.Describe(ws))
					}
				}
			}),
		amiRule("AST-AMI-003", audit.High, "An AMI account is open to every address",
			"Without deny and permit, the account may be tried from wherever AMI is reached, by whoever got hold of a web server's file.",
			"Add deny=0.0.0.0/0.0.0.0 and permit=127.0.0.1/255.255.255.255 to the account.", ref, func(p *PBX, g *conf.Section, r *audit.Result) {
				for _, u := range p.users() {
					if why, where := openList(u, "permit", "deny", false); why != "" {
						r.Fail("user "+u.Name, where, "%s", why)
					} else if !u.Has("acl") && !u.Has("deny") {
						severity := audit.High
						if loopback(g.Get("bindaddr")) {
							severity = audit.Low
						}
						r.FailAs(severity, "user "+u.Name, u.At.String(), "no deny=, permit= or acl=")
					}
				}
			}),
		amiRule("AST-AMI-004", audit.Medium, "An AMI account admits a network",
			"permit=127.0.0.1/255.255.255.0 is a /24. Harmless on loopback, it is copied with another address and then admits 254 machines.",
			"Write the mask of a single host, 255.255.255.255.", "FreePBX manager.conf", func(p *PBX, _ *conf.Section, r *audit.Result) {
				for _, u := range p.users() {
					for _, set := range u.All("permit") {
						ip, ok := host(strings.Split(set.Value, "/")[0])
						_, mask, masked := strings.Cut(set.Value, "/")
						if !ok || !masked || maskBits(mask, ip) == ip.BitLen() || maskBits(mask, ip) == 0 {
							continue
						}
						severity := audit.Medium
						if ip.IsLoopback() {
							severity = audit.Info
						}
						r.FailAs(severity, "user "+u.Name, set.At.String(), "permit=%s", set.Value)
					}
				}
			}),
		amiRule("AST-AMI-005", audit.High, "An AMI account may do everything",
			"Originate places calls and, with System, runs programs; command, system and config are the whole host.",
			"Take command, system, config, originate, dialplan and all out of write= unless the program cannot do without.", "Asterisk README-SERIOUSLY.bestpractices.md", func(p *PBX, _ *conf.Section, r *audit.Result) {
				for _, u := range p.users() {
					var rights []string
					for _, right := range u.List("write") {
						if slices.Contains([]string{"command", "system", "config", "originate", "dialplan", "all"}, strings.ToLower(right)) {
							rights = append(rights, right)
						}
					}
					if len(rights) == 0 || p.knownUser(u, rights) {
						continue
					}
					r.Fail("user "+u.Name, at(u, "write"), "write has %s", strings.Join(rights, ", "))
				}
			}),
		amiRule("AST-AMI-006", audit.Medium, "AMI is reached through the web",
			"AMI over HTTP brings the browser of every colleague into play, and its limits on logins are weaker.",
			"Set webenabled=no; leave authtimeout=30 and authlimit=50.", ref, func(p *PBX, g *conf.Section, r *audit.Result) {
				http := p.file("http.conf").Section("general")
				if g.Yes("webenabled") && http.Yes("enabled") && !loopback(http.Get("bindaddr")) {
					r.Fail("general", at(g, "webenabled"), "webenabled=yes, and HTTP is not confined to loopback")
				}
				if number(g, "authtimeout", 30) > 60 || number(g, "authlimit", 50) > 200 {
					r.Fail("general", at(g, "authtimeout"), "authtimeout or authlimit is raised")
				}
			}),
		amiRule("AST-AMI-007", audit.Medium, "An AMI account can read SIP passwords",
			"With the right system, PJSIPShowAuths answers with every password in clear.",
			"Give tools that only watch read=call and no system in write=.", "Asterisk pjsip_manager.xml", func(p *PBX, _ *conf.Section, r *audit.Result) {
				for _, u := range p.users() {
					rights := u.List("write")
					system := slices.Contains(rights, "system") || slices.Contains(rights, "all")
					if system && !p.knownUser(u, []string{"system"}) {
						r.Fail("user "+u.Name, at(u, "write"), "write has system or all")
					}
				}
			}),
		amiRule("AST-AMI-008", audit.Medium, "AMI passwords go over the network in clear",
			"Whoever sits on the way reads the login of an account that places calls.",
			"Bind AMI to 127.0.0.1, or set tlsenable=yes and use the TLS port only.", ref, func(p *PBX, g *conf.Section, r *audit.Result) {
				if !loopback(or(g.Get("bindaddr"), "0.0.0.0")) && !g.Yes("tlsenable") && !p.usersConfined() {
					r.Fail("general", at(g, "tlsenable"), "AMI is reached from other hosts, and tlsenable is not yes")
				}
			}),
		amiRule("AST-AMI-009", audit.Info, "pbxguard's own AMI account lacks a right",
			"Without security and call in read=, the guard is blind; without call in write=, it cannot end calls.",
			"Set read=security,call,system and write=call on its account.", "pbxguard setup", func(p *PBX, _ *conf.Section, r *audit.Result) {
				for _, u := range p.users() {
					if u.Name != "pbxguard" {
						continue
					}
					for _, right := range []string{"security", "call"} {
						if rights := u.List("read"); !slices.Contains(rights, right) && !slices.Contains(rights, "all") {
							r.Fail("user pbxguard", at(u, "read"), "read lacks %s", right)
						}
					}
					if rights := u.List("write"); !slices.Contains(rights, "call") && !slices.Contains(rights, "all") {
						r.Fail("user pbxguard", at(u, "write"), "write lacks call")
					}
				}
			}),
	}
}

// usersConfined tells whether every AMI account takes logins from loopback
// only.
func (p *PBX) usersConfined() bool {
	users := p.users()
	return len(users) > 0 && !slices.ContainsFunc(users, func(u *conf.Section) bool {
		if why, _ := openList(u, "permit", "deny", false); why != "" || !u.Has("deny") {
			return true
		}
		return slices.ContainsFunc(u.All("permit"), func(s conf.Setting) bool { return !loopback(strings.Split(s.Value, "/")[0]) })
	})
}

// knownUser tells whether an account's rights are those that its program needs
// and is installed with: FreePBX itself, and our own second account.
func (p *PBX) knownUser(u *conf.Section, rights []string) bool {
	switch u.Name {
	case "pbxguard-admin":
		return len(rights) == 1 && rights[0] == "system"
	case "admin", "firewall":
		return p.freePBX().there() && p.userConfined(u)
	}
	return false
}

func (p *PBX) userConfined(u *conf.Section) bool {
	why, _ := openList(u, "permit", "deny", false)
	return why == "" && u.Has("deny") && !slices.ContainsFunc(u.All("permit"), func(s conf.Setting) bool { return !loopback(strings.Split(s.Value, "/")[0]) })
}

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

// logRules are about what is left to see after an attack.
func logRules() []audit.Rule[*PBX] {
	return []audit.Rule[*PBX]{
		rule("AST-LOG-001", audit.High, "asterisk", "Attacks leave no trace",
			"Without the level security in logger.conf, failed logins are written nowhere, and fail2ban sees nothing.",
			"Add \"security => security\" to [logfiles] of logger.conf.", "Asterisk logger.conf.sample", func(p *PBX, r *audit.Result) {
				if state, why := p.together([]string{"logger.conf"}, ""); state == audit.Lost || state == audit.Partial {
					r.Incomplete("logger.conf", "", "%s", why)
					return
				}
				s := p.file("logger.conf").Section("logfiles")
				for _, set := range s.Settings {
					levels := strings.ToLower(set.Value)
					if strings.Contains(levels, "security") || strings.Contains(levels, "*") {
						return
					}
				}
				r.Fail("logfiles", s.At.String(), "no line has the level security")
			}),
		rule("AST-LOG-002", audit.Medium, "asterisk", "Logs are not kept for 90 days",
			"Fraud is often found on the bill, weeks later: what was thrown away cannot be shown to the carrier or the police.",
			"Set rotate 100 and daily in /etc/logrotate.d/asterisk.", "S004", func(p *PBX, r *audit.Result) { rotation(p, r) }),
		rule("AST-LOG-003", audit.Medium, "logger.conf", "Logs hold PINs and passwords",
			"Debug and DTMF lines hold what callers key in: PINs of mailboxes and of DISA.",
			"Remove debug, dtmf and verbose from the lines that write to files.", "Asterisk logger.conf.sample", func(p *PBX, r *audit.Result) {
				s := p.file("logger.conf").Section("logfiles")
				for _, set := range s.Settings {
					if strings.EqualFold(set.Key, "console") {
						continue
					}
					for _, level := range []string{"debug", "dtmf"} {
						if strings.Contains(strings.ToLower(set.Value), level) {
							r.Fail("log "+set.Key, set.At.String(), "%s is written to it", level)
						}
					}
				}
			}),
		rule("AST-CDR-001", audit.High, "asterisk", "Calls are not recorded",
			"Without call records a bill cannot be disputed; without unanswered calls a scan is not seen.",
			"Set enable=yes in cdr.conf, load a backend such as cdr_csv.so, and set unanswered=yes.", "S004; Asterisk cdr.conf.sample", func(p *PBX, r *audit.Result) {
				if state, why := p.together([]string{"cdr.conf"}, ""); state == audit.Lost || state == audit.Partial {
					r.Incomplete("cdr.conf", "", "%s", why)
					return
				}
				s := p.file("cdr.conf").Section("general")
				if off(s, "enable") {
					r.Fail("general", at(s, "enable"), "enable=no")
					return
				}
				backends := []string{"cdr_csv.so", "cdr_custom.so", "cdr_adaptive_odbc.so", "cdr_odbc.so", "cdr_sqlite3_custom.so", "cdr_pgsql.so", "cdr_manager.so", "cdr_mysql.so", "cdr_syslog.so", "cdr_radius.so", "cdr_tds.so", "cdr_beanstalkd.so"}
				if !slices.ContainsFunc(backends, func(m string) bool { return p.module(m) != unloaded }) {
					r.Fail("general", p.file("modules.conf").Name, "no module writes call records")
				}
			}),
		rule("AST-FEAT-001", audit.Medium, "features.conf dialplan", "Keys pressed in a call run programs",
			"A feature of [applicationmap] that runs System, Originate or Dial is open to whoever may press keys in a call.",
			"Remove it, or let only the inside leg use it (\"self/caller\") on calls that it was meant for.", "Asterisk features.conf.sample", func(p *PBX, r *audit.Result) {
				dynamic := p.plan.globals["DYNAMIC_FEATURES"]
				for _, set := range p.file("features.conf").Section("applicationmap").Settings {
					parts := strings.Split(set.Value, ",")
					for _, app := range []string{"System", "TrySystem", "Originate", "Dial", "AGI", "Macro"} {
						if len(parts) > 2 && (strings.EqualFold(strings.TrimSpace(parts[2]), app) || strings.HasPrefix(strings.TrimSpace(parts[2]), app+"(")) && (dynamic == "" || strings.Contains(dynamic, set.Key)) && p.plan.mentionsFeature(set.Key, dynamic) {
							r.Fail("feature "+set.Key, set.At.String(), "it runs %s", app)
						}
					}
				}
			}),
		rule("AST-FEAT-002", audit.Medium, "dialplan", "Transfers by keys reach every number",
			"A party that may transfer with ## dials in the context of the call unless TRANSFER_CONTEXT says otherwise.",
			"Set TRANSFER_CONTEXT in [globals] to a context that has inside numbers only.", "Asterisk bridge_basic.c, get_transfer_context", func(p *PBX, r *audit.Result) {
				context, set := p.plan.globals["TRANSFER_CONTEXT"]
				if set && context != "" {
					if way := p.plan.leads(context); way != "" {
						r.Fail("TRANSFER_CONTEXT", p.file("extensions.conf").Section("globals").Pos("TRANSFER_CONTEXT").String(), "it leads abroad: %s", way)
					}
					return
				}
				if way := p.plan.outsideTransfers(); way != "" {
					r.Fail("TRANSFER_CONTEXT", p.file("extensions.conf").Section("globals").At.String(), "it is not set, and an outside party may transfer: %s", way)
				}
			}),
	}
}

// mentionsFeature tells whether a dynamic feature is switched on anywhere.
func (d *dialplan) mentionsFeature(name, global string) bool {
	return strings.Contains(global, name) || d.mentions("DYNAMIC_FEATURES")
}

// rotation reads how long logrotate keeps Asterisk's logs.
func rotation(p *PBX, r *audit.Result) {
	const dir = "/etc/logrotate.d"
	if !p.wholeHost() {
		r.Incomplete("logrotate", dir, "logrotate is not part of what is audited")
		return
	}
	names, err := p.site.Tree.ReadDir(dir)
	if err != nil {
		if !missing(err) {
			r.Incomplete("logrotate", dir, "%v", err)
		}
		return
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "asterisk") && !strings.HasPrefix(name, "freepbx") {
			continue
		}
		full := path.Join(dir, name)
		data, err := p.site.Tree.ReadFile(full)
		if err != nil {
			r.Incomplete("logrotate", full, "%v", err)
			continue
		}
		if days := kept(string(data)); days >= 0 && days < 90 {
			r.Fail("logrotate", full, "logs are kept for %d days", days)
		}
	}
}

// kept is the least of the days that the blocks of a logrotate file keep, or -1
// if it does not say.
func kept(text string) int {
	least := -1
	for block := range strings.SplitSeq(text, "}") {
		period, rotate := 7, -1
		for line := range strings.Lines(block) {
			f := strings.Fields(line)
			if len(f) == 0 {
				continue
			}
			switch f[0] {
			case "daily":
				period = 1
			case "weekly":
				period = 7
			case "monthly":
				period = 30
			case "yearly":
				period = 365
			case "rotate":
				if len(f) > 1 {
					rotate = atoi(f[1])
				}
			}
		}
		if days := period * rotate; rotate >= 0 && (least < 0 || days < least) {
			least = days
		}
	}
	return least
}
