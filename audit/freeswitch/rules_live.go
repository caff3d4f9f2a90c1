package freeswitch

import (
	"slices"
	"strings"

	"pbxguard/audit"
)

// liveRules compare the running FreeSWITCH with its files.
func liveRules() []rule {
	const reload = "If the file is right, load it: fs_cli -x reloadxml. If it is not, find out who changed it."
	const restart = "If the file is right: fs_cli -x 'sofia profile NAME restart', when nobody talks."
	live := func(id string, s audit.Severity, needs, title, why, fix string, find func(*model, audit.Answers, *audit.Result)) rule {
		return rule{
			Check: check{ID: id, Title: title, Severity: s, Needs: append(strings.Fields(needs), askable), Why: why, Fix: fix, Ref: "FreeSWITCH mod_commands, mod_sofia"},
			About: askable,
			Find: func(m *model, r *audit.Result) {
				if a := m.answers(); a.Whole(askVersion) {
					find(m, a, r)
				}
			},
		}
	}
	return []rule{
		live("FS-LIVE-001", audit.High, "directory", "A user is in force that no file has",
			"Somebody made it, or deleted it from the file without a reload. It logs in and calls like any other, and no audit of the files sees it.",
			"Ask who made it. "+reload, unknownUsers),
		live("FS-LIVE-002", audit.High, "document", "A user or a setting is in force otherwise than the file says",
			"What was mended in the file is still open, or what is in force was never asked for: the file was changed and not loaded.",
			reload, changedDocument("configuration", "user", "pointer to user", "domain")),
		live("FS-LIVE-003", audit.High, "dialplan", "The dialplan in force is not that of the files",
			"Calls go where the files don't say, until the next reload; what the files forbid may be allowed.",
			reload, changedDocument("extension")),
		live("FS-LIVE-004", audit.High, "sofia.conf", "A SIP profile or a gateway runs otherwise than the files say",
			"A profile keeps what it was started with: reloadxml does not reach it. What was mended in the file is still open.",
			restart, changedProfiles),
		live("FS-LIVE-005", audit.Medium, "modules.conf", "A module runs that modules.conf does not load",
			"Somebody loaded it by hand: a door, such as that of mod_xml_rpc, of which the files know nothing.",
			"Unload it with fs_cli -x 'unload MODULE', or put it into modules.conf.xml.", changedModules),
		live("FS-LIVE-006", audit.Medium, "document", "A global variable has another value than the files give it",
			"It was changed with global_setvar, or the file was changed and not loaded. Passwords, contexts and trunks hang on such variables.",
			reload, changedVariables),
	}
}

// troubled reports why questions have no answer.
func troubled(a audit.Answers, r *audit.Result, questions ...string) (lost bool) {
	for _, q := range questions {
		if why := a.Trouble(q); why != "" {
			r.Incomplete("", "", "%s", why)
			return true
		}
	}
	return false
}

// whereRunning is where what no file has stands.
const whereRunning = "the running FreeSWITCH"

// here names the folder of the files as we do: a container may call it otherwise.
func (m *model) here(a audit.Answers, text string) string {
	if there := globals(a[askVariables].Text)["conf_dir"]; len(there) > 1 {
		return strings.ReplaceAll(text, there, m.dir)
	}
	return text
}

// documents are that of the files, without what a program serves, and the one in
// force.
func (m *model) documents(a audit.Answers, r *audit.Result) (file *Document, run *Element) {
	if troubled(a, r, askDocument) {
		return nil, nil
	}
	run, refused := parseXML(m.here(a, a[askDocument].Text), func(int) Pos { return Pos{File: whereRunning} })
	if refused != nil {
		r.Incomplete("", "", "the document in force can't be parsed: %s", refused.text)
		return nil, nil
	}
	file, err := readWith(m.site.Tree, m.dir, globals(a[askVariables].Text))
	if err != nil || file.Root == nil {
		return nil, nil // the source says so
	}
	return file, run
}

// unknownUsers are those of which only the running FreeSWITCH knows: in its
// document, or by a phone that is registered.
func unknownUsers(m *model, a audit.Answers, r *audit.Result) {
	if file, run := m.documents(a, r); run != nil {
		_, inFile := parts(file.Root)
		all, _ := parts(run)
		for _, u := range all {
			if u.kind == "user" && inFile[u.String()] == nil {
				m.stranger(r, file, u, "it is in force and in no file")
			}
		}
	}
	if troubled(a, r, askRegistrations) || m.dynamic["directory"] != "" {
		return
	}
	list, err := m.registrations()
	if err != nil {
		r.Incomplete("", "", "%v", err)
		return
	}
	for _, account := range list {
		id, domain, _ := strings.Cut(account, "@")
		if !slices.ContainsFunc(m.users, func(u *user) bool {
			return (strings.EqualFold(u.id, id) || strings.EqualFold(u.alias, id)) && (strings.EqualFold(u.domain, domain) || Unknown(u.domain))
		}) {
			r.Fail("user "+id, "", "a phone is registered as it at %s, and no file has it", domain)
		}
	}
}

// stranger reports a part of the document in force that no file has. Where files
// could not be read, it may stand in one of those.
func (m *model) stranger(r *audit.Result, file *Document, u part, what string) {
	if len(file.Problems) > 0 {
		r.Incomplete(u.String(), "", "%s that could be read", what)
		return
	}
	r.Fail(u.String(), "", "%s", what)
}

// changedDocument compares the document in force with that of the files, for
// units of some kinds.
func changedDocument(kinds ...string) func(*model, audit.Answers, *audit.Result) {
	return func(m *model, a audit.Answers, r *audit.Result) {
		file, run := m.documents(a, r)
		if run == nil {
			return
		}
		written, inFile := parts(file.Root)
		inForce, runs := parts(run)
		for _, u := range written {
			switch e := runs[u.String()]; {
			case !slices.Contains(kinds, u.kind):
			case Unknown(u.name): // its name is known to the running switch alone
			case e == nil:
				r.FailAs(audit.Medium, u.String(), u.element.At(), "it is in the file and not in force")
			default:
				if what, at := differs(u.element, e); what != "" {
					r.Fail(u.String(), at.String(), "%s", what)
				}
			}
		}
		for _, u := range inForce {
			if slices.Contains(kinds, u.kind) && u.kind != "user" && inFile[u.String()] == nil {
				m.stranger(r, file, u, "it is in force and in no file")
			}
		}
	}
}

// shown are the settings of a profile that the running one shows, with what they
// are if nothing is set.
var shown = [][2]string{{"context", "default"}, {"dialplan", "XML"}, {"challenge-realm", "auto_to"}}

// changedProfiles compares the profiles and gateways that run with those of the
// files.
func changedProfiles(m *model, a audit.Answers, r *audit.Result) {
	if !m.has("mod_sofia") || troubled(a, r, askProfiles, askGateways) {
		return
	}
	runs := runningProfiles(a[askProfiles].Text)
	for _, p := range m.profiles {
		if !slices.Contains(runs, p.name) {
			if !Unknown(p.name) {
				r.FailAs(audit.Medium, p.String(), p.at.String(), "it is in the file and does not run")
			}
			continue
		}
		if troubled(a, r, askProfile+p.name) {
			continue
		}
		root, _ := parseXML(a[askProfile+p.name].Text, func(int) Pos { return Pos{} })
		info := root.Child("profile-info")
		for _, s := range shown {
			got, want := childText(info, s[0]), p.set.value(s[0])
			if want == "" {
				want = s[1]
			}
			if got != "" && got != want && !Unknown(want) {
				r.Fail(p.String(), p.where(s[0]), "%s is %q in the file, and %q in force", s[0], want, got)
			}
		}
	}
	sure, _ := m.Source("sofia.conf")
	for _, name := range runs {
		if !slices.ContainsFunc(m.profiles, func(p *profile) bool { return p.name == name || Unknown(p.name) }) && sure == audit.Whole {
			r.Fail("profile "+name, "", "it runs and is in no file")
		}
	}
	m.changedGateways(a, r, sure == audit.Whole)
}

func (m *model) changedGateways(a audit.Answers, r *audit.Result, sure bool) {
	runs := map[string]*Element{}
	root, _ := parseXML(a[askGateways].Text, func(int) Pos { return Pos{} })
	for _, g := range root.Each("gateway") {
		runs[childText(g, "name")] = g
	}
	for _, g := range m.gateways {
		run := runs[g.name]
		delete(runs, g.name)
		switch context := g.set.value("context"); {
		case Unknown(g.name):
			sure = false
		case run == nil:
			r.FailAs(audit.Medium, "gateway "+g.name, g.at.String(), "it is in the file and does not run")
		case context != "" && !Unknown(context) && childText(run, "context") != context:
			r.Fail("gateway "+g.name, g.at.String(), "context is %q in the file, and %q in force", context, childText(run, "context"))
		}
	}
	for name := range runs {
		if sure {
			r.Fail("gateway "+name, "", "it runs and is in no file")
		}
	}
}

// changedModules reports modules that run and that no file loads.
func changedModules(m *model, a audit.Answers, r *audit.Result) {
	if troubled(a, r, askModules) {
		return
	}
	list, err := rows(a[askModules].Text)
	if err != nil {
		r.Incomplete("", "", "%v", err)
		return
	}
	told := map[string]bool{}
	for _, row := range list {
		name := word(row, "ikey")
		if !strings.HasPrefix(name, "mod_") || m.has(name) || told[name] {
			continue // the core brings some of its own
		}
		told[name] = true
		r.Fail(name, "", "it runs and no file loads it")
	}
}

// changedVariables compares the global variables that files set.
func changedVariables(m *model, a audit.Answers, r *audit.Result) {
	if troubled(a, r, askVariables) {
		return
	}
	now := globals(m.here(a, a[askVariables].Text))
	told := map[string]bool{}
	for _, d := range m.doc.Directives {
		name := strings.ToLower(d.Name)
		v, set := m.doc.vars[name]
		if d.Cmd != "set" || told[name] || !set || v.unknown || Unknown(v.value) {
			continue
		}
		told[name] = true
		switch got, there := now[name]; {
		case got == v.value:
		case !there:
			r.Fail("variable "+d.Name, v.pos.String(), "it is set in the file and not in force")
		case secretName(name):
			r.Fail("variable "+d.Name, v.pos.String(), "it has another value in force")
		default:
			r.Fail("variable "+d.Name, v.pos.String(), "it is %q in the file, and %q in force", v.value, got)
		}
	}
}
