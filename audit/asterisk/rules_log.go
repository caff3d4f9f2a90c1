package asterisk

import (
	"path"
	"slices"
	"strings"

	"pbxguard/audit"
)

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
					for _, app := range []string{"System", "TrySystem", "Originate", "Dial", "AGI", "Macro", "Gosub"} {
						if len(parts) > 2 && (strings.EqualFold(strings.TrimSpace(parts[2]), app) || strings.HasPrefix(strings.TrimSpace(parts[2]), app+"(")) && (dynamic == "" || strings.Contains(dynamic, set.Key)) && p.plan.mentionsFeature(set.Key, dynamic) && !p.plan.tame(parts[2:]) && !(p.freePBX().there() && set.Key == "apprecord") {
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
				if all := p.plan.transfers(); len(all) > 0 {
					r.Fail("TRANSFER_CONTEXT", p.file("extensions.conf").Section("globals").At.String(), "it is not set, and an outside party may transfer: Dial with the option %s at %s", all[0].letter, all[0].at)
				}
			}),
	}
}

// tame tells whether a feature runs a subroutine that starts no program and
// places no call, such as one that records.
func (d *dialplan) tame(call []string) bool {
	app, args := application(strings.Join(call, ","))
	context, _, _ := strings.Cut(args, ",")
	context = strings.Trim(strings.TrimSpace(context), `"`)
	switch {
	case strings.EqualFold(app, "Macro"):
		context = "macro-" + context
	case !strings.EqualFold(app, "Gosub"):
		return false
	}
	c := d.contexts[context]
	if c == nil {
		return false
	}
	return !slices.ContainsFunc(c.all, func(e *extension) bool {
		return slices.ContainsFunc(e.steps, func(s step) bool {
			return s.is("System", "TrySystem", "Originate", "Dial", "AGI", "Macro", "Gosub", "Goto") || len(s.inner) > 0 && slices.ContainsFunc(s.inner, func(in step) bool { return in.is("System", "TrySystem", "Originate", "Dial", "AGI") })
		})
	})
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
