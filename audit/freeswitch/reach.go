package freeswitch

import (
	"fmt"
	"slices"
	"strings"

	"pbxguard/audit"
)

// Numbers abroad that a thief would dial: satellite, Somalia, a British mobile,
// the Caribbean inside the North American plan. None is anybody's.
var abroad = []string{"88213000000", "252630000000", "447700900123", "12680000000"}

// Ways to dial abroad: with an outside line or not, by each prefix in use.
var dialPrefixes = []string{"00", "011", "+", "", "000", "900", "9011", "9", "90", "0"}

// WaysAbroad returns numbers abroad that nobody has, dialled in every way that a
// PBX may want: with and without an outside line, by each prefix in use.
func WaysAbroad() []string {
	var all []string
	for _, number := range abroad {
		for _, prefix := range dialPrefixes {
			all = append(all, prefix+number)
		}
	}
	return all
}

const maxProbes = 200

// probes are the numbers that a walk dials: known ways abroad, and for every
// expression of the dialplan some number that it matches.
func (d *dialplan) probes() []string {
	var found []string
	seen := map[string]bool{}
	add := func(n string) {
		if n != "" && !seen[n] && len(found) < maxProbes {
			seen[n] = true
			found = append(found, n)
		}
	}
	for _, number := range WaysAbroad() {
		add(number)
	}
	var visit func(e *Element)
	visit = func(e *Element) {
		if f := e.Attr("field"); f == "destination_number" || f == "${destination_number}" {
			for _, n := range samples(expression(e)) {
				add(n)
			}
		}
		for _, c := range e.Children {
			visit(c)
		}
	}
	for _, ctx := range d.contexts() {
		for _, ext := range ctx.Each("extension") {
			if d.leads(ext) {
				visit(ext)
			}
		}
	}
	return found
}

// goesOn are the applications behind which a call may reach a trunk, or a
// service that strangers must not reach.
var goesOn = []string{"transfer", "execute_extension", "ivr", "read", "play_and_get_digits", "conference", "att_xfer", "lcr", "easyroute", "enum", "eavesdrop", "userspy", "lua", "socket"}

// probes are those of the dialplan, written once.
func (m *model) probes() []string {
	if m.dials == nil {
		m.dials = m.plan.probes()
	}
	return m.dials
}

// leads tells whether an extension leads anywhere but to a phone.
func (d *dialplan) leads(e *Element) bool {
	app, data := e.Attr("application"), e.Attr("data")
	if slices.Contains(goesOn, app) || app == "bridge" && !strings.HasPrefix(data, "user/") && !strings.HasPrefix(data, "group/") {
		return true
	}
	return slices.ContainsFunc(e.Children, d.leads)
}

// worst judges where calls that reached a trunk lead, and returns the dearest
// one, the number as it was dialled and as it was sent both considered.
func (m *model) worst(reached []reach) (r reach, how audit.Reach, ok bool) {
	for _, one := range reached {
		if !one.trunk() {
			continue
		}
		got := m.dearer(one)
		if got.Rule == "" {
			continue
		}
		if !ok || got.Severity.AtLeast(how.Severity) && got.Severity != how.Severity {
			r, how, ok = one, got, true
		}
	}
	return r, how, ok
}

// dearer judges a call by the cheaper reading: a number that the plan does not
// know because a sample is no real one proves nothing.
func (m *model) dearer(r reach) audit.Reach {
	number := strings.TrimSuffix(strings.TrimLeft(r.number, " "), "\n")
	got := m.site.Outside(number)
	if got.Rule != "FWD-001" || slices.ContainsFunc(abroad, func(n string) bool { return strings.HasSuffix(number, n) }) {
		return got
	}
	// A sample of an expression, such as 11111111111: it leaves the PBX, and
	// that is all that is known.
	return audit.Reach{Rule: "FWD-003", Severity: audit.Medium, What: "an outside number"}
}

// abroadOnly keeps the calls that went to one of the numbers abroad.
func (m *model) abroadOnly(reached []reach) []reach {
	return slices.DeleteFunc(slices.Clone(reached), func(r reach) bool {
		return !r.trunk() || !slices.ContainsFunc(abroad, func(n string) bool { return strings.HasSuffix(r.number, n) && strings.HasSuffix(r.dialled, n) })
	})
}

// entries lists where calls of strangers begin: profiles that ask for no login,
// address lists that replace one, and trunks.
func (m *model) entries() []entry {
	var found []entry
	for _, p := range m.profiles {
		if !p.is("auth-calls") {
			e := entry{name: p.String(), ctx: p.context(), at: p.at, open: m.guarded(p) == ""}
			if at, ok := p.set.get("auth-calls"); ok {
				e.at = at.at
			}
			if e.open {
				e.name += " (no login is asked for)"
			}
			found = append(found, e)
		}
		found = append(found, m.aclEntries(p)...)
	}
	for _, g := range m.gateways {
		if ctx := g.set.value("context"); ctx != "" {
			found = append(found, entry{name: "gateway " + Show(g.name), ctx: ctx, at: g.at})
		}
	}
	return found
}

// guarded names the address list that keeps strangers off a profile without
// login, or "".
func (m *model) guarded(p *profile) string {
	name := ""
	for _, a := range p.set.all("apply-inbound-acl") {
		if a.value == "none" {
			name = ""
			continue
		}
		list, _, _ := strings.Cut(a.value, ":")
		l := m.lists[list]
		if l == nil && list != "" || l != nil && !l.allow { // an unknown list lets nobody in
			name = list
		}
	}
	return name
}

// aclEntries are the lists whose addresses call without a login on a profile
// that asks all others for one.
func (m *model) aclEntries(p *profile) []entry {
	var found []entry
	for _, a := range p.set.all("apply-inbound-acl") {
		f := strings.Split(a.value, ":")
		l := m.lists[f[0]]
		if !p.is("auth-calls") || l == nil {
			continue
		}
		if !l.allow && !l.auto && !slices.ContainsFunc(l.nodes, func(n node) bool { return n.allow && !n.domain }) {
			continue // only users with a cidr, who then have their own context
		}
		ctx := p.context()
		if len(f) > 1 && f[1] != "" {
			ctx = f[1]
		}
		found = append(found, entry{name: fmt.Sprintf("%s, addresses of list %s", p, l.name), ctx: ctx, at: a.at, open: l.allow})
	}
	return found
}

// strangers walks from every entry, once.
func (m *model) strangers() []*walk {
	if m.walked == nil {
		probes := m.probes()
		byContext := map[string]*walk{}
		for _, e := range m.entries() {
			w := byContext[e.ctx]
			if w == nil {
				w = m.plan.run(entry{name: "\x00", ctx: e.ctx}, probes)
				byContext[e.ctx] = w
			}
			m.walked = append(m.walked, w.as(e))
		}
	}
	return m.walked
}

// as gives the walk of a context another beginning.
func (w *walk) as(e entry) *walk {
	own := *w
	own.from = e
	own.reached = slices.Clone(w.reached)
	for i := range own.reached {
		if len(own.reached[i].call.path) == 0 {
			continue
		}
		own.reached[i].call.path = slices.Clone(own.reached[i].call.path)
		own.reached[i].call.path[0] = e.name
	}
	return &own
}

// byUsers walks once for each kind of user: from a context, with a toll_allow.
func (m *model) byUsers() []userWalk {
	if m.walkedUsers == nil {
		probes := m.probes()
		index := map[string]int{}
		for _, u := range m.users {
			ctx := u.context()
			key := ctx + "\x00" + u.vars.value("toll_allow")
			i, ok := index[key]
			if !ok && len(index) < maxUserWalks {
				i, index[key] = len(m.walkedUsers), len(m.walkedUsers)
				m.walkedUsers = append(m.walkedUsers, userWalk{ctx: ctx, walk: m.plan.run(entry{name: "user " + u.id, ctx: ctx, at: u.at, vars: u.vars}, probes)})
				ok = true
			}
			m.manyKinds = m.manyKinds || !ok
			if ok {
				m.walkedUsers[i].users = append(m.walkedUsers[i].users, u)
			}
		}
	}
	return m.walkedUsers
}

// maxUserWalks bounds the walks where every user differs.
const maxUserWalks = 20

// follow makes the walks that most checks need, and notes if they had to stop.
func (m *model) follow() {
	m.strangers()
	m.byUsers()
	if m.plan.spent {
		m.doc.problem(Problem{Text: unfollowed, Section: "dialplan"})
	}
	if m.manyKinds {
		m.doc.problem(Problem{Text: fmt.Sprintf("more than %d kinds of users may dial different numbers; the rest is not followed", maxUserWalks), Section: "dialplan"})
	}
}

// walkFrom makes one walk more. It tells whether it was made to its end.
func (m *model) walkFrom(e entry, numbers []string) (w *walk, whole bool) {
	key := e.ctx + "\x00" + e.vars.value("toll_allow") + "\x00" + strings.Join(numbers[:min(len(numbers), 2)], ",")
	if w, ok := m.further[key]; ok {
		return w.as(e), !m.plan.spent
	}
	w = m.plan.run(e, numbers)
	if m.further == nil {
		m.further = map[string]*walk{}
	}
	m.further[key] = w
	return w, !m.plan.spent
}

// unfollowed is why a check is incomplete whose walk was not made to its end.
const unfollowed = "the dialplan is too large to follow every call"

// userWalk is a walk that stands for users who may dial the same.
type userWalk struct {
	ctx   string
	users []*user
	walk  *walk
}

// context is where the calls of a user begin.
func (u *user) context() string {
	if ctx := u.vars.value("user_context"); ctx != "" {
		return ctx
	}
	return "default"
}
