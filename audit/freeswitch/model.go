package freeswitch

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"pbxguard/audit"
)

// Folders where a configuration is looked for, in this order.
var confDirs = []string{"/etc/freeswitch", "/usr/local/freeswitch/conf", "/usr/local/etc/freeswitch", "/opt/freeswitch/conf", "/opt/freeswitch/etc/freeswitch"}

// model is a configuration as FreeSWITCH holds it, with the values in force.
type model struct {
	site    *audit.Site
	dir     string
	doc     *Document
	lost    error             // why there is no document
	dynamic map[string]string // sections that a program answers for, and which does
	fusion  bool              // the program is FusionPBX's
	from    string            // the database in which its answers were found, or ""

	modules  map[string]Pos
	profiles []*profile
	gateways []gateway
	domains  []string
	users    []*user
	lists    map[string]*list
	plan     *dialplan

	walked      []*walk
	walkedUsers []userWalk
	manyKinds   bool
	further     map[string]*walk
	dials       []string // the numbers that walks dial
	dbs         *databases
	calls       *audit.Calls
	callsLost   string // why there are no call records, or not all
}

// load reads the configuration of the site; there is none if no folder has a
// freeswitch.xml.
func load(s *audit.Site, served func(*audit.Site) (text, from string)) (*model, bool) {
	for _, dir := range confDirs {
		if !s.Tree.Exists(dir + "/freeswitch.xml") {
			continue
		}
		m := &model{site: s, dir: dir}
		doc, err := readWith(s.Tree, dir, globals(m.answers()[askVariables].Text))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			m.lost, doc = err, &Document{}
		}
		m.doc = doc
		m.modules = m.loaded()
		m.dynamic = m.handlers()
		if m.fusion && served != nil {
			m.overlay(served(s))
		}
		m.build()
		return m, true
	}
	return nil, false
}

func (m *model) build() {
	m.readProfiles()
	m.readDirectory()
	m.noteRegistered()
	m.readLists()
	m.plan = readDialplan(m)
	m.follow()
	m.noteSecrets()
}

// overlay puts what a program serves in front of what the files say, as
// FreeSWITCH asks the program first.
func (m *model) overlay(text, from string) {
	if text == "" || m.doc.Root == nil {
		return
	}
	root, refused := parseXML(text, func(int) Pos { return Pos{File: from} })
	if refused != nil {
		m.doc.problem(Problem{Pos: refused.pos, Text: "what is served can't be parsed: " + refused.text})
		return
	}
	m.resolve(root)
	for _, s := range root.Each("section") {
		name := s.Attr("name")
		old := m.section(name)
		if old == nil || name != "configuration" {
			m.doc.Root.Children = append([]*Element{s}, m.doc.Root.Children...)
			delete(m.dynamic, name)
			continue
		}
		old.Children = append(slices.Clone(s.Children), old.Children...)
	}
	m.from = from
}

// resolve replaces $${name} in what is served by the global of that name.
func (m *model) resolve(e *Element) {
	for i, a := range e.Attrs {
		closing := braces(a.Value)
		for at := strings.Index(a.Value, "$${"); at >= 0 && closing[at+2] > 0; at = strings.Index(a.Value, "$${") {
			v := m.doc.vars[strings.ToLower(a.Value[at+3:closing[at+2]])]
			if v.unknown {
				v.value = mark + a.Value[at+3:closing[at+2]] + mark
			}
			a.Value = a.Value[:at] + v.value + a.Value[closing[at+2]+1:]
			closing = braces(a.Value)
		}
		e.Attrs[i].Value = a.Value
	}
	for _, c := range e.Children {
		m.resolve(c)
	}
}

// section returns the first section of a name, the one FreeSWITCH looks in.
func (m *model) section(name string) *Element {
	return m.doc.Root.Find("section", "name", name)
}

// conf returns a configuration, such as "switch.conf", or nil.
func (m *model) conf(name string) *Element {
	return m.section("configuration").Find("configuration", "name", name)
}

// A param is a name with a value, somewhere.
type param struct {
	name, value string
	at          Pos
}

// A settings is a list of params of which the last of a name counts.
type settings []param

// params reads the children of a name, such as <param>.
func params(e *Element, child string) settings {
	var s settings
	for _, p := range e.Each(child) {
		s = append(s, param{p.Attr("name"), p.Attr("value"), p.Pos})
	}
	return s
}

// get returns the value in force of a name, compared without case.
func (s settings) get(name string) (param, bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if strings.EqualFold(s[i].name, name) {
			return s[i], true
		}
	}
	return param{}, false
}

// value is get for those who take "" for what is not set.
func (s settings) value(name string) string {
	p, _ := s.get(name)
	return p.value
}

// all returns every value of a name, for params that add up.
func (s settings) all(name string) settings {
	var found settings
	for _, p := range s {
		if strings.EqualFold(p.name, name) {
			found = append(found, p)
		}
	}
	return found
}

// truth is switch_true: everything else is false.
func truth(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "on", "true", "t", "enabled", "active", "allow":
		return true
	}
	n := 0
	for i, c := range s {
		if c == '-' && i == 0 {
			continue
		}
		if c < '0' || c > '9' {
			return false
		}
		n |= int(c - '0')
	}
	return n != 0
}

// loaded lists the modules that are loaded at the start.
func (m *model) loaded() map[string]Pos {
	mods := map[string]Pos{}
	for _, name := range []string{"pre_load_modules.conf", "modules.conf", "post_load_modules.conf"} {
		for _, l := range m.conf(name).Child("modules").Each("load") {
			mods[strings.TrimSuffix(path.Base(l.Attr("module")), ".so")] = l.Pos
		}
	}
	return mods
}

// has tells whether a module is loaded; all are held to be if the list of
// modules is not there.
func (m *model) has(module string) bool {
	_, ok := m.modules[module]
	return ok || m.conf("modules.conf") == nil
}

// handlers tells which sections are served by a program while FreeSWITCH runs,
// and by which.
func (m *model) handlers() map[string]string {
	by := map[string]string{}
	bind := func(bindings, who string) {
		if bindings == "" {
			bindings = "configuration dialplan directory"
		}
		for _, section := range []string{"configuration", "dialplan", "directory"} {
			if strings.Contains(strings.ToLower(bindings), section) {
				by[section] = who
			}
		}
	}
	if m.has("mod_xml_curl") {
		for _, b := range m.conf("xml_curl.conf").Child("bindings").Each("binding") {
			for _, p := range b.Each("param") {
				if strings.EqualFold(p.Attr("name"), "gateway-url") {
					bind(p.Attr("bindings"), "mod_xml_curl")
				}
			}
		}
	}
	for _, script := range []string{"lua", "perl", "python", "python3"} {
		s := params(m.conf(script+".conf").Child("settings"), "param")
		if p, ok := s.get("xml-handler-script"); ok && p.value != "" && m.has("mod_"+script) {
			bind(s.value("xml-handler-bindings"), "mod_"+script)
			m.fusion = m.fusion || strings.HasPrefix(p.value, "app.lua")
		}
	}
	for _, other := range []string{"mod_xml_ldap", "mod_xml_scgi"} {
		if at, ok := m.modules[other]; ok && at.Line > 0 {
			bind("", other)
		}
	}
	return by
}

// Source tells how much was read of what a check needs: "document" for all,
// "directory", "dialplan", or the name of a configuration.
func (m *model) Source(need string) (audit.State, string) {
	section := need
	if strings.HasSuffix(need, ".conf") {
		section = "configuration"
	}
	if need == "db" {
		d := m.databases()
		return d.state, d.why
	}
	if need == askable {
		return m.askedState()
	}
	if need == "calls" {
		if m.Calls(); m.callsLost != "" {
			return audit.Partial, m.callsLost
		}
		return audit.Whole, ""
	}
	if m.lost != nil {
		return audit.Lost, m.lost.Error()
	}
	for _, p := range m.doc.Problems {
		if p.touches(need, section) {
			return audit.Partial, strings.TrimPrefix(fmt.Sprintf("%s: %s", p.Pos, p.Text), ": ")
		}
	}
	if who := m.dynamic[section]; who != "" && m.served(need) {
		return audit.Partial, fmt.Sprintf("%s answers for the %s while FreeSWITCH runs; the files may not be what is in force", who, section)
	}
	switch {
	case need == "document":
		return audit.Whole, ""
	case section != "configuration" && m.section(section) == nil, section == "configuration" && m.conf(need) == nil:
		return audit.Absent, ""
	}
	return audit.Whole, ""
}

// fusionServes are the configurations that FusionPBX's handler answers for
// (app/xml_handler/resources/scripts/configuration); all others stay files.
var fusionServes = []string{"acl.conf", "callcenter.conf", "conference.conf", "ivr.conf", "local_stream.conf", "sofia.conf", "translate.conf"}

// overlaid are those of them that are known from its database.
var overlaid = []string{"acl.conf", "ivr.conf", "sofia.conf"}

// served tells whether a program may answer for what a check needs. The modules
// are loaded before it can.
func (m *model) served(need string) bool {
	if !strings.HasSuffix(need, ".conf") {
		return true
	}
	if m.from != "" && slices.Contains(overlaid, need) {
		return false
	}
	return need != "modules.conf" && (!m.fusion || slices.Contains(fusionServes, need))
}

// touches tells whether a problem may hide something of a need.
func (p Problem) touches(need, section string) bool {
	if p.Section == "" || need == "document" {
		return true
	}
	if p.Section != section {
		return false
	}
	if section != "configuration" {
		return true
	}
	for _, name := range []string{p.File, p.Pos.File} {
		if base, ok := strings.CutSuffix(path.Base(name), ".conf.xml"); ok && name != "" {
			return base+".conf" == need
		}
		if strings.Contains(name, "/sip_profiles/") {
			return need == "sofia.conf"
		}
	}
	return true
}

// noteSecrets tells the run what must never be written.
func (m *model) noteSecrets() {
	if m.doc.Root == nil {
		return
	}
	for _, d := range m.doc.Directives {
		if d.Cmd == "set" && secretName(d.Name) && !plain(d.Value) {
			m.site.Secret(d.Value)
		}
	}
	var walk func(e *Element)
	walk = func(e *Element) {
		name, value := e.Attr("name"), e.Attr("value")
		if value != "" && secretName(name) && !plain(value) {
			m.site.Secret(value)
		}
		for _, c := range e.Children {
			walk(c)
		}
	}
	walk(m.doc.Root)
}

// secretName tells whether what goes by a name is a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "-key") && !strings.Contains(name, "pass") { // voicemail keys are single digits
		return false
	}
	for _, word := range []string{"pass", "secret", "a1-hash", "pin", "cred", "token", "dsn"} {
		if strings.Contains(name, word) && !strings.Contains(name, "ping") {
			return true
		}
	}
	return false
}

// plain tells whether a secret is a word that a report uses as such.
func plain(value string) bool {
	return len(value) < 12 && strings.Trim(value, "abcdefghijklmnopqrstuvwxyz") == ""
}
