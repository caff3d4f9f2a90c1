package asterisk

import (
	"path"
	"strings"
	"time"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// staleRules are about what is left over in the configuration itself.
func staleRules() []audit.Rule[*PBX] {
	return []audit.Rule[*PBX]{
		rule("STALE-002", audit.Medium, "pjsip astdb", "An extension has no device",
			"What is left over of an extension still has its password, its mailbox and its rights.",
			"Delete it, or give it back its device.", "S004", withoutDevice),
		rule("STALE-003", audit.Medium, "voicemail pjsip", "A mailbox belongs to nobody, or nobody has opened it",
			"A box that its owner never opened still has the PIN it was made with; messages heap up while a guesser dials out of it.",
			"Delete it, or give its owner a new random PIN.", "S004", abandonedMailboxes),
	}
}

func withoutDevice(p *PBX, r *audit.Result) {
	for _, ep := range p.phones() {
		aors := ep.List("aors")
		if len(aors) == 0 && len(ep.List("auth")) == 0 {
			continue // no extension: a module's own, or one for calls to any address
		}
		if len(aors) == 0 {
			r.Fail("extension "+ep.Name, ep.At.String(), "it has no aors: no phone can register, and no call reaches it")
		}
		for _, name := range aors {
			aor := p.object("aor", name)
			switch {
			case aor == nil:
				r.Fail("extension "+ep.Name, at(ep, "aors"), "its aor %s does not exist", name)
			case closedAOR(aor):
				r.Fail("extension "+ep.Name, at(aor, "max_contacts"), "its aor %s takes no contact and has none", name)
			}
		}
	}
	if !p.freePBX().there() {
		return
	}
	owned, there := map[string]bool{}, map[string]bool{}
	p.database().family("DEVICE", func(key, value string) {
		id, field, _ := strings.Cut(key, "/")
		there[id] = true
		owned[value] = owned[value] || field == "user"
	})
	p.eachUser(func(ext string, get func(string) string) {
		device := get("device")
		if device == "none" || owned[ext] { // one of FreePBX's own sorts has no device
			return
		}
		for id := range strings.SplitSeq(device, "&") {
			if there[id] {
				return
			}
		}
		r.Fail("extension "+ext, p.astdb, "FreePBX has no device of it")
	})
}

// closedAOR tells whether no phone can be reached at an address of record.
func closedAOR(aor *conf.Section) bool {
	return number(aor, "max_contacts", 0) == 0 && aor.Get("contact") == ""
}

// unread is how long a message waits for somebody who never looks.
const unread = 60 * 24 * time.Hour

// abandonedMailboxes looks for boxes without an extension, and for those with a
// PIN that can be guessed of which the spool shows that nobody has logged in.
func abandonedMailboxes(p *PBX, r *audit.Result) {
	for _, box := range p.mailboxes() {
		object := "mailbox " + box.name + "@" + box.context
		if !p.ownsMailbox(box.name) {
			r.Fail(object, box.at.String(), "no endpoint and no extension has its number")
			continue
		}
		if len(audit.PIN(strings.TrimPrefix(box.pin, "-"), box.name)) == 0 {
			continue
		}
		inbox := path.Join(p.spool, "voicemail", box.context, box.name, "INBOX")
		names, err := p.site.Tree.Glob(inbox + "/msg*.txt")
		if err != nil {
			r.Incomplete(object, inbox, "%v", err)
			continue
		}
		for _, name := range names {
			info, err := p.site.Tree.Stat(name)
			if err == nil && p.site.Now.Sub(info.ModTime()) > unread {
				days := int(p.site.Now.Sub(info.ModTime()).Hours() / 24)
				r.Fail(object, name, "its PIN can be guessed, and a message waits for %s", plural(days, "day"))
				break
			}
		}
	}
}

// ownsMailbox tells whether a phone or the dialplan has a mailbox's number.
func (p *PBX) ownsMailbox(number string) bool {
	if p.boxes == nil {
		p.boxes = map[string]bool{}
		for _, ep := range p.objects["endpoint"] {
			p.boxes[ep.Name] = true
			for _, box := range ep.List("mailboxes") {
				name, _, _ := strings.Cut(box, "@")
				p.boxes[name] = true
			}
		}
		for _, s := range append(p.peers("sip.conf"), p.peers("iax.conf")...) {
			p.boxes[s.Name] = true
		}
		p.plan.each(func(_ *dialContext, _ *extension, s *step) {
			if s.is("VoiceMail", "VoiceMailMain", "MailboxExists", "HasVoicemail") {
				for _, box := range cut(argument(arguments(s.args), 0), '&') {
					name, _, _ := strings.Cut(box, "@")
					p.boxes[name] = true
				}
			}
		})
	}
	return p.boxes[number] || p.plan.has(number)
}
