package testbed

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Load is a stream of calls made by SIPp: each is answered, talks and hangs up.
type Load struct {
	Source netip.Addr
	User   string // a phone of the testbed
	Number string
	Rate   int // calls a second
	Calls  int
	Talk   time.Duration
	// Proxy says that the server asks for a password with 407, as FreeSWITCH does.
	Proxy bool
}

// Run makes the calls to the server and returns how many went as planned and
// how many did not. It skips the test if there is no sipp.
func (l Load) Run(ctx context.Context, t testing.TB, server netip.AddrPort) (good, bad int) {
	t.Helper()
	Namespace(t)
	if _, err := exec.LookPath("sipp"); err != nil {
		Skip(t, "needs sipp (apt-get install sip-tester)")
	}
	scenario, err := l.scenario(t)
	if err != nil {
		t.Fatal(err)
	}
	stats := filepath.Join(t.TempDir(), "stats.csv")
	cmd := exec.CommandContext(ctx, "sipp", server.String(), "-sf", scenario, "-i", l.Source.String(),
		"-s", l.Number, "-key", "user", l.User, "-d", strconv.FormatInt(l.Talk.Milliseconds(), 10),
		"-au", l.User, "-ap", Password(l.User), "-r", strconv.Itoa(l.Rate), "-m", strconv.Itoa(l.Calls),
		"-recv_timeout", "10000", "-nostdin", "-trace_stat", "-stf", stats, "-fd", "1")
	cmd.Dir = filepath.Dir(stats)
	out, err := cmd.CombinedOutput()
	// Exit code 1: at least one call failed, which is for the test to judge.
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("sipp: %v: %s", err, lastLine(out))
	}
	good, bad, err = sippResult(stats)
	if err != nil {
		t.Fatalf("%v: %s", err, lastLine(out))
	}
	return good, bad
}

// scenario is the path of the call's script.
func (l Load) scenario(t testing.TB) (string, error) {
	path, err := file("sipp/call.xml")
	if err != nil || !l.Proxy {
		return path, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	path = filepath.Join(t.TempDir(), "call.xml")
	return path, os.WriteFile(path, bytes.Replace(text, []byte(`response="401"`), []byte(`response="407"`), 1), 0o644)
}

// sippResult reads the last row of SIPp's statistics.
func sippResult(path string) (good, bad int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, fmt.Errorf("cannot read SIPp's statistics: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(bufio.NewReader(f))
	r.Comma, r.FieldsPerRecord = ';', -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		return 0, 0, fmt.Errorf("cannot read SIPp's statistics: %d rows, %w", len(rows), err)
	}
	last := rows[len(rows)-1]
	for i, name := range rows[0] {
		switch name {
		case "SuccessfulCall(C)":
			good, err = strconv.Atoi(last[i])
		case "FailedCall(C)":
			bad, err = strconv.Atoi(last[i])
		}
		if err != nil {
			return 0, 0, fmt.Errorf("cannot read SIPp's statistics: %w", err)
		}
	}
	return good, bad, nil
}

// Svcrack guesses the passwords in the range ("100-299") for the user, as
// fast as the PBX answers, and returns what it printed.
func Svcrack(ctx context.Context, t testing.TB, source netip.Addr, server netip.AddrPort, user, passwords string) string {
	t.Helper()
	return sipvicious(ctx, t, "svcrack", source, server, "-u", user, "-r", passwords, "-z", "0")
}

// Svwar scans the range for extensions with the method, REGISTER or INVITE,
// and returns what it printed.
func Svwar(ctx context.Context, t testing.TB, source netip.Addr, server netip.AddrPort, extensions, method string) string {
	t.Helper()
	return sipvicious(ctx, t, "svwar", source, server, "-e", extensions, "-m", method, "--force")
}

// bindSource makes sipvicious send from $SOURCE: its option --bindingip does
// nothing in 0.3.3.
const bindSource = `import os, socket
class Socket(socket.socket):
    def bind(self, address):
        super().bind((os.environ["SOURCE"], address[1]))
socket.socket = Socket
`

func sipvicious(ctx context.Context, t testing.TB, tool string, source netip.Addr, server netip.AddrPort, args ...string) string {
	t.Helper()
	Namespace(t)
	if _, err := exec.LookPath(tool); err != nil {
		Skip(t, "needs "+tool+" (apt-get install sipvicious)")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sitecustomize.py"), []byte(bindSource), 0o644); err != nil {
		t.Fatal(err)
	}
	args = append(args, "-x", source.String(), "-p", strconv.Itoa(int(server.Port())),
		"-t", "0.02", "--maximumtime=5", server.Addr().String())
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "PYTHONPATH="+dir, "SOURCE="+source.String())
	out, err := cmd.CombinedOutput()
	if err != nil && ctx.Err() == nil {
		t.Logf("%s: %v", tool, err) // its exit code says what it found
	}
	return string(out)
}
