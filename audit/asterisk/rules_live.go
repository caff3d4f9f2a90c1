package asterisk

import (
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// liveRules compare the running Asterisk with its files.
func liveRules() []audit.Rule[*PBX] {
	const reload = "If the file is right, load it: asterisk -rx 'core reload'. If it is not, find out who changed it."
	live := func(id string, s audit.Severity, need, title, why, fix string, find func(*PBX, *running, *audit.Result)) audit.Rule[*PBX] {
		one := rule(id, s, need, title, why, fix, "Asterisk manager.c, pjsip_manager.xml", func(p *PBX, r *audit.Result) {
			if now := p.asked(); now != nil && now.answers.Whole("CoreSettings") {
				find(p, now, r)
			}
		})
		one.Needs, one.About = append(one.Needs, askable), askable
		return one
	}
	return []audit.Rule[*PBX]{
		live("AST-LIVE-001", audit.High, "pjsip", "An endpoint or peer runs that no file has",
			"Somebody made it by hand, or deleted it from the file without a reload. It logs in and calls like any other, and no audit of the files sees it.",
			"Ask who made it. "+reload, unknownEndpoints),
		live("AST-LIVE-002", audit.High, "pjsip", "An endpoint, login or address record runs otherwise than the file says",
			"What was mended in the file is still open, or what the file says was never asked for: the file was changed and not loaded.",
			reload, changedObjects),
		live("AST-LIVE-003", audit.Medium, "pjsip", "An endpoint of the files does not run",
			"The file was changed and not loaded, or Asterisk refused it. Whatever is believed of it is not in force.",
			"Look for errors of res_pjsip in the log. "+reload, idleEndpoints),
		live("AST-LIVE-004", audit.High, "dialplan", "The dialplan that runs is not that of the files",
			"An extension that exists in memory only, made with 'dialplan add extension', leads where its maker wants until the next restart; one that exists in the file only protects nobody.",
			"Compare with: asterisk -rx 'dialplan show CONTEXT'. If the file is right: asterisk -rx 'dialplan reload'.", changedPlan),
		live("AST-LIVE-005", audit.High, "modules.conf", "Modules run otherwise than modules.conf says",
			"What modules.conf switches off answers calls until Asterisk is restarted; what it switches on may not be there to ask for passwords.",
			"Restart Asterisk when nobody talks: asterisk -rx 'core restart gracefully'.", changedModules),
		live("AST-LIVE-006", audit.Medium, "voicemail", "A mailbox runs otherwise than voicemail.conf says",
			"A mailbox of which no file knows has a PIN that nobody changes, and may call out.",
			"If the file is right: asterisk -rx 'module reload app_voicemail.so'.", changedMailboxes),
		live("AST-LIVE-007", audit.Medium, "asterisk", "The Asterisk that runs is not the one installed",
			"A security update is installed and not in force: the old program runs until it is restarted.",
			"Restart Asterisk when nobody talks: asterisk -rx 'core restart gracefully'.", changedVersion),
	}
}

// troubled reports why questions have no answer.
func troubled(now *running, r *audit.Result, questions ...string) (lost bool) {
	why := now.trouble(questions...)
	if strings.Contains(why, "Permission denied") {
		why += "; its account needs write = system,reporting"
	}
	if why != "" {
		r.Incomplete("", "", "%s", why)
	}
	return why != ""
}

// unknownEndpoints are those of which only the running Asterisk knows. Where
// they come from a database, the files need not know them.
func unknownEndpoints(p *PBX, now *running, r *audit.Result) {
	troubled(now, r, "PJSIPShowEndpoints", "SIPpeers")
	if p.realtime("ps_", "res_pjsip") == "" {
		for name := range now.endpoints() {
			if p.object("endpoint", name) != nil {
				continue
			}
			context := "not known"
			if ep := now.named[[2]string{"endpoint", name}]; ep != nil {
				context = contextOf(ep)
			}
			r.Fail("endpoint "+name, "", "it runs and is in no file; its context is %s", context)
		}
	}
	known := map[string]bool{}
	for _, s := range slices.Concat(p.peers("sip.conf"), p.file("users.conf").Sections) {
		known[s.Name] = true
	}
	for _, rec := range now.answers["SIPpeers"].Records {
		if name := rec["ObjectName"]; !known[name] && !strings.EqualFold(rec["RealtimeDevice"], "yes") && !strings.HasPrefix(strings.ToLower(rec["RealtimeDevice"]), "cached") {
			r.Fail("peer "+name, "", "chan_sip runs it and it is in no file")
		}
	}
}

// idleEndpoints are those of which only the files know.
func idleEndpoints(p *PBX, now *running, r *audit.Result) {
	if troubled(now, r, "PJSIPShowEndpoints") || p.module("res_pjsip.so") == unloaded {
		return
	}
	runs := now.endpoints()
	for _, ep := range p.objects["endpoint"] {
		if !runs[ep.Name] {
			r.Fail("endpoint "+ep.Name, ep.At.String(), "it is in the file and does not run")
		}
	}
}

// compared are the settings that are held against those of the files, with
// Asterisk's defaults. Those that other settings change are not among them.
var compared = map[string][][2]string{
	"endpoint": {
		{"context", "default"}, {"auth", ""}, {"outbound_auth", ""}, {"aors", ""}, {"identify_by", "username,ip"},
		{"allow_transfer", "yes"}, {"allow_subscribe", "yes"}, {"subscribe_context", ""}, {"message_context", ""},
		{"trust_id_inbound", "no"}, {"allow_unauthenticated_options", "no"}, {"redirect_method", "user"}, {"accountcode", ""},
		{"device_state_busy_at", "0"}, {"transport", ""}, {"from_user", ""},
	},
	"auth": {{"username", ""}, {"realm", ""}, {"password", ""}, {"md5_cred", ""}},
	"aor":  {{"max_contacts", "0"}, {"remove_existing", "no"}},
}

// hidden are settings whose values are not shown.
var hidden = []string{"password", "md5_cred"}

func changedObjects(p *PBX, now *running, r *audit.Result) {
	if troubled(now, r, "PJSIPShowEndpoints", "PJSIPShowAuths", "PJSIPShowAors") {
		return
	}
	for name := range now.endpoints() {
		if troubled(now, r, "PJSIPShowEndpoint "+name) {
			break // the others will have the same
		}
	}
	for _, kind := range []string{"endpoint", "auth", "aor"} {
		for _, run := range now.objects[kind] {
			if file := p.object(kind, run.Name); file != nil && file.At.File != whereRunning {
				changedObject(r, kind, file, run)
			}
		}
	}
	changedPeers(p, now, r)
}

// changedObject compares one object. A setting that this Asterisk does not show
// is not compared.
func changedObject(r *audit.Result, kind string, file, run *conf.Section) {
	for _, c := range compared[kind] {
		key, otherwise := c[0], c[1]
		if kind != "auth" && !run.Has(key) && otherwise != "" {
			continue
		}
		want, got := same(or(file.Get(key), otherwise)), same(or(run.Get(key), otherwise))
		if otherwise == "yes" || otherwise == "no" { // then 1 is yes, too
			want, got = yesNo(want), yesNo(got)
		}
		switch {
		case want == got:
		case slices.Contains(hidden, key):
			r.Fail(kind+" "+file.Name, at(file, key), "the %s in force is not that of the file", key)
		default:
			r.Fail(kind+" "+file.Name, at(file, key), "%s is %q in the file, and %q in force", key, or(file.Get(key), otherwise), or(run.Get(key), otherwise))
		}
	}
}

// yesNo is what Asterisk takes for one of the two; else the value.
func yesNo(value string) string {
	switch {
	case conf.True(value):
		return "yes"
	case conf.False(value):
		return "no"
	}
	return value
}

// same brings values that mean the same to one form.
func same(value string) string {
	if value != "0" && value != "1" {
		value = yesNo(value)
	}
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// changedPeers compares those of chan_sip with sip.conf.
func changedPeers(p *PBX, now *running, r *audit.Result) {
	general := p.file("sip.conf").Section("general")
	yes := map[bool]string{true: "Y", false: "N"}
	for _, s := range p.peers("sip.conf") {
		question := "SIPshowpeer " + s.Name
		if !now.answers.Whole(question) || strings.EqualFold(s.Get("type"), "user") {
			continue
		}
		rec := now.answers[question].Records[0]
		want := or(s.Get("context"), or(general.Get("context"), "default"))
		if got := rec["Context"]; got != "" && got != want {
			r.Fail("peer "+s.Name, at(s, "context"), "context is %q in the file, and %q in force", want, got)
		}
		if got, want := rec["SecretExist"], yes[s.Get("secret") != ""]; got != "" && got != want {
			r.Fail("peer "+s.Name, at(s, "secret"), "a secret is set only in %s", map[string]string{"Y": "the running Asterisk", "N": "the file"}[got])
		}
		if got, want := rec["SIP-AuthInsecure"], or(s.Get("insecure"), or(general.Get("insecure"), "no")); got != "" && same(got) != same(want) && want != "very" {
			r.Fail("peer "+s.Name, at(s, "insecure"), "insecure is %q in the file, and %q in force", want, got)
		}
	}
}

// changedPlan compares the dialplans step by step. What modules make by
// themselves, and other files than extensions.conf, is left out.
func changedPlan(p *PBX, now *running, r *audit.Result) {
	if troubled(now, r, "ShowDialPlan") {
		return
	}
	written, unknown := p.plan.written()
	inFile, runs := map[string]bool{}, map[string]bool{}
	for _, s := range written {
		inFile[s.key()] = true
	}
	for _, s := range now.plan {
		runs[s.key()] = true
	}
	users := false // makes extensions in contexts of its own
	for _, s := range p.file("users.conf").Sections {
		users = users || s.Yes("hasexten")
	}
	told := map[string]bool{}
	for _, s := range now.plan {
		if s.by == filed && !inFile[s.key()] && !unknown[s.context] && !users && !told[s.context+s.said] {
			told[s.context+s.said] = true
			r.Fail("context "+s.context, "", "it runs and is in no file: %s", s.said)
		}
	}
	for _, s := range written {
		if !runs[s.key()] && !told[s.context+s.said] {
			told[s.context+s.said] = true
			r.FailAs(audit.Medium, "context "+s.context, s.at.String(), "it is in the file and does not run: %s", s.said)
		}
	}
}

// changedModules compares what runs with what modules.conf says.
func changedModules(p *PBX, now *running, r *audit.Result) {
	for _, name := range checkedModules {
		if troubled(now, r, "ModuleCheck "+name) {
			continue
		}
		runs, _ := now.module(name)
		switch written := p.moduleInFile(name + ".so"); {
		case runs == loaded && written == unloaded:
			r.FailAs(audit.Medium, name+".so", p.file("modules.conf").Name, "it runs, and modules.conf does not load it")
		case runs == unloaded && written == loaded && name == "res_pjsip_authenticator_digest":
			r.Fail(name+".so", p.file("modules.conf").Name, "modules.conf loads it, and it does not run")
		}
	}
}

// changedMailboxes compares which there are, and where they may call.
func changedMailboxes(p *PBX, now *running, r *audit.Result) {
	if troubled(now, r, "VoicemailUsersList") {
		return
	}
	if now.answers["VoicemailUsersList"].Text == unknownCommand {
		r.NotApplicable("voicemail does not run")
		return
	}
	if p.file("users.conf").Found {
		r.Incomplete("", p.file("users.conf").Name, "users.conf may make mailboxes, which are not compared")
		return
	}
	files := map[string]mailbox{}
	for _, m := range p.mailboxes() {
		files[m.name+"@"+m.context] = m
	}
	for _, rec := range now.answers["VoicemailUsersList"].Records {
		name := rec["VoiceMailbox"] + "@" + rec["VMContext"]
		m, ok := files[name]
		if !ok {
			r.Fail("mailbox "+name, "", "it runs and is not in voicemail.conf")
			continue
		}
		delete(files, name)
		for header, key := range map[string]string{"Callback": "callback", "Dialout": "dialout"} {
			if want, got := or(m.option(key), p.voicemailOption(key)), rec[header]; want != got {
				r.Fail("mailbox "+name, m.at.String(), "%s is %q in the file, and %q in force", key, want, got)
			}
		}
	}
	for name, m := range files {
		r.FailAs(audit.Low, "mailbox "+name, m.at.String(), "it is in the file and does not run")
	}
}

// changedVersion compares the program that runs with the package installed.
func changedVersion(p *PBX, now *running, r *audit.Result) {
	runs, installed := parseVersion(now.setting("AsteriskVersion"), whereRunning), p.packaged()
	if why := p.packagesLost(); why != "" {
		r.Incomplete("", "", "%s", why)
		return
	}
	if runs.text == "" || installed.text == "" {
		r.NotApplicable("the version of the package is not known")
		return
	}
	if runs.major != installed.major || runs.minor != installed.minor || runs.patch != installed.patch {
		r.Fail("asterisk", installed.from, "version %s runs, and %s is installed", runs.text, installed.text)
	}
}
