package freeswitch

import (
	"strings"

	"pbxguard/audit"
)

// Site is what is audited.
func (m *model) Site() *audit.Site { return m.site }

// Outside judges where a number leads that FreeSWITCH dials by itself.
func (m *model) Outside(number string) audit.Reach { return m.site.Outside(number) }

// Held lists who may use FreeSWITCH. A user's domain tells tenants apart; a PBX
// of one has none, since phones may name it as they like.
func (m *model) Held() (all []audit.Held) {
	for _, u := range m.users {
		if u.pointer || strings.EqualFold(u.id, "default") {
			continue
		}
		h := audit.Held{
			Role: audit.Extension, Name: u.id, Object: u.String(), At: u.at.String(), Secret: known(u.params.value("password")),
			People: []string{u.vars.value("effective_caller_id_name"), u.params.value("vm-mailto"), u.vars.value("directory_full_name")},
		}
		if len(m.domains) > 1 {
			h.Domain = strings.ToLower(u.domain)
			h.Object = "user " + u.id + "@" + u.domain
		}
		if h.Secret == "" {
			h.Secret = known(u.params.value("a1-hash"))
		}
		all = append(all, h)
	}
	for _, g := range m.gateways {
		all = append(all, audit.Held{Role: audit.Trunk, Name: g.name, Object: "gateway " + g.name, At: g.at.String(), Secret: known(g.set.value("password"))})
	}
	if p, ok := params(m.conf("event_socket.conf").Child("settings"), "param").get("password"); ok {
		all = append(all, audit.Held{Role: audit.Program, Name: "event_socket", Object: "event socket", At: p.at.String(), Secret: known(p.value)})
	}
	return all
}

// known is a value, or "" for one that only the running FreeSWITCH knows.
func known(value string) string {
	if Unknown(value) {
		return ""
	}
	return value
}

// Forwards are those in variables of users and in mod_db.
func (m *model) Forwards() (all []audit.Forward) {
	for _, u := range m.users {
		for _, v := range u.vars {
			if forwardName.MatchString(v.name) && dialable(v.value) {
				all = append(all, audit.Forward{Account: u.id, Domain: u.domain, Key: v.name, Number: v.value, At: v.at.String()})
			}
		}
	}
	d := m.databases()
	for _, s := range d.stored {
		if forwardName.MatchString(s.realm) && dialable(s.value) {
			all = append(all, audit.Forward{Account: s.key, Key: s.realm + "/" + s.key, Number: s.value, At: d.dir + "/call_limit.db"})
		}
	}
	for key, number := range m.hashed() {
		realm, account := key, ""
		if i := strings.LastIndexByte(key, '_'); i >= 0 {
			realm, account = key[:i], key[i+1:]
		}
		if forwardName.MatchString(realm) && dialable(number) {
			all = append(all, audit.Forward{Account: account, Key: realm + "/" + account, Number: number, At: whereRunning})
		}
	}
	return all
}

// dialable tells whether a value can be a number that is dialled.
func dialable(v string) bool {
	return len(v) > 1 && strings.Trim(v, "+*#0123456789") == ""
}
