package gate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"pbxguard/guard"
)

// FastAGI: Asterisk connects and sends "agi_NAME: VALUE" lines that end with an
// empty one; then it does what it is told, one line each. Some of those values
// were written by whoever calls, line breaks included: a caller's name could
// forge any line behind it. The first lines come from the dial plan alone, so
// only the request is believed, and it carries all that is needed, encoded.
const (
	agiFirst   = "agi_network: yes"
	agiRequest = "agi_request: "
	maxAGILine = 4 << 10  // bytes; Asterisk keeps 2 KB of what AGI is given
	maxAGI     = 64 << 10 // bytes of all that is read of one question
	agiLines   = 3        // within which the request must come
)

// agiTime is how long a connection may take once it has asked.
const agiTime = 2 * time.Second

// serveAGI answers the question of one connection.
func (g *Gate) serveAGI(ctx context.Context, c *conn) {
	r := bufio.NewReader(io.LimitReader(c, maxAGI))
	request, err := readAGI(r)
	if errors.Is(err, io.EOF) || isTimeout(err) {
		return // it said nothing
	}
	came := time.Now()
	c.asked()
	var ev guard.Event
	if err == nil {
		ev, err = parseAGI(request)
	}
	if err != nil {
		g.garbled(c, err)
		return
	}
	if g.options.Channel != nil {
		g.options.Channel(ev.PBX, ev.Channel, &ev)
	}
	verdict := "deny"
	if g.ask(ctx, ev, came) {
		verdict = "allow"
	}
	c.SetDeadline(time.Now().Add(agiTime))
	if _, err := io.WriteString(c, "SET VARIABLE "+Variable+" "+verdict+"\n"); err != nil {
		return // the caller has hung up
	}
	// Closing with something unread would reset the connection, and the answer
	// with it: so Asterisk closes first.
	if c.CloseWrite() == nil {
		io.Copy(io.Discard, r)
	}
}

// Variable is what the gate sets on the channel: "allow" or "deny".
const Variable = "PBXGUARD"

// readAGI reads up to the request and returns it. io.EOF says that nothing came.
func readAGI(r *bufio.Reader) (string, error) {
	for i := range agiLines {
		text, whole, err := readLine(r, maxAGILine)
		if err != nil {
			return "", err
		}
		if !whole {
			return "", fmt.Errorf("%w: a line exceeds %d bytes", errGarbled, maxAGILine)
		}
		if i == 0 && text != agiFirst {
			return "", fmt.Errorf("%w: it begins %.40q, not %q", errGarbled, text, agiFirst)
		}
		if request, ok := strings.CutPrefix(text, agiRequest); ok {
			return request, nil
		}
	}
	return "", fmt.Errorf("%w: no %q within %d lines", errGarbled, agiRequest, agiLines)
}

// readLine reads a line without its end. Of one that is longer only so many
// bytes are kept, and whole is false. io.EOF says that there was none,
// io.ErrUnexpectedEOF that its end is missing.
func readLine(r *bufio.Reader, most int) (line string, whole bool, err error) {
	var kept []byte
	size := 0
	for {
		part, err := r.ReadSlice('\n')
		size += len(part)
		kept = append(kept, part[:min(len(part), most-len(kept))]...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && size > 0:
			return "", false, io.ErrUnexpectedEOF
		case err != nil:
			return "", false, err
		}
		return strings.TrimRight(string(kept), "\r\n"), size <= most, nil
	}
}

// parseAGI reads agi://HOST:PORT/PBX?leg=…&call=…&channel=…&trunk=…&dialled=…&number=…
func parseAGI(request string) (ev guard.Event, err error) {
	u, err := url.Parse(request)
	if err != nil || u.Scheme != "agi" {
		return ev, fmt.Errorf("%w: %.80q is no agi:// address", errGarbled, request)
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return ev, fmt.Errorf("%w: %.80q: %w", errGarbled, u.RawQuery, err)
	}
	for key, values := range q {
		if len(values) != 1 {
			return ev, fmt.Errorf("%w: %.40q is there %d times", errGarbled, key, len(values))
		}
		if len(values[0]) > maxValue {
			return ev, fmt.Errorf("%w: %.40q exceeds %d bytes", errGarbled, key, maxValue)
		}
	}
	ev = guard.Event{
		PBX: strings.TrimPrefix(u.Path, "/"), Leg: guard.LegID(q.Get("leg")), Call: guard.CallID(q.Get("call")),
		Channel: q.Get("channel"), Number: q.Get("number"), Exten: q.Get("dialled"),
	}
	return complete(ev, q.Get("trunk"))
}

// maxValue bounds what is kept of a value, in bytes.
const maxValue = 512

// complete checks that a question has all it needs.
func complete(ev guard.Event, trunk string) (guard.Event, error) {
	if ev.PBX == "" || ev.Leg == "" || ev.Number == "" {
		return ev, fmt.Errorf("%w: it names no PBX, no leg or no number", errGarbled)
	}
	if trunk != "" {
		ev.OtherAccount = guard.Account{PBX: ev.PBX, Name: trunk}
	}
	return ev, nil
}

func isTimeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}
