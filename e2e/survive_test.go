package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// ruleset is a file that administrators load, and the nftables service does
// each time it starts: it begins by taking everything away.
const ruleset = `
flush ruleset
table inet filter {
	chain input { type filter hook input priority filter; policy accept; }
}
`

// banned is who is kept out in TestBansSurvive, each in another way.
var (
	guesser   = netip.MustParseAddr("198.51.100.31") // by what he did over TCP
	guesser6  = netip.MustParseAddr("2001:db8:bad:31::7")
	named     = netip.MustParseAddr("198.51.100.32") // by hand
	neighbour = netip.MustParseAddr("203.0.113.20")  // by hand, with his whole network
	network   = netip.MustParsePrefix("203.0.113.0/26")
)

// TestBansSurvive takes away the daemon, and from under it the table.
func TestBansSurvive(t *testing.T) {
	a := testbed.Start(t, 22)
	d := walled(t, a, `ladder = ["30m"]`)
	earn(t, a, guesser)
	earn(t, a, guesser6)
	d.CLI("ban", named.String(), "--for", "1h", "--reason", "by order")
	d.CLI("ban", network.String(), "--for", "0s")
	want := map[netip.Prefix]time.Duration{
		kept(guesser): 30 * time.Minute, kept(guesser6): 30 * time.Minute, kept(named): time.Hour, network: 0,
	}
	d.await("all are kept out", 5*time.Second, func() bool { return same(wall(t), want) })

	var flows []*stream
	for _, from := range []netip.Addr{guesser, guesser6, named, neighbour} {
		to := a.SIP.Addr()
		if from.Is6() {
			to = a.SIP6.Addr()
		}
		flows = append(flows, newStream(t, from, to, 5*time.Millisecond))
	}
	for _, tt := range []struct {
		name   string
		outage func()
	}{
		{"restart", func() { d.Stop(); time.Sleep(300 * time.Millisecond); d.Start() }},
		{"kill -9", func() { d.Kill9(); time.Sleep(300 * time.Millisecond); d.Start() }},
		{"reload", func() { d.Reload(settings{Bans: "enforce", Firewall: "nftables", BansMore: `ladder = ["30m"]`}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.t = t
			sent, before := sendings(flows), arrivals(flows)
			tt.outage()
			d.WaitConnected()
			time.Sleep(300 * time.Millisecond)
			if n := arrivals(flows) - before; n != 0 {
				t.Errorf("%d packets of banned sources got through", n)
			}
			if sent = sendings(flows) - sent; sent < 100 {
				t.Errorf("only %d packets were sent meanwhile, which shows little", sent)
			}
			t.Logf("%d packets were sent meanwhile", sent)
			d.standing(t, want)
		})
	}
	for _, tt := range []struct{ name, rules string }{
		{"nft flush ruleset", "flush ruleset"},
		{"nftables.service starts", ruleset},
		{"table deleted", "delete table inet pbxguard"},
		{"sets flushed", "flush set inet pbxguard ban4; flush set inet pbxguard ban6; flush set inet pbxguard net4"},
		{"chain deleted", "delete chain inet pbxguard prerouting"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.t = t
			for range 5 {
				testFlushed(t, d, flows, tt.rules, want)
			}
		})
	}
	t.Run("nft flush ruleset while the daemon is dead", func(t *testing.T) {
		d.t = t
		d.Kill9()
		nft(t, ruleset)
		d.Start()
		d.await("all are kept out again", time.Second, func() bool { return same(wall(t), want) })
		d.standing(t, want)
	})
}

// testFlushed damages the table and waits until it is whole again.
func testFlushed(t *testing.T, d *daemon, flows []*stream, rules string, want map[netip.Prefix]time.Duration) {
	t.Helper()
	before, begin := arrivals(flows), time.Now()
	nft(t, rules)
	for !same(wall(t), want) {
		if time.Since(begin) > time.Second {
			t.Fatalf("after %v the kernel keeps only these out: %v", time.Since(begin), wall(t))
		}
		time.Sleep(time.Millisecond)
	}
	whole := time.Since(begin)
	time.Sleep(50 * time.Millisecond)
	leaked := arrivals(flows) - before
	time.Sleep(100 * time.Millisecond)
	if n := arrivals(flows) - before; n != leaked {
		t.Errorf("packets still get through: %d, then %d", leaked, n)
	}
	t.Logf("seen whole %v after it was damaged; %d packets of 800 a second leaked", whole.Round(time.Millisecond), leaked)
	d.standing(t, want)
}

// TestBanByHand takes the daemon away the moment it has said that something is
// done, and the kernel's memory with it, as a power failure does.
func TestBanByHand(t *testing.T) {
	a := testbed.Start(t, 22)
	d := walled(t, a, `allow = ["198.51.100.64/26"]`)
	t.Run("refused", func(t *testing.T) {
		d.t = t
		for _, tt := range []struct{ name, prefix, why string }{
			{"allowed", "198.51.100.70", "never banned"},
			{"holds what is allowed", "198.51.100.0/24", "never banned"},
			{"within what is allowed", "198.51.100.64/27", "never banned"},
			{"a trunk", a.Trunk.Addr().String(), "never banned"},
			{"loopback", "127.0.0.1", "never banned"},
			{"loopback of IPv6", "::1", "never banned"},
			{"everything", "0.0.0.0/0", "never banned"},
			{"everything of IPv6", "::/0", "never banned"},
			{"host bits", "203.0.113.9/24", "203.0.113.0/24"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if out, _, err := d.try("ban", tt.prefix); err == nil || !strings.Contains(err.Error(), tt.why) {
					t.Errorf("ban %s: got %q, %v; want it refused because %q", tt.prefix, out, err, tt.why)
				}
			})
		}
		d.onlyBanned(t)
	})
	t.Run("ban outlives kill -9 and power failure", func(t *testing.T) { d.t = t; testBanDurable(t, d) })
	t.Run("unban outlives kill -9", func(t *testing.T) { d.t = t; testUnbanDurable(t, d) })
	t.Run("unban forgives", func(t *testing.T) { d.t = t; testForgiven(t, a, d) })
}

func testBanDurable(t *testing.T, d *daemon) {
	var all []netip.Addr
	for i := range 8 {
		p := netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + i)})
		all = append(all, p)
		d.CLI("ban", p.String(), "--for", "2h", "--reason", "by order")
		d.Kill9()
		if _, held := wall(t)[kept(p)]; !held {
			t.Errorf("%s: the ban was not in the kernel when the command returned", p)
		}
		nft(t, "flush ruleset")
		d.Start()
		d.await("the ban is in force again", time.Second, func() bool { _, held := wall(t)[kept(p)]; return held })
		if b, ok := d.Ban(kept(p)); !ok || b.Reason != "by order" || time.Until(b.Until) > 2*time.Hour {
			t.Errorf("%s: got %+v, %v; want the ban as it was made", p, b, ok)
		}
	}
	d.onlyBanned(t, all...)
	for _, p := range all {
		d.CLI("unban", p.String())
	}
}

func testUnbanDurable(t *testing.T, d *daemon) {
	for i := range 8 {
		p := netip.AddrFrom4([4]byte{203, 0, 113, byte(30 + i)})
		d.CLI("ban", p.String())
		d.CLI("unban", p.String())
		d.Kill9()
		if left, held := wall(t)[kept(p)]; held {
			t.Errorf("%s: still in the kernel for %v when the command had returned", p, left)
		}
		d.Start()
		d.WaitConnected()
		d.onlyBanned(t)
	}
}

// testForgiven lets a guesser back in, who then has as many tries as anybody.
func testForgiven(t *testing.T, a *testbed.Asterisk, d *daemon) {
	earn(t, a, guesser)
	d.CLI("unban", guesser.String())
	d.onlyBanned(t)
	p := testbed.NewPhone(t, guesser, "106", testbed.Password("106"), a.SIP)
	refuse(t, p, "typo")
	refuse(t, p, "typo again")
	accept(t, p)
	if _, _, err := d.try("unban", guesser.String()); err == nil || !strings.Contains(err.Error(), "not banned") {
		t.Errorf("to unban who is not banned: got %v", err)
	}
}

// earn guesses passwords over TCP until the source is banned.
func earn(t *testing.T, a *testbed.Asterisk, from netip.Addr) {
	t.Helper()
	to := a.SIP
	if from.Is6() {
		to = a.SIP6
	}
	p := testbed.NewPhone(t, from, "107", "", to, testbed.TCP(), testbed.FreshCallID())
	for n := range 10 * tried {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := p.RegisterWith(ctx, fmt.Sprint("guess", n))
		cancel()
		if _, held := wall(t)[kept(from)]; held && err != nil {
			return
		}
	}
	t.Fatalf("%s is not banned", from)
}

// same says whether the kernel keeps out whom it should, and for no longer.
func same(got, want map[netip.Prefix]time.Duration) bool {
	if len(got) != len(want) {
		return false
	}
	for p, long := range want {
		left, ok := got[p]
		if !ok || left > long || left < long-5*time.Minute || (left == 0) != (long == 0) {
			return false
		}
	}
	return true
}

// standing fails the test unless exactly these bans are in force.
func (d *daemon) standing(t *testing.T, want map[netip.Prefix]time.Duration) {
	t.Helper()
	if got := wall(t); !same(got, want) {
		t.Errorf("the kernel keeps out %v, want %v", got, want)
	}
	bans := d.Bans()
	for _, b := range bans {
		if _, ok := want[b.Prefix]; !ok {
			t.Errorf("%s is banned: %s", b.Prefix, b.Reason)
		}
		if strings.Contains(b.Reason, "kernel") {
			t.Errorf("the reason of the ban of %s is lost: %q", b.Prefix, b.Reason)
		}
	}
	if len(bans) != len(want) {
		t.Errorf("%d bans are told, want %d", len(bans), len(want))
	}
}

// sendings is how many packets of all flows were sent so far.
func sendings(flows []*stream) (n int) {
	for _, f := range flows {
		sent, _ := f.counts()
		n += sent
	}
	return n
}

// arrivals is how many packets of all flows got through so far.
func arrivals(flows []*stream) (n int) {
	for _, f := range flows {
		_, arrived := f.counts()
		n += arrived
	}
	return n
}
