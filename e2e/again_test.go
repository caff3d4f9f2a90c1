package e2e

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// A ban ends by itself. Whoever then begins again is out for longer, and sooner.
func TestBannedAgain(t *testing.T) {
	a := testbed.Start(t, 22)
	d := walled(t, a, "ladder = [\"10s\", \"1h\"]\nlearn = \"0s\"")
	earn(t, a, guesser)
	flow := newStream(t, guesser, a.SIP.Addr(), 5*time.Millisecond)
	time.Sleep(5 * time.Second)
	if _, n := flow.counts(); n > 0 {
		t.Errorf("%d packets of a banned source arrived", n)
	}
	d.await("the ban has ended", 10*time.Second, func() bool { _, held := wall(t)[kept(guesser)]; return !held })
	flow.flows()
	d.await("the daemon says so", 5*time.Second, func() bool { return len(d.Bans()) == 0 })
	p := testbed.NewPhone(t, guesser, "107", "", a.SIP, testbed.TCP(), testbed.FreshCallID())
	for n := range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		p.RegisterWith(ctx, fmt.Sprint("again", n))
		cancel()
	}
	d.await("he is banned again", 5*time.Second, func() bool { return wall(t)[kept(guesser)] > 30*time.Minute })
	if b, ok := d.Ban(kept(guesser)); !ok || b.Times != 2 {
		t.Errorf("got %+v, %v; want his second ban", b, ok)
	}
}

// A ban ends what the banned source had open, whatever it was banned for.
func TestBanEndsConnections(t *testing.T) {
	a := testbed.Start(t, 22)
	walled(t, a, `learn = "0s"`)
	idle := crime{from: netip.MustParseAddr("198.51.100.41"), to: a.SIP}
	dial := net.Dialer{LocalAddr: &net.TCPAddr{IP: idle.from.AsSlice()}}
	conn, err := dial.DialContext(t.Context(), "tcp", a.SIP.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := testbed.NewPhone(t, idle.from, "107", "", a.SIP, testbed.FreshCallID())
	for n := range tried {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		p.RegisterWith(ctx, fmt.Sprint("guess", n))
		cancel()
	}
	idle.hungUp(t)
}

// TestObserveBans bans nobody and writes down who would be.
func TestObserveBans(t *testing.T) {
	inTurn(t, func(t *testing.T, s server) {
		freshWall(t)
		d := startDaemon(t, s.Asterisk, settings{Firewall: "nftables", BansMore: `learn = "0s"`})
		fails(t, s, guesser.String(), 6*tried)
		d.await("the log tells of it", 5*time.Second, func() bool { return len(d.decided("auth", guesser)) > 0 })
		ds := d.decided("auth", guesser)
		if len(ds) != 1 || ds[0].Enforced || ds[0].Action != guard.Kill {
			t.Errorf("decisions: got %+v; want one, that would have banned", ds)
		}
		if n := d.Status().Engine.WouldBan; n != 1 {
			t.Errorf("status: %d bans would have been made, want 1", n)
		}
		d.onlyBanned(t)

		// What was only observed is not held against him when bans begin.
		d.CLI("enforce", "bans")
		fails(t, s, guesser.String(), tried-1)
		d.onlyBanned(t)
		p := testbed.NewPhone(t, guesser, "101", "", s.addr, testbed.FreshCallID())
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		p.RegisterWith(ctx, "one too many")
		d.await("he is banned", 5*time.Second, func() bool { _, held := wall(t)[kept(guesser)]; return held })
	})
}
