package demo

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	_ "embed" // the recording is part of the program
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed attack.esl.gz
var attackFreeSWITCH []byte

// AttackFreeSWITCH is a quarter of a minute at an office with a FreeSWITCH, as an
// unguarded one told of it over its event socket. Somebody guesses a password and
// calls satellites with it, somebody else knows one and calls Somalia, a phone
// sends its calls on to a satellite, and a caller is transferred to one.
func AttackFreeSWITCH() (*Recording, error) {
	zip, err := gzip.NewReader(bytes.NewReader(attackFreeSWITCH))
	if err != nil {
		return nil, fmt.Errorf("cannot read the recording: %w", err)
	}
	return ReadESL(zip)
}

// ReadESL takes a recorded stream of the event socket, as the server sent it to a
// client that had asked for plain events.
func ReadESL(r io.Reader) (*Recording, error) {
	rec := &Recording{ends: map[string]block{}, esl: true}
	first := int64(0)
	for in := bufio.NewReader(r); ; {
		head, err := readHeaders(in)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the recording: %w", err)
		}
		n, _ := strconv.Atoi(head["Content-Length"])
		if n < 0 || n > 1<<20 {
			return nil, fmt.Errorf("cannot read the recording: a message of %d bytes", n)
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(in, body); err != nil {
			return nil, fmt.Errorf("cannot read the recording: %w", err)
		}
		b, stamp, ok := parseESL(body)
		if !ok {
			continue
		}
		if first == 0 {
			first = stamp
		}
		b.at = time.Duration(stamp-first) * time.Microsecond
		if b.event == "Hangup" {
			rec.ends[b.leg] = b
		}
		rec.blocks = append(rec.blocks, b)
	}
	if len(rec.blocks) == 0 {
		return nil, fmt.Errorf("cannot read the recording: no event of a call or a login in it")
	}
	slices.SortStableFunc(rec.blocks, func(a, b block) int { return cmp.Compare(a.at, b.at) })
	return rec, nil
}

// readHeaders reads "Key: Value" lines up to an empty one; those before it count
// for nothing.
func readHeaders(r *bufio.Reader) (map[string]string, error) {
	h := map[string]string{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" && len(h) > 0 {
			return h, nil
		}
		if key, value, ok := strings.Cut(line, ": "); ok {
			h[key] = value
		}
	}
}

// parseESL reads an event in the terms of AMI, in which a [Story] is told.
func parseESL(body []byte) (b block, stamp int64, ok bool) {
	h := map[string]string{}
	for line := range strings.SplitSeq(string(body), "\n") {
		if key, value, ok := strings.Cut(line, ": "); ok && h[key] == "" {
			h[key], _ = url.PathUnescape(value)
		}
	}
	b.text = fmt.Sprintf("Content-Length: %d\nContent-Type: text/event-plain\n\n%s", len(body), body)
	stamp, _ = strconv.ParseInt(h["Event-Date-Timestamp"], 10, 64)
	switch h["Event-Name"] + h["Event-Subclass"] {
	case "CHANNEL_CREATE":
		b.event = "Newchannel"
	case "CHANNEL_ANSWER":
		b.event = "Newstate"
	case "CHANNEL_HANGUP_COMPLETE":
		b.event = "Hangup"
	case "CUSTOMsofia::register_attempt":
		b.event, b.class = "SuccessfulAuth", "security"
		if h["auth-result"] == "FORBIDDEN" {
			b.event = "ChallengeResponseFailed"
		}
	case "CUSTOMsofia::pre_register", "CUSTOMsofia::register_failure":
		b.event, b.class = "ChallengeSent", "security"
	case "CUSTOMsofia::register":
		b.event, b.class = "Registered", "system"
	default:
		return b, stamp, false
	}
	b.source, b.who = h["network-ip"], cmp.Or(h["username"], h["to-user"])
	if b.class == "" {
		b.class, b.leg, b.number = "call", h["Unique-ID"], h["Caller-Destination-Number"]
		b.call = cmp.Or(h["variable_other_loopback_from_uuid"], h["variable_originating_leg_uuid"], h["Channel-Call-UUID"])
		b.who = cmp.Or(h["variable_sip_auth_username"], "trunk")
	}
	return b, stamp, stamp > 0
}

// serveESL answers one client of the event socket. It talks as FreeSWITCH does to
// a client that knows its password.
func (s *Server) serveESL(conn net.Conn) {
	c := &client{conn: conn}
	defer conn.Close()
	defer func() { s.mu.Lock(); delete(s.clients, c); s.mu.Unlock() }()
	s.mu.Lock()
	s.clients[c] = true
	s.mu.Unlock()
	io.WriteString(conn, "Content-Type: auth/request\n\n")
	command := ""
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch line := lines.Text(); {
		case line != "":
			command = cmp.Or(command, line)
		case command != "":
			if !s.obey(c, command) {
				return
			}
			command = ""
		}
	}
}

// obey carries out one command; false ends the session.
func (s *Server) obey(c *client, command string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := func(text string) bool {
		_, err := fmt.Fprintf(c.conn, "Content-Type: command/reply\nReply-Text: %s\n\n", text)
		return err == nil
	}
	respond := func(body string) bool {
		_, err := fmt.Fprintf(c.conn, "Content-Type: api/response\nContent-Length: %d\n\n%s", len(body), body)
		return err == nil
	}
	word, rest, _ := strings.Cut(command, " ")
	switch {
	case word == "auth":
		c.in = rest == s.Secret
		if !c.in {
			reply("-ERR invalid")
			return false
		}
		return reply("+OK accepted")
	case !c.in:
		return reply("-ERR command not found")
	case strings.HasPrefix(rest, "plain CUSTOM"):
		return reply("+OK event listener enabled plain") // the recording has none of these
	case word == "event":
		c.classes = "security,call,system"
		return reply("+OK event listener enabled plain")
	case word == "log":
		return reply("+OK log level 4 [4]")
	case strings.HasPrefix(command, "api show channels"):
		return respond("{\"row_count\":0}\n") // the recording begins with no call up
	case strings.HasPrefix(command, "api uuid_kill "):
		leg, _, _ := strings.Cut(strings.TrimPrefix(command, "api uuid_kill "), " ")
		if !s.hangup(leg) {
			return respond("-ERR No such channel!\n")
		}
		return respond("+OK\n")
	case word == "api":
		return respond("-ERR Command not found!\n")
	}
	return reply("-ERR command not found")
}
