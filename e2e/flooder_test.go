package e2e

import (
	"bufio"
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
	t        testing.TB
	listener net.Listener
	serving  sync.WaitGroup
	begin    string // a call
	end      string // of it
	hung     chan string
	calls    int

	mu     sync.Mutex
	links  map[string]net.Conn
	hoses  []*hose // the last is in use
	up     string  // the leg of the call that is up, as Status lists it
	closed bool
}

func newFlooder(t testing.TB) *flooder {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	call, err := os.ReadFile("testdata/call.ami")
	if err != nil {
		t.Fatal(err)
	}
	hangup, err := os.ReadFile("testdata/hangup.ami")
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.SplitAfter(string(call), "\r\n\r\n")[0] // of the caller's leg
	end := strings.SplitAfter(string(hangup), "\r\n\r\n")[1]
	f := &flooder{t: t, listener: ln, begin: begin, end: end, hung: make(chan string, 1024), links: map[string]net.Conn{}}
	f.serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			f.serving.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(f.close)
	return f
}

func (f *flooder) close() {
	f.listener.Close()
	f.mu.Lock()
	f.closed = true
	for _, l := range f.links {
		l.Close()
	}
	for _, h := range f.hoses {
		h.stop()
	}
	f.mu.Unlock()
	f.serving.Wait()
}

// table is the PBX in the configuration.
func (f *flooder) table(t testing.TB) string {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "manager.conf"), "")
	return fmt.Sprintf("[[pbx]]\nname = \"flood\"\naddress = %q\nusername = \"pbxguard\"\nsecret = \"x\"\nconfig_dir = %q\ntrunks = [\"trunk\"]\n"+
		"[pbx.dialplan]\ncountry = \"NL\"\nextensions = '^1\\d\\d$'\n", f.listener.Addr(), dir)
}

func (f *flooder) serve(l net.Conn) {
	defer l.Close()
	io.WriteString(l, "Asterisk Call Manager/11.0.0\r\n")
	answerAMI(l, func(action map[string]string) (reply string, goOn bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		switch action["Action"] {
		case "Login":
			if action["Events"] == "security" {
				f.handOver(l, action["ActionID"])
				return "", false
			}
			f.links[action["Events"]] = l
		case "Hangup":
			f.hung <- action["Channel"]
		case "Status":
			return "EventList: start\r\nMessage: Channel status will follow\r\n\r\n" + strings.ReplaceAll(f.up, "ActionID: \r\n", "ActionID: "+action["ActionID"]+"\r\n") +
				"Event: StatusComplete\r\nActionID: " + action["ActionID"] + "\r\nEventList: Complete\r\nListItems: 0\r\nItems: 0\r\n", true
		}
		return "", true
	})
}

// answerAMI answers what an AMI client asks for, until it leaves or reply has enough.
func answerAMI(l io.ReadWriter, reply func(action map[string]string) (more string, goOn bool)) {
	action := map[string]string{}
	for lines := bufio.NewScanner(l); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ": "); ok {
			action[key] = value
			continue
		}
		more, goOn := reply(action)
		if !goOn {
			return
		}
		if action["Action"] == "Challenge" {
			more += "Challenge: 122774871\r\n"
		}
		if _, err := io.WriteString(l, "Response: Success\r\nActionID: "+action["ActionID"]+"\r\n"+more+"\r\n"); err != nil {
			return
		}
		clear(action)
	}
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

// within waits for what is there soon after the guard has logged in.
func within[T any](f *flooder, found func() (T, bool)) T {
	for {
		f.mu.Lock()
		got, ok := found()
		f.mu.Unlock()
		if ok {
			return got
		}
		time.Sleep(time.Millisecond)
	}
}

// link is the client that asked for these classes of events.
func (f *flooder) link(classes string) net.Conn {
	return within(f, func() (net.Conn, bool) { l, ok := f.links[classes]; return l, ok })
}

// flood tells of failures of all sources in turn until ctx is done, and returns
// how many it has told.
func (f *flooder) flood(ctx context.Context) int64 {
	h := within(f, func() (*hose, bool) {
		if len(f.hoses) == 0 {
			return nil, false
		}
		return f.hoses[len(f.hoses)-1], true
	})
	told, err := h.flood(ctx)
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
	l := f.link(classes)
	begin := time.Now()
	if _, err := io.WriteString(l, block); err != nil {
		return 0, false
	}
	timeout := time.After(patience)
	for {
		select {
		case which := <-f.hung:
			if which != leg {
				continue
			}
			took := time.Since(begin)
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
