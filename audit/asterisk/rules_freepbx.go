package asterisk

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"pbxguard/audit"
)

func itoa(n int) string { return strconv.Itoa(n) }

const freeRef = "FreePBX core"

// freePBXRules are about what FreePBX keeps in AstDB and in its own files.
func freePBXRules() []audit.Rule[*PBX] {
	free := func(id string, s audit.Severity, needs, title, why, fix, ref string, find func(*PBX, *audit.Result)) audit.Rule[*PBX] {
		return rule(id, s, needs, title, why, fix, ref, func(p *PBX, r *audit.Result) {
			if !p.freePBX().there() {
				r.NotApplicable("this is no FreePBX")
				return
			}
			find(p, r)
		})
	}
	return []audit.Rule[*PBX]{
		free("FPX-001", audit.Critical, "astdb", "An extension of FreePBX forwards outside",
			"FreePBX dials a forward through every outbound route, whatever the extension itself may dial.",
			"Ask the owner, then delete it; limit the feature codes *72, *90 and *52.", freeRef, func(p *PBX, r *audit.Result) {
				for _, f := range p.forwards() {
					if reach := p.leadsOut(f.number); reach.Rule != "" {
						r.FailAs(reach.Severity, "extension "+f.extension, p.astdb, "%s (%s) leads to %s (%s)", f.key, f.kind, reach.What, reach.Rule)
					}
				}
			}),
		free("FPX-002", audit.Critical, "astdb freepbx-rows", "A follow-me list holds an outside number",
			"Users, and whoever steals their login to UCP, set it without an administrator.",
			"Remove the number, and restrict follow-me in UCP.", "FreePBX findmefollow", func(p *PBX, r *audit.Result) {
				p.eachUser(func(ext string, get func(string) string) {
					if get("followme/ddial") != "DIRECT" {
						return
					}
					for n := range strings.SplitSeq(get("followme/grplist"), "-") {
						number, outside := strings.CutSuffix(n, "#")
						if reach := p.leadsOut(number); outside && reach.Rule != "" {
							r.FailAs(reach.Severity, "extension "+ext, p.astdb, "its follow-me list leads to %s (%s)", reach.What, reach.Rule)
						}
					}
				})
				differentFollowMe(p, r)
			}),
		free("FPX-003", audit.High, "astdb", "A voicemail greeting sends callers outside",
			"VmX: a caller presses a key in the greeting and is sent to a number outside.",
			"Switch the VmX locator of the extension off.", "FreePBX voicemail", func(p *PBX, r *audit.Result) {
				p.eachUser(func(ext string, get func(string) string) {
					for _, when := range []string{"unavail", "busy", "temp"} {
						if get("vmx/"+when+"/state") != "enabled" {
							continue
						}
						for _, key := range []string{"0", "1", "2"} {
							number := get("vmx/" + when + "/" + key + "/ext")
							if reach := p.leadsOut(number); number != "" && reach.Rule != "" {
								r.FailAs(worse(audit.High, reach.Severity), "extension "+ext, p.astdb, "key %s in its greeting leads to %s", key, reach.What)
							}
						}
					}
				})
			}),
		free("FPX-005", audit.High, "astdb", "Mailboxes open without a PIN from their own phone",
			"Whoever has stolen the SIP account, or shows its number as caller id, opens the mailbox.",
			"Set \"Require From Same Extension\" to yes for each.", "FreePBX voicemail", func(p *PBX, r *audit.Result) {
				var m many
				p.eachUser(func(ext string, get func(string) string) {
					if get("novmpw") != "" {
						m.names = append(m.names, ext)
					}
				})
				m.at = p.astdb
				m.fail(r, audit.High, "extension", "novmpw is set")
			}),
		free("FPX-006", audit.High, "voicemail", "A mailbox PIN of FreePBX can be guessed",
			"FreePBX checks of a PIN only that it is digits.", "Give the mailbox 6 or more random digits.", "FreePBX voicemail", weakPINs),
		free("FPX-007", audit.Critical, "freepbx freepbx-rows", "FreePBX has a password that it was shipped with",
			"The password is in every book: with it the interface that places calls is open.",
			"Change it in Advanced Settings, apply, and restart.", freeRef, func(p *PBX, r *audit.Result) {
				for key, shipped := range map[string]string{"AMPMGRPASS": "amp111", "AMPDBPASS": "amp109", "FOPPASSWORD": "passw0rd", "ARI_ADMIN_PASSWORD": "ari_password"} {
					for _, s := range p.freeSetting(key) {
						if s.value == shipped {
							r.Fail(key, s.at, "it is the one of the installation")
						}
					}
				}
			}),
		free("FPX-008", audit.High, "pjsip dialplan freepbx", "FreePBX takes calls from guests",
			"Calls of strangers begin in from-sip-external and, where inbound routes take any number, get to IVRs, queues and forwards.",
			"Set Allow Anonymous Inbound SIP Calls to No.", freeRef, func(p *PBX, r *audit.Result) {
				if strings.EqualFold(p.plan.globals["ALLOW_SIP_ANON"], "yes") {
					severity, how := audit.Medium, ", and no inbound route takes any number"
					if route := p.anyRoute(); route != "" {
						severity, how = audit.High, ", and the inbound route "+route+" takes any number"
					}
					r.FailAs(severity, "globals", p.file("extensions.conf").Section("globals").Pos("ALLOW_SIP_ANON").String(), "ALLOW_SIP_ANON=yes%s", how)
				}
			}),
		free("FPX-009", audit.High, "dialplan", "Outside parties may transfer calls",
			"With T in TRUNK_OPTIONS, or t in DIAL_OPTIONS on calls out, the party outside keys ## and dials on through your routes.",
			"Take t and T out of the trunk dial options, and set TRANSFER_CONTEXT.", freeRef, func(p *PBX, r *audit.Result) {
				context := p.plan.globals["TRANSFER_CONTEXT"]
				if context != "" && p.plan.leads(context) == "" {
					return
				}
				globals := p.file("extensions.conf").Section("globals")
				if v := p.plan.globals["TRUNK_OPTIONS"]; strings.Contains(v, "t") {
					r.Fail("globals", globals.Pos("TRUNK_OPTIONS").String(), "TRUNK_OPTIONS=%s", v)
				}
				if v := p.plan.globals["DIAL_OPTIONS"]; strings.Contains(v, "T") && !strings.EqualFold(p.plan.globals["INBOUND_NOTRANS"], "true") {
					r.Fail("globals", globals.Pos("DIAL_OPTIONS").String(), "DIAL_OPTIONS=%s and INBOUND_NOTRANS is not true", v)
				}
			}),
		free("FPX-010", audit.High, "dialplan", "Every extension may call abroad",
			"An outbound route takes international numbers from everybody, without PIN or caller id match.",
			"Write a route for each country that is needed, with a PIN set.", freeRef+"; S004", func(p *PBX, r *audit.Result) {
				for _, name := range p.plan.names {
					if !strings.HasPrefix(name, "outrt-") {
						continue
					}
					c := p.plan.contexts[name]
					for _, e := range c.patterns {
						locked := slices.ContainsFunc(e.steps, func(s step) bool {
							return strings.Contains(s.args, "pinset") || s.is("Authenticate") || strings.Contains(s.args, "PINSET")
						})
						if abroad := p.takesAbroad(e.pattern); abroad != "" && !locked && e.caller == "" {
							r.Fail("route "+e.text+"@"+name, e.at.String(), "it takes %s from everybody", abroad)
						}
					}
				}
			}),
		free("FPX-017", audit.Medium, "extensions.conf freepbx", "A custom file of FreePBX was changed",
			"What stands in extensions_custom.conf survives every update: a good place for a back door.",
			"Look at what changed; run the audit again to take it as it is.", freeRef, func(p *PBX, r *audit.Result) {
				if p.site.Memory == nil {
					r.Incomplete("", "", "no earlier run is remembered to compare with")
					return
				}
				names, err := p.site.Tree.Glob(path.Join(p.etc, "*_custom*.conf"))
				if err != nil {
					r.Incomplete("", p.etc, "%v", err)
				}
				for _, name := range names {
					data, err := p.site.Tree.ReadFile(name)
					if err != nil {
						r.Incomplete("file "+name, name, "%v", err)
						continue
					}
					if known, same := p.site.Memory.Note("custom:"+name, data); !known || !same {
						r.Fail("file "+name, name, "it changed since the last run")
					}
				}
			}),
		free("FPX-019", audit.Medium, "astdb", "An extension may make any number of calls at once",
			"One stolen account opens dozens of calls.", "Set Outbound Concurrency Limit to 2 or 3.", freeRef, func(p *PBX, r *audit.Result) {
				var m many
				p.eachUser(func(ext string, get func(string) string) {
					if n := atoi(get("concurrency_limit")); n == 0 || n > 4 {
						m.names = append(m.names, ext)
					}
				})
				m.at = p.astdb
				m.fail(r, audit.Medium, "extension", "concurrency_limit is not between 1 and 4")
			}),
		free("FPX-020", audit.Medium, "astdb freepbx-rows", "A device has no user, a user no device, or a device is a number outside",
			"What is left over of an extension still has its password.", "Delete it.", freeRef, func(p *PBX, r *audit.Result) {
				owned := map[string]bool{}
				p.eachUser(func(ext string, _ func(string) string) { owned[ext] = true })
				var lone many
				p.database().family("DEVICE", func(key, value string) {
					if id, ok := strings.CutSuffix(key, "/user"); ok && (value == "" || value != "none" && !owned[value]) {
						lone.names = append(lone.names, id)
					}
				})
				lone.at = p.astdb
				lone.fail(r, audit.Medium, "device", "no user has it")
				outsideDevices(p, r)
			}),
		free("FPX-021", audit.Low, "astdb", "An extension needs no route PIN",
			"It dials what others must key a PIN for.", "Look at whether it should.", freeRef, func(p *PBX, r *audit.Result) {
				var m many
				p.eachUser(func(ext string, get func(string) string) {
					if strings.EqualFold(get("pinless"), "NOPASSWD") || strings.EqualFold(get("pinless"), "enabled") {
						m.names = append(m.names, ext)
					}
				})
				m.at = p.astdb
				m.fail(r, audit.Low, "extension", "pinless is set")
			}),
		free("FPX-023", audit.High, "pjsip chan_sip", "A trunk of FreePBX stands inside",
			"A trunk in from-internal may use every outbound route.", "Set the trunk's context to from-pstn.", freeRef, func(p *PBX, r *audit.Result) {
				judge := func(name, context, at string) {
					if strings.HasPrefix(context, "from-internal") || context == "from-pstn-toheader" {
						r.Fail("trunk "+name, at, "its context is %s", context)
					}
				}
				for _, ep := range p.trunks() {
					judge(ep.Name, contextOf(ep), at(ep, "context"))
				}
				for _, s := range p.peers("sip.conf") {
					if h := s.Get("host"); h != "" && !strings.EqualFold(h, "dynamic") {
						judge(s.Name, s.Get("context"), at(s, "context"))
					}
				}
			}),
	}
}

// eachUser calls f with every extension of AstDB's family AMPUSER, in order,
// and what reads its settings.
func (p *PBX) eachUser(f func(ext string, get func(string) string)) {
	db := p.database()
	last := ""
	db.family("AMPUSER", func(key, _ string) {
		ext, _, ok := strings.Cut(key, "/")
		if !ok || ext == last {
			return
		}
		last = ext
		f(ext, func(name string) string { return db.values["/AMPUSER/"+ext+"/"+name] })
	})
}

// worse is the worse of two severities.
func worse(a, b audit.Severity) audit.Severity {
	if b.AtLeast(a) {
		return b
	}
	return a
}

// takesAbroad says what foreign number a pattern takes, or "".
func (p *PBX) takesAbroad(pt pattern) string {
	for _, n := range p.plan.samples {
		if pt.matches(n) {
			return n
		}
	}
	return ""
}
