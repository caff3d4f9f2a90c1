package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// One PBX that is down and one that refuses us leave the third watched (R18).
func TestBrokenPBXsLeaveTheOthersWatched(t *testing.T) {
	good, _ := playedPBX(t, "sesame")
	strict, _ := playedPBX(t, "another")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	p := begin(t, dry+officeAt("good", good, "sesame")+officeAt("strict", strict, "sesame")+
		officeAt("down", closed.Addr().String(), "sesame"))
	p.waitFor("good    2/2", "status")
	p.waitFor("pbx strict", "status")
	got := p.waitFor("pbx down", "status")
	for _, want := range []string{"OBSERVING", "strict  0/2", "down    0/2", "refused"} {
		if !strings.Contains(got, want) {
			t.Errorf("status: got\n%s\nwant %q in it", got, want)
		}
	}
	if strings.Contains(got, "pbx good") {
		t.Errorf("status complains of the good PBX:\n%s", got)
	}
	p.configure(dry + officeAt("good", good, "sesame", `admin_username = "admin"`, `admin_secret = "wrong"`) +
		officeAt("strict", strict, "sesame") + officeAt("down", closed.Addr().String(), "sesame"))
	check := p.asks("check")
	for _, want := range []string{"ok       pbx good       logged in to " + good, "failed   pbx strict", "failed   pbx down",
		"failed   pbx good       cannot read pbxguard/check of AstDB", "-> pbxguard setup --admin"} {
		if !strings.Contains(check, want) {
			t.Errorf("check: got\n%s\nwant %q in it", check, want)
		}
	}
}

// Without the right to change the firewall kills go on, and status says that
// bans do not (R18).
func TestNoRightToTheFirewall(t *testing.T) {
	address, _ := playedPBX(t, "sesame")
	p := begin(t, officeAt("office", address, "sesame"), withoutNetAdmin+"=1")
	p.waitFor("2/2", "status")
	if got := p.asks("status"); !strings.Contains(got, "failed   firewall       bans are not carried out") {
		t.Errorf("status: got\n%s", got)
	}
}

func TestReload(t *testing.T) {
	address, _ := playedPBX(t, "sesame")
	p := begin(t, dry+officeAt("office", address, "wrong"))
	p.waitFor("refused", "status")

	p.configure(dry + officeAt("office", address, "sesame") + "[calls]\nmode = \"enforce\"\n")
	reload := func() {
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.hears("RELOADING=1\nMONOTONIC_USEC=")
		p.hears("READY=1")
	}
	reload()
	if got := p.waitFor("2/2", "status"); !strings.Contains(got, "calls: enforce") {
		t.Errorf("status: got\n%s\nwant calls enforced", got)
	}

	// A bad file changes nothing, and is told of until it is mended.
	p.configure(dry + officeAt("office", address, "sesame") + "[calls]\nmode = \"perhaps\"\n")
	reload()
	got := p.asks("status")
	for _, want := range []string{"calls: enforce", "2/2", "failed   configuration", "-> pbxguard check"} {
		if !strings.Contains(got, want) {
			t.Errorf("after a bad file: status: got\n%s\nwant %q in it", got, want)
		}
	}
	if !strings.Contains(p.log.String(), "calls.mode: must be") {
		t.Error("the log does not say what is wrong with the file")
	}
	p.configure(dry + officeAt("office", address, "sesame"))
	reload()
	if got := p.asks("status"); !strings.Contains(got, "calls: observe") || strings.Contains(got, "configuration") {
		t.Errorf("after a good file: status: got\n%s", got)
	}
}

func TestStop(t *testing.T) {
	address, server := playedPBX(t, "sesame")
	p := begin(t, dry+officeAt("office", address, "sesame"))
	p.waitFor("2/2", "status")
	go server.Play(t.Context(), 1)
	time.Sleep(200 * time.Millisecond) // in the middle of events
	code, took := p.end(syscall.SIGTERM)
	if code != 0 || took > 2*time.Second {
		t.Errorf("got exit code %d after %v, want 0 within 2s", code, took)
	}
	p.hears("STOPPING=1")
	if _, err := os.Lstat(filepath.Join(p.dir, "control.sock")); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// No secret comes out of the daemon or a command, whatever goes wrong (R15).
func TestSecretsStaySecret(t *testing.T) {
	const canary = "c4n4ry-s3cr3t"
	address, _ := playedPBX(t, canary)
	strict, _ := playedPBX(t, "another")
	p := begin(t, dry+officeAt("office", address, canary)+officeAt("strict", strict, canary, `login = "plain"`)+
		"\n[log]\nlevel = \"debug\"\n")
	p.waitFor("2/2", "status")
	p.waitFor("pbx strict", "status")
	var said []string
	for _, command := range [][]string{
		{"status"}, {"status", "--json"}, {"check"}, {"check", "--json"}, {"calls", "--json"}, {"log", "--json"}, {"bans", "--json"},
		{"explain", "0201234567", "--pbx", "office", "--json"},
	} {
		said = append(said, p.asks(command...))
	}
	p.configure(dry + officeAt("office", address, canary, `secrte = "`+canary+`"`))
	said = append(said, p.asks("check"), p.asks("status"))
	p.end(syscall.SIGTERM)
	said = append(said, p.log.String())
	for _, file := range []string{"state.db", "state.db-wal"} {
		data, err := os.ReadFile(filepath.Join(p.dir, file))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		said = append(said, string(data))
	}
	for _, s := range said {
		if s == "" {
			continue
		}
		if i := strings.Index(s, canary); i >= 0 {
			t.Errorf("the secret comes out: %q", s[max(0, i-80):i+len(canary)])
		}
	}
}
