package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the .want files of testdata")

// asName is what golden files are called in errors.
const asName = "/etc/pbxguard/pbxguard.toml"

// beside is a reader of the files that the golden configurations refer to.
func beside(t testing.TB) func(string) ([]byte, error) {
	ca := selfSigned(t)
	return func(path string) ([]byte, error) {
		switch path {
		case "/etc/pbxguard/good.secret":
			return []byte("canary-file\n"), nil
		case "/etc/pbxguard/lines.secret":
			return []byte("canary-file\nsecond\n"), nil
		case "/etc/pbxguard/empty.secret":
			return []byte("\n"), nil
		case "/etc/pbxguard/open.secret":
			return nil, errors.New("can be read by everybody (mode 0644); chmod o-r it")
		case "/etc/pbxguard/ca.pem":
			return ca, nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
}

func selfSigned(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// golden compares got with the .want file beside path.
func golden(t *testing.T, path, got string) {
	t.Helper()
	want := strings.TrimSuffix(path, ".toml") + ".want"
	if *update {
		if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(b) {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", path, got, b)
	}
}

func files(t *testing.T, pattern string, least int) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) < least {
		t.Fatalf("got %d files of %s, want %d at least (%v)", len(paths), pattern, least, err)
	}
	return paths
}

func TestBadFiles(t *testing.T) {
	for _, path := range files(t, "testdata/bad/*.toml", 60) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".toml"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Parse(asName, data, beside(t))
			if err == nil {
				t.Fatalf("got %+v, want an error", c)
			}
			golden(t, path, err.Error()+"\n")
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("got a secret in %q", err)
			}
			for _, e := range Errors(err) {
				if e.Reason == "" || e.File != asName {
					t.Errorf("got %#v, want a file and a reason", e)
				}
			}
		})
	}
}

func TestGoodFiles(t *testing.T) {
	for _, path := range files(t, "testdata/good/*.toml", 7) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".toml"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Parse(asName, data, beside(t))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Policy(nil); err != nil {
				t.Errorf("got %v, want a policy", err)
			}
			var warnings bytes.Buffer
			for _, w := range c.Warnings {
				warnings.WriteString(w + "\n")
			}
			golden(t, path, warnings.String())
		})
	}
}
