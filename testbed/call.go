package testbed

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Call is one call of a phone, made or received.
type Call struct {
	// Number is what was dialled.
	Number string
	// From is the From header of a received call.
	From string
	// At is when the INVITE was sent or came.
	At time.Time

	phone   *Phone
	peer    netip.AddrPort
	id      string
	invite  *message      // the INVITE received, if it is such a call
	tried   chan struct{} // closed when the server works on the INVITE
	ringing chan struct{} // closed when the other side rings
	final   chan struct{} // closed when the final response is known
	over    chan struct{} // closed when the call has ended

	mu            sync.Mutex // guards what follows
	current       *exchange  // the INVITE on the wire
	said          string     // our last response to the INVITE received
	local, remote string     // From and To of our requests
	target        string     // their URI
	seq           int
	status        int
	err           error
	endedAt       time.Time
}

// CallOption changes an INVITE.
type CallOption func(*callSettings)

type callSettings struct {
	from     string
	lines    []string
	password *string
}

// From replaces the From header but for its tag: `"Bank" <sip:1@192.0.2.1>`.
func From(header string) CallOption { return func(s *callSettings) { s.from = header } }

// Header adds a header line, without its line end.
func Header(line string) CallOption {
	return func(s *callSettings) { s.lines = append(s.lines, line) }
}

// CallPassword answers the challenge with another password.
func CallPassword(password string) CallOption {
	return func(s *callSettings) { s.password = &password }
}

// NoAuth leaves the challenge unanswered.
func NoAuth() CallOption { return func(s *callSettings) { s.password = nil } }

// sdp offers audio which nobody will send.
func (p *Phone) sdp() string {
	v := "IP4"
	if p.Local.Addr().Is6() {
		v = "IP6"
	}
	return strings.ReplaceAll("v=0\r\no=- 1 1 IN @\r\ns=-\r\nc=IN @\r\nt=0 0\r\nm=audio 45000 RTP/AVP 0\r\n"+
		"a=rtpmap:0 PCMU/8000\r\n", "@", v+" "+p.Local.Addr().String())
}

// Invite calls the number and returns at once; Wait tells how it went.
func (p *Phone) Invite(number string, opts ...CallOption) *Call {
	s := callSettings{from: fmt.Sprintf("<sip:%s@%s>", p.User, p.domain), password: &p.Password}
	for _, opt := range opts {
		opt(&s)
	}
	c := p.newCall(rand.Text(), number, p.Server)
	uri := fmt.Sprintf("sip:%s@%s", number, p.Server)
	r := request{
		to: p.Server, method: "INVITE", uri: uri, id: c.id, seq: 1,
		fromHdr: s.from + ";tag=" + rand.Text(), toHdr: "<" + uri + ">", lines: s.lines, body: p.sdp(),
	}
	c.local, c.remote, c.seq = r.fromHdr, r.toHdr, 10
	p.mu.Lock()
	p.calls[c.id] = c
	p.mu.Unlock()
	go c.run(r, s.password)
	return c
}

func (p *Phone) newCall(id, number string, peer netip.AddrPort) *Call {
	return &Call{
		Number: number, At: time.Now(), phone: p, peer: peer, id: id,
		tried: make(chan struct{}), ringing: make(chan struct{}), final: make(chan struct{}), over: make(chan struct{}),
	}
}

// run takes an outgoing call to its final response.
func (c *Call) run(r request, password *string) {
	tried := sync.OnceFunc(func() { close(c.tried) })
	rings := sync.OnceFunc(func() { close(c.ringing) })
	m, err := c.phone.transact(context.Background(), r, password, func(x *exchange, m *message) {
		c.mu.Lock()
		c.current = x
		c.mu.Unlock()
		if m != nil {
			tried()
		}
		if m != nil && m.status() > 100 {
			rings()
		}
	})
	if err != nil {
		c.settle(0, err)
		return
	}
	if m.status() >= 300 {
		c.settle(m.status(), nil)
	}
	// A success settled the call when it came: see answered.
}

// answered acknowledges a 2xx to our INVITE, each time it comes.
func (c *Call) answered(m *message) {
	c.mu.Lock()
	c.remote, c.target = m.header.Get("To"), m.contact()
	var seq int
	fmt.Sscan(m.header.Get("Cseq"), &seq)
	ack := request{to: c.peer, method: "ACK", uri: c.target, fromHdr: c.local, toHdr: c.remote, id: c.id, seq: seq}
	c.mu.Unlock()
	c.settle(m.status(), c.phone.write(ack.to, c.phone.text(ack, c.phone.newVia())))
}

// settle notes the final response and reports whether it was the first. A
// call which failed has ended by then.
func (c *Call) settle(status int, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if isClosed(c.final) {
		return false
	}
	c.status, c.err = status, err
	if status >= 300 || err != nil {
		c.endLocked()
	}
	close(c.final)
	return true
}

// end notes the end of the call, once.
func (c *Call) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked()
}

func (c *Call) endLocked() {
	if isClosed(c.over) {
		return
	}
	c.endedAt = time.Now()
	close(c.over)
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Wait returns the final status of the INVITE: 200, 486, 603.
func (c *Call) Wait(ctx context.Context) (int, error) {
	select {
	case <-c.final:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.status, c.err
	case <-ctx.Done():
		return 0, fmt.Errorf("no final answer to the call to %s: %w", c.Number, ctx.Err())
	}
}

// Ringing waits until the other side rings.
func (c *Call) Ringing(ctx context.Context) error {
	select {
	case <-c.ringing:
		return nil
	case <-c.final:
		status, err := c.Wait(ctx)
		return fmt.Errorf("call to %s does not ring: status %d, %w", c.Number, status, err)
	case <-ctx.Done():
		return fmt.Errorf("call to %s does not ring: %w", c.Number, ctx.Err())
	}
}

// Ended waits for the end of the call, by either side, and returns when it was.
func (c *Call) Ended(ctx context.Context) (time.Time, error) {
	select {
	case <-c.over:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.endedAt, nil
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("call to %s goes on: %w", c.Number, ctx.Err())
	}
}
