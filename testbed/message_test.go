package testbed

import (
	"bufio"
	"strings"
	"testing"
)

func TestReadMessage(t *testing.T) {
	const invite = "\r\n\r\nINVITE sip:0031900123456@203.0.113.90:5090 SIP/2.0\r\n" +
		"v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r\n" +
		"f: \"A\" <sip:100@192.0.2.1>;tag=abc;x=1\r\nCall-ID: one\r\nCSeq: 102 INVITE\r\n" +
		"m: <sip:asterisk@192.0.2.1:5060>\r\nl: 4\r\n\r\nbodyrest"
	r := bufio.NewReader(strings.NewReader(invite))
	m, err := readMessage(r)
	if err != nil {
		t.Fatal(err)
	}
	rest, _ := r.ReadString(0)
	for _, tt := range []struct{ name, got, want string }{
		{"method", m.method(), "INVITE"},
		{"number", m.number(), "0031900123456"},
		{"key", m.key(), "one 102 INVITE"},
		{"contact", m.contact(), "sip:asterisk@192.0.2.1:5060"},
		{"tag", tagOf(m.header.Get("From")), "abc"},
		{"body", m.body, "body"},
		{"left unread", rest, "rest"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if got := m.status(); got != 0 {
		t.Errorf("status of a request: got %d, want 0", got)
	}
	if got := len(m.header["Via"]); got != 2 {
		t.Errorf("got %d Vias, want 2", got)
	}
}

func TestReadMessageRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"nothing", ""},
		{"cut header", "SIP/2.0 200 OK\r\nVia: x\r\n"},
		{"cut body", "SIP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nbody"},
		{"negative length", "SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n"},
		{"huge length", "SIP/2.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n"},
		{"no colon", "SIP/2.0 200 OK\r\nVia\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if m, err := readMessage(bufio.NewReader(strings.NewReader(tt.text))); err == nil {
				t.Errorf("got %+v, want an error", m)
			}
		})
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add("SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"a, b\", nonce=1,qop=\"auth\"\r\nl: 0\r\n\r\n")
	f.Add("BYE sip:100@[2001:db8::1] SIP/2.0\r\ni: x\r\n\r\n")
	f.Add("OPTIONS\r\nContact: <\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := readMessage(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		if m.status() != 0 && m.method() != "" {
			t.Errorf("both a request and a response: %q", m.start)
		}
		if len(m.body) > len(text) {
			t.Errorf("body of %d bytes from %d", len(m.body), len(text))
		}
		if c, ok := challengeOf(m); ok {
			c.credentials("100", "x", "REGISTER", "sip:192.0.2.1")
		}
		_, _ = m.number(), m.contact()
	})
}

func TestChallengeOf(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       Challenge
		ok         bool
	}{
		{"chan_sip", "SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest algorithm=MD5, realm=\"asterisk\", nonce=\"2b\"\r\n\r\n",
			Challenge{Realm: "asterisk", Nonce: "2b"}, true},
		{"chan_pjsip", "SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"a, b\",nonce=\"1/2=\",opaque=\"6\",algorithm=MD5,qop=\"auth\"\r\n\r\n",
			Challenge{Realm: "a, b", Nonce: "1/2=", Opaque: "6", QOP: true}, true},
		{"proxy", "SIP/2.0 407 Wanted\r\nProxy-Authenticate: Digest realm=\"r\",nonce=\"n\"\r\n\r\n",
			Challenge{Realm: "r", Nonce: "n", Proxy: true}, true},
		{"MD5 is second", "SIP/2.0 401 No\r\nWWW-Authenticate: Digest realm=\"r\",nonce=\"1\",algorithm=SHA-256\r\n" +
			"WWW-Authenticate: Digest realm=\"r\",nonce=\"2\",algorithm=md5\r\n\r\n", Challenge{Realm: "r", Nonce: "2"}, true},
		{"other scheme", "SIP/2.0 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n\r\n", Challenge{}, false},
		{"no challenge", "SIP/2.0 403 Forbidden\r\nWWW-Authenticate: Digest realm=\"r\"\r\n\r\n", Challenge{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := readMessage(bufio.NewReader(strings.NewReader(tt.text)))
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := challengeOf(m); got != tt.want || ok != tt.ok {
				t.Errorf("got %+v, %v; want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

// The example of RFC 2069 section 2.4, with the response of its erratum.
func TestCredentials(t *testing.T) {
	c := Challenge{Realm: "testrealm@host.com", Nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093"}
	got := c.credentials("Mufasa", "CircleOfLife", "GET", "/dir/index.html")
	if want := `response="1949323746fe6a43ef61f9606e7febea"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
