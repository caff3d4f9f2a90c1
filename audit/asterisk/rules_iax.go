package asterisk

import (
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// iaxRules are about chan_iax2 and modules that nobody needs.
func iaxRules() []audit.Rule[*PBX] {
	const ref = "Asterisk iax.conf.sample"
	general := func(p *PBX) *conf.Section { return p.file("iax.conf").Section("general") }
	return []audit.Rule[*PBX]{
		rule("AST-IAX-001", audit.Critical, "iax dialplan", "Guests may call through IAX2",
			"A user without a secret, as the sample's [guest], lets in every stranger on port 4569.",
			"Delete the section, or give it a secret= or inkeys=.", ref, func(p *PBX, r *audit.Result) {
				for _, s := range p.peers("iax.conf") {
					if kind := strings.ToLower(s.Get("type")); kind == "peer" || s.Get("secret") != "" || s.Get("inkeys") != "" || s.Get("dbsecret") != "" {
						continue
					}
					context := or(s.Get("context"), or(general(p).Get("context"), "default"))
					if way := p.plan.leads(context); way != "" {
						r.Fail("user "+s.Name, s.At.String(), "no secret, and its calls get abroad: %s", way)
					} else {
						r.FailAs(audit.High, "user "+s.Name, s.At.String(), "no secret; its calls reach context %s", context)
					}
				}
			}),
		rule("AST-IAX-002", audit.Medium, "iax", "IAX2 answers forged addresses",
			"Without call tokens, a flood from forged addresses uses up all call numbers.",
			"Set requirecalltoken=yes and leave calltokenoptional= out.", ref, func(p *PBX, r *audit.Result) {
				for _, s := range append(p.peers("iax.conf"), general(p)) {
					if off(s, "requirecalltoken") {
						r.Fail(s.Name, at(s, "requirecalltoken"), "requirecalltoken=no")
					}
				}
				if set := general(p).Find("calltokenoptional"); set != nil && wide(set.Value) != "" {
					r.Fail("general", set.At.String(), "calltokenoptional=%s", set.Value)
				}
			}),
		rule("AST-IAX-003", audit.Medium, "iax", "IAX2 passwords may be tried fast",
			"Without delayreject, a guesser gets its answer at once.",
			"Set delayreject=yes.", ref, func(p *PBX, r *audit.Result) {
				if g := general(p); !g.Yes("delayreject") && len(p.peers("iax.conf")) > 0 {
					r.Fail("general", at(g, "delayreject"), "delayreject is not yes")
				}
			}),
		rule("AST-IAX-004", audit.High, "iax", "An IAX2 password goes over the wire",
			"auth=plaintext sends the secret itself.",
			"Set auth=md5 or auth=rsa, and encryption=yes.", ref, func(p *PBX, r *audit.Result) {
				for _, s := range append(p.peers("iax.conf"), general(p)) {
					if strings.Contains(strings.ToLower(s.Get("auth")), "plaintext") {
						r.Fail(s.Name, at(s, "auth"), "auth=%s", s.Get("auth"))
					}
				}
			}),
		rule("AST-IAX-005", audit.Low, "iax", "IAX2 gives out firmware",
			"A small forged request is answered with a large file: a tool for floods.",
			"Set allowfwdownload=no.", ref, func(p *PBX, r *audit.Result) {
				if g := general(p); g.Yes("allowfwdownload") {
					r.Fail("general", at(g, "allowfwdownload"), "allowfwdownload=yes")
				}
			}),
		rule("AST-IAX-006", audit.Medium, "iax", "Several secrets open one account",
			"Every secret= line of a section is accepted: one that was meant to be replaced still works.",
			"Leave one secret= line.", ref, func(p *PBX, r *audit.Result) {
				for _, s := range p.peers("iax.conf") {
					values := map[string]bool{}
					for _, set := range s.All("secret") {
						values[set.Value] = true
					}
					if len(values) > 1 {
						r.Fail("user "+s.Name, at(s, "secret"), "%d secrets", len(values))
					}
				}
			}),
		rule("AST-IAX-007", audit.Low, "iax", "IAX2 runs and nobody uses it",
			"Every open port is one that will have a hole some day.",
			"Write noload = chan_iax2.so in modules.conf.", "S004", func(p *PBX, r *audit.Result) {
				if len(p.peers("iax.conf")) == 0 && p.module("chan_iax2.so") != unloaded {
					r.Fail("chan_iax2.so", p.file("iax.conf").Name, "the module is not in noload, and iax.conf has no peer")
				}
			}),
		rule("AST-IAX-008", audit.Critical, "iax", "An IAX2 password can be guessed",
			"Robots try the accounts of port 4569 as they try those of SIP: first their own names, then published passwords.",
			"Give the account 20 or more random characters of its own.", "S004; "+ref, func(p *PBX, r *audit.Result) {
				for _, s := range p.peers("iax.conf") {
					if strings.EqualFold(s.Get("type"), "peer") || s.Has("inkeys") && strings.EqualFold(s.Get("auth"), "rsa") {
						continue // nobody logs in as it with a password
					}
					for _, set := range s.All("secret") {
						if ws := p.weak(set.Value, []string{s.Name, s.Get("username")}); set.Value != "" && len(ws) > 0 {
							r.FailAs(audit.Worst(ws), "user "+s.Name, set.At.String(), "%s", audit.Describe(ws))
						}
					}
				}
			}),
		rule("AST-MOD-001", audit.Low, "modules.conf", "Modules run that nobody uses",
			"Every function that runs is one more to attack.",
			"Write noload = NAME for each in modules.conf.", "S004; Asterisk modules.conf.sample", unusedModules),
		rule("AST-MOD-002", audit.Info, "modules.conf", "All modules on the disk are loaded",
			"With autoload=yes, an update brings new modules into service unasked.",
			"List the modules that you need, and set autoload=no.", "Asterisk modules.conf.sample", func(p *PBX, r *audit.Result) {
				if s := p.file("modules.conf").Section("modules"); s.Yes("autoload") {
					r.Fail("modules", at(s, "autoload"), "autoload=yes")
				}
			}),
	}
}

// unusedModules are in use if the file that configures them says so.
func unusedModules(p *PBX, r *audit.Result) {
	unused := []struct{ module, file string }{
		{"chan_skinny.so", "skinny.conf"}, {"chan_mgcp.so", "mgcp.conf"}, {"chan_unistim.so", "unistim.conf"},
		{"app_adsiprog.so", ""}, {"app_externalivr.so", ""}, {"app_getcpeid.so", ""}, {"res_phoneprov.so", "phoneprov.conf"},
	}
	for _, u := range unused {
		if p.module(u.module) != loaded {
			continue
		}
		if u.file == "" && p.plan.mentions("ExternalIVR", "ADSIProg") {
			continue
		}
		r.Fail(u.module, p.file("modules.conf").Name, "%s is loaded", u.module)
	}
}
