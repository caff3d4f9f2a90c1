package asterisk

import (
	"fmt"
	"strings"

	"pbxguard/adapters/asterisk/conf"
)

// planned is a step of the dialplan, or an include or switch of a context, in a
// form in which the file and the running Asterisk can be compared.
type planned struct {
	context string
	what    string // as "include other", or "exten App(args)"
	said    string // for a person
	by      string // the registrar: who put it there
	at      conf.Pos
}

func (s planned) key() string { return s.context + "\x00" + s.what }

// filed is the registrar of what stands in extensions.conf.
const filed = "pbx_config"

// readPlan takes the dialplan out of the answers.
func (r *running) readPlan() {
	for _, rec := range r.answers["ShowDialPlan"].Records {
		s := planned{context: rec["Context"], by: rec["Registrar"], at: conf.Pos{File: whereRunning}}
		switch {
		case rec["IncludeContext"] != "":
			s.included(rec["IncludeContext"])
		case rec["Switch"] != "":
			s.switched(rec["Switch"], rec["Switch"])
		case rec["Application"] != "" && rec["Priority"] != "hint":
			s.step(rec["Extension"], rec["Application"], rec["AppData"])
		default: // a hint, or a pattern that keeps the dial tone
			continue
		}
		r.plan = append(r.plan, s)
	}
}

// included describes an include, with its times if it has any.
func (s *planned) included(text string) {
	name, _, _ := strings.Cut(strings.ReplaceAll(text, "|", ","), ",")
	s.what, s.said = "include "+strings.TrimSpace(name), "include => "+strings.TrimSpace(name)
}

func (s *planned) switched(value, written string) {
	s.what, s.said = "switch "+strings.ReplaceAll(compact(value), "?", ""), "switch => "+written
}

func (s *planned) step(exten, app, args string) {
	s.what = extenKey(exten) + " " + strings.ToLower(app) + "(" + compact(args) + ")"
	s.said = fmt.Sprintf("extension %s: %s", exten, app)
}

// compact leaves blanks out, which Asterisk takes off in some places.
func compact(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, s)
}

// extenKey is an extension without what doesn't count in it.
func extenKey(exten string) string {
	if !strings.HasPrefix(exten, "_") {
		return compact(exten)
	}
	var b strings.Builder
	inside := false
	for _, c := range compact(exten) {
		inside = (inside || c == '[') && c != ']'
		if c != '-' || inside {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// written is what extensions.conf puts into the dialplan. Contexts whose names of
// extensions are made of variables that are not known are left out. For which
// caller a step is meant, the running Asterisk does not say.
func (d *dialplan) written() (all []planned, unknown map[string]bool) {
	unknown = map[string]bool{}
	for _, name := range d.names {
		c := d.contexts[name]
		for _, inc := range c.includes {
			s := planned{context: name, by: filed, at: inc.at}
			s.included(inc.name)
			all = append(all, s)
		}
		for _, sw := range c.switches {
			s := planned{context: name, by: filed, at: sw.At}
			if strings.EqualFold(sw.Key, "switch") { // what is not known when the file is read is left out
				s.switched(d.expand(sw.Value, nil), sw.Value)
			} else {
				s.switched(sw.Value, sw.Value)
			}
			all = append(all, s)
		}
		for _, e := range c.all {
			exten := d.expand(e.text, nil)
			if unknown[name] = unknown[name] || strings.Contains(exten, "?") && !strings.Contains(e.text, "?"); unknown[name] {
				continue
			}
			for i := range e.steps {
				s := planned{context: name, by: filed, at: e.steps[i].at}
				s.step(exten, e.steps[i].app, e.steps[i].args)
				all = append(all, s)
			}
		}
	}
	return all, unknown
}
