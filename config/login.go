package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readSecrets gets the secrets of both accounts from where the file says.
func (p *PBX) readSecrets(t *table) {
	main := account{"", &p.Secret, p.SecretFile, p.Credential, p.Name + ".secret"}
	if !main.read(t) {
		where := "AMI"
		if p.Type == FreeSWITCH {
			where = "event socket"
		}
		t.warn("pbx %s: there is no secret for its %s yet; \"pbxguard setup\" makes an account", p.Name, where)
	}
	if p.AdminUsername == "" {
		for _, key := range []string{"admin_secret", "admin_secret_file", "admin_credential"} {
			if t.says(key) {
				t.fail(key, "has no effect without admin_username", "")
			}
		}
		return
	}
	admin := account{"admin_", &p.AdminSecret, p.AdminSecretFile, p.AdminCredential, p.Name + "-admin.secret"}
	if !admin.read(t) {
		t.fail("admin_username", "has no secret: set admin_secret_file", "")
	}
}

// account is where the secret of one AMI account may come from.
type account struct {
	prefix     string // of its keys
	secret     *Secret
	file       string
	credential string
	usual      string // file beside the configuration, if nothing else is said
}

// read fills in the secret. It returns false if there is none, and true also
// when it has told a fault.
func (a *account) read(t *table) bool {
	a.onlyOne(t)
	if *a.secret != "" {
		if t.open {
			t.fail(a.prefix+"secret", "can be read by everybody; chmod the file o-r, or use secret_file", "")
		}
		return true
	}
	if t.host.secret == nil {
		return true
	}
	path, key := a.source()
	if path == "" {
		t.fail(key, "there are no credentials: CREDENTIALS_DIRECTORY is not set, as systemd sets it for LoadCredential=", quoted(a.credential))
		return true
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(t.file), path)
	}
	data, err := t.host.secret(path)
	if key == "" && errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err == nil {
		*a.secret, err = secretOf(data)
	}
	if err != nil {
		t.fail(key, fmt.Sprintf("%s: %v", path, why(err)), "")
	}
	return true
}

// onlyOne sees to it that the file says one place of the secret at most.
func (a *account) onlyOne(t *table) {
	first := ""
	for _, key := range []string{"secret", "secret_file", "credential"} {
		key = a.prefix + key
		switch {
		case !t.says(key):
		case first != "":
			t.fail(key, fmt.Sprintf("is set beside %s; one of them must go", first), "")
		default:
			first = key
		}
	}
}

// source is the file that holds the secret, with the key that says so, if any.
// The path is empty if systemd has given us no credentials.
func (a *account) source() (path, key string) {
	switch {
	case a.credential != "":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", a.prefix + "credential"
		}
		return filepath.Join(dir, a.credential), a.prefix + "credential"
	case a.file != "":
		return a.file, a.prefix + "secret_file"
	}
	return a.usual, ""
}

// readAuthority reads ca_file and sees that there are certificates in it.
func (p *PBX) readAuthority(t *table) {
	if t.host.public == nil {
		return
	}
	data, err := t.host.public(p.CAFile)
	if err == nil && len(certificates(data)) == 0 {
		err = errors.New("holds no PEM certificate")
	}
	if err != nil {
		t.fail("ca_file", why(err).Error(), quoted(p.CAFile))
	}
	p.authority = data
}

// certificates are those in PEM text; a key that stands beside them, as in
// Asterisk's own files, is passed over.
func certificates(data []byte) []*x509.Certificate {
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return certs
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			certs = append(certs, cert)
		}
	}
}

// TLSConfig is how to speak TLS with the PBX; nil if it is not to be spoken.
//
// A certificate that stands in ca_file itself is trusted whatever name it
// carries: Asterisk's own tool makes certificates whose name is where Go no
// longer looks. Any other must be signed by one of them, for the right name.
func (p *PBX) TLSConfig() *tls.Config {
	if !p.TLS {
		return nil
	}
	name := p.ServerName
	if name == "" {
		name = p.host()
	}
	pinned := certificates(p.authority)
	if len(pinned) == 0 {
		return &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	}
	roots := x509.NewCertPool()
	for _, c := range pinned {
		roots.AddCert(c)
	}
	return &tls.Config{
		ServerName: name,
		MinVersion: tls.VersionTLS12,
		// VerifyConnection below does the whole job instead.
		InsecureSkipVerify: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			leaf := cs.PeerCertificates[0]
			for _, c := range pinned {
				if bytes.Equal(c.Raw, leaf.Raw) {
					return nil
				}
			}
			between := x509.NewCertPool()
			for _, c := range cs.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between})
			return err
		},
	}
}
