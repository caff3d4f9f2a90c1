package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// TestLogin has the daemon log in to AMI in every way there is, and end a call.
func TestLogin(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		if s.name == "sip" {
			return // AMI is the same
		}
		tls := fmt.Sprintf("tls = true\nca_file = %q\n", ownCopy(t, s.Asterisk.AMICert()))
		for _, tt := range []struct {
			name string
			conf settings
		}{
			{"challenge", settings{}},
			{"plain", settings{PBX: `login = "plain"`}},
			{"challenge over TLS", settings{Address: s.Asterisk.AMITLS, PBX: tls}},
			{"plain over TLS", settings{Address: s.Asterisk.AMITLS, PBX: tls + `login = "plain"`}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				tt.conf.Calls = "enforce"
				o := newOffice(t, s, tt.conf)
				o.trunk.SetAnswer(testbed.AcceptAfter(rings))
				o.refused(o.phone("100").Invite(premium))
				o.killed("destination", "100")
				if v := o.guard.Status().PBXs[0].Version; v == "" {
					t.Error("the status does not say which version is watched")
				}
			})
		}
		t.Run("TLS without trust", func(t *testing.T) { testNoTrust(t, s) })
		t.Run("wrong secret", func(t *testing.T) { testWrongSecret(t, s) })
	})
}

// ownCopy is a copy of a file that belongs to the tests' user, as what a daemon
// trusts must.
func ownCopy(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), filepath.Base(path))
	put(t, to, string(text))
	return to
}

// A certificate that nobody vouches for is refused and said to be why.
func testNoTrust(t *testing.T, s server) {
	d := newDaemon(t, s.Asterisk, settings{Address: s.Asterisk.AMITLS, PBX: "tls = true"})
	d.Start()
	d.await("the status tells of the certificate", 10*time.Second, func() bool {
		st := d.Status()
		return len(st.Problems) > 0 && strings.Contains(st.Problems[0].Detail, "certificate")
	})
	if d.Connected() {
		t.Error("connected to a server with an unknown certificate")
	}
}

// A wrong secret is told once per try, with what to do, and tried again slowly:
// Asterisk would take a guard that hammers for a guesser. The right one works
// after a reload.
func testWrongSecret(t *testing.T, s server) {
	d := newDaemon(t, s.Asterisk, settings{Secret: "wrong"})
	d.Start()
	const said = "AMI login refused for user \\\"pbxguard\\\""
	d.await("both connections are refused", 20*time.Second, func() bool { return d.log.count(said) >= 2 })
	time.Sleep(6 * time.Second)
	if n := d.log.count(said); n != 2 {
		t.Errorf("told %d times within 6 s, want once for each connection:\n%s", n, d.log.text())
	}
	st := d.Status()
	for _, l := range st.PBXs[0].Links {
		if l.State != "refused" || !strings.Contains(l.Error, "refused") {
			t.Errorf("link %s: got %s, %q", l.Purpose, l.State, l.Error)
		}
	}
	if len(st.Problems) == 0 || st.Problems[0].Fix != "pbxguard setup" {
		t.Errorf("got problems %+v, want one that names a command", st.Problems)
	}
	if strings.Contains(d.log.text(), "guard-secret") || strings.Contains(d.log.text(), "wrong\"") {
		t.Error("the log shows the secret")
	}
	d.Reload(settings{})
	d.WaitConnected()
}
