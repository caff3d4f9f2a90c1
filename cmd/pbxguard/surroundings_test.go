package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pbxguard/config"
)

// asteriskIn makes a tree with an Asterisk that has one phone, which is
// registered, and trunks by address, by name and from everywhere.
func asteriskIn(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	files := map[string]string{
		"etc/asterisk/manager.conf": "[general]\nenabled = yes\n",
		"etc/asterisk/pjsip.conf": `
[100]
type = endpoint
auth = 100
aors = 100
[100]
type = auth
username = 100
[100]
type = aor
max_contacts = 1
[carrier]
type = endpoint
[carrier]
type = identify
endpoint = carrier
match = 192.0.2.1
match = sip.carrier.example
[anybody]
type = endpoint
[anybody]
type = identify
endpoint = anybody
match = 0.0.0.0/0
`,
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	astdb := filepath.Join(root, "var/lib/asterisk/astdb.sqlite3")
	if err := os.MkdirAll(filepath.Dir(astdb), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", astdb)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE astdb (key TEXT PRIMARY KEY, value TEXT);
		INSERT INTO astdb VALUES ('/SIP/Registry/100', '198.51.100.20:5060:3600:100:sip:100@198.51.100.20:5060')`); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestLookAround(t *testing.T) {
	root := asteriskIn(t)
	conf := config.Default()
	conf.PBX[0].ConfigDir = filepath.Join(root, "etc/asterisk")
	conf.Bans.Allow = []string{"office.example", "gone.example", "203.0.113.0/24"}
	zone := map[string]string{"sip.carrier.example": "192.0.2.2", "office.example": "203.0.113.7"}
	d := &daemon{conf: conf, log: slog.New(slog.DiscardHandler), names: names{
		lookup: func(_ context.Context, _, host string) ([]netip.Addr, error) {
			if a, ok := zone[host]; ok {
				return []netip.Addr{netip.MustParseAddr(a)}, nil
			}
			return nil, errors.New("no such host")
		},
	}}
	d.around = d.lookAround(t.Context(), conf)
	found := d.around.found["asterisk"]
	if want := []string{"anybody", "carrier"}; !slices.Equal(found.Trunks, want) {
		t.Errorf("trunks: got %v, want %v", found.Trunks, want)
	}
	if want := []string{"100"}; !slices.Equal(found.Phones, want) {
		t.Errorf("phones: got %v, want %v", found.Phones, want)
	}
	if got := found.TrunkHosts; len(got) != 2 || !slices.Contains(got, netip.MustParsePrefix("192.0.2.1/32")) ||
		!slices.Contains(got, netip.MustParsePrefix("192.0.2.2/32")) {
		t.Errorf("hosts of trunks: got %v, want 192.0.2.1, 192.0.2.2 and not everybody", got)
	}
	if want := []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32")}; !slices.Equal(d.around.never, want) {
		t.Errorf("names of bans.allow: got %v, want %v", d.around.never, want)
	}
	standing := d.registered(t.Context())
	if len(standing) != 1 || standing[0].Account.String() != "asterisk/100" || standing[0].Source != netip.MustParseAddr("198.51.100.20") {
		t.Errorf("registered: got %+v, want asterisk/100 at 198.51.100.20", standing)
	}
}
