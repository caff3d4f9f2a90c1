package testbed

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// PlayedAMI is an AMI server that sends what it is told to, with no PBX behind it.
type PlayedAMI struct {
	// Hangups are the orders to end a leg, in the order in which they came.
	Hangups chan PlayedHangup

	t        testing.TB
	listener net.Listener
	serving  sync.WaitGroup
	reply    AMIReply

	mu    sync.Mutex
	conns []net.Conn
	links map[string]net.Conn // that are logged in, by the classes of events they want
}

// PlayedHangup is an order that has arrived with its last byte.
type PlayedHangup struct {
	Leg string
	At  time.Time
}

// AMIReply says what follows a played server's usual "Response: Success" to an
// action that came over l: further headers and events, up to the last empty line. If
// the answer is not to go on, nothing is written and the connection is closed.
type AMIReply func(l net.Conn, action map[string]string) (more string, goOn bool)

// PlayAMI serves until the test ends. Everybody may log in, and has no calls if
// reply, which can be nil, says nothing else.
func PlayAMI(t testing.TB, reply AMIReply) *PlayedAMI {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &PlayedAMI{t: t, listener: ln, reply: reply, Hangups: make(chan PlayedHangup, 1024), links: map[string]net.Conn{}}
	p.serving.Go(p.accept)
	t.Cleanup(p.stop)
	return p
}

func (p *PlayedAMI) accept() {
	for {
		l, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns = append(p.conns, l)
		p.mu.Unlock()
		p.serving.Go(func() {
			defer l.Close()
			if _, err := io.WriteString(l, "Asterisk Call Manager/11.0.0\r\n"); err == nil {
				AnswerAMI(l, p.answer)
			}
		})
	}
}

func (p *PlayedAMI) stop() {
	p.listener.Close()
	p.mu.Lock()
	for _, l := range p.conns {
		l.Close()
	}
	p.mu.Unlock()
	p.serving.Wait()
}

// Address is where it listens.
func (p *PlayedAMI) Address() string { return p.listener.Addr().String() }

// Link is the client that asked for these classes of events, as soon as there is
// one. What is written to it at once arrives whole, between its answers.
func (p *PlayedAMI) Link(classes string) net.Conn {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		p.mu.Lock()
		l := p.links[classes]
		p.mu.Unlock()
		if l != nil {
			return l
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("nobody has logged in for the events %q", classes)
		}
	}
}

func (p *PlayedAMI) answer(l net.Conn, action map[string]string) (more string, goOn bool) {
	if action["Action"] == "Hangup" {
		p.Hangups <- PlayedHangup{action["Channel"], time.Now()}
	}
	if p.reply != nil {
		if more, goOn = p.reply(l, action); more != "" || !goOn {
			return more, goOn
		}
	}
	switch action["Action"] {
	case "Login":
		p.mu.Lock()
		p.links[action["Events"]] = l
		p.mu.Unlock()
	case "Status":
		return StatusList("", action["ActionID"]), true
	}
	return "", true
}

// StatusList is what follows the response to a Status action: the legs' events and
// the end of the list.
func StatusList(legs, actionID string) string {
	return "EventList: start\r\nMessage: Channel status will follow\r\n\r\n" + legs +
		"Event: StatusComplete\r\nActionID: " + actionID + "\r\nEventList: Complete\r\nListItems: 0\r\nItems: 0\r\n"
}

// AnswerAMI answers what an AMI client asks for, until it leaves or reply has enough.
func AnswerAMI(l net.Conn, reply AMIReply) {
	action := map[string]string{}
	for lines := bufio.NewScanner(l); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ": "); ok {
			action[key] = value
			continue
		}
		more, goOn := reply(l, action)
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
