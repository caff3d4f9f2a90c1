package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"
)

// issued is a certificate with its key.
type issued struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate for names, signed by its parent or by itself.
func issue(t *testing.T, parent *issued, names ...string) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "pbx"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: names, IsCA: len(names) == 0, BasicConstraintsValid: true,
	}
	signer, by := template, key
	if parent != nil {
		signer, by = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{cert, key}
}

func (i *issued) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw})
}

// serve speaks TLS once for each connection, as a PBX with that certificate.
func serve(t *testing.T, i *issued) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{i.cert.Raw}, PrivateKey: i.key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			c.Write([]byte("Asterisk Call Manager\r\n"))
			c.Close()
		}
	}()
	return l.Addr().String()
}

func TestTLSConfig(t *testing.T) {
	authority := issue(t, nil)
	nameless := issue(t, nil) // as Asterisk's own tool makes them
	signed := issue(t, authority, "pbx.example.org")
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("not ours to read")})
	tests := []struct {
		name   string
		server *issued
		file   []byte
		as     string
		good   bool
	}{
		{"pinned", nameless, nameless.pem(), "", true},
		{"pinned, with its key", nameless, append(key, nameless.pem()...), "", true},
		{"pinned, not first", nameless, append(authority.pem(), nameless.pem()...), "", true},
		{"another's", nameless, authority.pem(), "", false},
		{"signed, right name", signed, authority.pem(), "pbx.example.org", true},
		{"signed, wrong name", signed, authority.pem(), "other.example.org", false},
		{"signed, name of the address", signed, authority.pem(), "", false},
		{"not by the host's authorities", signed, nil, "pbx.example.org", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := defaultPBX()
			p.TLS, p.Address, p.ServerName, p.authority = true, serve(t, tt.server), tt.as, tt.file
			conn, err := tls.Dial("tcp", p.Address, p.TLSConfig())
			if err == nil {
				conn.Close()
			}
			if got := err == nil; got != tt.good {
				t.Errorf("got %v, want taken %t", err, tt.good)
			}
		})
	}
	if p := defaultPBX(); p.TLSConfig() != nil {
		t.Error("got a TLS configuration, want none without tls = true")
	}
}
