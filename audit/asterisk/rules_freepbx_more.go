package asterisk

import (
	"encoding/xml"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"pbxguard/audit"
)

// freePBXFileRules are about what FreePBX generates and what lies around it.
func freePBXFileRules() []audit.Rule[*PBX] {
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
		free("FPX-004", audit.High, "dialplan queues.conf freepbx-rows", "A ring group, queue or destination dials outside",
			"It is a forward that no user sees: whoever rings it is sent on at your cost.",
			"Remove the number from the group; let the owner confirm it each quarter.", freeRef, hiddenForwards),
		free("FPX-011", audit.High, "dialplan", "FreePBX has no free route for emergency calls",
			"Who dials for help gets a wrong route, a question for a PIN, or nothing.",
			"Make the first outbound route one of type Emergency with the numbers as they are, without PIN and time group.", freeRef, emergencyRoute),
		free("FPX-012", audit.Critical, "dialplan freepbx-rows", "FreePBX's DISA lets callers dial out",
			"Who rings the number dials as an extension would; robots try PINs all night.",
			"Delete the DISA, or give it a PIN of 8 digits and a context of few numbers.", freeRef, freeDISA),
		free("FPX-015", audit.Critical, "freepbx freepbx-rows", "A module of FreePBX has a published hole",
			"The holes are known and tried by robots.", "fwconsole ma upgradeall", "FreePBX security-reporting", oldModules),
		free("FPX-018", audit.Medium, "dialplan astdb freepbx-rows", "Extensions choose the number that is shown",
			"A trunk that keeps any caller id is a tool for calls in false names.",
			"Set the trunk's outbound CallerID and its CID option to \"Force Trunk CID\".", freeRef, keptCallerIDs),
		free("FPX-022", audit.Medium, "freepbx", "Nothing shuts password guessers out",
			"Robots try passwords until they find one.", "Let the firewall admit known networks only, and pbxguard ban the rest.", "S004", func(p *PBX, r *audit.Result) {
				guarded, known := p.firewall()
				switch {
				case guarded || p.site.Tree.Exists("/etc/fail2ban/jail.local") || p.site.Tree.Exists("/etc/pbxguard/pbxguard.toml"):
				case known:
					r.Fail("firewall", "", "no packet filter, fail2ban or pbxguard is configured")
				default:
					r.Incomplete("firewall", "", "the firewall is not part of what is audited")
				}
			}),
		free("FPX-024", audit.Medium, "freepbx", "Provisioning files show SIP passwords to everybody",
			"A phone's file is named after its MAC address, which can be guessed: with it comes the password.",
			"Serve them over HTTPS with a password to known networks, and set chmod 640.", "S004", provisioning),
	}
}

// outsideNumber finds what may be a number of the outside in a step.
var outsideNumber = regexp.MustCompile(`(?:^|[^0-9A-Za-z_.])(\+?[0-9]{7,16})(?:$|[^0-9A-Za-z_.])`)

// hiddenForwards reads the contexts in which FreePBX writes who is rung.
func hiddenForwards(p *PBX, r *audit.Result) {
	judged := map[string]bool{}
	judge := func(object, where, text string) {
		for _, m := range outsideNumber.FindAllStringSubmatch(text, 8) {
			if known := judged[m[1]]; known && where == p.tables().from {
				continue // the dialplan made of it has told
			}
			judged[m[1]] = true
			if reach := p.leadsOut(m[1]); reach.Rule != "" {
				r.FailAs(reach.Severity, object, where, "it dials %s (%s)", reach.What, reach.Rule)
			}
		}
	}
	p.plan.each(func(c *dialContext, e *extension, s *step) {
		for _, prefix := range []string{"ext-group", "ext-miscdests", "ivr-", "timeconditions", "app-announcement", "ext-callback"} {
			if strings.HasPrefix(c.name, prefix) && s.is("Dial", "Macro", "Gosub", "Goto") {
				judge("extension "+e.text+"@"+c.name, s.at.String(), s.args)
			}
		}
	})
	for _, q := range p.file("queues.conf").Sections {
		for _, set := range q.All("member") {
			judge("queue "+q.Name, set.At.String(), strings.ReplaceAll(set.Value, "@", " "))
		}
	}
	t := p.tables()
	for _, in := range rowNumbers {
		for _, row := range t.rows[in.table] {
			if in.only == "" || row["keyword"] == in.only {
				judge(in.what+" "+row[in.name], t.from, strings.NewReplacer("@", " ", "-", " ").Replace(row[in.number]))
			}
		}
	}
}

// rowNumbers are the columns of FreePBX's database that hold who is rung.
var rowNumbers = []struct{ table, what, name, number, only string }{
	{"ringgroups", "ring group", "grpnum", "grplist", ""},
	{"ringgroups", "ring group", "grpnum", "postdest", ""},
	{"queues_details", "queue", "id", "data", "member"},
	{"miscdests", "destination", "description", "destdial", ""},
	{"callback", "callback", "description", "callbacknum", ""},
	{"users", "extension", "extension", "noanswer_dest", ""},
	{"users", "extension", "extension", "busy_dest", ""},
	{"users", "extension", "extension", "chanunavail_dest", ""},
	{"incoming", "inbound route", "extension", "destination", ""},
}

func emergencyRoute(p *PBX, r *audit.Result) {
	if p.plan.contexts["from-internal"] == nil {
		r.NotApplicable("there is no context from-internal")
		return
	}
	if p.site.Plan == nil {
		r.Incomplete("", "", "the country, and so its emergency number, is not known")
		return
	}
	n := p.emergency()
	e, way := p.plan.best("from-internal", n)
	if e == nil || !slices.ContainsFunc(way, func(c string) bool { return strings.HasPrefix(c, "outrt-") }) {
		r.Fail("from-internal", p.plan.contexts["from-internal"].at.String(), "no outbound route takes %s", n)
		return
	}
	for i := range e.steps {
		s := &e.steps[i]
		if strings.Contains(s.args, "pinset") || s.is("Authenticate", "GotoIfTime") {
			r.Fail("route "+e.text+"@"+way[len(way)-1], s.at.String(), "%s stands in the way of %s", s.app, n)
		}
	}
}

func freeDISA(p *PBX, r *audit.Result) {
	for _, d := range p.tables().rows["disa"] {
		object := "disa " + or(d["displayname"], d["disa_id"])
		switch ws := audit.PIN(d["pin"]); {
		case d["pin"] == "" || strings.EqualFold(d["pin"], "no-password"):
			r.Fail(object, p.tables().from, "it asks no PIN")
		case len(ws) > 0:
			r.FailAs(audit.High, object, p.tables().from, "its PIN: %s", audit.Describe(ws))
		}
	}
	for _, name := range p.plan.names {
		if !strings.HasPrefix(name, "disa") {
			continue
		}
		for _, e := range p.plan.contexts[name].all {
			pin, asked := "", false
			for i := range e.steps {
				s := &e.steps[i]
				a := arguments(p.plan.expand(s.args, nil))
				if s.is("Authenticate") {
					pin, asked = argument(a, 0), true
				}
				if !s.is("DISA") {
					continue
				}
				if first := argument(a, 0); !strings.EqualFold(first, "no-password") {
					pin, asked = first, true
				}
				p.site.Secret(pin)
				object := "extension " + e.text + "@" + name
				switch ws := audit.PIN(pin); {
				case !asked:
					r.Fail(object, s.at.String(), "it asks no PIN")
				case strings.Contains(pin, "?"):
					r.Incomplete(object, s.at.String(), "its PIN stands elsewhere")
				case len(ws) > 0:
					r.FailAs(audit.High, object, s.at.String(), "its PIN: %s", audit.Describe(ws))
				}
			}
		}
	}
}

// holes are the releases in which published holes of modules are mended, for
// each line of FreePBX (FreePBX security-reporting).
var holes = []struct {
	module, advisory string
	mended           map[string]string
}{
	{"cdr", "CVE-2026-28210", map[string]string{"16": "16.0.49", "17": "17.0.7"}},
	{"cdr", "CVE-2026-44238", map[string]string{"16": "16.0.50", "17": "17.0.11"}},
	{"logfiles", "CVE-2026-28284", map[string]string{"16": "16.0.10", "17": "17.0.5"}},
}

func oldModules(p *PBX, r *audit.Result) {
	listed := map[string]string{}
	for _, m := range p.tables().rows["modules"] {
		listed[m["modulename"]] = m["version"]
	}
	for _, h := range holes {
		name := path.Join(webModules, h.module, "module.xml")
		data, err := p.site.Tree.ReadFile(name)
		m := struct {
			Version string `xml:"version"`
		}{listed[h.module]}
		if missing(err) && m.Version == "" {
			continue
		}
		if missing(err) {
			name, err = p.tables().from, nil
		} else if err == nil {
			err = xml.Unmarshal(data, &m)
		}
		if err != nil {
			r.Incomplete("module "+h.module, name, "%v", err)
			continue
		}
		line, _, _ := strings.Cut(m.Version, ".")
		if mended := h.mended[line]; mended != "" && older(m.Version, mended) {
			r.Fail("module "+h.module, name, "version %s has %s, mended in %s", m.Version, h.advisory, mended)
		}
	}
}

// older compares versions of dotted numbers.
func older(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		if x, y := atoi(as[i]), atoi(bs[i]); x != y {
			return x < y
		}
	}
	return len(as) < len(bs)
}

// keptCallerIDs looks for trunks that show whatever an extension says: in
// FreePBX "off" is Allow Any CID, "on" Block Foreign CIDs, "all" Force Trunk CID.
func keptCallerIDs(p *PBX, r *audit.Result) {
	globals := p.file("extensions.conf").Section("globals")
	for _, set := range globals.Settings {
		n, ok := strings.CutPrefix(set.Key, "OUTKEEPCID_")
		if !ok {
			continue
		}
		switch own := globals.Get("OUTCID_" + n); {
		case strings.EqualFold(set.Value, "off"):
			r.Fail("trunk "+n, set.At.String(), "%s=off: it shows any caller id", set.Key)
		case own == "" && p.withoutCallerID() > 0:
			r.Fail("trunk "+n, set.At.String(), "neither it nor %s have an outbound caller id", plural(p.withoutCallerID(), "extension"))
		}
	}
	for _, t := range p.tables().rows["trunks"] {
		if t["keepcid"] == "off" && !strings.EqualFold(t["disabled"], "on") && globals.Get("OUTKEEPCID_"+t["trunkid"]) == "" {
			r.Fail("trunk "+or(t["name"], t["trunkid"]), p.tables().from, "it shows any caller id")
		}
	}
}

// withoutCallerID counts the extensions of AstDB that have no outbound caller
// id.
func (p *PBX) withoutCallerID() (n int) {
	p.eachUser(func(_ string, get func(string) string) {
		if get("outboundcid") == "" {
			n++
		}
	})
	return n
}

func provisioning(p *PBX, r *audit.Result) {
	const dir = "/tftpboot"
	names, err := p.site.Tree.ReadDir(dir)
	if missing(err) {
		return
	}
	if err != nil {
		r.Incomplete("provisioning", dir, "%v", err)
		return
	}
	var m many
	for _, name := range names {
		full := path.Join(dir, name)
		if ext := path.Ext(name); ext != ".cfg" && ext != ".xml" {
			continue
		}
		info, err := p.site.Tree.Stat(full)
		if err != nil || info.Mode()&fs.ModeType != 0 || info.Mode().Perm()&0o004 == 0 {
			continue
		}
		data, err := p.site.Tree.ReadFile(full)
		if lower := strings.ToLower(string(data)); err == nil && (strings.Contains(lower, "password") || strings.Contains(lower, "auth_pwd") || strings.Contains(lower, "secret")) {
			m.names = append(m.names, name)
		}
	}
	m.at = dir
	m.fail(r, audit.Medium, "file", "everybody may read it, and it has a password")
}
