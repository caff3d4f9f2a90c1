package demo

import (
	"bufio"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Server plays a recording to the clients that log in.
type Server struct {
	User, Secret string
	// Blocked says which sources a firewall keeps out. What they sent in the
	// recording then never reaches the PBX.
	Blocked func(netip.Addr) bool
	// Seen is told of every event of the recording that does reach the PBX.
	Seen func(Sight)

	recording *Recording
	mu        sync.Mutex // guards all below: clients come and go while it plays
	clients   map[*client]bool
	began     map[string]bool // legs that are up
	dead      map[string]bool // calls that were hung up, by Linkedid
	legs      map[string]string
	shut      map[string]bool // accounts whose last authentication was kept out
}

// Sight is one thing that happens on the PBX, for people who watch.
type Sight struct {
	At      time.Duration
	Event   string
	Account string
	Number  string
	Source  string
	Leg     string
	First   bool // the leg that begins a call
	Kept    bool // did not happen: the source was banned, or the call had been ended
}

type client struct {
	conn    net.Conn
	classes string
	nonce   string
	in      bool
}

// NewServer returns a server that has yet to [Server.Serve] and [Server.Play].
func NewServer(r *Recording, user, secret string) *Server {
	return &Server{
		User: user, Secret: secret, recording: r,
		Blocked: func(netip.Addr) bool { return false }, Seen: func(Sight) {},
		clients: map[*client]bool{}, began: map[string]bool{}, dead: map[string]bool{},
		legs: map[string]string{}, shut: map[string]bool{},
	}
}

// Serve answers clients on ln until it is closed.
func (s *Server) Serve(ln net.Listener) {
	var wg sync.WaitGroup
	for {
		conn, err := ln.Accept()
		if err != nil {
			break
		}
		wg.Go(func() { s.serve(conn) })
	}
	s.mu.Lock()
	for c := range s.clients {
		c.conn.Close()
	}
	s.mu.Unlock()
	wg.Wait()
}

// Ready waits until clients for every class of events are logged in.
func (s *Server) Ready(ctx context.Context) error {
	for {
		s.mu.Lock()
		have := ""
		for c := range s.clients {
			if c.in {
				have += "," + c.classes
			}
		}
		s.mu.Unlock()
		if strings.Contains(have, "security") && strings.Contains(have, "call") {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("cannot play: no client has logged in: %w", ctx.Err())
		}
	}
}

// Play sends the recording with its timing, speed times as fast. On a host that
// is too busy it falls behind instead of making up for it: a guesser waits for
// each answer, and so gives the guard its time.
func (s *Server) Play(ctx context.Context, speed float64) error {
	const late = 20 * time.Millisecond
	start := time.Now()
	for _, b := range s.recording.blocks {
		due := start.Add(time.Duration(float64(b.at) / speed))
		if behind := time.Since(due); behind > late {
			start = start.Add(behind)
		}
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return ctx.Err()
		}
		s.play(b)
	}
	return nil
}

// play sends one event, unless a firewall or a hangup has made it impossible.
func (s *Server) play(b block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.impossible(b)
	s.Seen(Sight{At: b.at, Event: b.event, Account: b.who, Number: b.number, Source: b.source, Leg: b.leg, First: b.leg == b.call, Kept: kept})
	if !kept {
		s.send(b)
	}
}

func (s *Server) impossible(b block) bool {
	if b.class == "security" {
		addr, err := netip.ParseAddr(b.source)
		out := err == nil && s.Blocked(addr)
		if b.event == "SuccessfulAuth" {
			s.shut[b.who] = out
		}
		return out
	}
	if b.class == "system" {
		return s.shut[b.who]
	}
	if b.leg == "" {
		return false
	}
	switch {
	case s.dead[b.call], s.dead[s.legs[b.leg]]:
		return true
	case b.event == "Newchannel" && b.leg == b.call && s.shut[b.who]:
		s.dead[b.call] = true
		return true
	case b.event == "Newchannel":
		s.began[b.leg], s.legs[b.leg] = true, b.call
	case b.event == "Hangup":
		delete(s.began, b.leg)
	}
	return false
}

func (s *Server) send(b block) {
	for c := range s.clients {
		if c.in && strings.Contains(c.classes, b.class) {
			c.conn.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := io.WriteString(c.conn, b.text); err != nil {
				c.conn.Close()
			}
		}
	}
}

// hangup ends every leg of a call that has begun, as Asterisk does.
func (s *Server) hangup(leg string) bool {
	if !s.began[leg] {
		return false
	}
	call := s.legs[leg]
	s.dead[call] = true
	for id := range s.began {
		if s.legs[id] != call {
			continue
		}
		delete(s.began, id)
		if end, ok := s.recording.ends[id]; ok {
			s.send(end)
		}
	}
	return true
}

func (s *Server) serve(conn net.Conn) {
	if s.recording.esl {
		s.serveESL(conn)
		return
	}
	c := &client{conn: conn, classes: "security,call,system", nonce: fmt.Sprint(time.Now().UnixNano())}
	defer conn.Close()
	defer func() { s.mu.Lock(); delete(s.clients, c); s.mu.Unlock() }()
	s.mu.Lock()
	s.clients[c] = true
	s.mu.Unlock()
	io.WriteString(conn, "Asterisk Call Manager/11.0.0\r\n")
	lines := bufio.NewScanner(conn)
	action := map[string]string{}
	for lines.Scan() {
		line := lines.Text()
		if line == "" && len(action) > 0 {
			if !s.answer(c, action) {
				return
			}
			action = map[string]string{}
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		action[strings.ToLower(key)] = strings.TrimSpace(value)
	}
}

// answer obeys one action; false ends the session.
func (s *Server) answer(c *client, a map[string]string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	say := func(response, more string) bool {
		_, err := fmt.Fprintf(c.conn, "Response: %s\r\nActionID: %s\r\n%s\r\n", response, a["actionid"], more)
		return err == nil
	}
	switch name := strings.ToLower(a["action"]); {
	case name == "challenge":
		return say("Success", "Challenge: "+c.nonce+"\r\n")
	case name == "login":
		sum := md5.Sum([]byte(c.nonce + s.Secret))
		if a["username"] != s.User || a["secret"] != s.Secret && a["key"] != hex.EncodeToString(sum[:]) {
			say("Error", "Message: Authentication failed\r\n")
			return false
		}
		c.in = true
		c.listen(a["events"])
		return say("Success", "Message: Authentication accepted\r\n") &&
			s.booted(c)
	case !c.in:
		say("Error", "Message: Permission denied\r\n")
		return false
	case name == "events":
		c.listen(a["eventmask"])
		return say("Success", "Events: On\r\n")
	case name == "status":
		return say("Success", "EventList: start\r\nMessage: Channel status will follow\r\n") &&
			s.list(c, a["actionid"])
	case name == "hangup":
		if !s.hangup(a["channel"]) {
			return say("Error", "Message: No such channel\r\n")
		}
		return say("Success", "Message: Channel Hungup\r\n")
	case name == "logoff":
		say("Goodbye", "Message: Thanks for all the fish.\r\n")
		return false
	}
	return say("Success", "Ping: Pong\r\n")
}

func (c *client) listen(mask string) {
	switch mask {
	case "", "on":
	default:
		c.classes = mask
	}
}

func (s *Server) booted(c *client) bool {
	if !strings.Contains(c.classes, "system") {
		return true
	}
	_, err := io.WriteString(c.conn, "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n")
	return err == nil
}

// list ends the answer to Status: the recording begins with no call up.
func (s *Server) list(c *client, id string) bool {
	_, err := fmt.Fprintf(c.conn, "Event: StatusComplete\r\nActionID: %s\r\nEventList: Complete\r\nListItems: 0\r\nItems: 0\r\n\r\n", id)
	return err == nil
}
