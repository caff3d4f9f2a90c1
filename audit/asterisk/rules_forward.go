package asterisk

import (
	"slices"
	"time"

	"pbxguard/audit"
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
			"Calls are lost, or go round until something breaks.", fix, "FreePBX core", func(p *PBX, r *audit.Result) {
				to := map[string]string{}
				for _, f := range p.forwards() {
					if f.kind == "always" {
						to[f.extension] = f.number
					}
				}
				for _, f := range p.forwards() {
					if f.number == f.extension || f.kind == "always" && to[f.number] == f.extension {
						r.Fail("extension "+f.extension, p.astdb, "%s leads back to it", f.key)
					}
				}
			}),
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

// freshAddress is how long an address at which an extension was never seen
// before is a sign of somebody else's hand in its forward: a week of audits.
const freshAddress = 8 * 24 * time.Hour

// forwardTo looks for forwards that a rule of the catalogue is about.
func forwardTo(rule string) func(*PBX, *audit.Result) {
	return func(p *PBX, r *audit.Result) {
		for _, f := range p.forwards() {
			if reach := p.leadsOut(f.number); reach.Rule == rule {
				r.FailAs(reach.Severity, "extension "+f.extension, p.astdb, "%s (%s) leads to %s", f.key, f.kind, reach.What)
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
