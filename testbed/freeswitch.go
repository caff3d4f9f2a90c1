package testbed

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// FreeSWITCH is a running server, from where $PBXGUARD_FREESWITCH says, with a
// copy of its vanilla configuration (see configure). Its phones are those of
// vanilla and 100 to 123 (see Password); 100 to 103 are there a second time,
// in the domain Tenant. The dialplan is vanilla's and freeswitch/dialplan.
type FreeSWITCH struct {
	// ESL is host:port of the event socket. The account pbxguard@<Domain> may
	// log in with userauth, password guard-secret.
	ESL string
	// SIP and SIP6 are the profiles for phones over UDP and TCP. External is
	// where the trunk calls in. Guarded takes registrations and calls from
	// 198.51.100.5 only, without a password.
	SIP, SIP6, External, Guarded netip.AddrPort
	// Trunk is where the server sends outbound calls.
	Trunk netip.AddrPort
	// Domain is the phones' domain.
	Domain string
	// Root is the folder with this instance's conf, db, log and run.
	Root string

	prefix string
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
}

// Tenant is the second domain of a FreeSWITCH.
const Tenant = "tenant.example"

// FreeSWITCHPrefix is where a FreeSWITCH is installed that tests may start, or
// skips the test.
func FreeSWITCHPrefix(t testing.TB) string {
	t.Helper()
	prefix := os.Getenv("PBXGUARD_FREESWITCH")
	if prefix == "" {
		Skip(t, "needs a real FreeSWITCH: set PBXGUARD_FREESWITCH to its prefix")
	}
	if _, err := os.Stat(filepath.Join(prefix, "bin/freeswitch")); err != nil {
		t.Fatalf("PBXGUARD_FREESWITCH: %v", err)
	}
	return prefix
}

// StartFreeSWITCH starts the FreeSWITCH under $PBXGUARD_FREESWITCH, waits until
// its SIP profiles run and stops it when the test ends. Without the variable
// the test skips. WithFile takes names below conf.
func StartFreeSWITCH(t testing.TB, opts ...Option) *FreeSWITCH {
	t.Helper()
	prefix := FreeSWITCHPrefix(t)
	Namespace(t)
	s := settings{files: map[string]string{}}
	for _, opt := range opts {
		opt(&s)
	}
	port := reservePorts(t, 10_000)
	at := func(addr netip.Addr, offset uint16) netip.AddrPort { return netip.AddrPortFrom(addr, port+offset) }
	f := &FreeSWITCH{
		ESL: fmt.Sprintf("127.0.0.1:%d", port+21), SIP: at(serverAddr, 60), SIP6: at(serverAddr6, 60),
		External: at(serverAddr, 80), Guarded: at(serverAddr, 72), Trunk: at(trunkAddr, 90),
		Domain: serverAddr.String(), Root: t.TempDir(), prefix: prefix,
	}
	if err := f.configure(s.files); err != nil {
		t.Fatalf("cannot configure FreeSWITCH: %v", err)
	}
	t.Cleanup(func() {
		f.Stop(t)
		if t.Failed() {
			t.Logf("FreeSWITCH's errors:\n%s", f.complaints())
		}
	})
	f.Boot(t)
	return f
}

// Conf is the folder of the configuration.
func (f *FreeSWITCH) Conf() string { return filepath.Join(f.Root, "conf") }

// Log is the log file.
func (f *FreeSWITCH) Log() string { return filepath.Join(f.Root, "log", "freeswitch.log") }

// Boot starts the server after Stop or Kill9, with the same ports and database.
func (f *FreeSWITCH) Boot(t testing.TB) {
	t.Helper()
	in := func(name string) string { return filepath.Join(f.Root, name) }
	console, err := os.OpenFile(in("log/console"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	f.cmd = exec.Command(filepath.Join(f.prefix, "bin/freeswitch"), "-nf", "-nonat", "-nocal",
		"-conf", f.Conf(), "-log", in("log"), "-run", in("run"), "-db", in("db"),
		"-temp", in("tmp"), "-storage", in("db"), "-cache", in("tmp"), "-recordings", in("tmp"), "-certs", in("tls"))
	f.cmd.Stdout, f.cmd.Stderr = console, console
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	f.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		cmd.Wait() // the state has it all
		close(exited)
	}(f.cmd, f.exited)
	f.waitUp(t)
}

// waitUp waits until the SIP profiles run.
func (f *FreeSWITCH) waitUp(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !f.up(); time.Sleep(50 * time.Millisecond) {
		if isClosed(f.exited) {
			t.Fatalf("FreeSWITCH ended by itself: %v\n%s", f.cmd.ProcessState, f.complaints())
		}
		if time.Now().After(deadline) {
			out, err := f.api("sofia status")
			t.Fatalf("FreeSWITCH did not start: %v: %s\n%s", err, out, f.complaints())
		}
	}
}

// complaints are the latest errors that the server has written down.
func (f *FreeSWITCH) complaints() string {
	var found []string
	for _, name := range []string{f.Log(), filepath.Join(f.Root, "log", "console")} {
		text, err := os.ReadFile(name)
		if err != nil {
			return err.Error()
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "[ERR]") || strings.Contains(line, "[CRIT]") {
				found = append(found, line)
			}
		}
	}
	return strings.Join(found[max(0, len(found)-20):], "")
}

// up says whether the SIP profiles run.
func (f *FreeSWITCH) up() bool {
	out, err := f.api("sofia status")
	running := map[string]bool{}
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) > 3 && words[1] == "profile" && words[3] == "RUNNING" {
			running[words[0]] = true
		}
	}
	return err == nil && running["internal"] && running["internal-ipv6"] && running["guarded"] &&
		running["external"] && strings.Contains(out, "external::trunk")
}

// api runs a command over a connection of its own.
func (f *FreeSWITCH) api(cmd string) (string, error) {
	c, err := dialESL(f.ESL, 30*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.command("api " + cmd)
}

// CLI runs a command of the command line and returns its output.
func (f *FreeSWITCH) CLI(t testing.TB, cmd string) string {
	t.Helper()
	out, err := f.api(cmd)
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return out
}

// Stop ends the server as a service manager does. A server which does not run
// is left so.
func (f *FreeSWITCH) Stop(t testing.TB) {
	t.Helper()
	if f.cmd == nil || isClosed(f.exited) {
		return
	}
	f.cmd.Process.Signal(syscall.SIGTERM) // fails if it has just ended
	select {
	case <-f.exited:
	case <-time.After(30 * time.Second):
		f.Kill9(t)
	}
}

// Kill9 kills the server without warning.
func (f *FreeSWITCH) Kill9(t testing.TB) {
	t.Helper()
	if err := f.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-f.exited
}

// Pid is the server's process.
func (f *FreeSWITCH) Pid(testing.TB) int { return f.cmd.Process.Pid }

// Restart does "fsctl shutdown restart" and waits until the server is back. It
// stays the same process.
func (f *FreeSWITCH) Restart(t testing.TB) {
	t.Helper()
	c, err := dialESL(f.ESL, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if out, err := c.command("api fsctl shutdown restart"); err != nil || !strings.HasPrefix(out, "+OK") {
		t.Fatalf("fsctl shutdown restart: %s, %v", out, err)
	}
	if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("FreeSWITCH does not go down: %v", err)
	}
	f.waitUp(t)
}

// Legs counts the sessions. "show channels" would tell of them a little later.
func (f *FreeSWITCH) Legs(t testing.TB) (n int) {
	t.Helper()
	out := f.CLI(t, "status")
	for line := range strings.Lines(out) {
		if _, err := fmt.Sscanf(line, "%d session(s) - peak", &n); err == nil {
			return n
		}
	}
	t.Fatalf("cannot read the number of sessions from %q", out)
	return 0
}

// WaitBridged waits until n legs are joined with another.
func (f *FreeSWITCH) WaitBridged(t testing.TB, n int) {
	t.Helper()
	waitBridged(t, n, func() (pairs int) {
		out := f.CLI(t, "show bridged_calls") // which counts them last
		if _, err := fmt.Sscanf(lastLine([]byte(out)), "%d total.", &pairs); err != nil {
			t.Fatalf("cannot read %q: %v", out, err)
		}
		return 2 * pairs
	})
}

// HangUpAll asks the server to end every call.
func (f *FreeSWITCH) HangUpAll(t testing.TB) {
	t.Helper()
	f.CLI(t, "hupall")
}

// Forward sets the forward in mod_db which the dialplan looks at.
func (f *FreeSWITCH) Forward(t testing.TB, phone, number string) {
	t.Helper()
	if out := f.CLI(t, "db insert/cfwd/"+phone+"/"+number); !strings.HasPrefix(out, "+OK") {
		t.Fatalf("cannot set the forward of %s: %s", phone, out)
	}
}

// ClearForwards empties mod_db of forwards.
func (f *FreeSWITCH) ClearForwards(t testing.TB) {
	t.Helper()
	for phone := firstPhone; phone <= lastPhone; phone++ {
		f.CLI(t, fmt.Sprintf("db delete/cfwd/%d", phone))
	}
}

// Provider is Trunk, which calls the external profile.
func (f *FreeSWITCH) Provider() (from, to netip.AddrPort) { return f.Trunk, f.External }
