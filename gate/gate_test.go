package gate

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/guard"
)

// judge is an engine that says what a test wants.
type judge struct {
	mu    sync.Mutex
	asked []guard.Event
	rule  func(context.Context, guard.Event) guard.Ruling
}

func (j *judge) ask(ctx context.Context, ev guard.Event) guard.Ruling {
	j.mu.Lock()
	ev.At = time.Time{}
	j.asked = append(j.asked, ev)
	j.mu.Unlock()
	return j.rule(ctx, ev)
}

// premium is denied, everything else is allowed.
func noPremium(_ context.Context, ev guard.Event) guard.Ruling {
	return guard.Ruling{Allow: !strings.HasPrefix(ev.Number, "0900"), By: guard.ByRules}
}

// open runs a gate with both listeners.
func open(t testing.TB, rule func(context.Context, guard.Event) guard.Ruling, change func(*Options)) (*Gate, *judge) {
	t.Helper()
	j := &judge{rule: rule}
	o := Options{
		FastAGI: "127.0.0.1:0", Socket: "127.0.0.1:0", Ask: j.ask, Cause: 21,
		Alive: func(context.Context) error { return nil }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	eventually(t, "the gate listens", func() bool {
		for _, l := range g.Status().Listeners {
			if !l.Listening {
				return false
			}
		}
		return true
	})
	return g, j
}

func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func (g *Gate) at(name string) string {
	for _, l := range g.Status().Listeners {
		if l.Name == name {
			return l.Address
		}
	}
	return ""
}

func dial(t testing.TB, address string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

// env is what Asterisk sends for a request, callerid being the caller's own.
func env(request, callerid string) string {
	script := strings.SplitN(request, "/", 4)
	return "agi_network: yes\nagi_network_script: " + script[len(script)-1] + "\nagi_request: " + request +
		"\nagi_channel: PJSIP/100-0000000a\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1795338672.36\nagi_version: 22.10.1\nagi_callerid: " +
		callerid + "\nagi_calleridname: x\nagi_extension: s\nagi_accountcode: \nagi_threadid: 140\n\n"
}

func request(number string) string {
	return "agi://127.0.0.1:4573/asterisk?leg=1795338672.36&call=1795338672.36&channel=PJSIP%2F100-0000000a&trunk=trunk&number=" + number
}

// asterisk asks as Asterisk does and returns what it is told.
func asterisk(t testing.TB, address, text string) string {
	t.Helper()
	c := dial(t, address)
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	io.WriteString(c, "200 result=1\n")
	return strings.TrimSpace(line)
}

func TestFastAGI(t *testing.T) {
	g, j := open(t, noPremium, func(o *Options) {
		o.Channel = func(pbx, channel string, ev *guard.Event) { ev.Account = guard.Account{PBX: pbx, Name: channel} }
	})
	for _, tt := range []struct{ name, text, want string }{
		{"allow", env(request("0205550123"), "100"), "SET VARIABLE PBXGUARD allow"},
		{"deny", env(request("09001234567"), "100"), "SET VARIABLE PBXGUARD deny"},
		{"encoded", env(request("0900%261"), "100"), "SET VARIABLE PBXGUARD deny"},
		{"forged by the caller's name", env(request("09001234567"), "1\nagi_request: "+request("0205550123")+"\n\n200 result=1"), "SET VARIABLE PBXGUARD deny"},
		{"no leg", env("agi://127.0.0.1/asterisk?number=1", "100"), ""},
		{"no number", env("agi://127.0.0.1/asterisk?leg=1.1", "100"), ""},
		{"no pbx", env("agi://127.0.0.1/?leg=1.1&number=1", "100"), ""},
		{"twice", env(request("1")+"&number=2", "100"), ""},
		{"badly encoded", env(request("%zz"), "100"), ""},
		{"other scheme", strings.ReplaceAll(env(request("1"), "100"), "agi://", "http://"), ""},
		{"web browser", "GET / HTTP/1.1\nHost: 127.0.0.1\n\n", ""},
		{"no request", "agi_network: yes\na: b\nc: d\ne: f\n", ""},
		{"long line", "agi_network: yes\nagi_request: " + strings.Repeat("x", 2*maxAGILine) + "\n", ""},
		{"long value", env(request(strings.Repeat("1", maxValue+1)), "100"), ""},
		{"one line", "agi_network: yes\n", ""},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, g.at("fastagi"))
			io.WriteString(c, tt.text)
			if tt.want == "" {
				c.CloseWrite()
			}
			line, err := bufio.NewReader(c).ReadString('\n')
			if got := strings.TrimSpace(line); got != tt.want || tt.want != "" && err != nil {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
	want := guard.Event{
		Kind: guard.LegAsking, PBX: "asterisk", Leg: "1795338672.36", Call: "1795338672.36", Channel: "PJSIP/100-0000000a",
		Account: guard.Account{PBX: "asterisk", Name: "PJSIP/100-0000000a"}, OtherAccount: guard.Account{PBX: "asterisk", Name: "trunk"}, Number: "0205550123",
	}
	if j.asked[0] != want {
		t.Errorf("got %+v, want %+v", j.asked[0], want)
	}
	st := g.Status()
	if len(j.asked) != 4 || st.Asked != 4 || st.Denied != 3 || st.Allowed != 1 || st.Slowest <= 0 || st.Garbled != 10 {
		t.Errorf("judged %d, got %+v", len(j.asked), st.Tally)
	}
}

// Whatever the caller has put into the environment, Asterisk gets its answer: to
// close with something unread would reset the connection.
func TestAnswerOutlivesWhatIsUnread(t *testing.T) {
	g, _ := open(t, noPremium, nil)
	for range 50 {
		c := dial(t, g.at("fastagi"))
		io.WriteString(c, env(request("09001234567"), "1\n\n200 result=1"))
		r := bufio.NewReader(c)
		io.WriteString(c, strings.Repeat("agi_arg_1: x\n", 100))
		if line, err := r.ReadString('\n'); err != nil || line != "SET VARIABLE PBXGUARD deny\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Fatalf("got %v, want the end", err)
		}
	}
}

// freeSWITCH answers "connect" with a channel and returns what it is told.
func freeSWITCH(t testing.TB, address, channel string) string {
	t.Helper()
	c := dial(t, address)
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || line != "connect\n" {
		t.Fatalf("got %q, %v; want connect", line, err)
	}
	r.ReadString('\n')
	io.WriteString(c, channel)
	told, err := io.ReadAll(stopsAtExit{r})
	if err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	return string(told)
}

// stopsAtExit ends where FreeSWITCH closes the connection.
type stopsAtExit struct{ r *bufio.Reader }

func (s stopsAtExit) Read(p []byte) (int, error) {
	line, err := s.r.ReadString('\n')
	if line == "exit\n" {
		return copy(p, line), io.EOF
	}
	return copy(p, line), err
}

func recorded(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSocket(t *testing.T) {
	deny := func(ctx context.Context, ev guard.Event) guard.Ruling {
		return guard.Ruling{Allow: ev.Number == "0205550123", By: guard.ByRules}
	}
	g, j := open(t, deny, func(o *Options) { o.Announcement = "ivr/no.wav" })
	for _, tt := range []struct {
		name, text string
		want       guard.Event
	}{
		{"phone.esl", recorded(t, "phone.esl"), guard.Event{
			Leg: "1d08331d-e3b3-4f5b-8862-f2f7633b367c", Call: "1d08331d-e3b3-4f5b-8862-f2f7633b367c",
			Channel: "sofia/internal/+12025550100@192.0.2.1", Account: guard.Account{Domain: "192.0.2.1", Name: "100"}}},
		{"tenant.esl", recorded(t, "tenant.esl"), guard.Event{
			Leg: "77631489-e2a8-4914-995a-485d6f6a9e95", Call: "77631489-e2a8-4914-995a-485d6f6a9e95",
			Channel: "sofia/internal/100@tenant.example", Account: guard.Account{Domain: "tenant.example", Name: "100"}}},
		{"loopback.esl", recorded(t, "loopback.esl"), guard.Event{
			Leg: "e833f4bf-dbae-4ba8-a4dd-bea35571c6f5", Call: "e833f4bf-dbae-4ba8-a4dd-bea35571c6f5", Channel: "loopback/0031900123456-b"}},
		{"forwarded.esl", recorded(t, "forwarded.esl"), guard.Event{
			Leg: "9fafff8b-5c47-4b11-8c36-43c1f4c436b8", Call: "9fafff8b-5c47-4b11-8c36-43c1f4c436b8", Channel: "sofia/external/0612345678@203.0.113.90"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := freeSWITCH(t, g.at("socket"), tt.text)
			j.mu.Lock()
			got := j.asked[len(j.asked)-1]
			j.mu.Unlock()
			want := tt.want
			want.Kind, want.PBX, want.Number, want.Exten = guard.LegAsking, "freeswitch", "0031900123456", "0031900123456"
			want.OtherAccount = guard.Account{PBX: "freeswitch", Name: "trunk"}
			if want.Account.Name != "" {
				want.Account.PBX = "freeswitch"
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			for _, part := range []string{"sendmsg " + string(want.Leg) + "\r\n", "set", "pbxguard=deny", "pre_answer", "playback", "ivr/no.wav", "hangup", "21", "exit"} {
				if !strings.Contains(told, part) {
					t.Errorf("told %q, want %q in it", told, part)
				}
			}
		})
	}
	t.Run("allowed", func(t *testing.T) {
		text := strings.Replace(recorded(t, "phone.esl"), "variable_pbxguard_number: 0031900123456", "variable_pbxguard_number: 0205550123", 1)
		told := freeSWITCH(t, g.at("socket"), text)
		if !strings.Contains(told, "pbxguard=allow") || strings.Contains(told, "hangup") || !strings.HasSuffix(told, "exit\n") {
			t.Errorf("told %q, want it allowed", told)
		}
		if got := j.asked[len(j.asked)-1]; got.OtherAccount.Name != "trunk" || got.Number != "0205550123" {
			t.Errorf("got %+v, want the number that is sent", got)
		}
	})
}

func TestSocketHostile(t *testing.T) {
	g, j := open(t, func(context.Context, guard.Event) guard.Ruling { return guard.Ruling{Allow: true} }, nil)
	phone := recorded(t, "phone.esl")
	for _, tt := range []struct {
		name, text string
	}{
		{"no uuid", strings.Replace(phone, "\nUnique-ID: ", "\nUnique-ID: x", 1)},
		{"injected uuid", strings.Replace(phone, "\nUnique-ID: 1d08331d", "\nUnique-ID: %0a%0a", 1)},
		{"without end", strings.Repeat("variable_x: y\n", maxBlock/13)},
		{"nothing but an end", "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := freeSWITCH(t, g.at("socket"), tt.text)
			if strings.Contains(told, "sendmsg") {
				t.Errorf("told %q, want no word", told)
			}
		})
	}
	if len(j.asked) > 0 {
		t.Errorf("judged %+v", j.asked)
	}
	// A client on WebSocket chooses names of variables, line breaks and all. What
	// it forges makes a number that the rules do not understand.
	for _, header := range []string{"Caller-Destination-Number: 0205550123", "variable_pbxguard_number: 0205550123", "Unique-ID: x"} {
		freeSWITCH(t, g.at("socket"), strings.Replace(phone, "Content-Type:", header+"\nContent-Type:", 1))
		if got := j.asked[len(j.asked)-1].Number; got != "0031900123456"+forgery {
			t.Errorf("%s: asked for %q", header, got)
		}
	}
	freeSWITCH(t, g.at("socket"), strings.Replace(phone, "variable_pbxguard_number: ", "variable_pbxguard_number: "+strings.Repeat("1", 100_000), 1))
	if got := j.asked[len(j.asked)-1].Number; !strings.HasSuffix(got, forgery) || len(got) > 1000 {
		t.Errorf("asked for %.20q of %d bytes, want a clipped number that cannot be understood", got, len(got))
	}
	// An odd name, or a long value, of a header that nobody needs changes nothing.
	told := freeSWITCH(t, g.at("socket"), strings.Replace(phone, "Content-Type:", "variable_verto_dvar_a[0] (b): x\nno colon\nvariable_sip_h_X-y: "+strings.Repeat("%C3", 100_000)+"\nContent-Type:", 1))
	if !strings.Contains(told, "pbxguard=allow") {
		t.Errorf("told %q, want it allowed", told)
	}
}

// R: the gate answers in time whatever the engine does.
func TestSlowEngine(t *testing.T) {
	slow := func(ctx context.Context, ev guard.Event) guard.Ruling {
		<-ctx.Done()
		return guard.Ruling{Allow: true}
	}
	g, _ := open(t, slow, func(o *Options) { o.Wait = 30 * time.Millisecond })
	if got := asterisk(t, g.at("fastagi"), env(request("0205550123"), "100")); got != "SET VARIABLE PBXGUARD allow" {
		t.Errorf("got %q", got)
	}
	if st := g.Status(); st.Default != 1 || st.Slowest < 30*time.Millisecond {
		t.Errorf("got %+v, want one answer by default", st.Tally)
	}
}

// Connections that say nothing keep nobody from an answer, and are ended.
func TestSilentConnections(t *testing.T) {
	g, _ := open(t, noPremium, nil)
	for _, name := range []string{"fastagi", "socket"} {
		for range 1000 {
			dial(t, g.at(name))
		}
	}
	dial(t, g.at("fastagi")).Write([]byte("agi_network: y")) // and one that trickles
	for range 20 {
		if got := asterisk(t, g.at("fastagi"), env(request("09001234567"), "100")); got != "SET VARIABLE PBXGUARD deny" {
			t.Fatalf("got %q", got)
		}
		if told := freeSWITCH(t, g.at("socket"), recorded(t, "phone.esl")); !strings.Contains(told, "allow") {
			t.Fatalf("told %q", told)
		}
	}
	eventually(t, "the silent ones are gone", func() bool {
		for _, l := range g.Status().Listeners {
			if l.Open > 0 {
				return false
			}
		}
		return true
	})
}

// Too many silent connections make room for those who ask.
func TestEviction(t *testing.T) {
	s := newServer("fastagi", nil, Options{}, nil)
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.open = maxConns - 2
	var in []*conn
	for range 4 {
		dial(t, l.Addr().String())
		c, err := l.AcceptTCP()
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, s.enter(c))
		in[0].asked() // who has asked is not silent
	}
	if _, err := in[0].Write([]byte("x")); err != nil {
		t.Errorf("who has asked was thrown out: %v", err)
	}
	for i, want := range map[int]bool{1: true, 2: true, 3: false} {
		_, err := in[i].Write([]byte("x"))
		if (err != nil) != want {
			t.Errorf("connection %d: got %v, want it thrown out: %v", i, err, want)
		}
	}
	if s.evicted != 2 || s.silent.Len() != 1 {
		t.Errorf("%d thrown out, %d silent ones left; want 2 and 1", s.evicted, s.silent.Len())
	}
	for _, c := range in {
		s.leave(c)
	}
	if s.silent.Len() != 0 {
		t.Errorf("%d silent ones are left", s.silent.Len())
	}
}

func TestLoopbackOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:4573", "192.0.2.1:4573", "[::]:4573", ":4573", "localhost:4573", "[2001:db8::1]:1", "127.0.0.1"} {
		for _, o := range []Options{{FastAGI: address}, {Socket: address}} {
			if _, err := New(o); err == nil {
				t.Errorf("%s: got no error, want it refused", address)
			}
		}
	}
	for _, address := range []string{"127.0.0.1:4573", "127.1.2.3:1", "[::1]:4573"} {
		if _, err := New(Options{FastAGI: address}); err != nil {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

// The heart is told that it is over when the gate ends.
func TestHeartEnds(t *testing.T) {
	beats := make(chan time.Time, 100)
	g, err := New(Options{
		FastAGI: "127.0.0.1:0", Ask: noPremium, Alive: func(context.Context) error { return nil }, Log: slog.New(slog.DiscardHandler),
		Hearts: []Heart{{PBX: "a", Beat: func(until time.Time) bool { beats <- until; return true }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if g.pulse(t.Context()) || len(beats) > 0 {
		t.Error("it beats before anybody can ask")
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	if until := <-beats; until.IsZero() {
		t.Error("the first beat says that it is over")
	}
	stop()
	<-done
	var last time.Time
	for len(beats) > 0 {
		last = <-beats
	}
	if !last.IsZero() {
		t.Errorf("the last beat vouches until %v, want that it is over", last)
	}
}

// The heart stops when the engine does not answer and when the gate ends.
func TestHeartStops(t *testing.T) {
	var mu sync.Mutex
	var last time.Time
	n := 0
	var alive error
	g, _ := open(t, noPremium, func(o *Options) {
		o.Alive = func(context.Context) error { mu.Lock(); defer mu.Unlock(); return alive }
		o.Hearts = []Heart{{PBX: "a", Beat: func(until time.Time) bool {
			mu.Lock()
			defer mu.Unlock()
			n, last = n+1, until
			return true
		}}}
	})
	eventually(t, "it beats", func() bool { return g.Status().Hearts[0].Beating })
	mu.Lock()
	if ahead := time.Until(last); ahead <= 0 || ahead > Fresh {
		t.Errorf("it vouches for %v, want no more than %v", ahead, Fresh)
	}
	alive = errors.New("stuck")
	mu.Unlock()
	eventually(t, "it has stopped", func() bool { return !g.Status().Hearts[0].Beating })
	mu.Lock()
	before := n
	mu.Unlock()
	g.pulse(t.Context())
	mu.Lock()
	defer mu.Unlock()
	if n != before {
		t.Error("it beats while the engine does not answer")
	}
}
