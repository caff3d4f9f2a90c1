package testbed

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// Phone is a small SIP user agent without media: it registers, calls, answers,
// redirects and transfers. Its methods may be called by any goroutine.
type Phone struct {
	User, Password string
	// Local is where it sends from, Server where it registers and calls.
	Local, Server netip.AddrPort

	proto    string // udp or tcp
	agent    string
	domain   string // of its address of record
	oneCall  bool   // registrations share a Call-ID
	packets  *net.UDPConn
	stream   net.Conn
	gone     chan struct{} // closed when nothing more can arrive
	wake     chan struct{} // something arrived
	mu       sync.Mutex    // guards what follows
	answer   Answer
	calls    map[string]*Call     // by Call-ID
	pending  map[string]*exchange // by Call-ID and CSeq
	arrived  []*Call
	taken    int // of arrived, by Incoming
	register struct {
		id, tag string
		seq     int
	}
}

// PhoneOption changes how a phone works.
type PhoneOption func(*phoneSettings)

type phoneSettings struct {
	proto, agent string
	domain       string
	port         uint16
	answer       Answer
	freshCallID  bool
}

// TCP makes the phone speak SIP over one TCP connection.
func TCP() PhoneOption { return func(s *phoneSettings) { s.proto = "tcp" } }

// Port binds the phone to a port of its own choice.
func Port(port uint16) PhoneOption { return func(s *phoneSettings) { s.port = port } }

// Answering says what the phone does when it is called; without it, it answers.
func Answering(a Answer) PhoneOption { return func(s *phoneSettings) { s.answer = a } }

// UserAgent is the User-Agent header of the phone's requests.
func UserAgent(name string) PhoneOption { return func(s *phoneSettings) { s.agent = name } }

// Domain is the phone's domain, for a server of several; without it, it is the
// server's address.
func Domain(name string) PhoneOption { return func(s *phoneSettings) { s.domain = name } }

// FreshCallID gives every REGISTER a Call-ID of its own, as guessing tools
// do. A phone keeps one.
func FreshCallID() PhoneOption { return func(s *phoneSettings) { s.freshCallID = true } }

// NewPhone binds a phone to src. It is closed when the test ends.
func NewPhone(t testing.TB, src netip.Addr, user, password string, server netip.AddrPort, opts ...PhoneOption) *Phone {
	t.Helper()
	s := phoneSettings{proto: "udp", agent: "testphone/1", domain: host(server.Addr()), answer: Accept()}
	for _, opt := range opts {
		opt(&s)
	}
	p := &Phone{
		User: user, Password: password, Server: server,
		proto: s.proto, agent: s.agent, domain: s.domain, oneCall: !s.freshCallID, answer: s.answer,
		gone: make(chan struct{}), wake: make(chan struct{}, 1),
		calls: map[string]*Call{}, pending: map[string]*exchange{},
	}
	if err := p.open(netip.AddrPortFrom(src, s.port)); err != nil {
		t.Fatalf("cannot open phone %s: %v", user, err)
	}
	t.Cleanup(p.Close)
	return p
}

// open binds the socket and starts the reader.
func (p *Phone) open(local netip.AddrPort) error {
	if p.proto == "tcp" {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(local), Timeout: 5 * time.Second}
		conn, err := d.Dial("tcp", p.Server.String())
		if err != nil {
			return err
		}
		p.stream, p.Local = conn, conn.LocalAddr().(*net.TCPAddr).AddrPort()
		go p.readStream()
		return nil
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
	if err != nil {
		return err
	}
	p.packets, p.Local = conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
	go p.readPackets()
	return nil
}

// Close frees the socket; the PBX is not told.
func (p *Phone) Close() {
	if p.stream != nil {
		p.stream.Close()
	} else {
		p.packets.Close()
	}
	<-p.gone
}

// SendRaw sends bytes as they are to the server, as one packet over UDP.
func (p *Phone) SendRaw(raw string) error { return p.write(p.Server, raw) }

func (p *Phone) write(to netip.AddrPort, raw string) error {
	if p.stream != nil {
		_, err := p.stream.Write([]byte(raw))
		return err
	}
	_, err := p.packets.WriteToUDPAddrPort([]byte(raw), to)
	return err
}

func (p *Phone) readPackets() {
	defer close(p.gone)
	buf := make([]byte, 1<<16)
	for {
		n, from, err := p.packets.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of an earlier packet
		}
		m, err := readMessage(bufio.NewReader(bytes.NewReader(buf[:n])))
		if err != nil {
			continue // not SIP: as a phone does
		}
		p.receive(m, from)
	}
}

func (p *Phone) readStream() {
	defer close(p.gone)
	r := bufio.NewReader(p.stream)
	for {
		m, err := readMessage(r)
		if err != nil {
			return
		}
		p.receive(m, p.Server)
	}
}

// uri is where the phone can be reached.
func (p *Phone) uri() string {
	return fmt.Sprintf("sip:%s@%s;transport=%s", p.User, p.Local, p.proto)
}

// host is an address as a SIP URI has it.
func host(a netip.Addr) string {
	return strings.TrimSuffix(netip.AddrPortFrom(a, 0).String(), ":0")
}

// Register registers for 300 s and returns the final status: 200, 401, 403.
func (p *Phone) Register(ctx context.Context) (int, error) {
	return p.RegisterWith(ctx, p.Password)
}

// RegisterWith registers with another password.
func (p *Phone) RegisterWith(ctx context.Context, password string) (int, error) {
	return status(p.transact(ctx, p.registration(300), &password, nil))
}

// RegisterNoAuth sends one REGISTER without credentials, as a scanner does.
func (p *Phone) RegisterNoAuth(ctx context.Context) (int, error) {
	return status(p.transact(ctx, p.registration(300), nil, nil))
}

// Unregister takes the registration back.
func (p *Phone) Unregister(ctx context.Context) (int, error) {
	return status(p.transact(ctx, p.registration(0), &p.Password, nil))
}

// Challenge fetches a challenge by a REGISTER without credentials.
func (p *Phone) Challenge(ctx context.Context) (Challenge, error) {
	m, err := p.transact(ctx, p.registration(300), nil, nil)
	if err != nil {
		return Challenge{}, err
	}
	c, ok := challengeOf(m)
	if !ok {
		return Challenge{}, fmt.Errorf("no challenge but %s", m.start)
	}
	return c, nil
}

// RegisterAnswering sends one REGISTER which answers c, wherever c came from.
func (p *Phone) RegisterAnswering(ctx context.Context, c Challenge, password string) (int, error) {
	r := p.registration(300)
	r.lines = append(r.lines, c.credentials(p.User, password, r.method, r.uri))
	return status(p.transact(ctx, r, nil, nil))
}

// CopySession makes the phone's next REGISTER go on with other's: the same
// Call-ID and From tag, a higher CSeq. It is what an attacker does who sees
// another's packets.
func (p *Phone) CopySession(other *Phone) {
	other.mu.Lock()
	session := other.register
	other.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.register = session
}

// registration is the next REGISTER, with room in CSeq for a second try.
func (p *Phone) registration(expires int) request {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.register.id == "" || !p.oneCall {
		p.register.id, p.register.tag, p.register.seq = rand.Text(), rand.Text(), 0
	}
	p.register.seq += 2
	aor := fmt.Sprintf("<sip:%s@%s>", p.User, p.domain)
	return request{
		to: p.Server, method: "REGISTER", uri: "sip:" + p.Server.String(),
		fromHdr: aor + ";tag=" + p.register.tag, toHdr: aor, id: p.register.id, seq: p.register.seq,
		lines: []string{fmt.Sprintf("Expires: %d", expires)},
	}
}

func status(m *message, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return m.status(), nil
}
