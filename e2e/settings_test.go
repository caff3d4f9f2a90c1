package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// settings are what a test says in the configuration.
type settings struct {
	Calls, Bans string // modes; "" is "observe"
	CallsMore   string // further lines of [calls]
	BansMore    string // further lines of [bans]
	PBX         string // further lines of [[pbx]]
	Address     string // of the PBX's control port; "" is the testbed's plain one
	User        string // of FreeSWITCH; "" is the right one, "none" is none
	Secret      string // of the account there; "" is the right one
	Firewall    string // mode; "" is "dry"
	Country     string // of the dial plan; "" is "NL"
	Tables      string // further tables, such as [rules.duration]
	State       string // folder of the store; "" is the daemon's own
}

// write puts the configuration where a daemon of this folder reads it.
func (s settings) write(t testing.TB, dir string, pbx testbed.PBX) {
	t.Helper()
	text := fmt.Sprintf(`
[calls]
mode = %q
learn = "0s"
%s
[bans]
mode = %q
%s
%s
%s
[pbx.dialplan]
country = %q
extensions = '^1\d\d$'
carrier_select = ["71"]
[firewall]
mode = %q
[store]
path = %q
[control]
socket = %q
group = "root"
%s
`, cmp.Or(s.Calls, "observe"), s.CallsMore, cmp.Or(s.Bans, "observe"), s.BansMore,
		s.pbx(t, dir, pbx), s.PBX, cmp.Or(s.Country, "NL"), cmp.Or(s.Firewall, "dry"),
		filepath.Join(cmp.Or(s.State, dir), "pbxguard.db"), filepath.Join(dir, "control.sock"), s.Tables+quiet(s.Tables))
	put(t, filepath.Join(dir, "pbxguard.toml"), text)
}

// quiet switches off the rules that a test does not name and that would judge by
// the hour at which it runs, or describe themselves: it is about others.
func quiet(tables string) string {
	names := []string{"hours", "weekend", "holiday"}
	for _, info := range guard.Catalogue() {
		if info.Set {
			names = append(names, strings.ReplaceAll(info.ID, "-", "_"))
		}
	}
	var b strings.Builder
	for _, name := range names {
		if !strings.Contains(tables, "[rules."+name+"]") {
			fmt.Fprintf(&b, "[rules.%s]\naction = \"allow\"\n", name)
		}
	}
	return b.String()
}

// pbx is the table of the PBX, without its dial plan; its secret is written.
func (s settings) pbx(t testing.TB, dir string, pbx testbed.PBX) string {
	t.Helper()
	if f, ok := pbx.(*testbed.FreeSWITCH); ok {
		put(t, filepath.Join(dir, "freeswitch.secret"), cmp.Or(s.Secret, "guard-secret")+"\n")
		table := fmt.Sprintf("[[pbx]]\ntype = \"freeswitch\"\naddress = %q\nconfig_dir = %q\n", cmp.Or(s.Address, f.ESL), f.Conf())
		if user := cmp.Or(s.User, "pbxguard@"+f.Domain); user != "none" {
			table += fmt.Sprintf("username = %q\n", user)
		}
		return table
	}
	a := pbx.(*testbed.Asterisk)
	put(t, filepath.Join(dir, "asterisk.secret"), cmp.Or(s.Secret, "guard-secret")+"\n")
	return fmt.Sprintf("[[pbx]]\nname = \"asterisk\"\naddress = %q\nconfig_dir = %q\n",
		cmp.Or(s.Address, a.AMI), host(t, dir, a))
}

// host lays the files of a server out as on a host of its own, for the daemon to
// find its trunks, phones and registrations, and returns its config_dir.
func host(t testing.TB, dir string, a *testbed.Asterisk) string {
	t.Helper()
	root := filepath.Join(dir, "host")
	etc, lib := filepath.Join(root, "etc/asterisk"), filepath.Join(root, "var/lib")
	if err := errors.Join(os.RemoveAll(root), os.MkdirAll(etc, 0o755), os.MkdirAll(lib, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(a.Root, "db"), filepath.Join(lib, "asterisk")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"manager.conf", "pjsip.conf", "pjsip_wizard.conf", "sip.conf"} {
		text, err := os.ReadFile(filepath.Join(a.Root, "etc", name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(etc, name), string(text))
	}
	return etc
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rules writes a [rules.NAME] table with max and action "kill" for each
// "NAME MAX", of which MAX may be missing.
func rules(list ...string) string {
	var b strings.Builder
	for _, rule := range list {
		name, limit, ok := strings.Cut(rule, " ")
		fmt.Fprintf(&b, "[rules.%s]\naction = \"kill\"\n", name)
		if ok {
			fmt.Fprintf(&b, "max = %s\n", limit)
		}
	}
	return b.String()
}
