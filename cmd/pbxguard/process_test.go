package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pbxguard/demo"
)

// withoutNetAdmin in the environment makes the test binary give up the right to
// change the firewall before it becomes pbxguard.
const withoutNetAdmin = "TEST_WITHOUT_NET_ADMIN"

// giveUpNetAdmin becomes this program again without the capability: what a
// thread may not have, nothing that it executes can get.
func giveUpNetAdmin() {
	runtime.LockOSThread()
	if os.Geteuid() == 0 {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_NET_ADMIN, 0, 0, 0); err != nil {
			panic(err)
		}
	}
	os.Unsetenv(withoutNetAdmin)
	panic(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// process is a daemon in a process of its own, and a place for its files.
type process struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	said <-chan string // to systemd
	log  output
}

// output is written by a process and read by the test.
type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// begin starts a daemon with a configuration and waits until it is ready.
func begin(t *testing.T, conf string, env ...string) *process {
	t.Helper()
	p := &process{t: t, dir: t.TempDir(), said: notified(t)}
	p.configure(conf)
	p.cmd = p.command("run")
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", p.log.String())
		}
	})
	p.hears("READY=1")
	return p
}

// configure writes the configuration. @DIR@ in it is the place for files.
func (p *process) configure(conf string) {
	p.t.Helper()
	conf += `
[store]
path = "@DIR@/state.db"
[control]
socket = "@DIR@/control.sock"
`
	text := strings.ReplaceAll(conf, "@DIR@", p.dir)
	if err := os.WriteFile(p.path(), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) path() string { return filepath.Join(p.dir, "pbxguard.toml") }

// command prepares pbxguard with the daemon's configuration.
func (p *process) command(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append(args, "--config", p.path())...)
	cmd.Env = append(os.Environ(), asPBXGuard+"=1")
	return cmd
}

// asks runs a command and returns what it writes, to stdout and stderr alike.
func (p *process) asks(args ...string) string {
	p.t.Helper()
	out, err := p.command(append(args, "--socket", filepath.Join(p.dir, "control.sock"))...).CombinedOutput()
	if failed, ok := err.(*exec.ExitError); err != nil && (!ok || failed.ExitCode() != exitFound) {
		p.t.Logf("pbxguard %q: %v", args, err)
	}
	return string(out)
}

// waitFor asks until the answer contains want.
func (p *process) waitFor(want string, args ...string) string {
	p.t.Helper()
	var got string
	for range 100 {
		if got = p.asks(args...); strings.Contains(got, want) {
			return got
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatalf("pbxguard %q: got\n%s\nwant %q in it", args, got, want)
	return ""
}

// hears waits until systemd is told something that begins so.
func (p *process) hears(want string) {
	p.t.Helper()
	for timeout := time.After(15 * time.Second); ; {
		select {
		case got := <-p.said:
			if strings.HasPrefix(got, want) {
				return
			}
			if !strings.HasPrefix(got, "WATCHDOG=") && !strings.HasPrefix(got, "STATUS=") {
				p.t.Errorf("systemd is told %q, want %q", got, want)
			}
		case <-timeout:
			p.t.Fatalf("systemd is not told %q", want)
		}
	}
}

// end sends a signal and returns the exit code and how long the daemon took.
func (p *process) end(sig os.Signal) (code int, took time.Duration) {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	p.cmd.Wait() // an error is an exit code other than 0
	return p.cmd.ProcessState.ExitCode(), time.Since(began)
}

// playedPBX serves AMI to clients with the secret and returns its address and
// how to play the recorded attack.
func playedPBX(t *testing.T, secret string) (string, *demo.Server) {
	t.Helper()
	recording, err := demo.Attack()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := demo.NewServer(recording, "pbxguard", secret)
	served := make(chan struct{})
	go func() { s.Serve(ln); close(served) }()
	t.Cleanup(func() { ln.Close(); <-served })
	return ln.Addr().String(), s
}

// officeAt is a configuration of a PBX, with more lines for its table.
func officeAt(name, address, secret string, more ...string) string {
	return fmt.Sprintf(`
[[pbx]]
name = %q
address = %q
secret = %q
config_dir = "@DIR@"
trunks = ["trunk"]
time_zone = "Europe/Amsterdam"
%s
[pbx.dialplan]
country = "NL"
extensions = '^1\d\d$'
`, name, address, secret, strings.Join(more, "\n"))
}

const dry = "\n[firewall]\nmode = \"dry\"\n"
