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
	maxHeader = 4 << 10 // bytes that are kept of a line; a caller can make one of 200 KB
	maxBlock  = 4 << 20 // bytes in a block; a channel has some 15 KB
)

// How long a connection may take once it has been answered. FreeSWITCH does what
// it is told first, such as to play an announcement, and then closes.
const (
	socketTime   = 2 * time.Second
	announceTime = time.Minute
)

// asks are the headers that are read. Each comes once; FreeSWITCH does not
// encode the names of headers, so a second one is somebody's forgery, see [forgery].
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
	r := bufio.NewReader(io.LimitReader(c, maxBlock))
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
	if err != nil {
		g.garbled(c, err)
		return
	}
	allow := g.ask(ctx, ev, came)
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

// forgery ends a number that somebody has given twice, or which no telephone can
// have: no such number is understood, so that the rules judge it as one which
// hides another.
const forgery = "\nforged"

// readChannel reads the block that answers "connect" and returns the headers
// that are of interest, each as it came first; forgery stands behind a number if
// any of them came again, or is longer than any can be. io.EOF says that nothing came.
func readChannel(r *bufio.Reader) (map[string]string, error) {
	headers := map[string]string{}
	forged := ""
	for first := true; ; first = false {
		line, whole, err := readLine(r, maxHeader)
		if errors.Is(err, io.EOF) && !first {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		if line == "" {
			headers["variable_pbxguard_number"] = cmp.Or(headers["variable_pbxguard_number"], headers["Caller-Destination-Number"]) + forged
			return headers, nil
		}
		key, value, _ := strings.Cut(line, ":")
		if !asks[key] {
			continue
		}
		value = decode(strings.TrimPrefix(value, " "))
		if _, again := headers[key]; again || !whole || len(value) > maxValue {
			forged = forgery
		}
		if _, again := headers[key]; !again {
			headers[key] = value[:min(len(value), maxValue)]
		}
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
