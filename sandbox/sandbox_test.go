package sandbox

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const closed = "[Unit]\nIPAddressAllow=any\n[Service]\nIPAddressDeny=any\nIPAddressAllow=localhost\n"

func TestFilter(t *testing.T) {
	const (
		lib  = "/lib/systemd/system/pbxguard.service"
		etc  = "/etc/systemd/system/pbxguard.service"
		drop = "/etc/systemd/system/pbxguard.service.d/"
	)
	for _, tt := range []struct {
		name  string
		files map[string]string
		addr  string
		want  bool
	}{
		{"no unit", nil, "192.0.2.1", true},
		{"this host", map[string]string{lib: closed}, "127.0.0.53", true},
		{"this host, IPv6", map[string]string{lib: closed}, "::1", true},
		{"this host, mapped", map[string]string{lib: closed}, "::ffff:127.0.0.1", true},
		{"another", map[string]string{lib: closed}, "192.0.2.1", false},
		{"another, IPv6", map[string]string{lib: closed}, "2001:db8::1", false},
		{"opened", map[string]string{lib: closed, drop + "network.conf": "[Service]\nIPAddressAllow=192.0.2.0/24 2001:db8::1\n"}, "192.0.2.1", true},
		{"opened on two lines", map[string]string{lib: closed, drop + "n.conf": "[Service]\nIPAddressAllow = 198.51.100.1 \\\n  192.0.2.1\n"}, "192.0.2.1", true},
		{"a comment", map[string]string{lib: closed, drop + "n.conf": "[Service]\n#IPAddressAllow=192.0.2.1\n"}, "192.0.2.1", false},
		{"another section", map[string]string{lib: closed, drop + "n.conf": "[Unit]\nIPAddressAllow=192.0.2.1\n"}, "192.0.2.1", false},
		{"taken back", map[string]string{lib: closed, drop + "n.conf": "[Service]\nIPAddressDeny=\n"}, "192.0.2.1", true},
		{"taken back and denied again", map[string]string{lib: closed, drop + "a.conf": "[Service]\nIPAddressDeny=\n", drop + "b.conf": "[Service]\nIPAddressDeny=192.0.2.0/24\n"}, "192.0.2.1", false},
		{"the host's own unit counts", map[string]string{lib: closed, etc: "[Service]\n"}, "192.0.2.1", true},
		{"of one name the host's own", map[string]string{lib: closed, drop + "n.conf": "[Service]\n", "/lib/systemd/system/pbxguard.service.d/n.conf": "[Service]\nIPAddressAllow=any\n"}, "192.0.2.1", false},
		{"no address", map[string]string{lib: closed, drop + "n.conf": "[Service]\nIPAddressAllow=everybody\n"}, "192.0.2.1", false},
	} {
		root := t.TempDir()
		for path, text := range tt.files {
			write(t, root, path, text)
		}
		f, err := Load(root)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := f.Passes(netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("%s: got %v for %s, want %v", tt.name, got, tt.addr, tt.want)
		}
	}
}

// What the drop-in is made for passes once it is there, and nothing else.
func TestText(t *testing.T) {
	root := t.TempDir()
	write(t, root, "/lib/systemd/system/pbxguard.service", closed)
	wanted := []Destination{
		{"the PBX a\nIPAddressAllow=any", []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("127.0.0.1")}},
		{"the name server", []netip.Addr{netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("127.0.0.53")}},
		{"the one here", []netip.Addr{netip.MustParseAddr("::1")}},
	}
	f, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	blocked := f.Blocked(wanted)
	if len(blocked) != 2 || blocked[1].String() != "the name server 2001:db8::53" {
		t.Errorf("got %v blocked, want 192.0.2.7 and the name server", blocked)
	}
	write(t, root, DropIn, Text(wanted))
	if f, err = Load(root); err != nil {
		t.Fatal(err)
	}
	if blocked := f.Blocked(wanted); len(blocked) > 0 {
		t.Errorf("got %v blocked with\n%s", blocked, Text(wanted))
	}
	if f.Passes(netip.MustParseAddr("192.0.2.8")) {
		t.Errorf("got 192.0.2.8 open with\n%s", Text(wanted))
	}
	if got := Text(wanted[2:]); got != "" {
		t.Errorf("got %q for this host, want nothing", got)
	}
}
