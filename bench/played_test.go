package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// The AMI account of every server here, played or real.
const (
	amiUser   = "pbxguard"
	amiSecret = "guard-secret"
)

// played is an AMI server that sends what it is told to, with no PBX behind it.
type played struct {
	t        testing.TB
	listener net.Listener
	serving  sync.WaitGroup
	hangups  chan hangup

	mu    sync.Mutex
	links map[string]*link // by the classes of events it asked for
}

// hangup is an order that has arrived with its last byte.
type hangup struct {
	leg string
	at  time.Time
}

// link is one client that has logged in.
type link struct {
	net.Conn
	mu sync.Mutex // is held while writing
}

func (l *link) say(text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(l.Conn, text)
	return err
}

// play serves until the test ends.
func play(t testing.TB) *played {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &played{t: t, listener: ln, hangups: make(chan hangup, 1024), links: map[string]*link{}}
	p.serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.serve(&link{Conn: conn}) })
		}
	})
	t.Cleanup(p.stop)
	return p
}

func (p *played) address() string { return p.listener.Addr().String() }

func (p *played) stop() {
	p.listener.Close()
	p.mu.Lock()
	for _, l := range p.links {
		l.Close()
	}
	p.mu.Unlock()
	p.serving.Wait()
}

// link is the client that asked for these classes of events.
func (p *played) link(classes string) *link {
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

func (p *played) serve(l *link) {
	defer l.Close()
	if l.say("Asterisk Call Manager/11.0.0\r\n") != nil {
		return
	}
	in := bufio.NewReader(l)
	action := map[string]string{}
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if key, value, ok := strings.Cut(strings.TrimRight(text, "\r\n"), ": "); ok {
			action[key] = value
			continue
		}
		if action["Action"] == "Hangup" {
			p.hangups <- hangup{action["Channel"], time.Now()}
		}
		if l.say(p.answer(l, action)) != nil {
			return
		}
		clear(action)
	}
}

// answer lets everybody in and has no calls.
func (p *played) answer(l *link, action map[string]string) string {
	reply := fmt.Sprintf("Response: Success\r\nActionID: %s\r\n", action["ActionID"])
	switch action["Action"] {
	case "Challenge":
		reply += "Challenge: 122774871\r\n"
	case "Login":
		p.mu.Lock()
		p.links[action["Events"]] = l
		p.mu.Unlock()
	case "Status":
		reply += "EventList: start\r\nMessage: Channel status will follow\r\n\r\n" +
			"Event: StatusComplete\r\nActionID: " + action["ActionID"] + "\r\nEventList: Complete\r\nListItems: 0\r\nItems: 0\r\n"
	}
	return reply + "\r\n"
}
