package testbed

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// Challenge is what a server wants answered before it serves (RFC 3261
// section 22). A test may make one up, or fetch it at one address and answer
// it from another.
type Challenge struct {
	Realm, Nonce, Opaque string
	// QOP says that the server takes quality of protection "auth".
	QOP bool
	// Proxy says that it came with 407 and is answered by Proxy-Authorization.
	Proxy bool
}

// challengeOf finds the MD5 challenge in a response; a server may offer others.
func challengeOf(m *message) (Challenge, bool) {
	proxy := m.status() == 407
	if !proxy && m.status() != 401 {
		return Challenge{}, false
	}
	name := "Www-Authenticate"
	if proxy {
		name = "Proxy-Authenticate"
	}
	for _, h := range m.header[name] {
		params, ok := strings.CutPrefix(h, "Digest ")
		if !ok {
			continue
		}
		p := parameters(params)
		if a := p["algorithm"]; a != "" && !strings.EqualFold(a, "MD5") {
			continue
		}
		return Challenge{Realm: p["realm"], Nonce: p["nonce"], Opaque: p["opaque"], QOP: p["qop"] != "", Proxy: proxy}, true
	}
	return Challenge{}, false
}

// parameters splits `a="b, c", d=e` into its pairs.
func parameters(s string) map[string]string {
	p := map[string]string{}
	for s != "" {
		name, rest, found := strings.Cut(s, "=")
		if !found {
			return p
		}
		var value string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			value, rest, _ = strings.Cut(quoted, `"`)
			_, rest, _ = strings.Cut(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		p[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		s = rest
	}
	return p
}

// credentials is the header line which answers the challenge.
func (c Challenge) credentials(user, password, method, uri string) string {
	ha1 := md5Hex(user + ":" + c.Realm + ":" + password)
	ha2 := md5Hex(method + ":" + uri)
	line := "Authorization: "
	if c.Proxy {
		line = "Proxy-Authorization: "
	}
	line += fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=MD5`, user, c.Realm, c.Nonce, uri)
	if c.QOP {
		cnonce := rand.Text()
		response := md5Hex(strings.Join([]string{ha1, c.Nonce, "00000001", cnonce, "auth", ha2}, ":"))
		line += fmt.Sprintf(`, qop=auth, nc=00000001, cnonce="%s", response="%s"`, cnonce, response)
	} else {
		line += fmt.Sprintf(`, response="%s"`, md5Hex(ha1+":"+c.Nonce+":"+ha2))
	}
	if c.Opaque != "" {
		line += fmt.Sprintf(`, opaque="%s"`, c.Opaque)
	}
	return line
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
