package asterisk

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/adapters/internal/outlet"
	"pbxguard/guard"
)

var _ guard.PBX = (*PBX)(nil)

func TestConnect(t *testing.T) {
	server, client := serverTLS(t)
	tests := []struct {
		name        string
		tls         bool
		plain       bool
		noChallenge bool
		log         string
	}{
		{name: "challenge"},
		{name: "plain", plain: true},
		{name: "challenge over TLS", tls: true},
		{name: "plain over TLS", tls: true, plain: true},
		{name: "no challenge over loopback", noChallenge: true, log: "offers no challenge"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			noLeaks(t)
			var config *tls.Config
			if tt.tls {
				config = server
			}
			f := newFake(t, config)
			f.noChallenge = tt.noChallenge
			f.legs = []string{snap("", "ChannelState", "6")}
			r := run(t, f.address(), func(o *Options, _ *timing) {
				o.Plain = tt.plain
				if tt.tls {
					o.TLS = client
				}
			})
			r.next(guard.Connected)
			r.next(guard.ResyncStarted)
			leg := r.next(guard.LegListed)
			r.next(guard.ResyncEnded)
			const want = `leg listed leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="internal" number="0031900123456" up since=7s`
			if got := short(&leg); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			f.on(securityMask)
			masks := f.said("Login", "Events")
			slices.Sort(masks)
			if want := []string{callsMask, securityMask}; !slices.Equal(masks, want) {
				t.Errorf("got logins for %q, want %q", masks, want)
			}
			sentSecret := slices.Contains(f.said("Login", "Secret"), testSecret)
			if want := tt.plain || tt.noChallenge; sentSecret != want {
				t.Errorf("got secret sent %v, want %v", sentSecret, want)
			}
			if !strings.Contains(r.log.String(), tt.log) {
				t.Errorf("got log %s, want %q in it", r.log, tt.log)
			}
			eventually(t, "both connected", func() bool {
				st := r.Status()
				return st.Calls.State == "connected" && st.Security.State == "connected" && st.Calls.Banner == banner+"11.0.0"
			})
		})
	}
}

// TestNoSecretOverOpenNetwork: without a challenge the secret stays here unless
// the connection is private.
func TestNoSecretOverOpenNetwork(t *testing.T) {
	here, there := net.Pipe() // which is neither TLS nor loopback
	defer here.Close()
	p, err := New(Options{Name: "pbx", Address: "192.0.2.1:5038", Username: testUser, Secret: testSecret,
		Events: make(chan guard.Event, 1), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeAMI{t: t, secret: testSecret, greeting: banner + "1\r\n", noChallenge: true, conns: map[string]*peer{}}
	go f.serve(&peer{Conn: there})
	err = newSession(p.calls, here).login()
	if err == nil || !strings.Contains(err.Error(), "will not send the secret over an open network") {
		t.Errorf("got %v, want a refusal to send the secret", err)
	}
	if got := f.said("Login", "Username"); got != nil {
		t.Errorf("got logins of %q, want none", got)
	}
}

func TestLoginRefused(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	f.secret = "changed"
	r := run(t, f.address(), nil)
	eventually(t, "refusal", func() bool { return r.Status().Calls.State == "refused" })
	got := r.Status().Calls.Error
	if want := `AMI login refused for user "pbxguard" at ` + f.address() + ": Authentication failed"; got != want {
		t.Errorf("got error %q, want %q", got, want)
	}
	eventually(t, "hint in the log", func() bool {
		return strings.Contains(r.log.String(), "hint=\"check the user's section in manager.conf")
	})
	if r.Hangup("1.1", 21) || r.Resync() {
		t.Error("an order is taken without a connection")
	}
	f.mu.Lock()
	f.secret = testSecret
	f.mu.Unlock()
	r.connected()
	if st := r.Status().Calls; st.State != "connected" || st.Error != "" {
		t.Errorf("got %+v, want connected without an error", st)
	}
}

func TestServersThatAreNone(t *testing.T) {
	tests := []struct {
		name     string
		greeting string
		want     string
	}{
		{"silent", "", "cannot read the greeting"},
		{"half a greeting", "Asterisk Call", "cannot read the greeting"},
		{"no AMI", "HTTP/1.1 400 Bad\x1b[2J Request\r\n", `cannot take this for AMI: it greets with "HTTP/1.1 400 Bad\x1b[2J Request`},
		{"endless greeting", strings.Repeat("x", 10<<20), "cannot read the greeting: "},
		{"binary", "\x16\x03\x01\x00\xff\n", "cannot take this for AMI"},
		{"silent at login", banner + "1\r\nEvent: X\r\n", "cannot ask for a challenge"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			noLeaks(t)
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			go func() {
				for {
					conn, err := ln.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						_, _ = io.WriteString(conn, tt.greeting)
						_, _ = io.Copy(io.Discard, conn) // until the client gives up
					}()
				}
			}()
			r := run(t, ln.Addr().String(), func(_ *Options, w *timing) { w.login = 100 * time.Millisecond })
			eventually(t, "error", func() bool { return strings.Contains(r.Status().Calls.Error, tt.want) })
			r.stop()
			if st := r.Status(); st.Calls.State != "down" || st.Security.State != "down" {
				t.Errorf("got states %q and %q after the end, want down", st.Calls.State, st.Security.State)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	noLeaks(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	r := run(t, ln.Addr().String(), nil)
	eventually(t, "error", func() bool { return strings.Contains(r.Status().Calls.Error, "connection refused") })
}

// TestSilence: a PBX that has said half a header and then nothing, or a byte now
// and then, is given up.
func TestSilence(t *testing.T) {
	for name, after := range map[string]func(*peer){
		"half a header": func(p *peer) { p.say("Event: Newchan") },
		"a byte now and then": func(p *peer) {
			for range 1000 {
				if _, err := p.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		},
		"an endless block": func(p *peer) {
			for range 1000 {
				if _, err := io.WriteString(p, "A: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			f := newFake(t, nil)
			r := run(t, f.address(), func(_ *Options, w *timing) { w.silence = 300 * time.Millisecond })
			r.connected()
			p := f.on(callsMask)
			p.write.Lock() // no answer to a ping any more
			go after(p)
			ev := r.next(guard.Disconnected)
			p.write.Unlock()
			if want := "no answer for 300ms"; ev.Number != want {
				t.Errorf("got %q, want %q", ev.Number, want)
			}
			r.next(guard.Connected)
		})
	}
}

func TestRestart(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	address := f.address()
	r := run(t, address, nil)
	r.connected()
	f.on(callsMask).say(event("Shutdown", "system,all", "Shutdown: Cleanly\nRestart: True\n"))
	eventually(t, "shutdown read", func() bool { return r.Status().Calls.Messages > 4 })
	time.Sleep(20 * time.Millisecond)
	if st := r.Status().Calls; st.State != "connected" {
		t.Errorf("got %q after the word of a shutdown alone, want connected", st.State)
	}
	f.stop()
	if ev := r.next(guard.Disconnected); ev.Number != "Asterisk restarts" {
		t.Errorf("got %q, want the reason", ev.Number)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	g := &fakeAMI{t: t, secret: testSecret, greeting: banner + "11.0.0\r\n", gone: map[string]bool{},
		conns: map[string]*peer{}, open: map[net.Conn]bool{}}
	g.listen(ln, nil)
	t.Cleanup(g.stop)
	r.next(guard.Connected)
	r.next(guard.ResyncStarted)
	r.next(guard.ResyncEnded)
	if n := r.Status().Calls.Reconnects; n != 1 {
		t.Errorf("got %d reconnects, want 1", n)
	}
}

func TestHangup(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	f.gone["9.9"] = true
	r := run(t, f.address(), nil)
	r.connected()
	for _, bad := range []guard.LegID{"", "/.*/", "1.1\r\nAction: Originate", "1.1\n", "PJSIP/100-1", "1 1", "1.1\x00", guard.LegID(strings.Repeat("1", 151))} {
		if r.Hangup(bad, 21) {
			t.Errorf("Hangup(%q) is taken", bad)
		}
	}
	for i := range 1000 {
		if !r.Hangup(guard.LegID(fmt.Sprintf("pbx1-1795320474.%d", i)), 21) {
			t.Fatalf("order %d is not taken", i)
		}
	}
	if !r.Hangup("9.9", 0) {
		t.Fatal("order is not taken")
	}
	if ev := r.next(guard.HangupRefused); ev.Leg != "9.9" {
		t.Errorf("got a refusal for %q, want 9.9", ev.Leg)
	}
	got := f.said("Hangup", "Channel")
	if len(got) != 1001 || got[0] != "pbx1-1795320474.0" || got[999] != "pbx1-1795320474.999" || got[1000] != "9.9" {
		t.Errorf("got %d hangups, want 1001 in order", len(got))
	}
	if causes := f.said("Hangup", "Cause"); causes[0] != "21" || causes[1000] != "" {
		t.Errorf("got causes %q and %q, want 21 and none", causes[0], causes[1000])
	}
	eventually(t, "count", func() bool { return r.Status().Calls.Hangups == 1001 })
	for _, action := range []string{"Originate", "Command", "Redirect"} {
		if got := f.said(action, "ActionID"); got != nil {
			t.Errorf("got %s sent", action)
		}
	}
}

func TestRedial(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	r := run(t, f.address(), func(_ *Options, w *timing) { w.Retry, w.RetryMax = time.Hour, time.Hour })
	r.connected()
	if !r.Redial() {
		t.Fatal("Redial is refused")
	}
	if ev := r.next(guard.Disconnected); ev.Number != "a fresh connection was asked for" {
		t.Errorf("got %q, want the reason", ev.Number)
	}
	r.next(guard.Connected)
}

func TestResync(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	r := run(t, f.address(), nil)
	r.connected()
	before := len(f.said("Status", "ActionID"))
	if !r.Resync() {
		t.Fatal("Resync is refused")
	}
	r.next(guard.ResyncStarted)
	r.next(guard.ResyncEnded)
	for range 100 {
		r.Resync()
	}
	r.next(guard.ResyncEnded)
	time.Sleep(50 * time.Millisecond)
	if n := len(f.said("Status", "ActionID")) - before; n < 2 || n > 50 {
		t.Errorf("got %d questions for 101 resyncs, want them joined", n)
	}
	f.on(callsMask).say(event("FullyBooted", "system,all", "Status: Fully Booted\n"))
	r.next(guard.ResyncEnded)
}

func TestListThatDoesNotCome(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	r := run(t, f.address(), func(_ *Options, w *timing) { w.list = 50 * time.Millisecond })
	r.connected()
	s := r.calls.Session()
	s.mu.Lock()
	s.asked = time.Now() // and the answer is lost
	s.mu.Unlock()
	if ev := r.next(guard.Disconnected); ev.Number != "no list of the calls within 50ms" {
		t.Errorf("got %q, want the reason", ev.Number)
	}
	r.next(guard.Connected)
}

// TestForgeryCausesResync: forged calls make the guard ask which legs there
// really are, but not for each forgery.
func TestForgeryCausesResync(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	r := run(t, f.address(), func(_ *Options, w *timing) { w.doubt = time.Hour })
	r.connected()
	p := f.on(callsMask)
	for range 500 {
		p.say(crlf("X: 1\n\n"))
	}
	for range 500 {
		if ev := r.next(guard.Forged); ev.Source.IsValid() {
			t.Fatalf("got a source for a forged call: %s", short(&ev))
		}
	}
	eventually(t, "question", func() bool { return len(f.said("Status", "ActionID")) > 1 })
	time.Sleep(50 * time.Millisecond)
	if n := len(f.said("Status", "ActionID")); n != 2 {
		t.Errorf("got %d questions, want one at the start and one for 500 forgeries", n)
	}
	if n := strings.Count(r.log.String(), "somebody forges"); n != 1 {
		t.Errorf("got %d lines in the log, want 1", n)
	}
}

// TestSecurityEventOnCalls: what says in a call that a login failed is a lie.
func TestSecurityEventOnCalls(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	r := run(t, f.address(), nil)
	r.connected()
	lie := secure("InvalidPassword", "PJSIP", "101", "IPV4/TCP/192.0.2.99/5060", "")
	f.on(callsMask).say(lie)
	if ev := r.next(guard.Forged); ev.Source.IsValid() {
		t.Errorf("got %s, want no source", short(&ev))
	}
	f.on(securityMask).say(lie)
	if ev := r.next(guard.AuthFailed); ev.Source.String() != "192.0.2.99:5060" {
		t.Errorf("got %s, want what the security connection says", short(&ev))
	}
}

// TestHugeLine: a line of 10 MB is skipped, told of, and the connection goes on.
func TestHugeLine(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	r := run(t, f.address(), nil)
	r.connected()
	p := f.on(callsMask)
	p.say("Event: Newchannel\r\nCallerIDName: " + strings.Repeat("\x00\xffx", 10<<20/3) + "\r\n\r\n" +
		event("Newchannel", "call,all", snap("")))
	if ev := r.next(guard.LegStarted); ev.Leg != "1.1" {
		t.Errorf("got %s, want the event behind the line", short(&ev))
	}
	r.next(guard.ResyncEnded)
	st := r.Status().Calls
	if st.Oversize != 1 || st.Reconnects != 0 {
		t.Errorf("got %d oversize and %d reconnects, want 1 and 0", st.Oversize, st.Reconnects)
	}
	if want := `error="a line exceeds 8192 bytes: skipped `; !strings.Contains(r.log.String(), want) {
		t.Errorf("got log %.300s, want %q in it", r.log, want)
	}
}

func TestBinary(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	r := run(t, f.address(), nil)
	r.connected()
	for _, mask := range []string{callsMask, securityMask} {
		p := f.on(mask)
		for i := range 256 {
			p.say(strings.Repeat(string([]byte{byte(i)}), 300) + "\r\n\r\n")
		}
	}
	f.on(callsMask).say(event("Newchannel", "call,all", snap("")))
	r.next(guard.LegStarted)
	if n := r.Status().Calls.Reconnects; n != 0 {
		t.Errorf("got %d reconnects, want none", n)
	}
}

func TestOnReload(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	reloaded := make(chan string, 1)
	r := run(t, f.address(), func(o *Options, _ *timing) { o.OnReload = func(m string) { reloaded <- m } })
	r.connected()
	f.on(callsMask).say(event("Reload", "system,all", "Module: res_pjsip.so\nStatus: 0\n"))
	if got := <-reloaded; got != "res_pjsip.so" {
		t.Errorf("got %q, want the module", got)
	}
}

// TestStalledEngine: while the guard takes nothing, the PBX is read on, memory
// stays bounded, and what carries money is kept longest. Afterwards the loss is
// told and the legs are asked for.
func TestStalledEngine(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	r := run(t, f.address(), nil)
	r.connected()
	eventually(t, "quiet", func() bool { return len(r.events) == 0 })
	const calls, chatter = 80_000, 20_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	go func() {
		p := f.on(callsMask)
		for i := range calls + chatter {
			if i%5 == 4 {
				p.say(event("PeerStatus", "system,all", "ChannelType: SIP\nPeer: SIP/100\nPeerStatus: Registered\nAddress: 192.0.2.7:1\n"))
			} else {
				p.say(event("Newchannel", "call,all", snap("", "Uniqueid", fmt.Sprint("1.", i), "Linkedid", fmt.Sprint("1.", i))))
			}
		}
	}()
	// Pings are still answered and counted, so a few blocks more.
	eventually(t, "all read", func() bool { return r.Status().Calls.Messages >= calls+chatter })
	runtime.GC()
	runtime.ReadMemStats(&after)
	st := r.Status()
	if st.Waiting != outlet.Limit || st.Shed == 0 {
		t.Errorf("got %d waiting and %d shed, want %d and some", st.Waiting, st.Shed, outlet.Limit)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 128<<20 {
		t.Errorf("heap has grown by %d MB", grown>>20)
	}
	if st.Calls.Reconnects != 0 {
		t.Errorf("got %d reconnects, want none", st.Calls.Reconnects)
	}
	legs, registered, last := 0, 0, ""
	for {
		ev := <-r.events
		switch ev.Kind {
		case guard.LegStarted:
			legs++
			last = string(ev.Leg)
		case guard.Registered:
			registered++
		case guard.Shed:
			if uint64(ev.Count) != st.Shed {
				t.Errorf("got %d told lost, want %d", ev.Count, st.Shed)
			}
			r.next(guard.ResyncEnded)
			if legs < outlet.Limit-outlet.ChatterLimit || registered > outlet.ChatterLimit+cap(r.events) {
				t.Errorf("got %d calls and %d registrations up to %s, want calls first", legs, registered, last)
			}
			if !strings.Contains(r.log.String(), "does not keep up") {
				t.Error("the log does not say that events were lost")
			}
			return
		}
	}
}

func TestNewRefuses(t *testing.T) {
	events := make(chan guard.Event)
	good := Options{Name: "pbx", Address: "127.0.0.1:5038", Username: "u", Secret: "s", Events: events}
	if _, err := New(good); err != nil {
		t.Fatalf("got %v for good options", err)
	}
	for name, spoil := range map[string]func(*Options){
		"no name":             func(o *Options) { o.Name = "" },
		"no events":           func(o *Options) { o.Events = nil },
		"no port":             func(o *Options) { o.Address = "127.0.0.1" },
		"no user":             func(o *Options) { o.Username = "" },
		"no secret":           func(o *Options) { o.Secret = "" },
		"line break in user":  func(o *Options) { o.Username = "u\r\nEvents: off" },
		"line feed in secret": func(o *Options) { o.Secret = "s\nAction: Command" },
		"NUL in secret":       func(o *Options) { o.Secret = "s\x00" },
		"endless secret":      func(o *Options) { o.Secret = strings.Repeat("s", 1000) },
	} {
		o := good
		spoil(&o)
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "Command") {
			t.Errorf("%s: got %v, want an error without the secret", name, err)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	f := newFake(t, nil)
	r := run(t, f.address(), nil)
	r.connected()
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > time.Second {
		t.Errorf("Run took %v to end", took)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Run(ctx); err != nil {
		t.Errorf("Run with a done context: %v", err)
	}
}
