package bench

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fail2ban is Debian's fail2ban with its asterisk jail as shipped, on a log of
// its own. Only the action is nftables' instead of iptables', which are not
// there on every host and whose rules pbxguard's could not be compared with.
type fail2ban struct {
	dir string
	cmd *exec.Cmd
	log *os.File
	n   int
}

const fail2banJail = `[DEFAULT]
banaction = nftables-multiport
banaction_allports = nftables-allports
[sshd]
enabled = false
[asterisk]
enabled = true
logpath = %s
`

func startFail2ban(t testing.TB) *fail2ban {
	t.Helper()
	f := newFail2ban(t)
	f.start(t)
	t.Cleanup(func() { f.stop(t) })
	return f
}

// newFail2ban configures one and starts nothing.
func newFail2ban(t testing.TB) *fail2ban {
	t.Helper()
	f := &fail2ban{dir: t.TempDir()}
	conf := filepath.Join(f.dir, "conf")
	if err := os.CopyFS(conf, os.DirFS("/etc/fail2ban")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(conf, "jail.d")); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.log, err = os.OpenFile(filepath.Join(f.dir, "messages"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.log.Close() })
	jail := fmt.Sprintf(fail2banJail, f.log.Name())
	if err := os.WriteFile(filepath.Join(conf, "jail.local"), []byte(jail), 0o600); err != nil {
		t.Fatal(err)
	}
	local := "[Definition]\ndbfile = " + f.database() + "\n"
	if err := os.WriteFile(filepath.Join(conf, "fail2ban.local"), []byte(local), 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// launch starts the server.
func (f *fail2ban) launch(t testing.TB) {
	t.Helper()
	f.cmd = exec.Command("fail2ban-server", append(f.args(), "-xf", "--logtarget", filepath.Join(f.dir, "log"), "start")...)
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// start launches the server and waits until its jail is up.
func (f *fail2ban) start(t testing.TB) {
	t.Helper()
	f.launch(t)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if out, err := f.ask("status", "asterisk"); err == nil && strings.Contains(out, "Currently banned") {
			return
		} else if time.Now().After(deadline) {
			said, _ := os.ReadFile(filepath.Join(f.dir, "log"))
			t.Fatalf("fail2ban does not start: %v: %s\n%s", err, out, said)
		}
	}
}

func (f *fail2ban) database() string { return filepath.Join(f.dir, "fail2ban.sqlite3") }

func (f *fail2ban) args() []string {
	return []string{"-c", filepath.Join(f.dir, "conf"), "-s", filepath.Join(f.dir, "sock"),
		"-p", filepath.Join(f.dir, "pid")}
}

// ask gives the server a command.
func (f *fail2ban) ask(words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "fail2ban-client", append(f.args(), words...)...).CombinedOutput()
	return string(out), err
}

// stop ends the server, which lifts its bans one by one.
func (f *fail2ban) stop(t testing.TB) {
	t.Helper()
	if f.cmd.ProcessState != nil {
		return
	}
	if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(30 * time.Second): // it is busy; nothing of it is needed any more
		f.cmd.Process.Kill()
		<-ended
	}
}

// kill ends the server at once.
func (f *fail2ban) kill() {
	f.cmd.Process.Kill()
	f.cmd.Wait() // it was killed
}

func (f *fail2ban) name() string { return "fail2ban" }
func (f *fail2ban) pid() int     { return f.cmd.Process.Pid }

func (f *fail2ban) fail(t testing.TB, sources ...netip.Addr) {
	t.Helper()
	var b strings.Builder
	now := time.Now().Format("2006-01-02 15:04:05")
	for _, a := range sources {
		f.n++
		fmt.Fprintf(&b, "[%s] NOTICE[1234]: chan_sip.c:28741 handle_request_register: Registration from '\"%d\" <sip:%[2]d@192.0.2.1>' failed for '%s:5060' - Wrong password\n",
			now, 1000+f.n%1000, a)
	}
	if _, err := f.log.WriteString(b.String()); err != nil {
		t.Fatal(err)
	}
}
