package asterisk

import (
	"slices"
	"strings"
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

// forwardRules are about calls that the PBX makes by itself, and accounts that
// nobody uses.
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
				if known, same := p.site.Memory.Note("forward:"+f.key, []byte(f.number)); !known || !same {
					r.Fail("extension "+f.extension, p.astdb, "%s is new: %s, %s", f.key, f.kind, or(p.leadsOut(f.number).What, "inside"))
				}
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
		rule("FWD-007", audit.Medium, "asterisk", "A phone forwards by itself",
			"A phone that answers 302 forwards without the PBX's knowledge; attackers set that on its web page.",
			"Clear it on the phone, close its web page, and give Dial the option i.", "Asterisk manager_channels.c; S004", func(p *PBX, r *audit.Result) {
				if p.site.History == nil {
					r.Incomplete("", "", "the guard has no history here: only calls show such forwards")
					return
				}
				set := map[string]bool{} // in the PBX, which FWD-001 to FWD-003 tell
				for _, f := range p.forwards() {
					set[f.extension] = true
				}
				for _, f := range p.site.History.Forwards {
					if set[f.Account] {
						continue
					}
					if reach := p.leadsOut(f.Number); reach.Rule != "" {
						r.FailAs(reach.Severity, "extension "+f.Account, "", "it sent a call on to %s, last on %s", reach.What, f.Last.Format(time.DateOnly))
					}
				}
			}),
		rule("STALE-001", audit.Medium, "pjsip chan_sip", "An extension is not used",
			"Nobody notices what is done with it.", "Ask whose it is, then delete it.", "S004", staleAccounts),
		rule("STALE-009", audit.High, "pjsip chan_sip", "An extension is new since the last run",
			"Attackers who got in make an account of their own.", "Ask who made it; run the audit again to take it as known.", "S004", newAccounts),
	}
}

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

// accounts are the names that phones log in with.
func (p *PBX) accounts() (all []account) {
	for _, ep := range p.phones() {
		all = append(all, account{ep.Name, ep.At.String()})
	}
	if p.hasChanSIP() {
		for _, s := range p.peers("sip.conf") {
			if strings.EqualFold(s.Get("host"), "dynamic") {
				all = append(all, account{s.Name, s.At.String()})
			}
		}
	}
	return all
}

type account struct{ name, at string }

// staleDays is how long an account may be unused.
const staleDays = 60

func staleAccounts(p *PBX, r *audit.Result) {
	h := p.site.History
	if h == nil {
		r.Incomplete("", "", "the guard has no history here")
		return
	}
	if days := int(p.site.Now.Sub(h.Since).Hours() / 24); days < staleDays {
		r.Incomplete("", "", "the guard watches for %s only", plural(days, "day"))
		return
	}
	for _, a := range p.accounts() {
		seen := h.Accounts[a.name]
		last := seen.Registered
		if seen.Called.After(last) {
			last = seen.Called
		}
		days := int(p.site.Now.Sub(last).Hours() / 24)
		switch {
		case last.IsZero():
			r.Fail("extension "+a.name, a.at, "it never registered or called since %s", h.Since.Format(time.DateOnly))
		case days >= staleDays:
			r.Fail("extension "+a.name, a.at, "it last registered or called %d days ago", days)
		}
	}
}

func newAccounts(p *PBX, r *audit.Result) {
	if p.site.Memory == nil {
		r.Incomplete("", "", "no earlier run is remembered to compare with")
		return
	}
	for _, a := range p.accounts() {
		if known, _ := p.site.Memory.Note("account:"+a.name, nil); !known {
			r.Fail("extension "+a.name, a.at, "it was not there in the last run")
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
