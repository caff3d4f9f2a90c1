package asterisk

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"pbxguard/adapters/asterisk/conf"
)

// root writes files below a new directory and returns it.
func root(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDiscoverDebian(t *testing.T) {
	dir := root(t, map[string]string{
		"etc/asterisk/asterisk.conf": "[directories](!) ; remove the (!)\nastdbdir => /nowhere\n[directories]\nastdbdir => /var/db\n",
		"etc/asterisk/manager.conf": `[general]
enabled = yes
port = 5138 ; not the usual one
bindaddr = 0.0.0.0
timestampevents=yes
tlsenable=yes
tlsbindaddr=[::]:5139
#include "manager.d/*.conf"
[watcher]
secret = hidden\;secret
read = call,system
write = call
`,
		"etc/asterisk/manager.d/README.conf": "; nothing\n",
		"etc/asterisk/manager.d/panel.conf":  "[panel]\nsecret=x\nread = all\nwrite = originate,call, command\n",
		"etc/asterisk/pjsip.conf": `
;-- a comment
over [lines](nonsense) --; [udp]
type=transport
[phone](!)
type=endpoint
context=internal
[phone-auth](!)
type=auth
[100](phone)
auth=100
aors=100
[100](phone-auth)
username=100
password=secret-of-100
[100]
type=aor
max_contacts=1
[101](phone)
auth=101
aors=101
[101]
type=identify      ; a phone that is also known by its address
endpoint=101
match=192.0.2.101
[byip]
type=endpoint
aors=byip
[byip]
type=aor
contact=sip:192.0.2.90:5090
contact=sip:sbc.example.net\;transport=tcp
[byip]
type=identify
endpoint=byip
match=192.0.2.90,198.51.100.0/255.255.255.0
match=2001:db8::/32
[login]
type=endpoint
outbound_auth=login
aors=login
outbound_proxy=sip:proxy.example.net:5060\;lr
[login](+)
context=from-login
[login]
type=aor
contact=sip:login.example.net
[login]
type=registration
server_uri=sips:registrar.example.net:5061
[open]
type=endpoint
aors=nothing
#include "/etc/asterisk/more/pjsip.conf"
#tryinclude nowhere.conf
`,
		"etc/asterisk/more/pjsip.conf":   "[102](phone)\nauth=102\naors=102\n",
		"etc/asterisk/pjsip_wizard.conf": "[w](!)\ntype=wizard\n[carrier](w)\nsends_registrations=yes\nremote_hosts=a.example.net:5060,b.example.net\n[103](w)\naccepts_registrations=yes\n[104](w)\naccepts_auth=yes\n",
		"etc/asterisk/sip.conf":          "[general]\nregister => user:p@s,s@gw.example.net:5060/100\nregister => 1:2@192.0.2.91\n[old]\ntype=peer\nhost=192.0.2.91\n[200]\ntype=friend\nhost=dynamic\n[guest]\ntype=user\n",
		"etc/asterisk/iax.conf":          "[general]\n[iaxtrunk]\ntype=friend\nhost=iax.example.net\n",
	})
	got, err := Discover(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := Found{
		ConfigDir: "/etc/asterisk", ManagerEnabled: true, Timestamps: true,
		Address: "127.0.0.1:5138", TLSAddress: "[::1]:5139",
		general: true, ManagerDir: "/etc/asterisk/manager.d", AstDB: "/var/db/astdb.sqlite3",
		Accounts: []AMIAccount{
			{Name: "panel", Read: []string{"all"}, Write: []string{"originate", "call", "command"},
				Excess: []string{"read=all", "write=originate", "write=command"}},
			{Name: "watcher", Read: []string{"call", "system"}, Write: []string{"call"}},
		},
		Trunks: []Trunk{
			{Name: "byip", Hosts: []string{"192.0.2.90", "198.51.100.0/24", "2001:db8::/32", "sbc.example.net"}},
			{Name: "carrier", Hosts: []string{"a.example.net", "b.example.net"}},
			{Name: "gw.example.net", Hosts: []string{"gw.example.net"}},
			{Name: "iaxtrunk", Hosts: []string{"iax.example.net"}},
			{Name: "login", Hosts: []string{"login.example.net", "proxy.example.net", "registrar.example.net"}},
			{Name: "old", Hosts: []string{"192.0.2.91"}},
		},
		Phones: []string{"100", "101", "102", "103", "104", "200"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestDiscoverFreePBX(t *testing.T) {
	dir := root(t, map[string]string{
		"etc/freepbx.conf":                        "<?php\n",
		"etc/asterisk/manager.conf":               "[general]\nenabled = yes\nbindaddr=127.0.0.1\n#include manager_additional.conf\n#include manager_custom.conf\n",
		"etc/asterisk/manager_additional.conf":    "",
		"etc/asterisk/manager_custom.conf":        "",
		"etc/asterisk/pjsip.conf":                 "#include pjsip.endpoint.conf\n#include pjsip.endpoint_custom_post.conf\n",
		"etc/asterisk/pjsip.endpoint.conf":        "[trunk]\ntype=endpoint\noutbound_auth=trunk\naors=trunk\n[100]\ntype=endpoint\nauth=100-auth\naors=100\n",
		"etc/asterisk/extconfig.conf":             "[settings]\nps_endpoints => odbc,asterisk\n",
		"etc/asterisk/pjsip.endpoint_custom.conf": "",
	})
	got, err := Discover(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !got.FreePBX || len(got.Trunks) != 1 || got.Trunks[0].Name != "trunk" || !slices.Equal(got.Phones, []string{"100"}) {
		t.Errorf("got %+v, want FreePBX with a trunk and a phone", got)
	}
	want := []string{
		"/etc/asterisk/pjsip.conf:2: it includes pjsip.endpoint_custom_post.conf, which is not there, so Asterisk reads no further",
		"/etc/asterisk/extconfig.conf: ps_endpoints lie in a database: trunks and phones there are not known",
	}
	if !slices.Equal(got.Problems, want) {
		t.Errorf("got problems %q, want %q", got.Problems, want)
	}
	text, file, own, err := Stanza(got, "pbxguard", "s3cret")
	if err != nil || file != "/etc/asterisk/manager_custom.conf" || own {
		t.Errorf("got %q, own file %v, %v, want manager_custom.conf", file, own, err)
	}
	// What is written must be what Asterisk reads.
	sections := parsed(t, text)
	if len(sections) != 1 || sections[0].Name != "pbxguard" || sections[0].Get("secret") != "s3cret" {
		t.Fatalf("got sections %+v of %q", sections, text)
	}
	if a := account(sections[0]); !slices.Equal(a.Read, []string{"security", "call", "system"}) ||
		!slices.Equal(a.Write, []string{"call"}) || a.Excess != nil {
		t.Errorf("got rights %+v, want those of least privilege", a)
	}
}

// parsed are the sections of one file.
func parsed(t testing.TB, text string) []*conf.Section {
	t.Helper()
	tr := &tree{files: fstest.MapFS{"etc/x.conf": {Data: []byte(text)}}, dir: "etc"}
	return tr.read("x.conf")
}

func TestStanza(t *testing.T) {
	for _, tt := range []struct {
		name  string
		found Found
		file  string
		own   bool
	}{
		{"Debian", Found{ConfigDir: "/etc/asterisk", ManagerDir: "/etc/asterisk/manager.d"}, "/etc/asterisk/manager.d/pbxguard.conf", true},
		{"plain", Found{ConfigDir: "/opt/etc"}, "/opt/etc/manager.conf", false},
	} {
		if _, file, own, err := Stanza(tt.found, "pbxguard", "x"); err != nil || file != tt.file || own != tt.own {
			t.Errorf("%s: got %q %v %v, want %q %v", tt.name, file, own, err, tt.file, tt.own)
		}
	}
	for _, bad := range [][2]string{{"", "x"}, {"a]b", "x"}, {"a\n[b", "x"}, {"a", ""}, {"a", "x;y"}, {"a", "x\nwrite = all"}, {"a", " x"}, {"a", `x\`}} {
		if text, _, _, err := Stanza(Found{}, bad[0], bad[1]); err == nil || text != "" {
			t.Errorf("Stanza(%q, %q): got %q, want an error", bad[0], bad[1], text)
		}
	}
}

// AMI that is off is on, and for this host alone, once the stanza is where it belongs.
func TestStanzaSwitchesOn(t *testing.T) {
	for _, tt := range []struct{ name, manager string }{
		{"off", "[general]\nenabled = no\nbindaddr = 0.0.0.0\n#include \"manager.d/*.conf\"\n"},
		{"nothing said", "#include \"manager.d/*.conf\"\n"},
		{"in one file", "[general]\nport = 5038\n[x]\n"},
	} {
		files := map[string]string{"etc/asterisk/manager.conf": tt.manager, "etc/asterisk/manager.d/README": ""}
		before, err := Discover(root(t, files))
		if err != nil || before.ManagerEnabled {
			t.Fatalf("%s: got enabled %v, %v, want AMI off", tt.name, before.ManagerEnabled, err)
		}
		text, file, own, err := Stanza(before, "pbxguard", "s3cret")
		if err != nil {
			t.Fatal(err)
		}
		if !own {
			text = files[file[1:]] + text
		}
		files[file[1:]] = text
		after, err := Discover(root(t, files))
		if err != nil || !after.ManagerEnabled || after.Address != "127.0.0.1:5038" || len(after.Problems) > 0 {
			t.Errorf("%s: got %+v, %v, want AMI on at 127.0.0.1:5038", tt.name, after, err)
		}
		if !slices.ContainsFunc(after.Accounts, func(a AMIAccount) bool { return a.Name == "pbxguard" }) {
			t.Errorf("%s: got accounts %+v, want pbxguard among them", tt.name, after.Accounts)
		}
	}
	if text, _, _, _ := Stanza(Found{FreePBX: true}, "pbxguard", "x"); strings.Contains(text, "general") {
		t.Errorf("got %q, want FreePBX's switch left alone", text)
	}
}

func TestDiscoverTroubles(t *testing.T) {
	dir := root(t, map[string]string{
		"etc/asterisk/manager.conf":     "#exec /bin/true\n#wrong\n#tryinclude [\n#tryinclude manager.d/*.conf\n#include /etc/passwd-of-the-host\n",
		"etc/asterisk/sip.conf":         "[general]\n" + strings.Repeat("x", 9000),
		"etc/asterisk/iax.conf":         "",
		"etc/asterisk/manager.d/x.conf": "[general\n",
	})
	if err := syscall.Mkfifo(filepath.Join(dir, "etc/asterisk/pjsip.conf"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "etc/asterisk/pjsip_wizard.conf")); err != nil {
		t.Fatal(err)
	}
	got, err := Discover(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"/etc/asterisk/manager.conf:1: the output of #exec is not read", "manager.conf:2: the directive is unknown", "cannot understand pattern",
		"manager.d/x.conf:1: there is no closing bracket", "includes /etc/passwd-of-the-host, which is not there",
		"cannot read /etc/asterisk/pjsip.conf: it is no regular file", "sip.conf:2: the line is longer than", "cannot read /etc/asterisk/pjsip_wizard.conf: ",
	} {
		if !slices.ContainsFunc(got.Problems, func(p string) bool { return strings.Contains(p, want) }) {
			t.Errorf("got problems %q, want among them %q", got.Problems[:min(len(got.Problems), 20)], want)
		}
	}
	if got.Address != "127.0.0.1:5038" || got.ManagerEnabled {
		t.Errorf("got %q, enabled %v, want Asterisk's own settings", got.Address, got.ManagerEnabled)
	}
}

func TestDiscoverNothing(t *testing.T) {
	if _, err := Discover(t.TempDir()); err == nil || !strings.Contains(err.Error(), "cannot find Asterisk: no ") {
		t.Errorf("got %v, want an error that says what is missing", err)
	}
	if _, err := Discover(filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Error("got no error for a root that is not there")
	}
}

func FuzzDiscover(f *testing.F) {
	f.Add("[general]\nenabled=yes\n#include \"*.conf\"\n", "[100](!)\ntype=endpoint\n[100](100)\nauth=1\nmatch=1/2\n")
	f.Add(";--\n[a](+,b\n", "[a]\nregister => x@[::1]:5/6~7\ncontact=<sip:a@b;c>\n")
	f.Fuzz(func(t *testing.T, manager, rest string) {
		files := fstest.MapFS{"etc/asterisk/manager.conf": {Data: []byte(manager)}}
		for _, name := range []string{"pjsip.conf", "pjsip_wizard.conf", "sip.conf", "iax.conf", "asterisk.conf", "extconfig.conf"} {
			files["etc/asterisk/"+name] = &fstest.MapFile{Data: []byte(rest)}
		}
		tr := &tree{files: files}
		found := tr.discover("/etc/asterisk")
		for _, p := range found.Phones {
			if slices.ContainsFunc(found.Trunks, func(tr Trunk) bool { return tr.Name == p }) {
				t.Fatalf("%q is a phone and a trunk", p)
			}
		}
	})
}

// TestDiscoverAt finds what stands for "/" by what asterisk.conf says of itself.
func TestDiscoverAt(t *testing.T) {
	const trunk = "[carrier]\ntype=identify\nendpoint=carrier\nmatch=192.0.2.9\n[carrier]\ntype=endpoint\naors=carrier\n[carrier]\ntype=aor\ncontact=sip:192.0.2.9\n"
	for _, tt := range []struct {
		name, dir, conf string
		root            string // below the test's folder; "/" is the host's
		configDir       string
	}{
		{"container", "srv/pbx/etc/asterisk", "", "srv/pbx", "/etc/asterisk"},
		{"chroot with a place of its own", "srv/pbx/testbed/etc", "[directories]\nastetcdir => /testbed/etc\nastdbdir => /testbed/db\n", "srv/pbx", "/testbed/etc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := root(t, map[string]string{tt.dir + "/pjsip.conf": trunk, tt.dir + "/asterisk.conf": tt.conf})
			at, f, err := DiscoverAt(filepath.Join(dir, tt.dir))
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(dir, tt.root); at != want || f.ConfigDir != tt.configDir {
				t.Errorf("got %s below %s, want %s below %s", f.ConfigDir, at, tt.configDir, want)
			}
			if len(f.Trunks) != 1 || f.Trunks[0].Name != "carrier" {
				t.Errorf("got trunks %+v", f.Trunks)
			}
		})
	}
	dir := root(t, map[string]string{"opt/pbx/pjsip.conf": trunk})
	at, f, err := DiscoverAt(filepath.Join(dir, "opt/pbx"))
	if err != nil || at != "/" || f.ConfigDir != filepath.Join(dir, "opt/pbx") || len(f.Trunks) != 1 {
		t.Errorf("a folder anywhere: got %s, %+v, %v", at, f, err)
	}
	if _, _, err := DiscoverAt(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that does not exist was found")
	}
}
