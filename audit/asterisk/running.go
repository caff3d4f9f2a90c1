package asterisk

import (
	"slices"
	"strings"
	"unicode"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// askable is the source that checks of the running Asterisk need.
const askable = "account that may ask the running Asterisk"

// whereRunning is where what no file has stands.
const whereRunning = "the running Asterisk"

// running is what the running Asterisk said.
type running struct {
	answers audit.Answers
	objects map[string][]*conf.Section // of chan_pjsip, by type
	named   map[[2]string]*conf.Section
	plan    []planned
}

// asked is what the running Asterisk said; nil: it was not asked.
func (p *PBX) asked() *running {
	answers := p.site.Live["asterisk"]
	if answers == nil {
		return nil
	}
	if p.live == nil {
		p.live = &running{answers: answers, objects: map[string][]*conf.Section{}, named: map[[2]string]*conf.Section{}}
		p.live.readObjects()
		p.live.readPlan()
	}
	return p.live
}

// askedState is whether there are answers at all.
func (p *PBX) askedState() (audit.State, string) {
	switch {
	case p.site.Live["asterisk"] == nil:
		return audit.Absent, ""
	case !p.site.Live["asterisk"].Whole("CoreSettings"):
		return audit.Lost, p.site.Live["asterisk"].Trouble("CoreSettings")
	}
	return audit.Whole, ""
}

// setting is one of CoreSettings, or "".
func (r *running) setting(key string) string {
	if !r.answers.Whole("CoreSettings") {
		return ""
	}
	return r.answers["CoreSettings"].Records[0][key]
}

// trouble tells why one of several questions has no answer, or "".
func (r *running) trouble(questions ...string) string {
	for _, q := range questions {
		if why := r.answers.Trouble(q); why != "" {
			return why
		}
	}
	return ""
}

// module tells whether a module runs, if that is known.
func (r *running) module(name string) (l loading, known bool) {
	question := "ModuleCheck " + strings.TrimSuffix(name, ".so")
	if !r.answers.Whole(question) {
		return maybe, false
	}
	if r.answers[question].Text == "yes" {
		return loaded, true
	}
	return unloaded, true
}

// readObjects takes the objects of chan_pjsip out of the answers. Contacts and
// their states, which a phone has a hand in, are no objects.
func (r *running) readObjects() {
	for _, e := range r.answers["PJSIPShowEndpoints"].Records {
		for _, rec := range r.answers["PJSIPShowEndpoint "+e["ObjectName"]].Records {
			switch rec["Event"] {
			case "EndpointDetail":
				if rec["ObjectName"] == e["ObjectName"] {
					r.object("endpoint", rec)
				}
			case "IdentifyDetail":
				if rec["Endpoint"] == e["ObjectName"] {
					r.object("identify", rec)
				}
			}
		}
	}
	for _, rec := range r.answers["PJSIPShowAuths"].Records {
		r.object("auth", rec)
	}
	for _, rec := range r.answers["PJSIPShowAors"].Records {
		r.object("aor", rec)
	}
}

// object makes a section of what AMI shows of an object, the first of a name.
func (r *running) object(kind string, rec map[string]string) {
	key := [2]string{kind, rec["ObjectName"]}
	if rec["ObjectType"] != kind || r.named[key] != nil {
		return
	}
	s := &conf.Section{Name: rec["ObjectName"], At: conf.Pos{File: whereRunning}}
	for header, value := range rec {
		if value != "" && value != "<unknown>" {
			s.Settings = append(s.Settings, conf.Setting{Key: settingOf(header), Value: value, At: s.At})
		}
	}
	slices.SortFunc(s.Settings, func(a, b conf.Setting) int { return strings.Compare(a.Key, b.Key) })
	r.named[key] = s
	r.objects[kind] = append(r.objects[kind], s)
}

// settingOf is the setting that AMI shows under a header: AllowTransfer is
// allow_transfer.
func settingOf(header string) string {
	var b strings.Builder
	for i, c := range header {
		if unicode.IsUpper(c) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	if b.String() == "contacts" { // of an AOR: those in the files, and those that registered
		return "contacts_now"
	}
	return b.String()
}

// endpoints are the names of those that run.
func (r *running) endpoints() map[string]bool {
	names := map[string]bool{}
	for _, rec := range r.answers["PJSIPShowEndpoints"].Records {
		names[rec["ObjectName"]] = true
	}
	return names
}

// merge adds what runs and stands in no file to the objects, so that checks see
// what a database holds. It tells whether all that runs is known.
func (p *PBX) merge() (whole bool) {
	r := p.asked()
	if r == nil || r.trouble("PJSIPShowEndpoints", "PJSIPShowAuths", "PJSIPShowAors") != "" {
		return false
	}
	for _, e := range r.answers["PJSIPShowEndpoints"].Records {
		if r.trouble("PJSIPShowEndpoint "+e["ObjectName"]) != "" {
			return false
		}
	}
	for kind, all := range r.objects {
		inFile := map[string]bool{}
		for _, s := range p.objects[kind] {
			inFile[s.Name] = true
		}
		for _, s := range all {
			if !inFile[s.Name] {
				p.objects[kind] = append(p.objects[kind], s)
			}
		}
	}
	return true
}

// noteRegistered adds the phones that are registered now to what was seen.
func (p *PBX) noteRegistered() {
	r, seen := p.asked(), p.site.History
	if r == nil || seen == nil || seen.Accounts == nil {
		return
	}
	for _, rec := range r.answers["PJSIPShowContacts"].Records {
		if name := rec["Endpoint"]; name != "" {
			seen.Merge(audit.Key(name, ""), audit.Seen{Registered: p.site.Now})
		}
	}
}
