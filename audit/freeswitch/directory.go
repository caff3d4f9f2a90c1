package freeswitch

import (
	"slices"
	"strings"
)

// user is an entry of the directory that can be found by a login, with what its
// domain and group add to it.
type user struct {
	id, domain string
	at         Pos
	pointer    bool // the first entry of that id is only a pointer to another
	cidr       string
	alias      string
	params     settings
	vars       settings
}

func (u *user) String() string { return "user " + u.id }

// names are what a guesser knows of the user.
func (u *user) names() []string {
	names := []string{u.id, u.alias}
	for _, v := range []string{"accountcode", "effective_caller_id_number", "effective_caller_id_name", "outbound_caller_id_number"} {
		names = append(names, u.vars.value(v))
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" || Unknown(n) })
}

// readDirectory finds the users that a login can meet: the first domain of a
// name, in it the first entry of an id in the order of groups, then users.
func (m *model) readDirectory() {
	seen := map[string]bool{}
	for _, d := range m.section("directory").Each("domain") {
		name := strings.ToLower(d.Attr("name"))
		if seen[name] {
			continue
		}
		seen[name] = true
		m.domains = append(m.domains, d.Attr("name"))
		m.readDomain(d)
	}
}

func (m *model) readDomain(d *Element) {
	seen := map[string]bool{}
	add := func(in, group *Element) {
		for _, u := range in.Each("user") {
			id := strings.ToLower(u.Attr("id"))
			if id == "" || seen[id] {
				continue
			}
			seen[id] = true
			if alias := strings.ToLower(u.Attr("number-alias")); alias != "" {
				seen[alias] = true
			}
			m.users = append(m.users, newUser(u, group, d))
		}
	}
	for _, g := range d.Child("groups").Each("group") {
		add(g.Child("users"), g)
	}
	if users := d.Child("users"); users != nil {
		add(users, nil)
	} else {
		add(d, nil)
	}
}

func newUser(u, group, domain *Element) *user {
	return &user{
		id: u.Attr("id"), domain: domain.Attr("name"), at: u.Pos,
		pointer: strings.EqualFold(u.Attr("type"), "pointer"), cidr: u.Attr("cidr"), alias: u.Attr("number-alias"),
		params: merged("params", "param", u, group, domain),
		vars:   merged("variables", "variable", u, group, domain),
	}
}

// merged adds to the user's own settings those of its group and its domain that
// it does not have, as switch_xml_merge_user does.
func merged(container, child string, from ...*Element) settings {
	var all settings
	for _, e := range from {
		own := params(e.Child(container), child)
		for i := len(own) - 1; i >= 0; i-- { // the last of a name counts: it stands last in the result
			if _, has := all.get(own[i].name); !has {
				all = append(all, own[i])
			}
		}
	}
	return all
}
