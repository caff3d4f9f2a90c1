package adaptertest

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"pbxguard/guard"
)

// What a played FreeSWITCH lets in.
const (
	ESLPassword = "ClueCon"
	ESLUser     = "pbxguard@pbx.example"
	ESLDomain   = "pbx.example"
)

// ESL is a FreeSWITCH as far as its event socket shows it, on a real listener.
type ESL struct {
	listener net.Listener
	serving  sync.WaitGroup

	mu       sync.Mutex
	conns    map[*eslConn]bool
	legs     map[guard.LegID]map[string]string // what is up, as headers
	order    []guard.LegID                     // of legs
	killed   []guard.LegID
	commands []string
	denied   map[string]bool // commands that the user may not use, by their first words
	apis     map[string]string
	mute     bool // nothing is answered
	serial   int
	wakes    int
}

// eslConn is one connection to an [ESL].
type eslConn struct {
	net.Conn
	write  sync.Mutex
	in     bool
	events bool
	log    bool
}

// NewESL plays a FreeSWITCH until the test ends.
func NewESL(t testing.TB) *ESL {
	t.Helper()
	e := &ESL{
		conns: map[*eslConn]bool{}, legs: map[guard.LegID]map[string]string{},
		denied: map[string]bool{}, apis: map[string]string{},
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.listener = ln
	e.serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c := &eslConn{Conn: conn}
			e.mu.Lock()
			e.conns[c] = true
			e.mu.Unlock()
			e.serving.Go(func() { e.serve(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		e.Break()
		e.serving.Wait()
	})
	return e
}

// Address is where it listens.
func (e *ESL) Address() string { return e.listener.Addr().String() }

// Deny has commands that begin so refused from now on.
func (e *ESL) Deny(command string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.denied[command] = true
}

// API sets what an api command is answered.
func (e *ESL) API(command, answer string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.apis[command] = answer
}

// Mute says whether nothing is answered from now on, as by a PBX that hangs.
func (e *ESL) Mute(mute bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mute = mute
}

// Commands are those received so far, logins and keepalives left out.
func (e *ESL) Commands() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.commands)
}

// Wakes is how many line feeds came that belong to no command.
func (e *ESL) Wakes() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.wakes
}

func (c *eslConn) say(s string) {
	c.write.Lock()
	defer c.write.Unlock()
	// An error means that the client has gone, which serve notices itself.
	_, _ = io.WriteString(c.Conn, s)
}

// serve answers one client. A command ends with an empty line; an empty line
// before it counts for nothing.
func (e *ESL) serve(c *eslConn) {
	defer func() {
		c.Close()
		e.mu.Lock()
		delete(e.conns, c)
		e.mu.Unlock()
	}()
	c.say("Content-Type: auth/request\n\n")
	var command []string
	for lines := bufio.NewScanner(c.Conn); lines.Scan(); {
		switch line := lines.Text(); {
		case line != "":
			command = append(command, line)
		case len(command) == 0:
			e.mu.Lock()
			e.wakes++
			e.mu.Unlock()
		default:
			if !e.obey(c, command[0]) {
				return
			}
			command = nil
		}
	}
}

func reply(text string) string { return "Content-Type: command/reply\nReply-Text: " + text + "\n\n" }

func response(body string) string {
	return fmt.Sprintf("Content-Type: api/response\nContent-Length: %d\n\n%s", len(body), body)
}

// obey answers one command; false ends the connection.
func (e *ESL) obey(c *eslConn, command string) bool {
	e.mu.Lock()
	if e.mute {
		e.mu.Unlock()
		return true
	}
	if !c.in {
		c.in = command == "auth "+ESLPassword || command == "userauth "+ESLUser+":"+ESLPassword
		e.mu.Unlock()
		if !c.in {
			c.say(reply("-ERR invalid") + notice("Disconnected, goodbye.\n"))
			return false
		}
		c.say(reply("+OK accepted"))
		return true
	}
	if command != "noop" {
		e.commands = append(e.commands, command)
	}
	denied := slices.ContainsFunc(slices.Collect(maps.Keys(e.denied)), func(d string) bool { return strings.HasPrefix(command, d) })
	answer, ended := reply("-ERR permission denied"), guard.LegID("")
	if !denied {
		answer, ended = e.answer(c, command)
	}
	e.mu.Unlock()
	c.say(answer)
	if !denied {
		e.joins(c, command)
	}
	if ended != "" {
		e.End(ended)
	}
	return command != "exit"
}

// joins has a connection told what it has asked for, once it has its answer: until
// then a client does not heed what else it is told.
func (e *ESL) joins(c *eslConn, command string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	word, classes, _ := strings.Cut(command, " ")
	c.events = c.events || word == "event" && strings.Contains(classes, "CHANNEL_CREATE")
	c.log = c.log || word == "log"
}

// answer is what a command is answered, and the leg that it ends. The caller
// holds mu.
func (e *ESL) answer(c *eslConn, command string) (answer string, ended guard.LegID) {
	word, rest, _ := strings.Cut(command, " ")
	switch word {
	case "event":
		return reply("+OK event listener enabled plain"), ""
	case "log":
		return reply("+OK log level 4 [4]"), ""
	case "exit":
		return reply("+OK bye") + notice("Disconnected, goodbye.\n"), ""
	case "api":
	default:
		return reply("-ERR command not found"), ""
	}
	rest = strings.TrimSpace(rest)
	if canned, ok := e.apis[rest]; ok {
		return response(canned), ""
	}
	word, rest, _ = strings.Cut(rest, " ")
	id, _, _ := strings.Cut(rest, " ")
	leg := guard.LegID(id)
	switch {
	case word == "show" && rest == "channels as json":
		return response(e.channels()), ""
	case word != "uuid_kill" && word != "uuid_dump":
		return response("-ERR " + word + " Command not found!\n"), ""
	case word == "uuid_kill":
		e.killed = append(e.killed, leg)
	}
	if e.legs[leg] == nil {
		return response("-ERR No such channel!\n"), ""
	}
	if word == "uuid_dump" {
		return response(headers("CHANNEL_DATA", e.legs[leg])), ""
	}
	return response("+OK\n"), leg
}

// channels is the answer to "show channels as json".
func (e *ESL) channels() string {
	type row struct {
		UUID      string `json:"uuid"`
		Direction string `json:"direction"`
		Name      string `json:"name"`
		Dest      string `json:"dest"`
		CallState string `json:"callstate"`
		CallUUID  string `json:"call_uuid"`
	}
	var rows []row
	for _, id := range e.order {
		if h := e.legs[id]; h != nil {
			state := map[string]string{"answered": "ACTIVE"}[h["Answer-State"]]
			rows = append(rows, row{h["Unique-ID"], h["Call-Direction"], h["Channel-Name"], h["Caller-Destination-Number"],
				cmp.Or(state, "RINGING"), h["Channel-Call-UUID"]})
		}
	}
	if len(rows) == 0 {
		return `{"row_count":0}` + "\n"
	}
	b, err := json.Marshal(map[string]any{"row_count": len(rows), "rows": rows})
	if err != nil {
		return "-ERR " + err.Error()
	}
	return string(b) + "\n"
}

func notice(text string) string {
	return fmt.Sprintf("Content-Type: text/disconnect-notice\nContent-Length: %d\n\n%s", len(text), text)
}

// headers writes an event without its frame, its own headers first.
func headers(event string, h map[string]string) string {
	var b strings.Builder
	b.WriteString("Event-Name: " + event + "\n")
	keys := slices.Sorted(maps.Keys(h))
	for _, first := range []bool{true, false} {
		for _, k := range keys {
			if strings.HasPrefix(k, "variable_") != first {
				b.WriteString(k + ": " + url.PathEscape(h[k]) + "\n")
			}
		}
	}
	return b.String() + "\n"
}

// EventFrame is an event as ESL sends it.
func EventFrame(event string, h map[string]string) string {
	body := headers(event, h)
	return fmt.Sprintf("Content-Length: %d\nContent-Type: text/event-plain\n\n%s", len(body), body)
}

// Tell sends bytes to everybody who wants events.
func (e *ESL) Tell(s string) { e.send(s, func(c *eslConn) bool { return c.events }) }

// TellLog sends a line of the log to everybody who wants it.
func (e *ESL) TellLog(file string, number int, text string) {
	body := fmt.Sprintf("2026-11-22 04:14:29.728615 89.97%% [WARNING] %s:%d %s\n", file, number, text)
	e.send(fmt.Sprintf("Content-Type: log/data\nContent-Length: %d\nLog-Level: 4\nText-Channel: 0\nLog-File: %s\n"+
		"Log-Func: f\nLog-Line: %d\nUser-Data: \n\n%s", len(body), file, number, body), func(c *eslConn) bool { return c.log })
}

func (e *ESL) send(s string, to func(*eslConn) bool) {
	e.mu.Lock()
	var conns []*eslConn
	for c := range e.conns {
		if to(c) {
			conns = append(conns, c)
		}
	}
	e.mu.Unlock()
	for _, c := range conns {
		c.say(s)
	}
}

// Leg implements [PBX].
func (e *ESL) Leg(n int) guard.LegID {
	return guard.LegID(fmt.Sprintf("00000000-0000-4000-8000-%012x", n))
}

// up notes a leg and returns its headers.
func (e *ESL) up(id guard.LegID, h map[string]string) map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	h["Unique-ID"], h["Answer-State"] = string(id), "ringing"
	e.legs[id] = h
	e.order = append(e.order, id)
	return maps.Clone(h)
}

func (e *ESL) inbound(leg guard.LegID, extension, number string) map[string]string {
	return e.up(leg, map[string]string{
		"Channel-Name": "sofia/internal/" + extension + "@" + ESLDomain, "Call-Direction": "inbound",
		"Channel-Call-UUID": string(leg), "Caller-Destination-Number": number, "Caller-Context": "default",
		"Caller-Caller-ID-Number": "0", "variable_sip_auth_username": extension, "variable_domain_name": ESLDomain,
		"variable_sip_network_ip": "192.0.2.1", "variable_sip_network_port": "5060", "variable_sip_call_id": "c-" + string(leg),
	})
}

// Start implements [PBX].
func (e *ESL) Start(leg guard.LegID, extension, number string) {
	e.Tell(EventFrame("CHANNEL_CREATE", e.inbound(leg, extension, number)))
}

// StartUnseen implements [PBX].
func (e *ESL) StartUnseen(leg guard.LegID, extension, number string) {
	e.inbound(leg, extension, number)
}

// Dial implements [PBX].
func (e *ESL) Dial(leg, trunk guard.LegID, number string) {
	e.Tell(EventFrame("CHANNEL_CREATE", e.up(trunk, map[string]string{
		"Channel-Name": "sofia/external/" + number, "Call-Direction": "outbound", "Channel-Call-UUID": string(leg),
		"Caller-Destination-Number": number, "Caller-Context": "default", "Other-Type": "originator",
		"Other-Leg-Unique-ID": string(leg), "variable_originating_leg_uuid": string(leg),
		"variable_sip_gateway_name": "trunk", "variable_sip_destination_url": "sip:" + number + "@192.0.2.99:5060",
	})))
}

// Answer implements [PBX].
func (e *ESL) Answer(leg guard.LegID) {
	e.mu.Lock()
	h := maps.Clone(e.legs[leg])
	if h != nil {
		e.legs[leg]["Answer-State"], h["Answer-State"] = "answered", "answered"
	}
	e.mu.Unlock()
	if h != nil {
		e.Tell(EventFrame("CHANNEL_ANSWER", h))
	}
}

// End implements [PBX].
func (e *ESL) End(leg guard.LegID) {
	e.mu.Lock()
	h := e.legs[leg]
	delete(e.legs, leg)
	e.mu.Unlock()
	if h != nil {
		h["variable_hangup_cause_q850"], h["Answer-State"] = "16", "hangup"
		e.Tell(EventFrame("CHANNEL_HANGUP_COMPLETE", h))
	}
}

// Fail implements [PBX].
func (e *ESL) Fail(extension string, source netip.AddrPort) {
	e.mu.Lock()
	e.serial++
	id := fmt.Sprintf("f-%d", e.serial)
	e.mu.Unlock()
	h := map[string]string{
		"from-user": extension, "from-host": ESLDomain, "to-user": extension, "to-host": ESLDomain, "call-id": id,
		"network-ip": source.Addr().String(), "network-port": fmt.Sprint(source.Port()), "status": "Registered(TCP)",
	}
	custom := func(subclass string, more ...string) {
		c := maps.Clone(h)
		c["Event-Subclass"] = subclass
		for i := 0; i+1 < len(more); i += 2 {
			c[more[i]] = more[i+1]
		}
		e.Tell(EventFrame("CUSTOM", c))
	}
	custom("sofia::pre_register")
	custom("sofia::register_attempt", "username", extension, "realm", ESLDomain, "auth-result", "FORBIDDEN")
	custom("sofia::register_failure", "registration-type", "REGISTER")
}

// Chatter implements [PBX].
func (e *ESL) Chatter(n int) {
	one := EventFrame("CUSTOM", map[string]string{
		"Event-Subclass": "sofia::pre_register", "from-user": "100", "from-host": ESLDomain,
		"network-ip": "192.0.2.8", "network-port": "5060", "call-id": "x",
	})
	e.Tell(strings.Repeat(one, n))
}

// Hostile implements [PBX].
func (e *ESL) Hostile() {
	for i := range 256 {
		e.Tell(strings.Repeat(string([]byte{byte(i)}), 300) + "\n\n")
	}
	e.Tell("Content-Type: text/event-plain\nContent-Length: 100000\n\n" + strings.Repeat("A: %zz\n", 100000/7) + "A: 1")
	e.Tell("Content-Type: text/event-plain\nContent-Length: -5\n\n")
	e.Tell("Content-Length: 999999999999\n\n")
	e.Tell(strings.Repeat("x", 1<<20) + "\n\n")
}

// Break implements [PBX].
func (e *ESL) Break() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		c.Close()
	}
}

// Killed implements [PBX].
func (e *ESL) Killed() []guard.LegID {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.killed)
}

// Ready implements [PBX]: somebody wants events, somebody the log, and there is
// a connection for kills.
func (e *ESL) Ready() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	events, log, others := false, false, false
	for c := range e.conns {
		switch {
		case !c.in:
		case c.events:
			events = true
		case c.log:
			log = true
		default:
			others = true
		}
	}
	return events && log && others
}
