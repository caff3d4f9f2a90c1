package host

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
)

// No file of a host, however broken, stops the checks.
func FuzzHost(f *testing.F) {
	files := []string{"/etc/passwd", "/proc/net/tcp", "/proc/412/status", "/etc/nftables.conf", "/etc/ssh/sshd_config",
		"/etc/logrotate.d/asterisk", "/etc/pbxguard/answers.toml", "/var/lib/dpkg/status", "/etc/pbxguard/pbxguard.toml"}
	for i, name := range files {
		text, err := os.ReadFile("testdata/base" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), text)
	}
	files = append(files, "/etc/iptables/rules.v4", "/etc/firewalld/zones/public.xml", "/etc/postgresql/15/main/postgresql.conf")
	f.Add(uint8(9), []byte(":INPUT ACCEPT [0:0]\n-A INPUT -p udp --dport 5060 -j ACCEPT\n"))
	f.Add(uint8(10), []byte("<zone target=\"ACCEPT\">\n<port protocol=\"udp\" port=\"5060\"/>\n<rule>\n</rule></zone>\n"))
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		dir := t.TempDir()
		for _, name := range []string{"/etc/passwd", files[int(which)%len(files)]} {
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		site, done, err := audittest.Site(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		if _, err := audit.Perform(context.Background(), site, []audit.Kind{Kind()}); err != nil {
			t.Fatal(err)
		}
	})
}
