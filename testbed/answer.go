package testbed

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Answer is what a phone does with a call.
type Answer struct {
	status  int           // final status, 0 for none
	contact string        // number of a redirect
	silent  bool          // not even a provisional response
	after   time.Duration // how long it rings first
}

// Accept rings and answers at once.
func Accept() Answer { return Answer{status: 200} }

// AcceptAfter rings for a while and answers.
func AcceptAfter(d time.Duration) Answer { return Answer{status: 200, after: d} }

// Ring rings for ever.
func Ring() Answer { return Answer{} }

// Busy says 486 Busy Here.
func Busy() Answer { return Answer{status: 486} }

// Redirect says 302 Moved Temporarily, to a number at the same server.
func Redirect(number string) Answer { return Answer{status: 302, contact: number} }

// Silent never says anything.
func Silent() Answer { return Answer{silent: true} }

// SetAnswer changes what the phone does with later calls.
func (p *Phone) SetAnswer(a Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = a
}

// Incoming returns the next call which came, in order.
func (p *Phone) Incoming(ctx context.Context) (*Call, error) {
	for {
		p.mu.Lock()
		if p.taken < len(p.arrived) {
			c := p.arrived[p.taken]
			p.taken++
			p.mu.Unlock()
			return c, nil
		}
		p.mu.Unlock()
		select {
		case <-p.wake:
		case <-p.gone:
			return nil, fmt.Errorf("no call came: %w", errClosed)
		case <-ctx.Done():
			return nil, fmt.Errorf("no call came: %w", ctx.Err())
		}
	}
}

// Arrived returns every call which came so far: how many INVITEs reached a
// trunk, when, and for which numbers.
func (p *Phone) Arrived() []*Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*Call(nil), p.arrived...)
}

// receive acts on one message from the PBX. What it can't send shows in the
// caller's wait for an answer.
func (p *Phone) receive(m *message, from netip.AddrPort) {
	p.mu.Lock()
	call, x := p.calls[m.header.Get("Call-Id")], p.pending[m.key()]
	p.mu.Unlock()
	if m.status() != 0 {
		p.receiveResponse(m, call, x)
		return
	}
	switch {
	case m.method() == "ACK":
	case m.method() == "INVITE" && call == nil:
		p.ring(m, from)
	case m.method() == "INVITE" && call.repeated(m):
		call.sayAgain()
	case m.method() == "INVITE":
		p.respond(m, from, 200, "OK", p.sdp())
	case m.method() == "CANCEL" && call != nil && call.invite != nil:
		p.respond(m, from, 200, "OK", "")
		call.reply(487, "Request Terminated")
	case m.method() == "BYE" && call != nil:
		p.respond(m, from, 200, "OK", "")
		call.end()
	case call != nil || m.method() == "OPTIONS":
		p.respond(m, from, 200, "OK", "")
	default:
		p.respond(m, from, 481, "Call Does Not Exist", "")
	}
}

// receiveResponse hands a response to whom it is for.
func (p *Phone) receiveResponse(m *message, call *Call, x *exchange) {
	if call != nil && m.status()/100 == 2 && strings.HasSuffix(m.header.Get("Cseq"), " INVITE") {
		call.answered(m)
	}
	if x == nil {
		return
	}
	select {
	case x.responses <- m:
	default: // a flood of copies
	}
}

// ring takes a new call.
func (p *Phone) ring(m *message, from netip.AddrPort) {
	c := p.newCall(m.header.Get("Call-Id"), m.number(), from)
	c.From, c.invite = m.header.Get("From"), m
	c.local, c.remote = m.header.Get("To")+";tag="+rand.Text(), c.From
	c.target = m.contact()
	p.mu.Lock()
	p.calls[c.id] = c
	p.arrived = append(p.arrived, c)
	a := p.answer
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	if a.silent {
		return
	}
	p.write(from, p.response(m, 100, "Trying", "", ""))
	if a.status < 300 {
		c.say(180, "Ringing")
	}
	switch {
	case a.status == 302:
		c.reply(302, "Moved Temporarily", fmt.Sprintf("Contact: <sip:%s@%s>", a.contact, host(from.Addr())))
	case a.status == 486:
		c.reply(486, "Busy Here")
	case a.status == 200 && a.after == 0:
		c.reply(200, "OK")
	case a.status == 200:
		time.AfterFunc(a.after, func() { c.reply(200, "OK") })
	}
}

// reply sends the final response to a received INVITE, unless there is one.
func (c *Call) reply(status int, reason string, lines ...string) error {
	if !c.settle(status, nil) {
		return nil
	}
	return c.say(status, reason, lines...)
}

// say sends a response to a received INVITE and keeps it, to be repeated.
func (c *Call) say(status int, reason string, lines ...string) error {
	body := ""
	if status == 200 {
		body = c.phone.sdp()
	}
	text := c.phone.response(c.invite, status, reason, tagOf(c.local), body, lines...)
	c.mu.Lock()
	c.said = text
	c.mu.Unlock()
	return c.phone.write(c.peer, text)
}

// sayAgain answers a repeated INVITE as it was answered last.
func (c *Call) sayAgain() error {
	c.mu.Lock()
	text := c.said
	c.mu.Unlock()
	if text == "" {
		return nil
	}
	return c.phone.write(c.peer, text)
}

// repeated reports whether m is the INVITE of this call once more.
func (c *Call) repeated(m *message) bool {
	return c.invite != nil && c.invite.key() == m.key()
}

// respond answers a request inside a dialog, or one that needs none.
func (p *Phone) respond(m *message, to netip.AddrPort, status int, reason, body string) error {
	return p.write(to, p.response(m, status, reason, rand.Text(), body))
}

// response is the text of a response to m. A To without a tag gets one, if
// there is one. Without lines it has the phone's Contact.
func (p *Phone) response(m *message, status int, reason, tag, body string, lines ...string) string {
	out := []string{fmt.Sprintf("SIP/2.0 %d %s", status, reason)}
	for _, name := range []string{"Via", "Record-Route"} {
		for _, v := range m.header[name] {
			out = append(out, name+": "+v)
		}
	}
	toHdr := m.header.Get("To")
	if tag != "" && tagOf(toHdr) == "" {
		toHdr += ";tag=" + tag
	}
	out = append(out, "From: "+m.header.Get("From"), "To: "+toHdr,
		"Call-ID: "+m.header.Get("Call-Id"), "CSeq: "+m.header.Get("Cseq"))
	if len(lines) == 0 {
		lines = []string{"Contact: <" + p.uri() + ">"}
	}
	out = append(out, lines...)
	if body != "" {
		out = append(out, "Content-Type: application/sdp")
	}
	out = append(out, fmt.Sprintf("Content-Length: %d", len(body)))
	return strings.Join(out, "\r\n") + "\r\n\r\n" + body
}
