package asterisk

import (
	"slices"
	"time"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
	"pbxguard/numbering"
)

// forward is one that somebody left set.
type forward struct {
	extension, kind, key, number string
}

// forwardKinds are AstDB's families, named after what FreePBX's dialplan does
// with them: CFU is dialled when the phone does not answer or is not there.
var forwardKinds = []struct{ family, kind string }{{"CF", "always"}, {"CFB", "when busy"}, {"CFU", "when unavailable"}}

// forwards are those of AstDB.
func (p *PBX) forwards() (all []forward) {
	for _, k := range forwardKinds {
		p.database().family(k.family, func(ext, number string) {
			if number != "" {
				all = append(all, forward{ext, k.kind, k.family + "/" + ext, number})
			}
		})
	}
	return all
}

const forwardWhy = "A forward needs no login: whoever rings the extension is sent on at your cost. Attackers set one and ring it all night."

// forwardRules are about calls that the PBX makes by itself.
func forwardRules() []audit.Rule[*PBX] {
	const fix = "Ask the owner, then delete it: asterisk -rx 'database del FAMILY EXTENSION'."
	return []audit.Rule[*PBX]{
		rule("FWD-001", audit.Critical, "astdb", "An extension forwards to a premium, satellite or unknown number", forwardWhy, fix, "S004; FreePBX core", forwardTo("FWD-001")),
		rule("FWD-002", audit.High, "astdb", "An extension forwards abroad", forwardWhy, fix, "S004; FreePBX core", forwardTo("FWD-002")),
		rule("FWD-003", audit.Medium, "astdb", "An extension forwards to an outside number", forwardWhy, "Let the owner confirm it each quarter, or delete it.", "S004; FreePBX core", forwardTo("FWD-003")),
		rule("FWD-004", audit.Medium, "astdb", "A forward is new since the last run", forwardWhy, "Ask the owner; if it was not him, delete it and change the extension's password.", "S004", func(p *PBX, r *audit.Result) {
			if p.site.Memory == nil {
				r.Incomplete("", "", "no earlier run is remembered to compare with")
				return
			}
			for _, f := range p.forwards() {
				known, same := p.site.Memory.Note("forward:"+f.key, []byte(f.number))
				if known && same {
					continue
				}
				severity, from := audit.Medium, ""
				if h := p.site.History; h != nil && p.site.Now.Sub(h.Seen(f.extension, "").Moved) < freshAddress {
					severity, from = audit.High, "; the extension has logged in from a new address of late"
				}
				r.FailAs(severity, "extension "+f.extension, p.astdb, "%s is new: %s, %s%s", f.key, f.kind, or(p.leadsOut(f.number).What, "inside"), from)
			}
		}),
		rule("FWD-005", audit.Low, "astdb", "A forward leads in a circle or to nobody",
			"Calls are lost, or go round until something breaks.", fix, "FreePBX core", lostForwards),
		rule("FWD-006", audit.Medium, "astdb", "Many extensions forward to one number",
			"One hand set them all: that of an attacker, or of somebody who should know better.", fix, "S004", func(p *PBX, r *audit.Result) {
				by := map[string][]string{}
				for _, f := range p.forwards() {
					if p.leadsOut(f.number).Rule != "" && !slices.Contains(by[f.number], f.extension) {
						by[f.number] = append(by[f.number], f.extension)
					}
				}
				for _, exts := range by {
					if len(exts) > 2 {
						m := many{names: exts, at: p.astdb}
						m.fail(r, audit.Medium, "extension", "all forward to one outside number")
					}
				}
			}),
	}
}

// lostForwards looks for forwards that lead back to where they began, to an
// extension that is not there, or to somebody who left.
func lostForwards(p *PBX, r *audit.Result) {
	to := map[string]string{}
	for _, f := range p.forwards() {
		if f.kind == "always" {
			to[f.extension] = f.number
		}
	}
	for _, f := range p.forwards() {
		object := "extension " + f.extension
		day, left := p.site.Leavers[f.number]
		switch {
		case f.number == f.extension || f.kind == "always" && circles(to, f.extension):
			r.Fail(object, p.astdb, "%s leads back to it", f.key)
		case left && p.site.Now.After(day.AddDate(0, 0, 1)):
			r.Fail(object, p.astdb, "%s leads to somebody who left on %s", f.key, day.Format(time.DateOnly))
		case p.isNobody(f.number):
			r.Fail(object, p.astdb, "%s leads to an extension that is not there", f.key)
		}
	}
}

// circles tells whether unconditional forwards from an extension lead back to it.
func circles(to map[string]string, extension string) bool {
	at := to[extension]
	for range len(to) {
		if at == extension {
			return true
		}
		at = to[at]
	}
	return false
}

// isNobody tells whether a number has the form of an extension here, and there
// is none. Without a dial plan nobody knows the form.
func (p *PBX) isNobody(number string) bool {
	return p.site.Plan != nil && p.site.Plan.Normalise(number).Kind == numbering.Internal &&
		p.object("endpoint", number) == nil && !p.plan.has(number) && !slices.ContainsFunc(p.peers("sip.conf"), func(s *conf.Section) bool { return s.Name == number })
}

// freshAddress is how long an address at which an extension was never seen
// before is a sign of somebody else's hand in its forward: a week of audits.
const freshAddress = 8 * 24 * time.Hour

// forwardTo looks for forwards that a rule of the catalogue is about.
func forwardTo(rule string) func(*PBX, *audit.Result) {
	return func(p *PBX, r *audit.Result) {
		for _, f := range p.forwards() {
			if reach := p.leadsOut(f.number); reach.Rule == rule {
				p.site.Memory.Note("forward:"+f.key, []byte(f.number))
				since := ""
				if m := p.site.Memory; m != nil && m.SinceWhen("forward:"+f.key).Before(m.Now) {
					since = ", at least since " + m.SinceWhen("forward:"+f.key).Format(time.DateOnly)
				}
				r.FailAs(reach.Severity, "extension "+f.extension, p.astdb, "%s (%s) leads to %s%s", f.key, f.kind, reach.What, since)
			}
		}
	}
}

// leadsOut judges where a number goes that the PBX dials by itself. What is an
// extension here is inside, whatever else it may be elsewhere.
func (p *PBX) leadsOut(number string) audit.Reach {
	if len(number) <= 6 && (p.object("endpoint", number) != nil || p.plan.has(number)) {
		return audit.Reach{}
	}
	return p.site.Outside(number)
}
