package asterisk

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ami "pbxguard/adapters/asterisk"
	"pbxguard/audit"
	"pbxguard/audit/audittest"
	"pbxguard/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// odd is a dialplan with the corners of what Asterisk writes otherwise than it
// is written.
const odd = `[general]
static=yes
[globals]
OPERATOR=250
TECH=PJSIP
[internal]
exten => ${OPERATOR},1,Dial(PJSIP/100,20)
 same => n(busy),Busy( 5 )
 same => n+5,Hangup
exten => 100,hint,PJSIP/100
exten => 100,1,NoOp(a\,b "c;d" e\;f)
	same = n , Dial( PJSIP/100 , 30 , tT )
exten => 100/101,1,Hangup(21)
exten => _[1-3]-XX.,1,Set(A=${EXTEN:1}) ; said
exten => _NXX-XXXX,1,Set(B=${IF($["${A}" = "x"]?y:z)})
 same => n,ExecIf($[1]?Set(C=1):NoOp())
exten => i,1,Playback(invalid)
exten => 100,20,Hangup()
include => night|17:00-09:00|mon-fri|*|*
include => outbound
include => outbound
ignorepat => 9
switch => Loopback/12${EXTEN}@outbound
[night](!)
exten => 1,1,Hangup()
[night](+TEMPLATES=include)
exten => 2,1,Hangup()
[outbound]
exten => 112,1,Dial(PJSIP/112@trunk)
[outbound]
exten => 911,1,Dial(PJSIP/112@trunk)
[from-trunk]
exten => _X!,1,Goto(internal,100,1)
#exec "echo exten => 1,1,Hangup()"
`

// oddObjects are for chan_pjsip what odd is for the dialplan.
const oddObjects = `
[tmpl](!)
type=endpoint
context=phones ; said
allow_transfer=no
[tmpl](+TEMPLATES=include)
identify_by => username
[x1](tmpl)
auth=x1
aors=x1
context+=-more
[x1]
type=auth
auth_type=userpass
username=x1
password=canary\;b;c
[x1]
type=aor
max_contacts=2
MAX_CONTACTS=3
remove_existing=on
[x1](+type=endpoint)
Allow_Subscribe=NO
[x2](tmpl)
;--
auth=nosuch
--;
aors = x1 , trunk
context=first
context=second
transport=udp
trust_id_inbound=1
message_context =
redirect_method=uri_pjsip
[x2](+)
accountcode=x2 account
device_state_busy_at=2
[tmpl](!)
type=endpoint
context=never
`

// asked audits the files of a real Asterisk together with what it says.
func asked(t *testing.T, a *testbed.Asterisk, user, secret string) (told map[string][]string) {
	t.Helper()
	admin, err := ami.NewAdmin(ami.AdminOptions{Address: a.AMI, Username: user, Secret: secret, Timeout: time.Minute, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	tree := &audit.Tree{}
	defer tree.Close()
	if err := tree.Mount("/etc/asterisk", filepath.Join(a.Root, "etc")); err != nil {
		t.Fatal(err)
	}
	site := &audit.Site{Tree: tree, Now: time.Now(), Live: map[string]audit.Answers{"asterisk": Ask(t.Context(), admin)}}
	run, err := audit.Perform(t.Context(), site, []audit.Kind{Kind()})
	if err != nil {
		t.Fatal(err)
	}
	told = map[string][]string{}
	for _, f := range run.Findings {
		if strings.Contains(f.Evidence, "goes on in Loopback") {
			continue // a switch is never followed
		}
		if strings.HasPrefix(f.ID, "AST-LIVE-") && (f.Status == audit.Fail || f.Status == audit.Incomplete) {
			told[f.ID] = append(told[f.ID], fmt.Sprintf("%s %s: %s", f.Status, f.Object, f.Evidence))
		}
		if strings.Contains(f.Evidence, "Kp7-") || strings.Contains(f.Evidence, "canary") {
			t.Errorf("%s shows a secret", f.ID)
		}
	}
	return told
}

// What a real Asterisk says of itself is what its files say, until somebody
// changes the one or the other.
func TestRealAsteriskIsCompared(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real Asterisk")
	}
	for _, version := range []int{16, 22} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			objects, err := os.ReadFile("../../testbed/conf/pjsip.conf")
			if err != nil {
				t.Fatal(err)
			}
			a := testbed.Start(t, version, testbed.WithFile("pjsip.conf", string(objects)+oddObjects), testbed.WithFile("extensions.conf", odd),
				testbed.WithFile("voicemail.conf", "[general]\n[default]\n100 => 4711,Hundred\n"))
			for id, all := range asked(t, a, "all", "all-secret") {
				t.Errorf("unchanged: %s %q", id, all)
			}
			told := asked(t, a, "pbxguard-admin", "admin-secret")
			for id, all := range told {
				if (id != "AST-LIVE-004" && id != "AST-LIVE-006") || !strings.Contains(all[0], "write = system,reporting") {
					t.Errorf("with write = system: %s %q", id, all)
				}
			}
			if told["AST-LIVE-004"] == nil {
				t.Error("the dialplan passes an account that may not read it")
			}

			for _, e := range []struct{ file, old, new string }{
				{"pjsip_wizard.conf", "[100](phone)\n", "[100](phone)\nendpoint/context = outbound\nendpoint/allow_transfer = no\n"},
				{"pjsip_wizard.conf", "Kp7-101-wq", "canary-not-loaded"},
				{"pjsip_wizard.conf", "[102](phone)\n", "[202](phone)\n"},
				{"pjsip_wizard.conf", "[103](phone)\n", "[103](phone)\naor/max_contacts = 5\n"},
				{"extensions.conf", "exten => i,1,Playback(invalid)", "exten => i,1,Playback(other)"},
				{"modules.conf", "autoload = yes", "autoload = yes\nnoload => chan_pjsip.so"},
			} {
				audittest.Edit(t, filepath.Join(a.Root, "etc", e.file), e.old, e.new)
			}
			a.CLI(t, "dialplan add extension 666,1,Dial,PJSIP/666@trunk into internal")
			told = asked(t, a, "all", "all-secret")
			for _, want := range [][2]string{
				{"AST-LIVE-001", "endpoint 102: it runs and is in no file; its context is internal"},
				{"AST-LIVE-002", `endpoint 100: context is "outbound" in the file, and "internal" in force`},
				{"AST-LIVE-002", `endpoint 100: allow_transfer is "no" in the file, and "true" in force`},
				{"AST-LIVE-002", "auth 101-iauth: the password in force is not that of the file"},
				{"AST-LIVE-002", `aor 103: max_contacts is "5" in the file, and "1" in force`},
				{"AST-LIVE-003", "endpoint 202: it is in the file and does not run"},
				{"AST-LIVE-004", "context internal: it runs and is in no file: extension 666: Dial"},
				{"AST-LIVE-004", "context internal: it runs and is in no file: extension i: Playback"},
				{"AST-LIVE-005", "chan_pjsip.so: it runs, and modules.conf does not load it"},
			} {
				if !strings.Contains(strings.Join(told[want[0]], "\n"), want[1]) {
					t.Errorf("got %s %q, want %q", want[0], told[want[0]], want[1])
				}
			}
			a.Stop(t)
			if told := asked(t, a, "all", "all-secret"); len(told) != 7 {
				t.Errorf("stopped: got %q, want every comparison incomplete", told)
			}
		})
	}
}
