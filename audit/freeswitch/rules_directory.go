package freeswitch

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"pbxguard/audit"
)

func directoryRules() []rule {
	dir := []string{"directory"}
	return []rule{
		{Check: check{ID: "FS-DIR-001", Title: "A user has no password", Severity: audit.Critical, Needs: dir,
			Why: "For a user without password and a1-hash FreeSWITCH accepts any answer to its challenge: whoever knows the name registers and calls.",
			Fix: "Give the user a password, and set allow-empty-password to false in the params of the domain.",
			Ref: "FreeSWITCH mod_sofia/sofia_reg.c, sofia_reg_parse_auth()"}, Find: noPassword},
		{Check: check{ID: "FS-DIR-002", Title: "The sample user \"default\" is still there", Severity: audit.Critical, Needs: dir,
			Why: "The user \"default\" of the vanilla configuration has no password: anybody can log in as it.",
			Fix: "Delete directory/default/default.xml.",
			Ref: "FreeSWITCH conf/vanilla/directory/default/default.xml; sofia_reg.c"}, Find: defaultUser},
		{Check: check{ID: "FS-DIR-003", Title: "A user's password is weak", Severity: audit.High, Needs: dir,
			Why: "Guessers try the published passwords, the number itself and short digits within minutes.",
			Fix: "Give each user a password of its own, of 20 random characters.",
			Ref: "svcrack of SIPVicious; rules PW-001 to PW-006 and PW-008"}, Find: weakPasswords},
		{Check: check{ID: "FS-DIR-004", Title: "A voicemail PIN is weak, or is the SIP password", Severity: audit.High, Needs: []string{"directory", "db"},
			Why: "Whoever guesses the PIN listens, and dials from the mailbox. Without vm-password the SIP password is the PIN, so that one leaks the other.",
			Fix: "Set vm-password to at least six random digits for each user, or vm-enabled to false; with db-password-override=true a PIN that the owner chose replaces it.",
			Ref: "FreeSWITCH mod_voicemail; conf/vanilla/directory"}, Find: weakPINs},
		{Check: check{ID: "FS-DIR-005", Title: "Every user may call abroad", Severity: audit.High, Needs: []string{"directory", "dialplan"},
			Why: "One stolen phone password is enough for calls to the dearest countries.",
			Fix: "Take international out of toll_allow of those who do not need it, and let every route abroad test toll_allow.",
			Ref: "FreeSWITCH conf/vanilla/directory, dialplan/default/01_example.com.xml"}, Find: allAbroad},
		{Check: check{ID: "FS-DIR-006", Title: "A test of toll_allow takes other words for the one it wants", Severity: audit.Medium, Needs: []string{"dialplan"},
			Why: "The expression is found anywhere in the list: \"nointernational\" passes for \"international\".",
			Fix: "Write the expression as (^|,)international(,|$).",
			Ref: "FreeSWITCH conf/vanilla/dialplan/default/01_example.com.xml"}, Find: looseToll},
		{Check: check{ID: "FS-DIR-007", Title: "A user's address range replaces the password", Severity: audit.High, Needs: []string{"directory", "acl.conf", "sofia.conf"},
			Why: "A profile that applies a list with this domain's users lets every address of the range call as the user, without a password.",
			Fix: "Narrow cidr to single hosts (/32), or remove it.",
			Ref: "FreeSWITCH acl.conf.xml, mod_sofia/sofia.c; conf/vanilla/directory/default/brian.xml"}, Find: wideCIDR},
		{Check: check{ID: "FS-DIR-008", Title: "A door, lift or fax can call outside", Severity: audit.Medium, Needs: []string{"directory", "dialplan"},
			Why: "A device that anybody can touch, and that is seldom updated, is given the run of your trunks.",
			Fix: "Give it a user_context of its own, from which only the numbers that it needs can be dialled.",
			Ref: "FreeSWITCH directory, user_context"}, Find: insideDevices},
		{Check: check{ID: "FS-DIR-009", Title: "Users or gateways of the sample configuration are left", Severity: audit.Medium, Needs: []string{"directory", "sofia.conf"},
			Why: "Their names, and often their passwords, are published; nobody misses them when they are used.",
			Fix: "Delete the sample users 1000 to 1019, brian, skinny-example and the gateway example.com.",
			Ref: "FreeSWITCH conf/vanilla/directory"}, Find: sampleUsers},
		{Check: check{ID: "FS-DIR-010", Title: "Any number of phones can register as one user", Severity: audit.Medium, Needs: []string{"sofia.conf", "directory"},
			Why: "A thief registers beside the victim's phone and is not noticed.",
			Fix: "Set multiple-registrations to false, or max-registrations-per-extension to 1 or 2.",
			Ref: "FreeSWITCH mod_sofia/sofia_reg.c"}, Find: manyRegistrations},
		{Check: check{ID: "FS-DIR-011", Title: "Calls go out with a number that is not yours", Severity: audit.Medium, Needs: []string{"directory", "dialplan"},
			Why: "Users can show any number to those they call: your PBX becomes a tool for spoofing, and callbacks go to strangers.",
			Fix: "Set effective_caller_id_number to a number of your own in every outbound extension.",
			Ref: "FreeSWITCH dialplan; S002"}, Find: callerID},
		{Check: check{ID: "FS-DIR-012", Title: "A user's forward leads outside", Severity: audit.Medium, Needs: []string{"directory", "db"},
			Why: "With a forward left open, whoever calls the extension calls its target at your cost.",
			Fix: "Ask the owner, then remove the variable or the database key.",
			Ref: "rules FWD-001 to FWD-003; names of variables differ from site to site"}, Find: forwards},
	}
}

func noPassword(m *model, r *audit.Result) {
	for _, u := range m.users {
		pass, hash := u.params.value("password"), u.params.value("a1-hash")
		empty, set := u.params.get("allow-empty-password")
		switch {
		case pass != "" || hash != "" || set && !truth(empty.value) || strings.EqualFold(u.id, "default"):
		case u.pointer:
			r.Fail(u.String(), u.at.String(), "the first entry of this id in domain %s is a pointer, which has no password", Show(u.domain))
		default:
			r.Fail(u.String(), u.at.String(), "it has neither password nor a1-hash in domain %s", Show(u.domain))
		}
	}
}

func defaultUser(m *model, r *audit.Result) {
	for _, u := range m.users {
		if strings.EqualFold(u.id, "default") && u.params.value("password") == "" && u.params.value("a1-hash") == "" {
			r.Fail(u.String(), u.at.String(), "it has no password in domain %s", Show(u.domain))
		}
	}
}

// weakPasswords reports each weak secret once, with all its users.
func weakPasswords(m *model, r *audit.Result) {
	byHash, order := map[string][]*user{}, []string{}
	for _, u := range m.users {
		if hash := u.params.value("a1-hash"); hash != "" {
			if ws := audit.Digest(hash, u.id, u.domain, u.names()); len(ws) > 0 {
				r.FailAs(audit.Worst(ws), u.String(), where(u, "a1-hash"), "%s", audit.Describe(ws))
			}
			continue
		}
		pass := u.params.value("password")
		if pass == "" {
			continue
		}
		if Unknown(pass) {
			r.Incomplete(u.String(), where(u, "password"), "the password is known only to the running FreeSWITCH")
			continue
		}
		if byHash[pass] == nil {
			order = append(order, pass)
		}
		byHash[pass] = append(byHash[pass], u)
	}
	for _, pass := range order {
		m.weakPassword(pass, byHash[pass], r)
	}
}

func (m *model) weakPassword(pass string, users []*user, r *audit.Result) {
	var worst []audit.Weakness
	for _, u := range users {
		ws := audit.Weaknesses(pass, audit.Owner{Names: u.names(), Words: m.site.Words, Year: m.site.Now.Year()})
		if len(ws) > 0 && (worst == nil || audit.Worst(ws).AtLeast(audit.Worst(worst))) {
			worst = ws
		}
	}
	if len(users) > 1 {
		worst = append(worst, audit.Weakness{Rule: "PW-005", Severity: audit.High, What: fmt.Sprintf("%d users share it", len(users))})
	}
	if len(worst) > 0 {
		r.FailAs(audit.Worst(worst), some(users), where(users[0], "password"), "%s", audit.Describe(worst))
	}
}

// some names users, the first few of many.
func some(users []*user) string {
	if len(users) == 1 {
		return users[0].String()
	}
	var ids []string
	for _, u := range users[:min(len(users), 4)] {
		ids = append(ids, u.id)
	}
	if more := len(users) - len(ids); more > 0 {
		return fmt.Sprintf("users %s and %d more", strings.Join(ids, ", "), more)
	}
	return "users " + strings.Join(ids, ", ")
}

// where is the place of a param of a user.
func where(u *user, name string) string {
	if p, ok := u.params.get(name); ok {
		return p.at.String()
	}
	return u.at.String()
}

func weakPINs(m *model, r *audit.Result) {
	if !m.has("mod_voicemail") {
		return
	}
	override := false
	for _, p := range m.conf("voicemail.conf").Child("profiles").Each("profile") {
		override = override || truth(params(p, "param").value("db-password-override"))
	}
	for _, u := range m.users {
		enabled, set := u.params.get("vm-enabled")
		if u.pointer || strings.EqualFold(u.id, "default") || set && !truth(enabled.value) || u.params.value("vm-a1-hash") != "" {
			continue
		}
		pin, ok := u.params.get("vm-password")
		// What the owner chose by phone opens the box, and the directory's PIN still
		// does too, unless a profile says db-password-override.
		if own := m.databases().pins[u.id+"@"+strings.ToLower(u.domain)]; own != "" {
			if ws := audit.PIN(own, u.names()...); len(ws) > 0 {
				r.Fail(u.String(), m.databases().dir+"/voicemail_default.db", "the PIN that its owner chose: %s", audit.Describe(ws))
			}
			if override {
				continue
			}
		}
		switch {
		case !ok && u.params.value("password") != "":
			r.Fail(u.String(), u.at.String(), "it has no vm-password: its SIP password is the PIN")
		case !ok || pin.value == "user-choose":
		case Unknown(pin.value):
			r.Incomplete(u.String(), pin.at.String(), "the PIN is known only to the running FreeSWITCH")
		case pin.value == u.params.value("password"):
			r.Fail(u.String(), pin.at.String(), "the PIN is the SIP password")
		default:
			if ws := audit.PIN(pin.value, u.names()...); len(ws) > 0 {
				r.Fail(u.String(), pin.at.String(), "%s", audit.Describe(ws))
			}
		}
	}
}

// fewUsers is the number of users below which all of them may well need to call
// abroad.
const fewUsers = 3

func allAbroad(m *model, r *audit.Result) {
	all, have := 0, 0
	for _, u := range m.users {
		toll := u.vars.value("toll_allow")
		if toll == "" {
			continue
		}
		all++
		if strings.Contains(toll, "international") {
			have++
		}
	}
	if all >= fewUsers && have == all {
		r.Fail("all users", m.users[0].at.String(), "all %d that have a toll_allow have international in it", all)
	}
	for _, w := range m.byUsers() {
		if w.users[0].vars.value("toll_allow") != "" {
			continue
		}
		if far := m.abroadOnly(w.walk.reached); len(far) > 0 {
			r.Fail("context "+Show(w.ctx), far[0].at.String(), "%s have no toll_allow and reach %s abroad: %s", some(w.users), far[0].what, far[0])
		}
	}
}

var plainWord = regexp.MustCompile(`[a-z]{4,}`)

func looseToll(m *model, r *audit.Result) {
	m.plan.each(func(ctx, ext, e *Element) {
		if !strings.Contains(e.Attr("field"), "toll_allow") {
			return
		}
		expr := expression(e)
		word := plainWord.FindString(expr)
		re := m.plan.regexp(expr)
		if word == "" || re == nil {
			return
		}
		if re.MatchString("no"+word) || re.MatchString(word+"x") {
			r.Fail("extension "+ext.Attr("name"), e.Pos.String(), "the expression %s also matches no%s", expr, word)
		}
	})
}

func wideCIDR(m *model, r *audit.Result) {
	applied := map[string]string{} // domain → profile
	for _, p := range m.profiles {
		for _, a := range p.set.all("apply-inbound-acl") {
			name, _, _ := strings.Cut(a.value, ":")
			if l := m.lists[name]; l != nil {
				for _, n := range l.nodes {
					if n.domain && n.allow {
						applied[strings.ToLower(n.text)] = p.name
					}
				}
			}
		}
	}
	for _, u := range m.users {
		by := applied[strings.ToLower(u.domain)]
		for _, one := range strings.Split(u.cidr, ",") {
			if by != "" && wide(prefixOf(strings.TrimSpace(one)), 32) {
				r.Fail(u.String(), u.at.String(), "profile %s lets %s call as this user without a password", by, strings.TrimSpace(one))
			}
		}
	}
}

var inside = regexp.MustCompile(`(?i)\b(door|gate|lift|elevator|lobby|entrance|intercom|fax|alarm|deur|poort|portier|aufzug|fahrstuhl)`)

func insideDevices(m *model, r *audit.Result) {
	for _, w := range m.byUsers() {
		for _, u := range w.users {
			words := strings.Join([]string{u.id, u.vars.value("effective_caller_id_name"), u.vars.value("callgroup"), u.vars.value("directory_full_name")}, " ")
			if !inside.MatchString(words) {
				continue
			}
			for _, out := range w.walk.reached {
				if out.trunk() {
					r.Fail(u.String(), u.at.String(), "it reaches %s: %s", out.what, out)
					break
				}
			}
		}
	}
}

var sampleIDs = []string{"brian", "skinny-example", "example.com", "test", "demo", "guest", "sipp"}

func sampleUsers(m *model, r *audit.Result) {
	var untouched []*user
	for _, u := range m.users {
		id := strings.ToLower(u.id)
		switch {
		case slices.Contains(sampleIDs, id):
			r.Fail(u.String(), u.at.String(), "it is a sample or test account")
		case len(id) == 4 && id >= "1000" && id <= "1019" && u.vars.value("effective_caller_id_name") == "Extension "+u.id &&
			u.vars.value("toll_allow") == "domestic,international,local":
			untouched = append(untouched, u)
		}
	}
	if len(untouched) > 0 {
		r.Fail(some(untouched), untouched[0].at.String(), "they are as the vanilla configuration has them")
	}
	for _, g := range m.gateways {
		if strings.Contains(g.name, "example.com") {
			r.Fail("gateway "+g.name, g.at.String(), "it is the sample of the vanilla configuration")
		}
	}
}

func manyRegistrations(m *model, r *audit.Result) {
	for _, p := range m.profiles {
		multi, ok := p.set.get("multiple-registrations")
		on := ok && (truth(multi.value) || strings.EqualFold(multi.value, "contact") || strings.EqualFold(multi.value, "call-id"))
		if n, _ := number(p.set, "max-registrations-per-extension", 0); !on || n > 0 {
			continue
		}
		free := 0
		for _, u := range m.users {
			if n, _ := number(u.params, "max-registrations-per-extension", 0); n == 0 {
				free++
			}
		}
		if free > 0 || len(m.users) == 0 {
			r.Fail(p.String(), multi.at.String(), "multiple-registrations is %s, without a limit for %d users", multi.value, free)
		}
	}
}

func callerID(m *model, r *audit.Result) {
	seen := map[string]bool{}
	for _, w := range m.byUsers() {
		for _, out := range w.walk.reached {
			if !out.trunk() || seen[out.at.String()] {
				continue
			}
			shown, known := w.walk.plain(&out.call, "effective_caller_id_number")
			if !known {
				shown = ""
			}
			if why := m.notOwned(shown); why != "" {
				seen[out.at.String()] = true
				r.Fail("extension "+out.ext.Attr("name"), out.at.String(), "to %s %s", out.what, why)
			}
		}
	}
}

// notOwned says why a number that is shown may be anybody's.
func (m *model) notOwned(shown string) string {
	shown = strings.TrimSpace(shown)
	switch {
	case shown == "" || strings.Contains(shown, "${"):
		return "the caller's own claim is shown, no number of yours"
	case strings.Trim(shown, "0") == "":
		return "the number shown is all zeros"
	case len(m.site.Owned) == 0:
		return ""
	}
	e164 := shown
	if m.site.Plan != nil {
		if n := m.site.Plan.Normalise(shown); n.E164 != "" {
			e164 = n.E164
		}
	}
	if !slices.Contains(m.site.Owned, e164) {
		return "a number is shown that is not among yours"
	}
	return ""
}

var forwardName = regexp.MustCompile(`(?i)^(call_?forward|forward_(all|busy|no_answer|user_not_registered)(_destination)?|cfwd|cf[ubna]?|follow_?me|call_fwd)$`)

// forwards judges those that are set in the directory and in mod_db, and what
// numbers groups of mod_db ring.
func forwards(m *model, r *audit.Result) {
	for _, f := range m.Forwards() {
		if to := m.site.Outside(f.Number); to.Rule != "" {
			r.FailAs(to.Severity, "user "+f.Account, f.At, "%s leads to %s (%s)", f.Key, to.What, to.Rule)
		}
	}
	d := m.databases()
	for _, s := range d.stored {
		if s.realm != "group" {
			continue
		}
		for _, number := range outsideNumber.FindAllStringSubmatch(s.value, 8) {
			if to := m.site.Outside(number[1]); to.Rule != "" {
				r.FailAs(to.Severity, "group "+s.key, d.dir+"/call_limit.db", "it rings %s (%s)", to.What, to.Rule)
			}
		}
	}
}

// outsideNumber is a number at the end of a dial string, as in
// sofia/gateway/itsp/0031201234567 or loopback/0031201234567/default.
var outsideNumber = regexp.MustCompile(`/(\+?[0-9]{5,16})(?:$|[/@,|])`)
