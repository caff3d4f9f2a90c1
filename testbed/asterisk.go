package testbed

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The addresses of the servers and of the trunk's other side.
var (
	serverAddr  = netip.MustParseAddr("192.0.2.1")
	serverAddr6 = netip.MustParseAddr("2001:db8::1")
	trunkAddr   = netip.MustParseAddr("203.0.113.90")
)

// Asterisk is a running server. Its phones are 100 to 123 (see Password), its
// dialplan is conf/extensions.conf.
type Asterisk struct {
	Version int
	// AMI and AMITLS are host:port of the manager interface; accounts are in
	// conf/manager.conf.
	AMI, AMITLS string
	// SIP and SIP6 are chan_pjsip over UDP and TCP. OldSIP is chan_sip, in 16 only.
	SIP, SIP6, OldSIP netip.AddrPort
	// Trunk is where the server sends outbound calls.
	Trunk netip.AddrPort
	// Root is the folder with this instance's etc, db, log, run and keys.
	Root string

	env   []string
	extra string // folder of further configuration files
}

// Option changes a server's configuration.
type Option func(*settings)

type settings struct {
	timestamps string
	files      map[string]string
}

// WithoutTimestamps leaves Timestamp out of AMI events, as a stock host does.
func WithoutTimestamps() Option { return func(s *settings) { s.timestamps = "no" } }

// WithFile adds a file to etc, or replaces the one of that name in conf/. It
// may hold placeholders.
func WithFile(name, content string) Option {
	return func(s *settings) { s.files[name] = content }
}

// AMICert is the path of the certificate which AMITLS shows, for localhost
// and 127.0.0.1.
func (a *Asterisk) AMICert() string { return filepath.Join(a.Root, "keys", "cert.pem") }

// Password is the SIP password of a phone of the testbed. 119 has one that a
// guesser finds, 118 is let in from 198.51.100.5 only.
func Password(phone string) string {
	if phone == "119" {
		return "250"
	}
	return "Kp7-" + phone + "-wq"
}

// Start starts Asterisk 16 or 22, waits until it has booted and stops it when
// the test ends. It builds the cached chroot if that is missing.
func Start(t testing.TB, version int, opts ...Option) *Asterisk {
	t.Helper()
	Namespace(t)
	build(t, version)
	s := settings{timestamps: "yes", files: map[string]string{}}
	for _, opt := range opts {
		opt(&s)
	}
	port := reservePorts(t, version*1000)
	at := func(addr netip.Addr, offset uint16) netip.AddrPort { return netip.AddrPortFrom(addr, port+offset) }
	a := &Asterisk{
		Version: version, Root: t.TempDir(), extra: t.TempDir(),
		AMI: fmt.Sprintf("127.0.0.1:%d", port+38), AMITLS: fmt.Sprintf("127.0.0.1:%d", port+39),
		SIP: at(serverAddr, 60), SIP6: at(serverAddr6, 60), Trunk: at(trunkAddr, 90),
	}
	if version == 16 {
		a.OldSIP = at(serverAddr, 70)
	}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if err := os.WriteFile(filepath.Join(a.extra, name), []byte(s.files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a.env = append(os.Environ(),
		"INSTANCE="+a.Root, "TIMESTAMPEVENTS="+s.timestamps,
		fmt.Sprintf("AMI_PORT=%d", port+38), fmt.Sprintf("AMI_TLS_PORT=%d", port+39),
		"SIP_ADDR="+serverAddr.String(), "SIP_ADDR6="+serverAddr6.String(),
		fmt.Sprintf("SIP_PORT=%d", port+60), fmt.Sprintf("OLDSIP_PORT=%d", port+70),
		"TRUNK_ADDR="+trunkAddr.String(), fmt.Sprintf("TRUNK_PORT=%d", port+90))
	t.Cleanup(func() { a.Stop(t) })
	a.Boot(t)
	return a
}

// build makes the chroot, on the machine's own network, or skips the test.
func build(t testing.TB, version int) {
	t.Helper()
	cmd := exec.Command("nsenter", fmt.Sprintf("--net=/proc/self/fd/%d", hostNet),
		scriptPath(t), "build", strconv.Itoa(version))
	host, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", hostNet))
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	cmd.ExtraFiles = []*os.File{host}
	if out, err := cmd.CombinedOutput(); err != nil {
		Skip(t, fmt.Sprintf("no chroot of Asterisk %d: %v: %s", version, err, lastLine(out)))
	}
}

// reservePorts finds a hundred ports for a server among the thousand from
// first on, below the ephemeral ones (32768), by holding the first of them
// until the test ends.
func reservePorts(t testing.TB, first int) uint16 {
	t.Helper()
	var err error
	for port := first; port < first+1000; port += 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			t.Cleanup(func() { l.Close() })
			return uint16(port)
		}
	}
	t.Fatalf("no free ports from %d on: %v", first, err)
	return 0
}

// script runs asterisk-testbed for this instance and returns what it printed.
func (a *Asterisk) script(t testing.TB, verb string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, scriptPath(t), append([]string{verb, strconv.Itoa(a.Version)}, args...)...)
	cmd.Env = a.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("asterisk-testbed %s %d: %v\n%s%s", verb, a.Version, err, out, stderr.String())
	}
	return string(out)
}

// CLI runs a command of Asterisk's command line and returns its output.
func (a *Asterisk) CLI(t testing.TB, cmd string) string {
	t.Helper()
	return a.script(t, "cli", cmd)
}

// Legs counts the channels which are up.
func (a *Asterisk) Legs(t testing.TB) (n int) {
	t.Helper()
	out := a.CLI(t, "core show channels count")
	if _, err := fmt.Sscanf(out, "%d active channel", &n); err != nil {
		t.Fatalf("cannot read %q: %v", out, err)
	}
	return n
}

// WaitBridged waits until n channels are in bridges.
func (a *Asterisk) WaitBridged(t testing.TB, n int) {
	t.Helper()
	waitBridged(t, n, func() (got int) {
		for line := range strings.Lines(a.CLI(t, "core show channels concise")) {
			// channel!context!...!bridge!uniqueid
			if f := strings.Split(line, "!"); len(f) > 2 && f[len(f)-2] != "" {
				got++
			}
		}
		return got
	})
}

// HangUpAll requests the end of every channel.
func (a *Asterisk) HangUpAll(t testing.TB) {
	t.Helper()
	a.CLI(t, "channel request hangup all")
}

// Forward sets the forward in AstDB which the dialplan looks at.
func (a *Asterisk) Forward(t testing.TB, phone, number string) {
	t.Helper()
	a.CLI(t, "database put CF "+phone+" "+number)
}

// ClearForwards empties AstDB of forwards.
func (a *Asterisk) ClearForwards(t testing.TB) {
	t.Helper()
	a.CLI(t, "database deltree CF")
}

// Provider is Trunk, which calls chan_pjsip.
func (a *Asterisk) Provider() (from, to netip.AddrPort) { return a.Trunk, a.SIP }

// Boot starts the server after Stop or Kill9, with the same ports and AstDB.
func (a *Asterisk) Boot(t testing.TB) {
	t.Helper()
	a.script(t, "start", a.extra)
}

// Stop ends the server as a service manager does. A server which does not run
// is left so.
func (a *Asterisk) Stop(t testing.TB) {
	t.Helper()
	a.script(t, "stop")
}

// Kill9 kills the server without warning.
func (a *Asterisk) Kill9(t testing.TB) {
	t.Helper()
	pid := a.Pid(t)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for syscall.Kill(pid, 0) == nil {
		time.Sleep(time.Millisecond)
	}
}

// Pid is the server's process.
func (a *Asterisk) Pid(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(a.Root, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// Restart does "core restart now" and waits until the server has booted again.
func (a *Asterisk) Restart(t testing.TB) {
	t.Helper()
	conn, err := net.Dial("tcp", a.AMI)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	a.CLI(t, "core restart now")
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("Asterisk %d does not go down: %v", a.Version, err)
	}
	a.script(t, "wait")
}

func scriptPath(t testing.TB) string {
	t.Helper()
	path, err := file("asterisk-testbed")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
