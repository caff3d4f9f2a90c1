package gate

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/percipia/eslgo/command"
	"github.com/percipia/eslgo/command/call"

	"pbxguard/guard"
)

// FreeSWITCH's outbound event socket: FreeSWITCH connects and says nothing; told
// "connect" it sends everything it knows of the channel as one block of headers,
// and then does what it is told. eslgo writes what is sent here. Its own server
// is not used: it can be given neither a listener nor a connection, so that
// nothing would bound who connects, how many, and how much they send; and one
// header with an odd name, which a caller on WebSocket can cause, makes it deaf.
const (
	maxHeader = 64 << 10  // bytes in a line
	maxBlock  = 512 << 10 // bytes in a block; a channel has some 15 KB
)

// How long a connection may take once it has been answered. FreeSWITCH does what
// it is told first, such as to play an announcement, and then closes.
const (
	socketTime   = 2 * time.Second
	announceTime = time.Minute
)

// asks are the headers that are read. Each comes once; FreeSWITCH does not
// encode the names of headers, so a second one is somebody's forgery.
var asks = map[string]bool{
	"Unique-ID": true, "Channel-Call-UUID": true, "Channel-Name": true, "Caller-Destination-Number": true,
	"variable_pbxguard_pbx": true, "variable_pbxguard_number": true, "variable_pbxguard_trunk": true,
	"variable_pbxguard_waited": true, "variable_last_sched_id": true,
	"variable_sip_auth_username": true, "variable_sip_auth_realm": true,
	"variable_user_name": true, "variable_domain_name": true,
}

// serveSocket answers the question of one connection.
func (g *Gate) serveSocket(ctx context.Context, c *conn) {
	if err := tell(c, command.Connect{}); err != nil {
		return
	}
	r := bufio.NewReaderSize(io.LimitReader(c, maxBlock), maxHeader)
	headers, err := readChannel(r)
	if errors.Is(err, io.EOF) || isTimeout(err) {
		return // it said nothing
	}
	came := time.Now()
	c.asked()
	var ev guard.Event
	if err == nil {
		ev, err = parseChannel(headers)
	}
	forged := errors.Is(err, errForged)
	if err != nil && !forged {
		g.garbled(c, err)
		return
	}
	allow := !forged && g.ask(ctx, ev, came)
	if forged {
		g.garbled(c, err)
	}
	within := socketTime
	if !allow && g.options.Announcement != "" {
		within = announceTime
	}
	c.SetDeadline(time.Now().Add(within))
	for _, do := range g.orders(headers, allow) {
		if tell(c, do) != nil {
			return // the caller has hung up
		}
	}
	// Closing with something unread would reset the connection, and the orders
	// with it: so FreeSWITCH closes first.
	io.Copy(io.Discard, c)
}

// orders are what FreeSWITCH is to do with the leg that asked. The dial plan has
// scheduled what happens if nobody answers; that goes first.
func (g *Gate) orders(headers map[string]string, allow bool) (all []command.Command) {
	execute := func(app, args string) {
		all = append(all, &call.Execute{UUID: headers["Unique-ID"], AppName: app, AppArgs: args})
	}
	if task, err := strconv.ParseUint(headers["variable_last_sched_id"], 10, 32); err == nil && headers["variable_pbxguard_waited"] != "" {
		execute("sched_cancel", strconv.FormatUint(task, 10))
	}
	if allow {
		execute("set", socketVariable+"=allow")
		return append(all, command.Exit{})
	}
	execute("set", socketVariable+"=deny")
	if sound := g.options.Announcement; sound != "" {
		execute("pre_answer", "")
		execute("playback", sound)
	}
	execute("hangup", strconv.Itoa(g.options.Cause))
	return append(all, command.Exit{})
}

// socketVariable is what the gate sets on a channel of FreeSWITCH.
const socketVariable = "pbxguard"

// tell sends a command, in which nothing is of foreign making.
func tell(w io.Writer, do command.Command) error {
	_, err := io.WriteString(w, do.BuildMessage()+"\n\n")
	return err
}

// errForged is a header that is there twice.
var errForged = errors.New("somebody forged a header of FreeSWITCH")

// readChannel reads the block that answers "connect" and returns the headers
// that are of interest. io.EOF says that nothing came.
func readChannel(r *bufio.Reader) (map[string]string, error) {
	headers := map[string]string{}
	forged := ""
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("%w: a line exceeds %d bytes", errGarbled, maxHeader)
		case errors.Is(err, io.EOF) && (len(line) > 0 || !first):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" && forged != "" {
			return headers, fmt.Errorf("%w: %s is there twice", errForged, forged)
		}
		if text == "" {
			return headers, nil
		}
		key, value, _ := strings.Cut(text, ":")
		if !asks[key] {
			continue
		}
		if _, again := headers[key]; again {
			forged = key
			continue
		}
		headers[key] = decode(strings.TrimPrefix(value, " "))
	}
}

// decode undoes FreeSWITCH's encoding of a value. What is not so encoded is
// kept as it is: a number that cannot be read is for the rules to judge.
func decode(value string) string {
	if s, err := url.PathUnescape(value); err == nil {
		return s
	}
	return value
}

// parseChannel reads a question from what FreeSWITCH knows of the channel. The
// number is the one that the dial plan says it will send or, without one, the
// one that was dialled.
func parseChannel(h map[string]string) (ev guard.Event, err error) {
	for key, value := range h {
		if len(value) > maxValue {
			return ev, fmt.Errorf("%w: %s exceeds %d bytes", errGarbled, key, maxValue)
		}
	}
	pbx := h["variable_pbxguard_pbx"]
	ev = guard.Event{
		PBX: pbx, Leg: guard.LegID(h["Unique-ID"]), Call: guard.CallID(h["Channel-Call-UUID"]),
		Channel: h["Channel-Name"], Number: h["variable_pbxguard_number"], Exten: h["Caller-Destination-Number"],
	}
	if !isUUID(h["Unique-ID"]) {
		return ev, fmt.Errorf("%w: Unique-ID %.40q is none", errGarbled, h["Unique-ID"])
	}
	user := cmp.Or(h["variable_sip_auth_username"], h["variable_user_name"])
	if user != "" {
		domain := strings.ToLower(cmp.Or(h["variable_domain_name"], h["variable_sip_auth_realm"]))
		ev.Account = guard.Account{PBX: pbx, Domain: domain, Name: user}
	}
	if ev.Number == "" {
		ev.Number = ev.Exten
	}
	return complete(ev, h["variable_pbxguard_trunk"])
}

// isUUID says whether s has the form in which FreeSWITCH names a channel. It is
// sent back, so it may hold nothing else.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}
