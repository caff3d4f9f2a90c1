package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pbxguard/adapters/adaptertest"
	"pbxguard/config"
	"pbxguard/control"
)

// TestFreeSWITCH runs the whole daemon on a played FreeSWITCH: a call to Somalia
// is ended, a password guesser is banned, and status says how it is connected.
func TestFreeSWITCH(t *testing.T) {
	pbx := adaptertest.NewESL(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "pbxguard.toml")
	text := fmt.Sprintf(`
[calls]
mode = "enforce"
[bans]
mode = "enforce"
learn = "0s"
[[pbx]]
name = "office"
type = "freeswitch"
address = %q
username = %q
secret = %q
config_dir = %q
[pbx.dialplan]
country = "NL"
[rules.country]
allow = ["BE"]
action = "kill"
[firewall]
mode = "dry"
[store]
path = %q
[control]
socket = %q
`, pbx.Address(), adaptertest.ESLUser, adaptertest.ESLPassword, dir, filepath.Join(dir, "state.db"), filepath.Join(dir, "sock"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDaemon(t.Context(), path, conf, slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	await := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("no %s within 30 s", what)
			}
		}
	}
	await("connections", func() bool {
		st, _ := d.ports["office"].status()
		for _, l := range st.Links {
			if l.State != control.Connected {
				return false
			}
		}
		return len(st.Links) == 3 && pbx.Ready()
	})
	// The first list may still be on its way; a leg that is in it is judged at its end.
	pbx.Start(pbx.Leg(1), "100", "0025261234567")
	pbx.Dial(pbx.Leg(1), pbx.Leg(2), "0025261234567")
	await("end of the call", func() bool { return len(pbx.Killed()) > 0 })
	pbx.Start(pbx.Leg(3), "100", "003225123456")
	source := netip.MustParseAddrPort("198.51.100.7:5060")
	for range 5 {
		pbx.Fail("100", source)
	}
	await("ban", func() bool { return d.bans(source.Addr()) })
	for _, leg := range pbx.Killed() {
		if leg == pbx.Leg(3) {
			t.Error("a call to an allowed country was ended")
		}
	}
	st, problems := d.ports["office"].status()
	if st.Type != config.FreeSWITCH || len(problems) > 0 {
		t.Errorf("got status %+v and problems %v", st, problems)
	}
}
