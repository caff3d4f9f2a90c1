package asterisk

import (
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
