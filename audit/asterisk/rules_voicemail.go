package asterisk

import (
	"path"
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// mailbox is a line of voicemail.conf: "204 => 1234,Anna,anna@x,,options".
type mailbox struct {
	name, context, pin, owner, mail, options string
	at                                       conf.Pos
}

func (p *PBX) mailboxes() (all []mailbox) {
	for _, s := range p.file("voicemail.conf").Sections {
		if s.Template || strings.EqualFold(s.Name, "general") || strings.EqualFold(s.Name, "zonemessages") {
			continue
		}
		for _, set := range s.Settings {
			f := strings.Split(set.Value, ",")
			if strings.Contains(f[0], "@") { // an alias
				continue
			}
			m := mailbox{name: set.Key, context: s.Name, pin: strings.TrimSpace(f[0]), owner: argument(f, 1), mail: argument(f, 2), options: argument(f, 4), at: set.At}
			all = append(all, m)
		}
	}
	return all
}

// option is a mailbox's own setting, "dialout=x|callback=y".
func (m *mailbox) option(key string) string {
	for one := range strings.SplitSeq(m.options, "|") {
		if k, v, ok := strings.Cut(one, "="); ok && strings.EqualFold(strings.TrimSpace(k), key) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// secretFile is the PIN in the mailbox's own folder, where passwordlocation
// puts it.
func (p *PBX) secretFile(m mailbox) (pin string, err error) {
	data, err := p.site.Tree.ReadFile(path.Join(p.spool, "voicemail", m.context, m.name, "secret.conf"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if k, v, ok := strings.Cut(line, "="); ok && strings.EqualFold(strings.TrimSpace(k), "password") {
			return strings.TrimSpace(v), nil
		}
	}
	return "", nil
}

// voicemailRules are about mailboxes, from which calls go out too.
func voicemailRules() []audit.Rule[*PBX] {
	const ref = "Asterisk voicemail.conf.sample"
	general := func(p *PBX) *conf.Section { return p.file("voicemail.conf").Section("general") }
	return []audit.Rule[*PBX]{
		rule("AST-VM-001", audit.High, "voicemail", "A mailbox PIN can be guessed",
			"Guessers ring mailboxes at night and try the extension, 1234 and 0000. Inside they listen, and dial out where the menu allows it.",
			"Give the mailbox 6 or more random digits.", ref+"; RBROT 2012 BX1419", weakPINs),
		rule("AST-VM-002", audit.Critical, "voicemail dialplan", "From a mailbox's menu any number can be dialled",
			"Whoever guessed one PIN keys 4 and 5 in the menu and calls abroad at your cost.",
			"Remove dialout=, or name a context that has inside numbers only.", ref, voicemailWay("dialout")),
		rule("AST-VM-003", audit.Critical, "voicemail dialplan", "A mailbox calls back whoever left a message",
			"The attacker leaves a message with a premium number as his caller id, logs in with a guessed PIN and lets the mailbox call it.",
			"Remove callback=, or name a context that has inside numbers only.", ref, voicemailWay("callback")),
		rule("AST-VM-004", audit.Medium, "voicemail dialplan", "Out of a greeting callers reach trunks",
			"A caller keys 0 or * in a greeting and runs the exit context.",
			"Let exitcontext= name a context whose o and a lead inside only.", ref, func(p *PBX, r *audit.Result) {
				g := general(p)
				context := g.Get("exitcontext")
				if context == "" {
					return
				}
				if way := p.plan.leads(context); way != "" {
					r.Fail("general", at(g, "exitcontext"), "exitcontext=%s leads abroad: %s", context, way)
				}
			}),
		rule("AST-VM-005", audit.Medium, "voicemail", "PINs may be tried often, and be short",
			"Three tries and six digits make a PIN last; ten tries and four digits do not.",
			"Set maxlogins=3 and minpassword=6 in [general].", ref, func(p *PBX, r *audit.Result) {
				if len(p.mailboxes()) == 0 {
					r.NotApplicable("there is no mailbox")
					return
				}
				g := general(p)
				if number(g, "maxlogins", 3) > 3 {
					r.Fail("general", at(g, "maxlogins"), "maxlogins=%s", g.Get("maxlogins"))
				}
				if number(g, "minpassword", 0) < 6 && g.Get("externpasscheck") == "" {
					r.Fail("general", at(g, "minpassword"), "minpassword is %d, and there is no externpasscheck", number(g, "minpassword", 0))
				}
			}),
		rule("AST-VM-006", audit.High, "dialplan", "A mailbox opens without a PIN",
			"With the option s, VoiceMailMain asks no PIN: the caller id alone, which a caller chooses, opens the box.",
			"Take the option s out.", "Asterisk configs/basic-pbx/extensions.conf", func(p *PBX, r *audit.Result) {
				p.plan.each(func(c *dialContext, e *extension, s *step) {
					if !s.is("VoiceMailMain") || e.looksAtChannel(s) {
						return
					}
					if a := arguments(s.args); strings.Contains(argument(a, 1), "s") {
						r.Fail("extension "+e.text+"@"+c.name, s.at.String(), "VoiceMailMain with the option s")
					}
				})
			}),
		rule("AST-VM-007", audit.Medium, "dialplan", "Mailboxes may be opened from outside",
			"Whoever rings in gets to try PINs.",
			"Offer VoiceMailMain in inside contexts only.", "Asterisk extensions.conf.sample", func(p *PBX, r *audit.Result) {
				for _, in := range p.entries() {
					if f, ok := p.plan.from(in.context).apps["voicemailmain"]; ok {
						r.Fail(in.name, f.at, "%s -> VoiceMailMain", strings.Join(f.path, " -> "))
					}
				}
			}),
		rule("AST-VM-008", audit.Low, "voicemail pjsip", "A mailbox has no extension",
			"Nobody listens to it, so nobody notices who does.", "Delete it.", "S004", func(p *PBX, r *audit.Result) {
				var m many
				for _, box := range p.mailboxes() {
					if !p.ownsMailbox(box.name) {
						m.add(box.name+"@"+box.context, box.at)
					}
				}
				m.fail(r, audit.Low, "mailbox", "no endpoint and no extension has its number")
			}),
		rule("AST-VM-009", audit.Medium, "voicemail", "Mailboxes keep the PIN they began with",
			"Without forcename and forcegreetings, a box whose owner never called keeps its first PIN for ever.",
			"Set forcename=yes; let externnotify= and mailcmd= be fixed commands.", ref, func(p *PBX, r *audit.Result) {
				g := general(p)
				if len(p.mailboxes()) > 0 && !g.Yes("forcename") && !g.Yes("forcegreetings") {
					r.FailAs(audit.Low, "general", at(g, "forcename"), "neither forcename nor forcegreetings is yes")
				}
				for _, key := range []string{"externnotify", "mailcmd"} {
					if v := g.Get(key); strings.Contains(v, "${VM_CALLERID}") || strings.Contains(v, "${VM_CIDNAME}") {
						r.Fail("general", at(g, key), "%s= has the caller's name in it", key)
					}
				}
			}),
	}
}

// looksAtChannel says whether the extension asks, before a step, over which
// channel the call comes. Unlike the caller id, no caller chooses that. FreePBX
// does so, and FPX-005 tells of the boxes that it opens then.
func (e *extension) looksAtChannel(before *step) bool {
	return slices.ContainsFunc(e.steps, func(s step) bool {
		return s.number < before.number && s.is("GotoIf") && strings.Contains(s.args, "${CHANNEL}")
	})
}

func weakPINs(p *PBX, r *audit.Result) {
	spool := strings.EqualFold(p.voicemailOption("passwordlocation"), "spooldir")
	for _, m := range p.mailboxes() {
		pin, where := m.pin, m.at.String()
		if spool {
			own, err := p.secretFile(m)
			if err != nil && !missing(err) {
				r.Incomplete("mailbox "+m.name+"@"+m.context, where, "its secret.conf: %v", err)
				continue
			}
			pin = or(own, pin)
		}
		fixed := strings.HasPrefix(pin, "-")
		pin = strings.TrimPrefix(pin, "-")
		p.site.Secret(pin)
		names := append([]string{m.name}, p.site.Owned...)
		if ws := audit.PIN(pin, names...); len(ws) > 0 {
			why := audit.Describe(ws)
			if fixed {
				why += ", and its owner cannot change it"
			}
			r.Fail("mailbox "+m.name+"@"+m.context, where, "%s", why)
		}
	}
}

// voicemailWay looks for a context that a mailbox's owner dials in.
func voicemailWay(key string) func(*PBX, *audit.Result) {
	return func(p *PBX, r *audit.Result) {
		judge := func(object, where, context string) {
			if context == "" {
				return
			}
			if way := p.plan.leads(context); way != "" {
				r.Fail(object, where, "%s=%s leads abroad: %s", key, context, way)
			}
		}
		g := p.file("voicemail.conf").Section("general")
		judge("general", at(g, key), g.Get(key))
		for _, m := range p.mailboxes() {
			judge("mailbox "+m.name+"@"+m.context, m.at.String(), m.option(key))
		}
	}
}

// has tells whether any context has an extension of this name.
func (d *dialplan) has(name string) bool {
	return slices.ContainsFunc(d.names, func(c string) bool { return d.contexts[c].plain[name] != nil })
}
