package asterisk

import (
	"bufio"
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pbxguard/adapters/internal/uplink"
	"pbxguard/guard"
)

const (
	testUser   = "pbxguard"
	testSecret = "guard-secret"
)

// fakeAMI is a PBX as far as AMI shows it, on a real listener.
type fakeAMI struct {
	t        *testing.T
	listener net.Listener
	serving  sync.WaitGroup

	mu          sync.Mutex
	secret      string
	noChallenge bool
	greeting    string
	more        func(a map[string]string, id string) string // answers to other actions
	lister      func() []string                             // lists that instead of legs
	legs        []string                                    // what Status lists, as blocks without their end
	gone        map[string]bool                             // legs that Hangup does not find
	hangup      func(leg string) (then func(), ok bool)     // decides that instead, and what follows the answer
	conns       map[string]*peer                            // the newest by event mask
	open        map[net.Conn]bool                           // all
	actions     []map[string]string
}

// peer is one connection to the fake.
type peer struct {
	net.Conn
	write sync.Mutex
}

func (p *peer) say(s string) {
	p.write.Lock()
	defer p.write.Unlock()
	// An error means that the client has gone, which it notices itself.
	_, _ = io.WriteString(p.Conn, s)
}

func newFake(t *testing.T, config *tls.Config) *fakeAMI {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeAMI{t: t, secret: testSecret, greeting: banner + "11.0.0\r\n",
		gone: map[string]bool{}, conns: map[string]*peer{}, open: map[net.Conn]bool{}}
	f.listen(ln, config)
	t.Cleanup(f.stop)
	return f
}

func (f *fakeAMI) address() string { return f.listener.Addr().String() }

func (f *fakeAMI) listen(ln net.Listener, config *tls.Config) {
	f.listener = ln
	if config != nil {
		f.listener = tls.NewListener(ln, config)
	}
	f.serving.Go(func() {
		for {
			conn, err := f.listener.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.open[conn] = true
			f.mu.Unlock()
			f.serving.Go(func() { f.serve(&peer{Conn: conn}) })
		}
	})
}

// stop closes the listener and every connection, as a PBX does that is killed.
func (f *fakeAMI) stop() {
	f.listener.Close()
	f.hangUp()
	f.serving.Wait()
}

func (f *fakeAMI) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		c.Close()
	}
	clear(f.conns)
}

func (f *fakeAMI) serve(p *peer) {
	defer p.Close()
	f.mu.Lock()
	greeting := f.greeting
	f.mu.Unlock()
	p.say(greeting)
	const challenge = "122774871"
	for r := bufio.NewReader(p); ; {
		a, err := readAction(r)
		if err != nil {
			return
		}
		f.mu.Lock()
		f.actions = append(f.actions, a)
		answers := f.answer(p, a, challenge)
		then, hangup := func() {}, f.hangup
		f.mu.Unlock()
		if a["Action"] == "Hangup" && hangup != nil {
			var ok bool
			if then, ok = hangup(a["Channel"]); !ok {
				answers = "Response: Error\r\nActionID: " + a["ActionID"] + "\r\nMessage: No such channel\r\n\r\n"
				then = func() {}
			}
		}
		p.say(answers)
		then()
		if strings.Contains(answers, "Authentication failed") {
			return
		}
	}
}

// answer is what the PBX says to an action. The caller holds mu.
func (f *fakeAMI) answer(p *peer, a map[string]string, challenge string) string {
	id := a["ActionID"]
	reply := func(response, rest string) string {
		return "Response: " + response + "\r\nActionID: " + id + "\r\n" + rest + "\r\n\r\n"
	}
	switch a["Action"] {
	case "Challenge":
		if f.noChallenge {
			return reply("Error", "Message: Must specify AuthType")
		}
		return reply("Success", "Challenge: "+challenge)
	case "Login":
		sum := md5.Sum([]byte(challenge + f.secret))
		if a["Username"] != testUser || a["Secret"] != f.secret && a["Key"] != hex.EncodeToString(sum[:]) {
			return reply("Error", "Message: Authentication failed")
		}
		f.conns[a["Events"]] = p
		return reply("Success", "Message: Authentication accepted")
	case "Ping":
		return reply("Success", "Ping: Pong\r\nTimestamp: 1795326811.147466")
	case "Hangup":
		if f.gone[a["Channel"]] {
			return reply("Error", "Message: No such channel")
		}
		return reply("Success", "Message: Channel Hungup")
	case "Status":
		var s strings.Builder
		s.WriteString(reply("Success", "EventList: start\r\nMessage: Channel status will follow"))
		legs := f.legs
		if f.lister != nil {
			legs = f.lister()
		}
		for _, leg := range legs {
			s.WriteString(crlf("Event: Status\nPrivilege: Call\n" + leg + "Seconds: 7\nActionID: " + id + "\n\n"))
		}
		s.WriteString(crlf("Event: StatusComplete\nActionID: " + id + "\nEventList: Complete\nListItems: 0\nItems: 0\n\n"))
		return s.String()
	}
	if f.more != nil {
		return f.more(a, id)
	}
	return reply("Error", "Message: Permission denied")
}

func readAction(r *bufio.Reader) (map[string]string, error) {
	a := map[string]string{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			return a, nil
		}
		key, value, _ := strings.Cut(line, ": ")
		if _, twice := a[key]; twice {
			return nil, fmt.Errorf("header %q twice", key)
		}
		a[key] = value
	}
}

// said are the values of a header in all actions of a name so far.
func (f *fakeAMI) said(action, header string) (values []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.actions {
		if a["Action"] == action {
			values = append(values, a[header])
		}
	}
	return values
}

// on is the newest connection that asked for a mask, once there is one.
func (f *fakeAMI) on(mask string) *peer {
	f.t.Helper()
	var p *peer
	eventually(f.t, "a connection for "+mask, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		p = f.conns[mask]
		return p != nil
	})
	return p
}

const (
	callsMask    = "call,system"
	securityMask = "security"
)

// eventually waits for something that another goroutine brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("no %s within 20 s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// brisk shortens the waits of a PBX.
var brisk = timing{
	dial: 5 * time.Second, login: 5 * time.Second, write: 5 * time.Second,
	ping: 20 * time.Millisecond, silence: 5 * time.Second, list: 5 * time.Second, doubt: 50 * time.Millisecond,
	Pauses: uplink.Pauses{
		Retry: 2 * time.Millisecond, RetryMax: 20 * time.Millisecond,
		Refused: 20 * time.Millisecond, RefuseMax: 50 * time.Millisecond,
	},
}

// running is a PBX that runs, and what it tells.
type running struct {
	*PBX
	t      *testing.T
	events chan guard.Event
	log    *logged
	stop   func()
}

// run starts a PBX on an address. It ends with the test, leaving no goroutine.
func run(t *testing.T, address string, set func(*Options, *timing)) *running {
	t.Helper()
	events := make(chan guard.Event, 4096)
	log := new(logged)
	o := Options{Name: "pbx", Address: address, Username: testUser, Secret: testSecret, Events: events,
		Log: slog.New(slog.NewTextHandler(log, nil))}
	waits := brisk
	if set != nil {
		set(&o, &waits)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	p.timing = waits
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(2 * time.Second):
			t.Error("Run does not end within 2 s")
		}
	})
	t.Cleanup(func() {
		stop()
		if strings.Contains(log.String(), testSecret) {
			t.Error("the log holds the secret")
		}
	})
	return &running{PBX: p, t: t, events: events, log: log, stop: stop}
}

// next waits for the next event of a kind.
func (r *running) next(kind guard.Kind) guard.Event {
	r.t.Helper()
	end := time.After(20 * time.Second)
	for {
		select {
		case ev := <-r.events:
			if ev.Kind == kind {
				return ev
			}
		case <-end:
			r.t.Fatalf("no event %q within 20 s; log:\n%s", kind, r.log)
		}
	}
}

// connected waits until the connections are up and the first list is read.
func (r *running) connected() {
	r.t.Helper()
	r.next(guard.ResyncEnded)
	eventually(r.t, "security connection", func() bool { return r.Status().Security.State == "connected" })
}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.String()
}

// serverTLS is a certificate for 127.0.0.1 and a client's configuration that trusts it.
func serverTLS(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS.Clone(), &tls.Config{RootCAs: roots}
}

// noLeaks fails the test if goroutines outlive it. It must be called first.
func noLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}
