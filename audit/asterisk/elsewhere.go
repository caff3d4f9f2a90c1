package asterisk

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
)

// A script is a file that makes contexts and is not read for what they do: only
// for which there may be.
type script struct {
	why   string
	names map[string]bool // that contexts may have
	any   bool            // or any other
}

// aelContext begins a context in AEL.
var aelContext = regexp.MustCompile(`(?m)^\s*(?:abstract\s+|extend\s+)*context\s+([^\s{]+)`)

// word is what a context may be called in Lua.
var word = regexp.MustCompile(`[A-Za-z0-9_-]+`)

// unreadLua takes in, or makes up, names that do not stand in the file.
var unreadLua = regexp.MustCompile(`\b(require|dofile|loadfile|loadstring|load|setmetatable|rawset)\b|\.\.`)

// scripts notes what makes contexts outside of extensions.conf.
func (d *dialplan) scripts() {
	sources := []struct{ file, module string }{{"extensions.ael", "pbx_ael.so"}, {"extensions.lua", "pbx_lua.so"}}
	for _, s := range sources {
		name := d.pbx.etc + "/" + s.file
		if d.pbx.module(s.module) == unloaded || !d.pbx.site.Tree.Exists(name) || d.takes(strings.TrimSuffix(s.module, ".so")) {
			continue
		}
		one := script{why: name + " may hold contexts, which are not read", names: map[string]bool{}}
		data, err := d.pbx.site.Tree.ReadFile(name)
		one.any = err != nil
		switch text := string(data); s.file {
		case "extensions.ael":
			one.any = one.any || strings.Contains(text, "#include")
			for _, m := range aelContext.FindAllStringSubmatch(text, -1) {
				one.names[m[1]] = true
			}
		default:
			text = uncommented(text)
			one.any = one.any || unreadLua.MatchString(text)
			for _, w := range word.FindAllString(text, -1) {
				one.names[w] = true
			}
		}
		d.elsewhere = append(d.elsewhere, one)
		d.dynamic = append(d.dynamic, one.why)
	}
	for _, set := range d.pbx.file("extconfig.conf").Section("settings").Settings {
		if key := strings.ToLower(set.Key); strings.HasPrefix(key, "extensions") {
			why := set.At.String() + ": " + set.Key + " comes from a database, which is not read"
			d.dynamic = append(d.dynamic, why)
			if strings.Contains(key, ".conf") { // all of the file; without it a switch asks
				d.elsewhere = append(d.elsewhere, script{why: why, any: true})
			}
		}
	}
}

// switched says that a context goes on elsewhere.
func (c *dialContext) switched(set conf.Setting) string {
	return fmt.Sprintf("%s: context %s goes on in %s, which is not read", set.At, c.name, set.Value)
}

// takes adds what a module put into the dialplan, as the running Asterisk says.
// It tells whether that is known: Lua's contexts, for one, are not listed.
func (d *dialplan) takes(registrar string) bool {
	r := d.pbx.asked()
	if r == nil || registrar != "pbx_ael" || r.trouble("ShowDialPlan") != "" {
		return false
	}
	at := conf.Pos{File: whereRunning}
	for _, rec := range r.answers["ShowDialPlan"].Records {
		if rec["Registrar"] != registrar {
			continue
		}
		name := rec["Context"]
		c := d.contexts[name]
		if c == nil {
			c = &dialContext{name: name, at: at, plain: map[string]*extension{}}
			d.contexts[name] = c
			d.names = append(d.names, name)
		}
		if other := rec["IncludeContext"]; other != "" {
			other, time, _ := strings.Cut(strings.ReplaceAll(other, "|", ","), ",")
			c.includes = append(c.includes, include{name: other, time: time, at: at})
		}
		if rec["Application"] != "" {
			c.step(rec["Extension"], rec["Priority"]+","+rec["Application"]+"("+rec["AppData"]+")", at)
		}
	}
	return true
}

// uncommented is a text in Lua without its comments.
func uncommented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(longComment.ReplaceAllString(text, "")) {
		line, _, _ = strings.Cut(line, "--")
		b.WriteString(line + "\n")
	}
	return b.String()
}

var longComment = regexp.MustCompile(`(?s)--\[\[.*?\]\]`)

// unknown says why more than extensions.conf decides about calls, or "". What
// no call gets to does not count: the samples of AEL and Lua, and the contexts
// of DUNDi, lie about on most hosts.
func (d *dialplan) unknown() string {
	if d.reasons == nil {
		d.reasons = d.inUse()
	}
	switch {
	case len(d.reasons) > 0:
	case d.cutOff:
		return "the dialplan leads to more than could be followed"
	default:
		return ""
	}
	if len(d.reasons) == 1 {
		return d.reasons[0]
	}
	return fmt.Sprintf("%s, and %d more", d.reasons[0], len(d.reasons)-1)
}

// inUse are the reasons that count.
func (d *dialplan) inUse() []string {
	reasons := []string{}
	if len(d.dynamic) == 0 {
		return reasons
	}
	used := d.used()
	for _, name := range d.names {
		if c := d.contexts[name]; used[name] {
			for _, set := range c.switches {
				reasons = append(reasons, c.switched(set))
			}
		}
	}
	for _, s := range d.elsewhere {
		touches := func(name string) bool { return s.names[name] }
		if s.any || slices.ContainsFunc(keys(used), touches) {
			reasons = append(reasons, s.why)
		}
	}
	return reasons
}

// beginnings are the contexts in which calls begin, whoever makes them.
func (d *dialplan) beginnings() map[string]bool {
	if d.begin != nil {
		return d.begin
	}
	p := d.pbx
	d.begin = map[string]bool{}
	for _, ep := range p.objects["endpoint"] {
		d.begin[contextOf(ep)] = true
	}
	for _, file := range []string{"sip.conf", "iax.conf"} {
		for _, s := range p.peers(file) {
			d.begin[p.peerContext(file, s)] = true
		}
	}
	for _, e := range slices.Concat(p.sipEntries(), p.iaxEntries(), p.lineEntries()) {
		d.begin[e.context] = true
	}
	for _, name := range []string{"TRANSFER_CONTEXT", "FORWARD_CONTEXT"} {
		d.begin[d.globals[name]] = true
	}
	delete(d.begin, "")
	return d.begin
}

// used are the contexts in which calls begin or to which they get, whether they
// stand in extensions.conf or not.
func (d *dialplan) used() map[string]bool {
	if d.inUsed != nil {
		return d.inUsed
	}
	d.inUsed = map[string]bool{}
	for begin := range d.beginnings() {
		d.inUsed[begin] = true
		for name := range d.from(begin).contexts {
			d.inUsed[name] = true
		}
		for _, c := range d.below(begin) {
			d.inUsed[c.name] = true
			for _, inc := range c.includes {
				d.inUsed[inc.name] = true
			}
		}
	}
	return d.inUsed
}

func keys(m map[string]bool) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}
