package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/testbed"
)

// flooder is an AMI server whose calls this process places. The connection that
// asks for failures it hands to a process of its own, so that what times the calls
// does not wait for what floods.
type flooder struct {
	*testbed.PlayedAMI
	t     testing.TB
	begin string // a call
	end   string // of it
	calls int

	mu     sync.Mutex
	hoses  []*hose // the last is in use
	up     string  // the leg of the call that is up, as Status lists it
	closed bool
}

func newFlooder(t testing.TB) *flooder {
	t.Helper()
	call, err := os.ReadFile("testdata/call.ami")
	if err != nil {
		t.Fatal(err)
	}
	hangup, err := os.ReadFile("testdata/hangup.ami")
	if err != nil {
		t.Fatal(err)
	}
	f := &flooder{t: t,
		begin: strings.SplitAfter(string(call), "\r\n\r\n")[0], // of the caller's leg
		end:   strings.SplitAfter(string(hangup), "\r\n\r\n")[1]}
	f.PlayedAMI = testbed.PlayAMI(t, f.reply)
	t.Cleanup(f.close)
	return f
}

func (f *flooder) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, h := range f.hoses {
		h.stop()
	}
}

// table is the PBX in the configuration.
func (f *flooder) table(t testing.TB) string {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "manager.conf"), "")
	return fmt.Sprintf("[[pbx]]\nname = \"flood\"\naddress = %q\nusername = \"pbxguard\"\nsecret = \"x\"\nconfig_dir = %q\ntrunks = [\"trunk\"]\n"+
		"[pbx.dialplan]\ncountry = \"NL\"\nextensions = '^1\\d\\d$'\n", f.Address(), dir)
}

func (f *flooder) reply(l net.Conn, action map[string]string) (more string, goOn bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case action["Action"] == "Login" && action["Events"] == "security":
		f.handOver(l, action["ActionID"])
		return "", false
	case action["Action"] == "Status":
		id := action["ActionID"]
		return testbed.StatusList(strings.ReplaceAll(f.up, "ActionID: \r\n", "ActionID: "+id+"\r\n"), id), true
	}
	return "", true
}

// handOver makes a hose of a connection whose login is not answered yet. It is
// called with mu held.
func (f *flooder) handOver(l net.Conn, login string) {
	h, err := newHose(l, login)
	if err != nil {
		f.t.Errorf("cannot hand the connection over: %v", err)
		return
	}
	f.hoses = append(f.hoses, h)
	if f.closed {
		h.stop()
	}
}

// hose is the process that has the connection, soon after the guard has logged in.
func (f *flooder) hose() *hose {
	for {
		f.mu.Lock()
		all := f.hoses
		f.mu.Unlock()
		if len(all) > 0 {
			return all[len(all)-1]
		}
		time.Sleep(time.Millisecond)
	}
}

// flood tells of failures of all sources in turn until ctx is done, and returns
// how many it has told.
func (f *flooder) flood(ctx context.Context) int64 {
	told, err := f.hose().flood(ctx)
	if err != nil {
		f.t.Errorf("the flood: %v", err)
	}
	return told
}

// call places a call to a premium number at the client that asked for these classes
// of events, and says how soon its end is ordered.
func (f *flooder) call(classes string, patience time.Duration) (time.Duration, bool) {
	f.calls++
	leg := fmt.Sprintf("1795320477.%d", 5000+f.calls)
	change := strings.NewReplacer("1795320477.2670", leg, "0031900123456", premium, "-00000a6e", fmt.Sprintf("-%08x", f.calls))
	block := change.Replace(f.begin)
	if classes == guardsClasses { // which asks for a list now and then
		f.list("Event: Status\r\nPrivilege: Call\r\n" + strings.TrimSuffix(strings.TrimPrefix(block, "Event: Newchannel\r\nPrivilege: call,all\r\n"), "\r\n") +
			"Seconds: 0\r\nActionID: \r\n\r\n")
	}
	defer f.list("")
	l := f.Link(classes)
	begin := time.Now()
	if _, err := io.WriteString(l, block); err != nil {
		return 0, false
	}
	timeout := time.After(patience)
	for {
		select {
		case h := <-f.Hangups:
			if h.Leg != leg {
				continue
			}
			took := h.At.Sub(begin)
			f.list("")
			io.WriteString(l, change.Replace(f.end))
			return took, true
		case <-timeout:
			return 0, false
		}
	}
}

// list says what Status lists from now on.
func (f *flooder) list(leg string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.up = leg
}

// What the guard and the bare client ask for, by which they are told apart.
const (
	guardsClasses = "call,system"
	bareClasses   = "call"
)

// bareEnv tells this program to be nothing but a bare client of that address.
const bareEnv = "PBXGUARD_E2E_BARE"

// runBare is that process; it returns its exit code.
func runBare(address string) int {
	conn, in, err := testbed.EnterAMI(address, "bare", "x", bareClasses)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bare client:", err)
		return 1
	}
	fmt.Println("logged in")
	testbed.EndCalls(conn, in, premium)
	return 0
}
