package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/config"
	"pbxguard/firewall"
	"pbxguard/guard"
)

// remembering is a firewall that holds bans from before a crash.
type remembering struct {
	*firewall.Dry
	held []firewall.Entry
	told []firewall.Entry // what Reconcile was asked to hold
}

func (r *remembering) Reconcile(ctx context.Context, want []firewall.Entry, adopt func(firewall.Entry)) error {
	r.told = want
	for _, e := range r.held {
		adopt(e)
	}
	return r.Dry.Reconcile(ctx, want, adopt)
}

// daemonFrom makes a daemon from a configuration file's text.
func daemonFrom(t *testing.T, text string) *daemon {
	t.Helper()
	dir := t.TempDir()
	text += fmt.Sprintf("\n[firewall]\nmode = \"dry\"\n[store]\npath = %q\n[control]\nsocket = %q\n",
		filepath.Join(dir, "state.db"), filepath.Join(dir, "sock"))
	conf, err := config.Parse("test.toml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDaemon(t.Context(), "test.toml", conf, slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// live runs the parts of d that answer questions.
func live(t *testing.T, d *daemon) {
	t.Helper()
	c := newCrew()
	c.layer().start("store", d.store.Run)
	c.layer().start("engine", d.engine.Run)
	above := c.layer()
	above.start("gate", d.gates.run(d.gate))
	above.start("notify", d.people.Run)
	t.Cleanup(func() {
		if err := c.dismiss(); err != nil {
			t.Error(err)
		}
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
}

// Bans that a crash kept out of the store are taken over from the kernel, but
// for those of an address that is never banned.
func TestReconcileAdopts(t *testing.T) {
	d := daemonFrom(t, "[bans]\nallow = [\"192.0.2.0/24\"]\n[[pbx]]\nconfig_dir = \"/nowhere\"\n[pbx.dialplan]\ncountry = \"NL\"\n")
	wall := &remembering{Dry: firewall.OpenDry(firewall.Options{}), held: []firewall.Entry{
		{Prefix: netip.MustParsePrefix("203.0.113.9/32"), Until: time.Now().Add(time.Hour)},
		{Prefix: netip.MustParsePrefix("2001:db8::/64")},
		{Prefix: netip.MustParsePrefix("192.0.2.7/32"), Until: time.Now().Add(time.Hour)},
	}}
	for _, e := range wall.held {
		wall.Ban(e.Prefix, time.Hour)
	}
	d.wall = wall
	live(t, d)
	ctx := t.Context()
	if err := d.engine.Ban(ctx, netip.MustParsePrefix("198.51.100.1/32"), time.Hour, "known", "test"); err != nil {
		t.Fatal(err)
	}
	d.reconcile(ctx)
	if len(wall.told) != 1 || wall.told[0].Prefix != netip.MustParsePrefix("198.51.100.1/32") {
		t.Errorf("the firewall is told to hold %v, want 198.51.100.1", wall.told)
	}
	bans, err := d.engine.Bans(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]guard.Ban{}
	for _, b := range bans {
		got[b.Prefix.String()] = b
	}
	if b := got["203.0.113.9/32"]; !b.Enforced || time.Until(b.Until).Round(time.Minute) != time.Hour || b.Reason != "found in the kernel" {
		t.Errorf("203.0.113.9: got %+v, want it adopted for an hour", b)
	}
	if b := got["2001:db8::/64"]; !b.Enforced || !b.Until.IsZero() {
		t.Errorf("2001:db8::/64: got %+v, want it adopted until lifted", b)
	}
	if b, ok := got["192.0.2.7/32"]; ok || wall.Holds(netip.MustParseAddr("192.0.2.7")) {
		t.Errorf("192.0.2.7, which is allowed, stays banned: %+v", b)
	}
}

func TestTotalsCountCallsOnce(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.1")
	got := totals([]guard.Decision{
		{PBX: "a", Call: "1", Action: guard.Kill, Enforced: true},
		{PBX: "a", Call: "1", Action: guard.Lock, Enforced: true},
		{PBX: "b", Call: "1", Action: guard.Kill, Enforced: true},
		{PBX: "a", Call: "2", Action: guard.Kill},
		{PBX: "a", Call: "2", Action: guard.Kill},
		{PBX: "a", Call: "3", Action: guard.Alert, Enforced: true},
		{PBX: "a", Source: address, Action: guard.Kill, Enforced: true},
		{PBX: "a", Source: address, Action: guard.Kill, Enforced: true},
		{PBX: "a", Source: address, Action: guard.Kill},
		{PBX: "a", Account: guard.Account{Name: "100"}, Action: guard.Lock, Enforced: true},
	})
	if want := (struct{ killed, would, banned, wouldBan int }{2, 1, 1, 1}); got.Killed != want.killed ||
		got.WouldKill != want.would || got.Banned != want.banned || got.WouldBan != want.wouldBan {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestReplaceGate: a reload moves, opens and shuts the gate; a gate that cannot
// listen leaves everything as it was.
func TestReplaceGate(t *testing.T) {
	const office = "[[pbx]]\nconfig_dir = \"/nowhere\"\n[pbx.dialplan]\ncountry = \"NL\"\n"
	free := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	with := func(d *daemon, gate, more string) *config.Config {
		text := office + fmt.Sprintf("[gate]\nenabled = %v\n", gate != "") + more
		if gate != "" {
			text = strings.Replace(text, "enabled = true\n", fmt.Sprintf("enabled = true\nfastagi = %q\n", gate), 1)
		}
		conf, err := config.Parse("test.toml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		conf.Store, conf.Control, conf.Firewall = d.conf.Store, d.conf.Control, d.conf.Firewall
		return conf
	}
	answers := func(at string) bool {
		c, err := net.Dial("tcp", at)
		if err != nil {
			return false
		}
		c.Close()
		return true
	}
	waits := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not so after 30 s", what)
			}
		}
	}
	d := daemonFrom(t, office)
	live(t, d)
	first, second := free(), free()
	if err := d.replace(t.Context(), with(d, first, "")); err != nil {
		t.Fatal(err)
	}
	waits("the gate listens", func() bool { return answers(first) })
	if err := d.replace(t.Context(), with(d, second, "[calls]\nhangup_cause = 17\n")); err != nil {
		t.Fatal(err)
	}
	waits("the gate has moved", func() bool { return answers(second) && !answers(first) })
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = d.replace(t.Context(), with(d, taken.Addr().String(), "[calls]\nhangup_cause = 34\n"))
	if err == nil || !strings.Contains(err.Error(), "gate.fastagi: cannot listen") {
		t.Errorf("got %v, want that the gate cannot listen", err)
	}
	if !answers(second) || d.conf.Calls.HangupCause != 17 || d.policy.HangupCause != 17 {
		t.Errorf("got cause %d, %d after a change that failed, want 17 and the gate where it was", d.conf.Calls.HangupCause, d.policy.HangupCause)
	}
	if st, _ := (handler{d}).gateStatus(); st == nil || st.Listeners[0].Address != second {
		t.Errorf("got %+v, want the gate at %s", st, second)
	}
	if err := d.replace(t.Context(), with(d, "", "")); err != nil {
		t.Fatal(err)
	}
	waits("the gate is shut", func() bool { return !answers(second) })
}

// TestReplaceReceivers: a reload changes who is told.
func TestReplaceReceivers(t *testing.T) {
	const office = "[[pbx]]\nconfig_dir = \"/nowhere\"\n[pbx.dialplan]\ncountry = \"NL\"\n"
	told := make(chan string, 10)
	hook := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told <- name }))
		t.Cleanup(s.Close)
		return s
	}
	a, b := hook("a"), hook("b")
	with := func(d *daemon, s *httptest.Server) *config.Config {
		conf, err := config.Parse("test.toml", []byte(office+fmt.Sprintf("[notify]\nwait = \"1s\"\n[[receiver]]\nname = \"hook\"\ntype = \"webhook\"\nurl = %q\n", s.URL)), nil)
		if err != nil {
			t.Fatal(err)
		}
		conf.Store, conf.Control, conf.Firewall = d.conf.Store, d.conf.Control, d.conf.Firewall
		return conf
	}
	d := daemonFrom(t, office)
	live(t, d)
	for i, s := range []*httptest.Server{a, b} {
		if err := d.replace(t.Context(), with(d, s)); err != nil {
			t.Fatal(err)
		}
		d.ledger.Record(guard.Decision{At: time.Now(), PBX: "pbx", Account: guard.Account{PBX: "pbx", Name: fmt.Sprint(100 + i)}, Action: guard.Kill, Rule: "destination"})
		if got, want := <-told, []string{"a", "b"}[i]; got != want {
			t.Errorf("got %s told, want %s", got, want)
		}
	}
}
