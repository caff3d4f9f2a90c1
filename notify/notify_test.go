package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"pbxguard/guard"
)

var start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func kill(id uint64, account string, at time.Time) guard.Decision {
	return guard.Decision{ID: id, At: at, Rule: "destination", Reason: "premium call of extension " + account, Action: guard.Kill, Enforced: true,
		PBX: "office", Account: guard.Account{PBX: "office", Name: account}, Number: "+319001234567"}
}

// inbox is a receiver that remembers, and that can be made to fail or to hang.
type inbox struct {
	mu   sync.Mutex
	got  []*Message
	fail int // so many times
	hang chan struct{}
}

func (b *inbox) Send(ctx context.Context, m *Message) error {
	if b.hang != nil {
		<-b.hang
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail > 0 {
		b.fail--
		return errors.New("no")
	}
	b.got = append(b.got, m)
	return nil
}

func (b *inbox) messages() []*Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got
}

func options(log io.Writer, rs map[string]Receiver) Options {
	return Options{Receivers: rs, Least: guard.Alert, Wait: 30 * time.Second, Every: 15 * time.Minute, Hourly: 5, Host: "host",
		Log: slog.New(slog.NewTextHandler(log, nil))}
}

// running runs a notifier in a bubble until f is done.
func running(t *testing.T, opt Options, f func(n *Notifier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := New(opt)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		f(n)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestGroups: verdicts about one account are one message, once the incident has
// unfolded, and one more only later.
func TestGroups(t *testing.T) {
	box := new(inbox)
	running(t, options(io.Discard, map[string]Receiver{"box": box}), func(n *Notifier) {
		for i := range 40 {
			n.Tell(kill(uint64(i), "204", time.Now()))
		}
		n.Tell(kill(99, "205", time.Now()))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if got := len(box.messages()); got != 0 {
			t.Errorf("got %d messages within the wait, want none", got)
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		got := box.messages()
		if len(got) != 2 || got[0].Incident.Verdicts != 40 || got[0].Incident.Account != "204" || got[1].Incident.Verdicts != 1 {
			t.Fatalf("got %d messages, want one of 40 verdicts and one of one", len(got))
		}
		if !strings.Contains(got[0].Text, "premium call of extension 204") || !strings.Contains(got[0].Subject, "office 204: ended") {
			t.Errorf("got %q\n%s", got[0].Subject, got[0].Text)
		}
		n.Tell(kill(100, "204", time.Now()))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := len(box.messages()); got != 2 {
			t.Errorf("got %d messages, want no other so soon", got)
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if got := box.messages(); len(got) != 3 || got[2].Incident.Message != 2 || got[2].Incident.Verdicts != 41 {
			t.Errorf("got %d messages, want a second one about 204", len(got))
		}
	})
}

// TestUse: others are told from a change on, and what happened before is not
// forgotten; who stays keeps what waits for him, and who goes still gets his.
func TestUse(t *testing.T) {
	first, second, third := new(inbox), new(inbox), new(inbox)
	opt := options(io.Discard, map[string]Receiver{"goes": first, "stays": second})
	running(t, opt, func(n *Notifier) {
		first.hang = make(chan struct{})
		n.Tell(kill(1, "204", time.Now()))
		time.Sleep(40 * time.Second)
		opt.Receivers = map[string]Receiver{"stays": second, "comes": third}
		opt.Least = guard.Kill
		if err := n.Use(context.Background(), opt); err != nil {
			t.Fatal(err)
		}
		close(first.hang)
		n.Tell(guard.Decision{ID: 2, PBX: "office", Action: guard.Alert, Reason: "less than is told now"})
		n.Tell(kill(3, "204", time.Now()))
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if got := first.messages(); len(got) != 1 {
			t.Errorf("got %d messages to who went, want the one that was his", len(got))
		}
		if got := second.messages(); len(got) != 2 || got[1].Incident.Message != 2 || got[1].Incident.Verdicts != 2 {
			t.Errorf("got %d messages to who stayed, want both of one incident", len(got))
		}
		if got := third.messages(); len(got) != 1 || got[0].Incident.Message != 2 {
			t.Errorf("got %d messages to who came, want the second", len(got))
		}
	})
}

// TestLimit: an hour has so many messages and no more, and one that says so;
// what was held back comes when there is room.
func TestLimit(t *testing.T) {
	box := new(inbox)
	running(t, options(io.Discard, map[string]Receiver{"box": box}), func(n *Notifier) {
		for i := range 20 {
			n.Tell(kill(uint64(i), fmt.Sprint(200+i), time.Now()))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		got := box.messages()
		if len(got) != 6 || !strings.Contains(got[5].Subject, "held back") || !strings.Contains(got[5].Text, "15 incidents") {
			t.Fatalf("got %d messages, want 5 and one that says that 15 wait", len(got))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := len(box.messages()); got < 11 || got > 12 {
			t.Errorf("got %d messages after another hour, want 5 more", got)
		}
	})
}

// TestQuietVerdicts: what asks for less than is wanted is not told, nor how
// kills went, unless one could not be carried out.
func TestQuietVerdicts(t *testing.T) {
	box := new(inbox)
	running(t, options(io.Discard, map[string]Receiver{"box": box}), func(n *Notifier) {
		note, confirmed, unconfirmed := kill(1, "201", start), kill(2, "202", start), kill(3, "203", start)
		note.Action, confirmed.Outcome, unconfirmed.Outcome = guard.Note, "confirmed", "unconfirmed"
		for _, d := range []guard.Decision{note, confirmed, unconfirmed} {
			n.Tell(d)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := box.messages(); len(got) != 1 || !strings.Contains(got[0].Text, "could not be ended") {
			t.Errorf("got %d messages, want the one that could not be carried out", len(got))
		}
	})
}

// TestHangingReceiver: one that never answers delays neither the engine nor
// others, and is told of.
func TestHangingReceiver(t *testing.T) {
	var log bytes.Buffer
	box, stuck := new(inbox), new(inbox)
	opt := options(&log, map[string]Receiver{"box": box, "stuck": stuck})
	opt.Hourly, opt.Every = 1000, time.Minute
	running(t, opt, func(n *Notifier) {
		stuck.hang = make(chan struct{})
		began := time.Now()
		for i := range 5000 {
			n.Tell(kill(uint64(i), fmt.Sprint(i%200), began))
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("telling took %v of the engine's time", waited)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := len(box.messages()); got < 64 {
			t.Errorf("got %d messages in spite of the other receiver, want 64 at least", got)
		}
		close(stuck.hang)
	})
	if !strings.Contains(log.String(), "stuck") || !strings.Contains(log.String(), "does not keep up") {
		t.Errorf("got log %q, want a word about the one that hangs", log.String())
	}
}

// TestRetries: a message that fails is tried again.
func TestRetries(t *testing.T) {
	box := &inbox{fail: 2}
	running(t, options(io.Discard, map[string]Receiver{"box": box}), func(n *Notifier) {
		n.Tell(kill(1, "204", time.Now()))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if got := len(box.messages()); got != 1 {
			t.Errorf("got %d messages, want the one that failed twice", got)
		}
	})
}

// TestLastWords: what waits is told before the end.
func TestLastWords(t *testing.T) {
	box := new(inbox)
	running(t, options(io.Discard, map[string]Receiver{"box": box}), func(n *Notifier) {
		n.Tell(kill(1, "204", time.Now()))
		synctest.Wait()
	})
	if got := len(box.messages()); got != 1 {
		t.Errorf("got %d messages, want the one that waited", got)
	}
}

// TestManyIncidents: a flood of sources costs a bounded number of incidents.
func TestManyIncidents(t *testing.T) {
	g := newGrouper(New(options(io.Discard, nil)).opt)
	for i := range 100_000 {
		d := guard.Decision{At: start, PBX: "office", Rule: "scan", Action: guard.Kill, Source: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})}
		g.add(&d, start)
	}
	if got := len(g.open); got > maxIncidents+1 {
		t.Errorf("got %d incidents, want %d at most", got, maxIncidents+1)
	}
}

func TestWebhook(t *testing.T) {
	const secret = "topsecret"
	var body []byte
	var signature string
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		signature = r.Header.Get(SignatureHeader)
		w.WriteHeader(status)
	}))
	defer srv.Close()
	hook := &Webhook{URL: srv.URL + "/token-1234", Secret: secret, Now: func() time.Time { return start }}
	in := &Incident{ID: 1, Account: "204", Action: guard.Kill}
	if err := hook.Send(t.Context(), &Message{Subject: "s", Text: "t", Incident: in}); err != nil {
		t.Fatal(err)
	}
	if want := Sign(secret, start, body); signature != want || !strings.HasPrefix(want, "t=1795608000,v1=") {
		t.Errorf("got signature %q, want %q", signature, want)
	}
	if Sign("other", start, body) == signature || Sign(secret, start.Add(time.Second), body) == signature {
		t.Error("another secret or another time has the same signature")
	}
	if !bytes.Contains(body, []byte(`"version":1,"subject":"s"`)) || !bytes.Contains(body, []byte(`"action":"kill"`)) {
		t.Errorf("got %s", body)
	}
	status = http.StatusFound
	if err := hook.Send(t.Context(), &Message{}); err == nil || !strings.Contains(err.Error(), "302") {
		t.Errorf("got %v, want the redirect refused", err)
	}
	srv.Close()
	err := hook.Send(t.Context(), &Message{})
	if err == nil || strings.Contains(err.Error(), "token-1234") || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v, want an error without the secrets", err)
	}
}

func TestChat(t *testing.T) {
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }))
	defer srv.Close()
	chat := &Chat{URL: "generic+" + srv.URL + "/hook-token-1234?template=json"}
	if err := chat.Send(t.Context(), &Message{Subject: "subject", Text: "text"}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, []byte("subject")) || !bytes.Contains(body, []byte("text")) {
		t.Errorf("got %s", body)
	}
	srv.Close()
	if err := chat.Send(t.Context(), &Message{}); err == nil || strings.Contains(err.Error(), "hook-token-1234") {
		t.Errorf("got %v, want an error without the token", err)
	}
	for _, bad := range []string{"", "nosuch://token-5678", "telegram://token-5678"} {
		if err := CheckChat(bad); err == nil || strings.Contains(err.Error(), "token-5678") {
			t.Errorf("got %v of %q, want an error without the token", err, bad)
		}
	}
}

// backend is a mail server's.
type backend struct {
	mu       sync.Mutex
	login    string
	from, to string
	data     []byte
}

func (b *backend) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{b}, nil }

type session struct{ *backend }

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from = from
	return nil
}
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to += to
	return nil
}
func (s *session) Data(r io.Reader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	s.data, err = io.ReadAll(r)
	return err
}
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.login = user
		if password != "topsecret" {
			return errors.New("no: " + password)
		}
		return nil
	}), nil
}

func TestMail(t *testing.T) {
	b := new(backend)
	srv := smtp.NewServer(b)
	srv.AllowInsecureAuth = true
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(ln)
	defer srv.Close()
	m := &Mail{Server: ln.Addr().String(), TLS: "none", Username: "guard", Password: "topsecret", From: "guard@example.org", To: []string{"a@example.org", "b@example.org"}}
	subject := "ended: \r\nBcc: evil@example.org ü"
	if err := m.Send(t.Context(), &Message{Subject: subject, Text: "line one\n.\nline two\n"}); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	data, to, login := b.data, b.to, b.login
	b.mu.Unlock()
	if login != "guard" || to != "a@example.orgb@example.org" {
		t.Errorf("got login %q, to %q", login, to)
	}
	r, err := mail.CreateReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("Bcc") != "" || r.Header.Get("Auto-Submitted") != "auto-generated" || r.Header.Get("Message-Id") == "" {
		t.Errorf("got\n%s", data)
	}
	part, err := r.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(part.Body)
	if err != nil || !strings.Contains(string(text), ".\r\nline two") && !strings.Contains(string(text), ".\nline two") {
		t.Errorf("got %q, %v", text, err)
	}
	m.Password = "wrong-secret"
	if err := m.Send(t.Context(), &Message{}); err == nil || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("got %v, want a refusal without the password", err)
	}
	m.TLS = "starttls"
	if err := m.Send(t.Context(), &Message{}); err == nil {
		t.Error("a server without TLS was told the password")
	}
}

// TestMailHangs: a server that says nothing is left when there is no more time.
func TestMailHangs(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	m := &Mail{Server: ln.Addr().String(), TLS: "starttls", From: "a@example.org", To: []string{"b@example.org"}}
	if err := m.Send(ctx, &Message{}); err == nil {
		t.Error("got no error of a server that says nothing")
	}
}
