package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
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
