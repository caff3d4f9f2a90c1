package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pbxguard/guard"
	"pbxguard/incident"
)

// fake is a daemon that remembers what it was asked and answers what it is told.
type fake struct {
	status    Status
	calls     []guard.LiveCall
	bans      []guard.Ban
	decisions func(Query) []guard.Decision
	asked     any
	by        string
	err       error
}

func (f *fake) Status(context.Context) (Status, error)          { return f.status, f.err }
func (f *fake) Calls(context.Context) ([]guard.LiveCall, error) { return f.calls, f.err }
func (f *fake) Bans(context.Context) ([]guard.Ban, error)       { return f.bans, f.err }

func (f *fake) Decisions(_ context.Context, q Query) ([]guard.Decision, error) {
	return f.decisions(q), f.err
}

func (f *fake) Explain(_ context.Context, q Question) (guard.Answer, error) {
	f.asked = q
	return guard.Answer{Number: q.Number, Verdict: "kill", Findings: []guard.Finding{{Rule: "destination", Action: guard.Lock}}}, f.err
}

func (f *fake) Incidents(_ context.Context, q IncidentQuery) ([]*incident.Incident, error) {
	f.asked = q
	return []*incident.Incident{{ID: max(q.ID, 1), Account: guard.Account{Name: q.Account}, Action: guard.Lock}}, f.err
}

func (f *fake) note(asked any, by string) error {
	f.asked, f.by = asked, by
	return f.err
}

func (f *fake) Ban(_ context.Context, o BanOrder, by string) error       { return f.note(o, by) }
func (f *fake) Unban(_ context.Context, p netip.Prefix, by string) error { return f.note(p, by) }
func (f *fake) Hangup(_ context.Context, id, by string) error            { return f.note(id, by) }
func (f *fake) Lock(_ context.Context, o LockOrder, by string) error     { return f.note(o, by) }
func (f *fake) Unlock(_ context.Context, o LockOrder, by string) error   { return f.note(o, by) }
func (f *fake) Allow(_ context.Context, o AllowOrder, by string) (Done, error) {
	return Done{7, "allowed"}, f.note(o, by)
}
func (f *fake) Undo(_ context.Context, id uint64, by string) (Done, error) {
	return Done{Text: "undone"}, f.note(id, by)
}
func (f *fake) Panic(_ context.Context, by string) (Done, error) {
	return Done{Text: "quiet"}, f.note("panic", by)
}
func (f *fake) SetModes(_ context.Context, m Modes, by string) error { return f.note(m, by) }

// serve runs a server until the test ends and returns a client of it.
func serve(t *testing.T, h Handler) (*Client, *Server) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run", "control.sock")
	s, err := New(Options{Path: path, Log: slog.New(slog.DiscardHandler)}, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	c := NewClient(path)
	t.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
	})
	return c, s
}

func TestLooking(t *testing.T) {
	at := time.Date(2026, 12, 25, 3, 0, 0, 0, time.UTC)
	f := &fake{
		status: Status{
			Version:  "1",
			Engine:   guard.Status{BansMode: guard.Enforce, ByRule: map[string]uint64{"auth": 2}, Since: at},
			PBXs:     []PBX{{Name: "clinic", Links: []Link{{Purpose: "calls", State: Connected, Since: at}}}},
			Problems: []Check{{Name: "store", Result: Failed, Detail: "disk full"}},
		},
		calls: []guard.LiveCall{{Leg: "1.1", Source: netip.MustParseAddr("192.0.2.1"), Age: time.Second}},
		bans:  []guard.Ban{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Until: at, Proof: guard.Path}},
		decisions: func(q Query) []guard.Decision {
			return []guard.Decision{{ID: q.After + 1, Rule: q.Rule, Action: guard.Lock, At: q.Since}}
		},
	}
	c, _ := serve(t, f)
	ctx := t.Context()

	st, err := c.Status(ctx)
	if err != nil || !reflect.DeepEqual(st, f.status) {
		t.Errorf("status: got %+v, %v, want %+v", st, err, f.status)
	}
	calls, err := c.Calls(ctx)
	if err != nil || !reflect.DeepEqual(calls, f.calls) {
		t.Errorf("calls: got %+v, %v, want %+v", calls, err, f.calls)
	}
	bans, err := c.Bans(ctx)
	if err != nil || !reflect.DeepEqual(bans, f.bans) {
		t.Errorf("bans: got %+v, %v, want %+v", bans, err, f.bans)
	}
	ds, err := c.Decisions(ctx, Query{After: 4, Rule: "hours", Since: at})
	if want := []guard.Decision{{ID: 5, Rule: "hours", Action: guard.Lock, At: at}}; err != nil || !reflect.DeepEqual(ds, want) {
		t.Errorf("decisions: got %+v, %v, want %+v", ds, err, want)
	}
	iq := IncidentQuery{ID: 17, Since: at, Account: "204"}
	ins, err := c.Incidents(ctx, iq)
	if err != nil || f.asked != iq || len(ins) != 1 || ins[0].ID != 17 || ins[0].Account.Name != "204" || ins[0].Action != guard.Lock {
		t.Errorf("incidents: asked %+v, got %+v, %v", f.asked, ins, err)
	}
	q := Question{PBX: "clinic", Account: "100", Number: "+25261&x=y\n", At: "2026-12-25T03:00"}
	a, err := c.Explain(ctx, q)
	if err != nil || f.asked != q || a.Number != q.Number || a.Findings[0].Action != guard.Lock {
		t.Errorf("explain: asked %+v, got %+v, %v", f.asked, a, err)
	}
}

func TestActing(t *testing.T) {
	f := &fake{}
	c, _ := serve(t, f)
	prefix, enforce := netip.MustParsePrefix("2001:db8::/64"), guard.Enforce
	me := peer{uid: uint32(os.Geteuid())}.String()
	tests := []struct {
		name string
		act  func(context.Context) error
		want any
	}{
		{"ban", func(ctx context.Context) error {
			return c.Ban(ctx, BanOrder{Prefix: prefix, For: time.Hour, Reason: "noise"})
		}, BanOrder{prefix, time.Hour, "noise"}},
		{"unban", func(ctx context.Context) error { return c.Unban(ctx, prefix) }, prefix},
		{"panic", func(ctx context.Context) error { _, err := c.Panic(ctx); return err }, "panic"},
		{"hangup", func(ctx context.Context) error { return c.Hangup(ctx, "1700.1") }, "1700.1"},
		{"lock", func(ctx context.Context) error { return c.Lock(ctx, LockOrder{Name: "100", For: time.Hour}) }, LockOrder{Name: "100", For: time.Hour}},
		{"unlock", func(ctx context.Context) error { return c.Unlock(ctx, LockOrder{PBX: "clinic", Name: "100"}) }, LockOrder{PBX: "clinic", Name: "100"}},
		{"allow", func(ctx context.Context) error {
			done, err := c.Allow(ctx, AllowOrder{Name: "100", Countries: []string{"TH"}, For: time.Hour})
			if done != (Done{7, "allowed"}) {
				t.Errorf("got %+v, want what was done", done)
			}
			return err
		}, AllowOrder{Name: "100", Countries: []string{"TH"}, For: time.Hour}},
		{"undo", func(ctx context.Context) error {
			done, err := c.Undo(ctx, 17)
			if done.Text != "undone" {
				t.Errorf("got %+v, want what was done", done)
			}
			return err
		}, uint64(17)},
		{"modes", func(ctx context.Context) error { return c.SetModes(ctx, Modes{Calls: &enforce}) }, Modes{Calls: &enforce}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.act(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(f.asked, tt.want) {
				t.Errorf("got %+v, want %+v", f.asked, tt.want)
			}
			if f.by != me {
				t.Errorf("by: got %q, want %q", f.by, me)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	f := &fake{}
	c, _ := serve(t, f)
	tests := []struct {
		name string
		err  error
		want Error
	}{
		{"in words", errors.New("no such call"), Error{Code: http.StatusUnprocessableEntity, Text: "no such call"}},
		{"with a hint", &Error{Code: http.StatusNotFound, Text: "no such account", Hint: "pbxguard calls"}, Error{http.StatusNotFound, "no such account", "pbxguard calls"}},
		{"engine stuck", guard.ErrStopped, Error{http.StatusServiceUnavailable, guard.ErrStopped.Error(), "journalctl -u pbxguard"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f.err = tt.err
			err := c.Hangup(t.Context(), "x")
			var got *Error
			if !errors.As(err, &got) || *got != tt.want {
				t.Errorf("got %+v, want %+v", err, tt.want)
			}
		})
	}
}

// Who may do what is decided by the kernel's word for the caller.
func TestPrivileges(t *testing.T) {
	const looking, acting = "/v1/calls", "/v1/hangup"
	const group = 424242
	s := &Server{handler: &fake{}, log: slog.New(slog.DiscardHandler), gid: group}
	tests := []struct {
		name string
		peer any
		path string
		want int
	}{
		{"root looks", peer{0, 0}, looking, 200},
		{"root acts", peer{0, 0}, acting, 200},
		{"the daemon's user looks", peer{uint32(os.Geteuid()), group + 1}, looking, 200},
		{"the daemon's user acts", peer{uint32(os.Geteuid()), group + 1}, acting, 200},
		{"a member looks", peer{424241, group}, looking, 200},
		{"a member does not act", peer{424241, group}, acting, 403},
		{"a stranger does not look", peer{424241, 424241}, looking, 403},
		{"a stranger does not act", peer{424241, 424241}, acting, 403},
		{"nobody known does not look", nil, looking, 403},
		{"nobody known does not act", nil, acting, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			method := http.MethodGet
			if tt.path == acting {
				method = http.MethodPost
			}
			r := httptest.NewRequest(method, tt.path, strings.NewReader(`"1.1"`))
			r = r.WithContext(context.WithValue(r.Context(), peerKey{}, tt.peer))
			w := httptest.NewRecorder()
			s.routes().ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, tt.want)
			}
		})
	}
}

func TestBadOrders(t *testing.T) {
	f := &fake{}
	c, _ := serve(t, f)
	tests := []struct{ name, path, body string }{
		{"empty", "ban", ""},
		{"not JSON", "ban", "\x00\xff"},
		{"not a prefix", "unban", `"example.org"`},
		{"unknown field", "ban", `{"prefix":"192.0.2.1/32","until":1}`},
		{"unknown mode", "modes", `{"calls":"panic"}`},
		{"endless", "hangup", `"` + strings.Repeat("x", 1<<20) + `"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f.asked = nil
			resp, err := c.http.Post("http://x/v1/"+tt.path, "application/json", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusBadRequest || f.asked != nil {
				t.Errorf("got %s and %v carried out, want 400 and nothing", resp.Status, f.asked)
			}
		})
	}
}

func TestBadQuery(t *testing.T) {
	c, _ := serve(t, &fake{decisions: func(Query) []guard.Decision { return nil }})
	for _, v := range []string{"since=yesterday", "after=-1", "limit=x"} {
		err := c.get(t.Context(), "decisions", nil, new([]guard.Decision))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.http.Get("http://x/v1/decisions?" + v)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %s, want 400", v, resp.Status)
		}
	}
}

func TestQueryCrossesTheSocket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Query{
			Since: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "since"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(),
			After: rapid.Uint64().Draw(t, "after"), Limit: rapid.IntRange(0, 1<<30).Draw(t, "limit"),
			Rule: rapid.String().Draw(t, "rule"), Account: rapid.String().Draw(t, "account"),
		}
		got, err := parseQuery(want.values())
		if err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func TestSocketModes(t *testing.T) {
	c, _ := serve(t, &fake{})
	for path, want := range map[string]os.FileMode{filepath.Dir(c.path): 0o750, c.path: 0o660} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", path, got, want)
		}
	}
}

// A directory that was there before, such as /run, stays as it is.
func TestForeignDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Path: filepath.Join(dir, "s"), Group: group.Name}, &fake{})
	if err != nil {
		t.Fatal(err)
	}
	s.listener.Close()
	after, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if before.Mode() != after.Mode() || before.Sys().(*syscall.Stat_t).Gid != after.Sys().(*syscall.Stat_t).Gid {
		t.Errorf("got %v, want %v", after.Mode(), before.Mode())
	}
}

func TestNewRemovesOnlyADeadSocket(t *testing.T) {
	open := func(path string) error {
		s, err := New(Options{Path: path}, &fake{})
		if err == nil {
			s.listener.Close()
		}
		return err
	}
	t.Run("dead", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		if err := open(path); err != nil {
			t.Error(err)
		}
	})
	t.Run("alive", func(t *testing.T) {
		c, _ := serve(t, &fake{})
		if err := open(c.path); err == nil || !strings.Contains(err.Error(), "another daemon answers") {
			t.Errorf("got %v, want a refusal", err)
		}
		if _, err := c.Status(t.Context()); err != nil {
			t.Errorf("the first daemon is gone: %v", err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := open(path); err == nil || !strings.Contains(err.Error(), "not a socket") {
			t.Errorf("got %v, want a refusal", err)
		}
		if got, _ := os.ReadFile(path); string(got) != "precious" {
			t.Error("the file was touched")
		}
	})
}

// A daemon whose group is missing can still be asked by root.
func TestUnknownGroup(t *testing.T) {
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "s")
	s, err := New(Options{Path: path, Group: "no-such-group", Log: slog.New(slog.NewTextHandler(&log, nil))}, &fake{})
	if err != nil {
		t.Fatal(err)
	}
	s.listener.Close()
	if !strings.Contains(log.String(), "no-such-group") {
		t.Errorf("the log says nothing of the group: %q", log.String())
	}
}

func TestUnreachable(t *testing.T) {
	c := NewClient(filepath.Join(t.TempDir(), "none"))
	_, err := c.Status(t.Context())
	if !errors.Is(err, ErrUnreachable) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrUnreachable for want of a file", err)
	}
	if strings.Contains(err.Error(), "http") {
		t.Errorf("%q speaks of HTTP", err)
	}
}

// Callers beyond the cap wait; they neither fail nor crowd out the others.
func TestConnectionsAreCapped(t *testing.T) {
	c, _ := serve(t, &fake{})
	idle := make([]net.Conn, maxConns)
	for i := range idle {
		conn, err := net.Dial("unix", c.path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		idle[i] = conn
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Status(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more than the cap: got %v, want to wait", err)
	}
	for _, conn := range idle {
		conn.Close()
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("after the others left: %v", err)
	}
}

func TestFollow(t *testing.T) {
	kill := guard.Decision{ID: 7, Action: guard.Kill, Enforced: true, Leg: "1.1"}
	done := kill
	done.Outcome = "confirmed"
	polls := 0
	f := &fake{decisions: func(q Query) []guard.Decision {
		polls++
		switch {
		case polls == 1:
			return []guard.Decision{{ID: 6}, kill}
		case q.After != 6 && polls < 4:
			t.Errorf("poll %d: after %d, want 6 while the kill is open", polls, q.After)
		case polls == 2:
			return []guard.Decision{kill}
		case polls == 3:
			return []guard.Decision{done, {ID: 8}}
		}
		if q.After != 8 {
			t.Errorf("poll %d: after %d, want 8", polls, q.After)
		}
		return []guard.Decision{{ID: 9}}
	}}
	c, _ := serve(t, f)
	var got []guard.Decision
	enough := errors.New("enough")
	err := c.Follow(t.Context(), Query{Limit: 10}, func(d guard.Decision) error {
		got = append(got, d)
		if d.ID == 9 {
			return enough
		}
		return nil
	})
	if want := []guard.Decision{{ID: 6}, kill, done, {ID: 8}, {ID: 9}}; err != enough || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// The field names are a contract with scripts.
func TestStatusFieldNames(t *testing.T) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(Status{}); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"version", "engine", "pbx", "firewall", "store", "last_24h", "gaps", "problems"} {
		if _, ok := got[name]; !ok {
			t.Errorf("no field %q in %s", name, b.String())
		}
	}
}
