package e2e

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
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
	open     map[net.Conn]bool
	way      manner
	pause    bool
	sources  int
	attempts int // of the latest source
	calls    int
	live     map[string]*boardCall // by either leg
	wronged  []string              // honest calls that were ended
}

// boardCall is a call that is up.
type boardCall struct {
	caller string // its leg
	legs   string // as Status lists them
	ends   string // the events that tell its end
	honest bool
	until  time.Time // when an honest one ends by itself
}

// manner is how a switchboard treats who connects.
type manner int

const (
	served manner = iota
	silent        // connections are accepted and nothing is said
	halved        // half a header, then nothing
	closed        // connections are closed at once
)

// The load: how often something happens, and how much then.
const (
	beat     = 10 * time.Millisecond
	failures = 3 // attempts a beat, each two events
	callOdds = 5 // one beat in so many has a fraud
	talkOdds = 9 // and one in so many an honest call
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
		quit: make(chan struct{}), peers: map[string]net.Conn{}, open: map[net.Conn]bool{}, live: map[string]*boardCall{},
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

// drop ends all connections. The calls go on.
func (s *switchboard) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.Close()
	}
	clear(s.open)
	clear(s.peers)
}

// restart ends all connections and calls, as a PBX does that restarts.
func (s *switchboard) restart() {
	s.drop()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.live)
}

// become changes how those are treated who connect, and whoever is connected.
func (s *switchboard) become(m manner) {
	s.mu.Lock()
	s.way = m
	s.mu.Unlock()
	s.drop()
}

// calm stops the attack, or has it go on.
func (s *switchboard) calm(pause bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause = pause
}

// callers are the legs of those who have a call up, sorted.
func (s *switchboard) callers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]bool{}
	for _, c := range s.live {
		all[c.caller] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// enter notes a connection and says how to treat it.
func (s *switchboard) enter(conn net.Conn) manner {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[conn] = true
	return s.way
}

func (s *switchboard) leave(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
}

func (s *switchboard) serve(conn net.Conn) {
	defer conn.Close()
	defer s.leave(conn)
	switch s.enter(conn) {
	case closed:
		return
	case silent:
		io.Copy(io.Discard, conn)
		return
	case halved:
		io.WriteString(conn, "Asterisk Call Mana")
		io.Copy(io.Discard, conn)
		return
	}
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
		return reply("EventList: start\r\nMessage: Channel status will follow") + s.list(a["ActionID"]) +
			"Event: StatusComplete\r\nActionID: " + a["ActionID"] + "\r\nEventList: Complete\r\nListItems: 0\r\nItems: 0\r\n\r\n"
	case "Hangup":
		c := s.live[a["Channel"]]
		if c == nil {
			return "Response: Error\r\nActionID: " + a["ActionID"] + "\r\nMessage: No such channel\r\n\r\n"
		}
		if c.honest {
			s.wronged = append(s.wronged, c.caller)
		}
		return reply("Message: Channel Hungup") + s.end(c)
	}
	return reply("Ping: Pong")
}

// list are the legs that are up, as Status tells them.
func (s *switchboard) list(id string) string {
	var all strings.Builder
	for leg, c := range s.live {
		if leg == c.caller {
			all.WriteString(strings.ReplaceAll(c.legs, "ActionID: \r\n", "ActionID: "+id+"\r\n"))
		}
	}
	return all.String()
}

// end ends a call and returns the events that tell of it.
func (s *switchboard) end(c *boardCall) string {
	for leg, other := range s.live {
		if other == c {
			delete(s.live, leg)
		}
	}
	return c.ends
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
		if !s.pause {
			s.happen()
		}
		s.mu.Unlock()
	}
}

// happen is what happens within a beat.
func (s *switchboard) happen() {
	for range failures {
		s.tell("security", s.guess())
	}
	if rand.N(callOdds) == 0 {
		s.tell("call,system", s.place(false))
	}
	if rand.N(talkOdds) == 0 {
		s.tell("call,system", s.place(true))
	}
	for leg, c := range s.live {
		if leg == c.caller && c.honest && time.Now().After(c.until) {
			s.tell("call,system", s.end(c))
		}
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

// outcome is how many calls were placed, and the honest ones that were ended.
func (s *switchboard) outcome() (calls int, wronged []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, slices.Clone(s.wronged)
}

// place begins a call: to a premium number, which only the guard will end, or an
// honest one, which it must not.
func (s *switchboard) place(honest bool) string {
	s.calls++
	began := time.Now().Unix()
	caller, trunk := fmt.Sprintf("%d.%d", began, 2*s.calls), fmt.Sprintf("%d.%d", began, 2*s.calls+1)
	from, number := 100+s.calls%20, "0031900123456"
	if honest {
		from, number = 120+s.calls%80, fmt.Sprintf("020555%04d", rand.N(10000))
	}
	change := strings.NewReplacer(
		"1795320477.2670", caller, "1795320477.2671", trunk, "0031900123456", number,
		"-00000a6e", fmt.Sprintf("-%08x", 2*s.calls), "-00000a6f", fmt.Sprintf("-%08x", 2*s.calls+1),
		"PJSIP/100", fmt.Sprintf("PJSIP/%d", from))
	begins := change.Replace(s.call)
	c := &boardCall{caller: caller, ends: change.Replace(s.ends), honest: honest, until: time.Now().Add(rand.N(3 * time.Second))}
	for _, block := range strings.SplitAfter(begins, "\r\n\r\n") {
		if rest, ok := strings.CutPrefix(block, "Event: Newchannel\r\nPrivilege: call,all\r\n"); ok {
			c.legs += "Event: Status\r\nPrivilege: Call\r\n" + strings.TrimSuffix(rest, "\r\n") + "Seconds: 7\r\nActionID: \r\n\r\n"
		}
	}
	s.live[caller], s.live[trunk] = c, c
	return begins
}
