package e2e

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/testbed"
)

// switchboard is an AMI server of a PBX that is under attack without pause:
// recorded events of Asterisk 22, each time with new addresses and calls. A
// daemon that is killed and comes back finds the attack going on.
type switchboard struct {
	listener            net.Listener
	failure, call, ends string // recorded
	serving             sync.WaitGroup
	quit                chan struct{}

	mu       sync.Mutex
	peers    map[string]net.Conn // by the classes of events they asked for
	sources  int
	attempts int // of the latest source
	calls    int
	live     map[string]string // by the caller's leg: what tells the end of its call
}

// The load: how often something happens, and how much then.
const (
	beat     = 10 * time.Millisecond
	failures = 3 // attempts a beat, each two events
	callOdds = 5 // one beat in so many has a call
)

func newSwitchboard(t testing.TB) *switchboard {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	s := &switchboard{
		listener: ln, failure: read("failure.ami"), call: read("call.ami"), ends: read("hangup.ami"),
		quit: make(chan struct{}), peers: map[string]net.Conn{}, live: map[string]string{},
	}
	s.serving.Go(s.accept)
	s.serving.Go(s.attack)
	t.Cleanup(func() {
		close(s.quit)
		ln.Close()
		s.drop()
		s.serving.Wait()
	})
	return s
}

// asterisk is the switchboard as a server that a daemon can be told of.
func (s *switchboard) asterisk(t testing.TB) *testbed.Asterisk {
	t.Helper()
	a := &testbed.Asterisk{Root: t.TempDir(), AMI: s.listener.Addr().String()}
	for name, text := range map[string]string{
		"etc/manager.conf": "", "etc/pjsip_wizard.conf": "", "etc/sip.conf": "", "db/astdb": "",
		"etc/pjsip.conf": "[trunk]\ntype = endpoint\naors = trunk\n[trunk]\ntype = aor\ncontact = sip:203.0.113.90:5060\n",
	} {
		path := filepath.Join(a.Root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, path, text)
	}
	return a
}

func (s *switchboard) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.serving.Go(func() { s.serve(conn) })
	}
}

// drop ends all connections and calls.
func (s *switchboard) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.peers {
		c.Close()
	}
	clear(s.peers)
	clear(s.live)
}

func (s *switchboard) serve(conn net.Conn) {
	defer conn.Close()
	io.WriteString(conn, "Asterisk Call Manager/11.0.0\r\n")
	action := map[string]string{}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		if key != "" {
			action[key] = value
			continue
		}
		s.mu.Lock()
		io.WriteString(conn, s.answer(conn, action))
		s.mu.Unlock()
		clear(action)
	}
}

// answer does what a client asks. Every secret is right.
func (s *switchboard) answer(conn net.Conn, a map[string]string) string {
	reply := func(lines string) string {
		return "Response: Success\r\nActionID: " + a["ActionID"] + "\r\n" + lines + "\r\n\r\n"
	}
	switch a["Action"] {
	case "Challenge":
		return reply("Challenge: 122774871")
	case "Login":
		s.peers[a["Events"]] = conn
		return reply("Message: Authentication accepted")
	case "Status":
		return reply("EventList: start\r\nMessage: Channel status will follow") +
			"Event: StatusComplete\r\nActionID: " + a["ActionID"] + "\r\nEventList: Complete\r\nListItems: 0\r\nItems: 0\r\n\r\n"
	case "Hangup":
		ends, up := s.live[a["Channel"]]
		if !up {
			return "Response: Error\r\nActionID: " + a["ActionID"] + "\r\nMessage: No such channel\r\n\r\n"
		}
		delete(s.live, a["Channel"])
		return reply("Message: Channel Hungup") + ends
	}
	return reply("Ping: Pong")
}

// attack goes on until the test ends, whoever listens.
func (s *switchboard) attack() {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-tick.C:
		}
		s.mu.Lock()
		for range failures {
			s.tell("security", s.guess())
		}
		if rand.N(callOdds) == 0 {
			s.tell("call,system", s.fraud())
		}
		s.mu.Unlock()
	}
}

// burst has thirty sources at once earn their bans.
func (s *switchboard) burst() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all strings.Builder
	for range 30 * tried {
		all.WriteString(s.guess())
	}
	s.tell("security", all.String())
}

func (s *switchboard) tell(classes, text string) {
	if conn := s.peers[classes]; conn != nil {
		// Whoever does not read has been killed.
		conn.SetWriteDeadline(time.Now().Add(time.Second))
		io.WriteString(conn, text)
	}
}

// guess is one wrong password. Every fifth is the last of its source.
func (s *switchboard) guess() string {
	if s.attempts++; s.attempts > tried {
		s.attempts = 1
		s.sources++
	}
	n := s.sources
	remote := fmt.Sprintf("IPV4/TCP/10.%d.%d.%d/%d", n>>16, n>>8&255, n&255, 1024+rand.N(60000))
	switch n % 8 {
	case 0:
		remote = fmt.Sprintf("IPV6/TCP/2001:db8:%x:%x::7/5060", n>>16, n&0xffff)
	case 1:
		remote = strings.Replace(remote, "TCP", "UDP", 1)
	}
	return strings.NewReplacer(
		"RemoteAddress: IPV4/TCP/127.0.0.2/36507", "RemoteAddress: "+remote,
		"SessionID: v1gm9ifs34@test", fmt.Sprintf("SessionID: %x@test", rand.Uint64()),
	).Replace(s.failure)
}

// fraud begins a call to a premium number, which only the guard will end.
func (s *switchboard) fraud() string {
	s.calls++
	began := time.Now().Unix()
	caller, trunk := fmt.Sprintf("%d.%d", began, 2*s.calls), fmt.Sprintf("%d.%d", began, 2*s.calls+1)
	change := strings.NewReplacer(
		"1795320477.2670", caller, "1795320477.2671", trunk,
		"-00000a6e", fmt.Sprintf("-%08x", 2*s.calls), "-00000a6f", fmt.Sprintf("-%08x", 2*s.calls+1),
		"PJSIP/100", fmt.Sprintf("PJSIP/%d", 100+s.calls%20))
	ends := change.Replace(s.ends)
	s.live[caller], s.live[trunk] = ends, ends
	return change.Replace(s.call)
}
