package bench

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pbxguard/config"
)

// The AMI account of every server here, played or real.
const (
	amiUser   = "pbxguard"
	amiSecret = "guard-secret"
)

// settings are what a figure changes in the shipped configuration.
type settings struct {
	address     string // of the AMI
	calls, bans string // modes; "" is "observe"
	bansMore    string // further lines of [bans]
	firewall    string // mode; "" is "dry"
	tables      string // further tables
	program     string // another than build makes
}

// idle switches off the rules that count calls: here one phone makes them all.
const idle = `
[rules.attempts]
action = "allow"
[rules.concurrent]
action = "allow"
[rules.concurrent_country]
action = "allow"
[rules.sequential]
action = "allow"
`

// write puts the configuration into a folder and returns its path.
func (s settings) write(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "pbxguard.toml")
	text := fmt.Sprintf(`
[calls]
mode = %q
[bans]
mode = %q
%s
[[pbx]]
name = "asterisk"
address = %q
username = %q
secret = %q
config_dir = %q
trunks = ["trunk"]
time_zone = "Europe/Amsterdam"
[pbx.dialplan]
country = "NL"
extensions = '^1\d\d$'
[firewall]
mode = %q
[store]
path = %q
[control]
socket = %q
group = "root"
%s
`, cmp.Or(s.calls, "observe"), cmp.Or(s.bans, "observe"), s.bansMore, s.address, amiUser, amiSecret, dir,
		cmp.Or(s.firewall, "dry"), filepath.Join(dir, "pbxguard.db"), filepath.Join(dir, "control.sock"), s.tables)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load reads the configuration as the daemon does.
func (s settings) load(t testing.TB, dir string) *config.Config {
	t.Helper()
	conf, err := config.Load(s.write(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return conf
}
