package config

import (
	"regexp"
	"strings"
)

// isRealm says whether text names a realm of mod_db or mod_hash.
var isRealm = regexp.MustCompile(`^(db|hash)/[A-Za-z0-9_.-]{1,64}$`).MatchString

// Types of PBX.
const (
	Asterisk   = "asterisk"
	FreeSWITCH = "freeswitch"
)

// freeSWITCH gives a FreeSWITCH the defaults that differ from an Asterisk's, and
// refuses what has no meaning for it.
func (p *PBX) freeSWITCH(t *table) {
	for key, preset := range map[string]struct {
		field *string
		value string
	}{
		"name": {&p.Name, "freeswitch"}, "address": {&p.Address, "127.0.0.1:8021"},
		"config_dir": {&p.ConfigDir, "/etc/freeswitch"}, "username": {&p.Username, ""},
	} {
		if !t.says(key) {
			*preset.field = preset.value
		}
	}
	for _, key := range []string{"tls", "ca_file", "server_name", "login", "admin_username", "admin_secret", "admin_secret_file", "admin_credential"} {
		if t.says(key) {
			t.fail(key, "has no effect with type = \"freeswitch\"", "")
		}
	}
	for _, realm := range p.Forwards {
		if !isRealm(realm) {
			t.fail("forwards", "must be written db/REALM or hash/REALM, as the dial plan does", quoted(realm))
		}
	}
	p.Login = "plain"
	if p.Username != "" && (strings.Count(p.Username, "@") != 1 || strings.ContainsAny(p.Username, ": \t")) {
		t.fail("username", "must be written user@domain, as a user of FreeSWITCH's directory", quoted(p.Username))
	}
	if !p.loopback() {
		t.warn("pbx %s: its event socket at %s is not encrypted: anybody in between can read its password and what is dialled; reach it through a tunnel", p.Name, p.Address)
	}
}
