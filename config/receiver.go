package config

import (
	"net"
	"net/netip"
	"net/url"
)

// check sees that a receiver has what its type needs, and reads its secret.
func (r *Receiver) check(t *table) {
	if r.Name == "" {
		t.fail("name", "a receiver needs a name", "")
		return
	}
	needs := map[string][]string{"mail": {"server", "from", "to"}, "webhook": {"url"}}
	for _, key := range needs[r.Type] {
		if !t.says(key) {
			t.fail(key, "is needed for type = \""+r.Type+"\"", "")
		}
	}
	if r.Type == "mail" && r.TLS == "none" && !here(hostOf(r.Server)) {
		t.fail("tls", "would send mail and password in the clear to another host", quoted(r.TLS))
	}
	if u, err := url.Parse(r.URL); r.URL != "" && (err != nil || u.Scheme == "http" && !here(u.Hostname())) {
		t.fail("url", "must be https to another host", "")
	}
	if r.Type == "journal" || r.Type == "mail" && r.Username == "" {
		return
	}
	secret := account{"", &r.Secret, r.SecretFile, r.Credential, r.Name + ".secret"}
	if secret.read(t) {
		return
	}
	switch r.Type {
	case "webhook":
		t.warn("receiver %s: its messages are not signed, since it has no secret", r.Name)
	default:
		t.fail("name", "has no secret: set secret_file", quoted(r.Name))
	}
}

// checkReceivers finds receivers of one name.
func (c *Config) checkReceivers(t *table) {
	names := map[string]bool{}
	for i := range c.Receivers {
		name := c.Receivers[i].Name
		if name != "" && names[name] {
			t.element("receiver", i).fail("name", "another receiver has this name", quoted(name))
		}
		names[name] = true
	}
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// here says whether a host is this one.
func here(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
