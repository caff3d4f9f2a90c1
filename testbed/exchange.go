package testbed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// errClosed ends what waits on a phone that was closed or lost its connection.
var errClosed = errors.New("phone is closed")

// request is a SIP request before it gets a Via.
type request struct {
	to                 netip.AddrPort
	method, uri        string
	fromHdr, toHdr, id string // From, To, Call-ID
	seq                int
	lines              []string // further header lines
	body               string
}

// exchange is one request on the wire, and where its responses come.
type exchange struct {
	request
	via       string
	raw       string
	responses chan *message
}

// text is the request as it is sent with the Via.
func (p *Phone) text(r request, via string) string {
	lines := []string{
		r.method + " " + r.uri + " SIP/2.0", "Via: " + via, "Max-Forwards: 70",
		"From: " + r.fromHdr, "To: " + r.toHdr, "Call-ID: " + r.id,
		fmt.Sprintf("CSeq: %d %s", r.seq, r.method), "User-Agent: " + p.agent,
	}
	switch r.method {
	case "INVITE", "REGISTER", "REFER":
		lines = append(lines, "Contact: <"+p.uri()+">")
	}
	lines = append(lines, r.lines...)
	if r.method == "INVITE" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(r.body)))
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + r.body
}

// newVia is a Via with a branch of its own.
func (p *Phone) newVia() string {
	return fmt.Sprintf("SIP/2.0/%s %s;branch=z9hG4bK%s;rport", strings.ToUpper(p.proto), p.Local, rand.Text())
}

// begin sends the request.
func (p *Phone) begin(r request) (*exchange, error) {
	x := &exchange{request: r, via: p.newVia(), responses: make(chan *message, 16)}
	x.raw = p.text(r, x.via)
	p.mu.Lock()
	p.pending[fmt.Sprintf("%s %d %s", r.id, r.seq, r.method)] = x
	p.mu.Unlock()
	if err := p.write(r.to, x.raw); err != nil {
		p.end(x)
		return nil, fmt.Errorf("cannot send %s: %w", r.method, err)
	}
	return x, nil
}

// end forgets an exchange.
func (p *Phone) end(x *exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pending, fmt.Sprintf("%s %d %s", x.id, x.seq, x.method))
}

// final waits for the final response and hands every provisional one to
// provisional. Over UDP it sends the request again until something comes back,
// after 0.5, 1, 2, ... s (RFC 3261 section 17.1).
func (p *Phone) final(ctx context.Context, x *exchange, provisional func(*message)) (*message, error) {
	defer p.end(x)
	again := 500 * time.Millisecond
	timer := time.NewTimer(again)
	defer timer.Stop()
	if p.proto == "tcp" {
		timer.Stop()
	}
	for {
		select {
		case m := <-x.responses:
			timer.Stop()
			if m.status() < 200 {
				provisional(m)
				continue
			}
			if x.method == "INVITE" && m.status() >= 300 {
				ack := x.request
				ack.method, ack.toHdr, ack.body = "ACK", m.header.Get("To"), ""
				return m, p.write(ack.to, p.text(ack, x.via))
			}
			return m, nil
		case <-timer.C:
			if err := p.write(x.to, x.raw); err != nil {
				return nil, fmt.Errorf("cannot send %s: %w", x.method, err)
			}
			again *= 2
			timer.Reset(again)
		case <-p.gone:
			return nil, fmt.Errorf("no answer to %s: %w", x.method, errClosed)
		case <-ctx.Done():
			return nil, fmt.Errorf("no answer to %s: %w", x.method, ctx.Err())
		}
	}
}

// transact sends the request and returns the final response. If that is a
// challenge and a password is given, it answers it once. watch, if not nil,
// sees each exchange as it begins (with a nil message) and its provisional
// responses.
func (p *Phone) transact(ctx context.Context, r request, password *string, watch func(*exchange, *message)) (*message, error) {
	if watch == nil {
		watch = func(*exchange, *message) {}
	}
	for {
		x, err := p.begin(r)
		if err != nil {
			return nil, err
		}
		watch(x, nil)
		m, err := p.final(ctx, x, func(m *message) { watch(x, m) })
		if err != nil {
			return nil, err
		}
		c, challenged := challengeOf(m)
		if !challenged || password == nil {
			return m, nil
		}
		r.lines = append(r.lines[:len(r.lines):len(r.lines)], c.credentials(p.User, *password, r.method, r.uri))
		r.seq++
		password = nil
	}
}
