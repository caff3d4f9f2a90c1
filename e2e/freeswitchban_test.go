package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pbxguard/testbed"
)

// TestFreeSWITCHBanned is TestBanned on a FreeSWITCH, on which calls guess
// passwords as well.
func TestFreeSWITCHBanned(t *testing.T) {
	f := testbed.StartFreeSWITCH(t)
	var silence times
	scene := crime{
		guard:   walled(t, f, "ladder = [\"30m\", \"2h\"]\nlearn = \"0s\""),
		witness: newESLWitness(t, f), unproven: true, agents: true, times: &silence,
	}
	t.Run("crimes", func(t *testing.T) {
		testBanned(t, []front{{"internal", f.SIP}, {"internal-ipv6", f.SIP6}},
			append([]assault{{"calls with a wrong password", "101", guessByCall, true, true}}, assaults...), scene)
	})
	t.Logf("last failure to silence: %v", &silence)
}

// guessByCall guesses a password with a call.
func guessByCall(ctx context.Context, p *testbed.Phone, n int) {
	p.Invite("900442071234567", testbed.CallPassword(fmt.Sprint("guess", n))).Wait(ctx)
}

// TestFreeSWITCHRefused has an access list turn an address away: only the log
// tells, and the guard hears it.
func TestFreeSWITCHRefused(t *testing.T) {
	f := testbed.StartFreeSWITCH(t)
	d := walled(t, f, `learn = "0s"`)
	for _, tt := range []struct {
		name, from string
		try        func(ctx context.Context, p *testbed.Phone) (int, error)
	}{
		{"register", "203.0.113.31", func(ctx context.Context, p *testbed.Phone) (int, error) { return p.Register(ctx) }},
		{"call", "203.0.113.32", func(ctx context.Context, p *testbed.Phone) (int, error) { return p.Invite(premium).Wait(ctx) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := d.in(t)
			p := testbed.NewPhone(t, netip.MustParseAddr(tt.from), "104", "", f.Guarded, testbed.FreshCallID())
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			for n := 0; ctx.Err() == nil; n++ {
				attempt, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
				code, err := tt.try(attempt, p)
				cancel()
				if err != nil && n >= tried {
					break // silence
				}
				if err != nil || code != 403 {
					t.Fatalf("attempt %d: got %d, %v; want 403", n, code, err)
				}
			}
			d.await("it is banned", 10*time.Second, func() bool { _, ok := d.Ban(kept(p.Local.Addr())); return ok })
		})
	}
	// Whom the list lets in is nobody's victim.
	p := testbed.NewPhone(t, netip.MustParseAddr("198.51.100.5"), "104", "", f.Guarded)
	accept(t, p)
	d.onlyBanned(t, netip.MustParseAddr("203.0.113.31"), netip.MustParseAddr("203.0.113.32"))
}

// TestFreeSWITCHSpared has people fail to log in whom nobody wants banned. Who
// was registered before the guard came only the administrator may ask.
func TestFreeSWITCHSpared(t *testing.T) {
	f := testbed.StartFreeSWITCH(t)
	s := server{PBX: f, name: "freeswitch", addr: f.SIP}
	for _, tt := range []struct {
		name, user, secret, spared string
	}{
		{"user of the directory", "", "", "auth-learning"},
		{"administrator", "none", testbed.ESLPassword, "auth-known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.user == "none" {
			}
			early := register(t, s, netip.MustParseAddr("198.51.100.10"), 10)
			freshWall(t)
			d := startDaemon(t, f, settings{Bans: "enforce", Firewall: "nftables", User: tt.user, Secret: tt.secret,
				BansMore: `allow = ["198.51.100.60", "203.0.113.128/25", "2001:db8:a::/48"]`})
			t.Run("password rotation", func(t *testing.T) {
				testRotation(t, s, early)
				d.in(t).warned(tt.spared, early[0].Local.Addr())
			})
			testFreeSWITCHSpared(t, s, d)
		})
	}
}

func testFreeSWITCHSpared(t *testing.T, s server, d *daemon) {
	f := s.freeSWITCH()
	for _, tt := range []struct {
		name string
		test func(t *testing.T, d *daemon)
	}{
		{"one typo", func(t *testing.T, _ *daemon) { testTypo(t, s) }},
		{"office with one stale phone", func(t *testing.T, d *daemon) { testStalePhone(t, s, d) }},
		{"allow list", func(t *testing.T, _ *daemon) {
			fails(t, s, "198.51.100.60", 20)
			fails(t, s, "203.0.113.200", 20)
			fails(t, server{PBX: f, name: s.name, addr: f.SIP6}, "2001:db8:a:1::7", 20)
		}},
		{"loopback", func(t *testing.T, _ *daemon) { fails(t, s, "127.0.0.5", 20) }},
		{"trunk", func(t *testing.T, _ *daemon) { fails(t, s, f.Trunk.Addr().String(), 20) }},
		{"calls without a password for their first INVITE", func(t *testing.T, _ *daemon) { testChallenges(t, s) }},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, d.in(t)) })
	}
	d.in(t).onlyBanned(t)
	if n := d.Status().Engine.WouldBan; n != 0 {
		t.Errorf("%d bans would have been made", n)
	}
}

// testChallenges is a phone that makes many calls: each is asked for a password
// first, and none of that is a failure.
func testChallenges(t *testing.T, s server) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	p := testbed.NewPhone(t, netip.MustParseAddr("198.51.100.70"), "105", testbed.Password("105"), s.addr)
	for range 4 * tried {
		call := p.Invite("601")
		if code, err := call.Wait(ctx); err != nil || code != 200 {
			t.Fatalf("got %d, %v; want 200", code, err)
		}
		if err := call.Hangup(ctx); err != nil {
			t.Error(err)
		}
	}
}
