package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBanAfterFailures(t *testing.T) {
	tests := []struct {
		name   string
		do     func(p *post)
		banned []string
		reason string
	}{
		{"five wrong passwords over UDP", func(p *post) { p.udp(guesser).wrong("101", "101", "101", "101", "101") },
			[]string{guesser + "/32"}, "5 wrong passwords for 101 within a second from 203.0.113.66 (UDP)"},
		{"over TCP", func(p *post) {
			x := p.tcp(guesser)
			times(5, func(int) { x.wrong("101"); p.wait(3 * time.Second) })
		}, []string{guesser + "/32"}, "5 wrong passwords for 101 in 12 s from 203.0.113.66 (TCP)"},
		{"of several accounts", func(p *post) { p.udp(guesser).wrong("101", "102", "103", "104", "105") },
			[]string{guesser + "/32"}, "5 wrong passwords for several accounts, the last 105 within a second from 203.0.113.66 (UDP)"},
		{"unknown accounts", func(p *post) {
			x := p.udp(guesser)
			times(5, func(i int) { x.nobody("999") })
		}, []string{guesser + "/32"}, "5 logins for 999, which does not exist, within a second from 203.0.113.66 (UDP)"},
		{"AMI", func(p *post) {
			x := p.tcp(guesser)
			x.service = "AMI"
			times(5, func(int) { x.do(AuthFailed, "admin") })
		}, []string{guesser + "/32"}, "5 wrong passwords for admin within a second from 203.0.113.66 (AMI)"},
		{"AMI from this host", func(p *post) {
			x := p.tcp("127.0.0.1")
			x.service = "AMI"
			times(50, func(int) { x.do(AuthFailed, "admin") })
		}, nil, ""},
		{"four", func(p *post) { p.udp(guesser).wrong("101", "101", "101", "101") }, nil, ""},
		{"four, and four when the window has passed", func(p *post) {
			p.udp(guesser).wrong("101", "101", "101", "101")
			p.wait(10*time.Minute + time.Second)
			p.udp(guesser).wrong("101", "101", "101", "101")
		}, nil, ""},
		{"five, two minutes apart", func(p *post) {
			times(5, func(int) { p.udp(guesser).wrong("101"); p.wait(2 * time.Minute) })
		}, []string{guesser + "/32"}, "5 wrong passwords for 101 in 8 min from 203.0.113.66 (UDP)"},
		{"five IPv6 addresses of a /64", func(p *post) {
			times(5, func(i int) { p.udp(fmt.Sprintf("2001:db8:1:2::%d", i+1)).wrong("101") })
		}, []string{"2001:db8:1:2::/64"}, "5 wrong passwords for 101 within a second from 2001:db8:1:2::5 (UDP)"},
		{"five IPv6 addresses of five /64s", func(p *post) {
			times(5, func(i int) { p.udp(fmt.Sprintf("2001:db8:1:%d::1", i)).wrong("101") })
		}, nil, ""},
		{"IPv4 written as IPv6", func(p *post) {
			times(5, func(i int) { p.udp([]string{"::ffff:" + guesser, guesser}[i%2]).wrong("101") })
		}, []string{guesser + "/32"}, ""},
		{"this host's link", func(p *post) {
			for _, from := range []string{"::1", "fe80::1%eth0", "0.0.0.0", "::", "169.254.1.1", "ff02::1"} {
				times(50, func(int) { p.udp(from).wrong("101"); p.tcp(from).nobody("999") })
			}
		}, nil, ""},
		{"nobody's address", func(p *post) {
			times(50, func(int) { p.feed(Event{Kind: AuthFailed, Account: ext("101"), Service: "PJSIP"}) })
		}, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Spray = 0 }), Memory{})
			tt.do(p)
			if !slices.Equal(p.banned(), tt.banned) {
				t.Fatalf("banned: got %v, want %v", p.banned(), tt.banned)
			}
			if tt.reason == "" {
				return
			}
			if d := p.decisions[len(p.decisions)-1]; d.Reason != tt.reason || d.Rule != "auth" || d.Action != Kill || !d.Enforced {
				t.Errorf("got %+v\nwant reason %s", d, tt.reason)
			}
		})
	}
}

// TestKernelFirst: of a ban the firewall hears first and the ledger last; of its
// end the ledger hears first.
func TestKernelFirst(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	p.records = nil
	p.tcp(guesser).wrong("101", "101", "101", "101", "101")
	prefix := netip.MustParsePrefix(guesser + "/32")
	if err := p.s.unbanByHand(prefix, "root"); err != nil {
		t.Fatal(err)
	}
	want := []string{"ban 203.0.113.66/32", "hang up 203.0.113.66/32", "lift 203.0.113.66/32", "unban 203.0.113.66/32"}
	if !slices.Equal(p.told, want) {
		t.Errorf("got %q, want %q", p.told, want)
	}
	b, _ := p.records[len(p.records)-2].(Ban)
	if b.Prefix != prefix || !b.Enforced || b.Times != 1 || b.Until.Sub(b.Since) != 10*time.Minute || b.Rule != "auth" || b.Proof != Path {
		t.Errorf("recorded %+v", b)
	}
}

// TestLadder: each ban of a proven address is longer; one that may be forged
// never gets more than ten minutes, however often it comes back.
// It is R5.
func TestLadder(t *testing.T) {
	hours := func(ds ...float64) (all []time.Duration) {
		for _, d := range ds {
			all = append(all, time.Duration(d*float64(time.Hour)))
		}
		return all
	}
	const tenMinutes = 1.0 / 6
	tests := []struct {
		name  string
		proof Proof
		want  []time.Duration
	}{
		{"proven", Path, hours(tenMinutes, 1, 24, 168, 168)},
		{"unproven", Unproven, hours(tenMinutes, tenMinutes, tenMinutes, tenMinutes)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(nil), Memory{})
			x := p.udp(guesser)
			x.proof = tt.proof
			for i, want := range tt.want {
				times(5, func(int) { x.wrong("101") })
				got := p.lengths[netip.MustParsePrefix(guesser+"/32")].Round(time.Second)
				if got != want {
					t.Fatalf("ban %d: got %s, want %s", i+1, got, want)
				}
				p.wait(want + time.Second)
				delete(p.lengths, netip.MustParsePrefix(guesser+"/32")) // as the kernel does
				if st := p.s.list(); len(st) != 0 {
					t.Fatalf("still in force: %v", st)
				}
			}
		})
	}
}

// TestReoffence: within a day of a ban two failures earn the next.
func TestReoffence(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration // the end of the first ban
		bans  int
	}{
		{"an hour later", time.Hour, 2},
		{"two days later", 48 * time.Hour, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(nil), Memory{})
			x := p.tcp(guesser)
			x.wrong("101", "101", "101", "101", "101")
			p.wait(10*time.Minute + tt.after)
			x.wrong("101", "101")
			if got := p.rules()["auth"]; got != tt.bans {
				t.Errorf("got %d bans, want %d", got, tt.bans)
			}
		})
	}
}

// TestBanStartsAfresh: the failures that earned a ban do not earn the next one.
func TestBanStartsAfresh(t *testing.T) {
	p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Ladder = []time.Duration{time.Minute} }), Memory{})
	x := p.tcp(guesser)
	x.wrong("101", "101", "101", "101", "101")
	p.wait(time.Minute + time.Second)
	x.wrong("101")
	p.wantRules("map[auth:1]")
	x.wrong("101")
	p.wantRules("map[auth:2]")
}

// TestLadderForgets: a month after the last ban it begins again.
func TestLadderForgets(t *testing.T) {
	for _, days := range []int{29, 31} {
		p := newPost(t, enforcedBans(nil), Memory{})
		x := p.tcp(guesser)
		times(5, func(int) { x.wrong("101") })
		p.now = p.now.Add(time.Duration(days) * 24 * time.Hour)
		p.wait(time.Second)
		times(5, func(int) { x.wrong("101") })
		want := time.Hour
		if days > 30 {
			want = 10 * time.Minute
		}
		if d := p.lengths[netip.MustParsePrefix(guesser+"/32")]; d != want {
			t.Errorf("after %d days: got %s, want %s", days, d, want)
		}
	}
}

// TestOtherWindow: a reload that changes the window starts all counts afresh.
func TestOtherWindow(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	p.tcp(guesser).wrong("101", "101", "101", "101")
	p.s.setPolicy(enforcedBans(func(p *Policy) { p.Bans.Window = time.Hour }))
	p.tcp(guesser).wrong("101", "101", "101", "101")
	p.wantBanned()
	p.tcp(guesser).wrong("101")
	p.wantBanned(guesser + "/32")
}

// TestProofIsNotMixed: failures that anybody may have forged do not earn a
// source the ban of one that proved its path, nor the other way round.
func TestProofIsNotMixed(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	p.udp(guesser).wrong("101", "101", "101", "101")
	p.tcp(guesser).wrong("101", "101", "101", "101")
	p.wantBanned()
	p.tcp(guesser).wrong("101")
	p.wantBanned(guesser + "/32")
}

// TestNonceOfAnother: a nonce that A fetched and that is answered as B over UDP
// earns B ten minutes at most, again and again, and nothing if B has standing.
func TestNonceOfAnother(t *testing.T) {
	const b = "198.51.100.20"
	for _, known := range []bool{false, true} {
		p := newPost(t, enforcedBans(nil), Memory{})
		if known {
			p.udp(b).right("101")
		}
		for range 20 {
			times(10, func(int) {
				a := p.udp(guesser).fresh()
				a.do(AuthChallenged, "101")
				x := p.udp(b)
				x.session = a.session
				x.do(AuthFailed, "101")
			})
			for x, d := range p.lengths {
				if d > 10*time.Minute || known && x.Contains(addr(b).Addr()) {
					t.Fatalf("%s was banned for %s", x, d)
				}
			}
			p.wait(11 * time.Minute)
		}
	}
}

// TestBudget: who forges addresses cannot have more of them banned in a minute
// than the policy allows; proven ones are banned all the same.
// It is R5.
func TestBudget(t *testing.T) {
	p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Budget, p.Bans.Spray = 10, 0 }), Memory{})
	forge := func(n int) {
		times(n, func(i int) { p.udp(fmt.Sprintf("192.0.2.%d", i)).wrong("101", "101", "101", "101", "101") })
	}
	forge(50)
	if got := len(p.banned()); got != 10 {
		t.Errorf("got %d bans, want 10", got)
	}
	p.wantRules("map[auth:10 ban-budget:1]")
	p.tcp(guesser).wrong("101", "101", "101", "101", "101")
	if !slices.Contains(p.banned(), guesser+"/32") {
		t.Error("a proven guesser went free")
	}
	p.wait(time.Minute)
	times(50, func(i int) { p.udp(fmt.Sprintf("192.0.2.%d", i)).wrong("101") })
	if got := len(p.banned()); got != 21 {
		t.Errorf("got %d bans in the next minute, want 21", got)
	}
}

func TestForged(t *testing.T) {
	tests := []struct {
		name   string
		from   string
		before func(p *post)
		banned []string
		rules  string
	}{
		{"a stranger", guesser, nil, []string{guesser + "/32"}, "map[forged:2]"},
		{"a known address", "198.51.100.20", func(p *post) { p.udp("198.51.100.20").right("100") }, nil, "map[forged:1]"},
		{"this host", "127.0.0.8", nil, nil, "map[forged:1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(nil), Memory{})
			if tt.before != nil {
				tt.before(p)
			}
			times(200, func(int) {
				p.feed(Event{Kind: Forged, Source: addr(tt.from), Number: "RemoteAddress twice"})
			})
			p.wantBanned(tt.banned...)
			p.wantRules(tt.rules)
			if d := p.decisions[0]; d.Action != Alert || d.Source != netip.MustParseAddr(tt.from) {
				t.Errorf("got %+v, want an alert about %s", d, tt.from)
			}
		})
	}
}

// TestForgedWithoutSource: there is nobody to ban, and the alerts do not become
// a flood.
func TestForgedWithoutSource(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	times(5000, func(int) { p.feed(Event{Kind: Forged, Number: "a block without Event"}) })
	p.wantBanned()
	p.wantRules("map[alerts:1 forged:60]")
}

// TestInjectedVictim: the injection capture names 127.0.0.9 and 127.0.0.99 as
// senders, which the adapter never believes; what is left are true senders.
func TestInjectedVictim(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	x := p.udp("203.0.113.8")
	x.feed(Event{Kind: Forged, Source: x.from, Number: "RemoteAddress twice"})
	y := x.fresh()
	y.do(AuthChallenged, "<unknown>")
	phone := p.udp("203.0.113.2")
	phone.right("100")
	times(20, func(int) { p.feed(Event{Kind: Forged, Number: "a block without Event"}) })
	p.wait(3 * time.Second)
	p.wantBanned("203.0.113.8/32")
	if p.rules()["forged"] == 0 {
		t.Error("no alert was raised")
	}
}

// TestObserve: everything is judged and written down; the firewall hears nothing.
func TestObserve(t *testing.T) {
	p := newPost(t, enforcedBans(func(p *Policy) { p.BansMode = Observe }), Memory{})
	x := p.tcp(guesser)
	times(100, func(int) { x.wrong("101") })
	if len(p.told) != 0 {
		t.Errorf("the firewall was told %q", p.told)
	}
	p.wantRules("map[auth:1]")
	if p.decisions[0].Enforced {
		t.Error("the decision claims to be enforced")
	}
	var st Status
	if p.s.status(&st); st.WouldBan != 1 || st.Bans != 0 || len(p.s.list()) != 0 {
		t.Errorf("got %d would-be bans, %d bans, list %v", st.WouldBan, st.Bans, p.s.list())
	}
	if err := p.s.unbanByHand(netip.MustParsePrefix(guesser+"/32"), "root"); err == nil {
		t.Error("a ban that never was could be lifted")
	}
	p.s.setPolicy(enforcedBans(nil))
	times(5, func(int) { x.wrong("101") })
	p.wantBanned(guesser + "/32")
	if d := p.lengths[netip.MustParsePrefix(guesser+"/32")]; d != 10*time.Minute {
		t.Errorf("the first real ban lasts %s, want 10m", d)
	}
}

// TestWithoutFirewall: with none to tell, bans are only written down.
func TestWithoutFirewall(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	p.s = newSources(enforcedBans(nil), nil, p.hooks(), Memory{}, p.now)
	p.tcp(guesser).wrong("101", "101", "101", "101", "101")
	p.wantRules("map[auth:1]")
	if p.decisions[0].Enforced || len(p.s.list()) != 0 {
		t.Errorf("got %+v, listed %v", p.decisions[0], p.s.list())
	}
	if err := p.s.banByHand(netip.MustParsePrefix(guesser+"/32"), 0, "", "root"); err == nil {
		t.Error("a ban by hand was taken")
	}
}

func TestActions(t *testing.T) {
	tests := []struct {
		name    string
		actions map[string]Action
		want    string
	}{
		{"off", map[string]Action{"auth": Allow}, "map[]"},
		{"alert", map[string]Action{"auth": Alert}, "map[auth:1]"},
		{"note", map[string]Action{"auth": Note}, "map[auth:1]"},
		{"another rule's", map[string]Action{"scan": Allow}, "map[auth:1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Actions = tt.actions }), Memory{})
			times(100, func(int) { p.tcp(guesser).wrong("101") })
			p.wantRules(tt.want)
			if act := tt.actions["auth"]; len(p.decisions) > 0 && act != 0 && p.decisions[0].Action != act {
				t.Errorf("got action %s, want %s", p.decisions[0].Action, act)
			}
			if _, set := tt.actions["auth"]; set {
				p.wantBanned()
			}
		})
	}
}

func TestMaxBans(t *testing.T) {
	p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Max, p.Bans.Spray = 5, 0 }), Memory{})
	times(20, func(i int) { p.tcp(fmt.Sprintf("192.0.2.%d", i)).wrong("101", "101", "101", "101", "101") })
	if got := len(p.banned()); got != 5 {
		t.Errorf("got %d bans, want 5", got)
	}
	p.wantRules("map[auth:5 ban-full:15]")
	if err := p.s.banByHand(netip.MustParsePrefix("192.0.2.99/32"), 0, "", "root"); err == nil {
		t.Error("a ban beyond the cap was taken")
	}
}

// TestFirewallQueueFull: an order that the firewall cannot take is repeated, and
// given up with a word.
func TestFirewallQueueFull(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	p.refuse = true
	p.tcp(guesser).wrong("101", "101", "101", "101", "101")
	p.wait(time.Second)
	p.wantBanned()
	p.refuse = false
	p.wait(100 * time.Millisecond)
	p.wantBanned(guesser + "/32")
	p.refuse = true
	p.tcp("203.0.113.67").wrong("101", "101", "101", "101", "101")
	p.wait(11 * time.Second)
	if p.rules()["firewall"] != 1 || len(p.s.bans.orders) != 0 {
		t.Errorf("got %v with %d orders left", p.rules(), len(p.s.bans.orders))
	}
}

func TestBanByHand(t *testing.T) {
	never := func(p *Policy) {
		p.BansMode = Observe
		p.Bans.Never = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("::ffff:192.0.2.7/128")}
	}
	tests := []struct {
		name, prefix string
		d            time.Duration
		want         string // of the error
	}{
		{"an address", "203.0.113.9/32", time.Hour, ""},
		{"until lifted", "203.0.113.9/32", 0, ""},
		{"a network", "203.0.113.0/24", time.Hour, ""},
		{"IPv6", "2001:db8::1/128", time.Hour, ""},
		{"this host", "127.0.0.1/32", time.Hour, "this host"},
		{"everybody", "0.0.0.0/0", time.Hour, "this host"},
		{"everybody of IPv6", "::/0", time.Hour, "this host"},
		{"an allowed address", "198.51.100.9/32", time.Hour, "198.51.100.0/24"},
		{"what holds an allowed one", "192.0.0.0/16", time.Hour, "192.0.2.7/32"},
		{"an allowed network", "198.51.100.0/24", time.Hour, "allowed"},
		{"less than no time", "203.0.113.9/32", -time.Hour, "negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(never), Memory{})
			prefix := netip.MustParsePrefix(tt.prefix)
			err := p.s.banByHand(prefix, tt.d, "called at night", "root")
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want an error with %q", err, tt.want)
				}
				p.wantBanned()
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p.wantBanned(tt.prefix) // bans by hand are made in observe mode too
			l := p.s.list()
			if len(l) != 1 || l[0].By != "root" || !l[0].Enforced || l[0].Until.IsZero() != (tt.d == 0) {
				t.Errorf("listed %+v", l)
			}
			p.wait(2 * time.Hour)
			if want := tt.d == 0; len(p.s.list()) == 1 != want {
				t.Errorf("after two hours: %v", p.s.list())
			}
		})
	}
}

func TestUnbanByHand(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	x := p.udp("2001:db8:1:2::7")
	x.wrong("101", "101", "101", "101", "101")
	err := p.s.unbanByHand(netip.MustParsePrefix("2001:db8:1:2::7/128"), "root")
	if err == nil || !strings.Contains(err.Error(), "2001:db8:1:2::/64") {
		t.Errorf("got %v, want an error that names the ban", err)
	}
	if err := p.s.unbanByHand(netip.MustParsePrefix("192.0.2.1/32"), "root"); err == nil {
		t.Error("nobody was unbanned")
	}
	if err := p.s.unbanByHand(netip.MustParsePrefix("2001:db8:1:2::/64"), "root"); err != nil {
		t.Error(err)
	}
	p.wantBanned()
	x.wrong("101", "101", "101", "101")
	p.wantBanned() // it starts afresh
	x.right("101")
	if p.s.knows(ext("101"), keyOf(x.from.Addr())) {
		t.Error("the password was guessed and earned a standing")
	}
	x.wrong("101", "101", "101", "101", "101")
	if err := p.s.unbanByHand(netip.MustParsePrefix("2001:db8:1:2::/64"), "root"); err != nil {
		t.Error(err)
	}
	x.right("101")
	if !p.s.knows(ext("101"), keyOf(x.from.Addr())) {
		t.Error("whom a person let back in earns no standing")
	}
}

// TestAllowingLifts: whom a reload allows is let go.
func TestAllowingLifts(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	p.tcp(guesser).wrong("101", "101", "101", "101", "101")
	p.s.setPolicy(enforcedBans(func(p *Policy) { p.Bans.Never = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")} }))
	p.wantBanned()
	if p.told[len(p.told)-2] != "lift 203.0.113.66/32" || len(p.s.list()) != 0 {
		t.Errorf("told %q, listed %v", p.told, p.s.list())
	}
	times(50, func(int) { p.tcp(guesser).wrong("101") })
	p.wantBanned()
}

// TestBansOutliveRestart: bans in force are back, also for judging, and earlier
// ones make the next longer.
func TestBansOutliveRestart(t *testing.T) {
	prefix := func(s string) netip.Prefix { return netip.MustParsePrefix(s) }
	now := wednesday
	mem := Memory{Bans: []Ban{
		{Prefix: prefix("192.0.2.1/32"), Since: now.Add(-time.Hour), Until: now.Add(time.Hour), Times: 2, Proof: Path, Rule: "auth", Enforced: true},
		{Prefix: prefix("192.0.2.2/32"), Since: now.Add(-time.Hour), Until: now.Add(-time.Minute), Times: 2, Proof: Path, Rule: "auth", Enforced: true},
		{Prefix: prefix("192.0.2.3/32"), Since: now.Add(-time.Hour), Rule: "by-hand", By: "root", Times: 1, Proof: Path, Enforced: true},
		{Prefix: prefix("192.0.2.4/32"), Since: now.Add(-time.Hour), Until: now.Add(time.Hour), Rule: "auth", Times: 1},
		{Prefix: prefix("198.51.100.0/24"), Since: now.Add(-time.Hour), Rule: "by-hand", By: "root", Times: 1, Proof: Path, Enforced: true},
		{Prefix: prefix("192.0.2.9/32"), Since: now.Add(-time.Hour), Rule: "by-hand", By: "root", Times: 1, Proof: Path, Enforced: true},
		{Prefix: prefix("192.0.2.3/32"), Since: now.Add(-time.Minute), Rule: "by-hand", By: "root", Times: 2, Proof: Path, Enforced: true},
	}}
	p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Never = []netip.Prefix{prefix("192.0.2.9/32")} }), mem)
	got := []string{}
	for _, b := range p.s.list() {
		got = append(got, b.Prefix.String())
	}
	want := []string{"192.0.2.3/32", "192.0.2.1/32", "198.51.100.0/24"}
	if !slices.Equal(got, want) {
		t.Errorf("in force: got %v, want %v", got, want)
	}
	if want := []string{"lift 192.0.2.9/32", "unban 192.0.2.9/32"}; !slices.Equal(p.told, want) {
		t.Errorf("told %q, want %q: it has been allowed since", p.told, want)
	}
	if n := p.s.bans.enforced; n != len(want) {
		t.Errorf("%d are counted, want %d", n, len(want))
	}
	times(5, func(int) { p.tcp("192.0.2.4").wrong("101") })
	p.wantBanned("192.0.2.4/32") // it was only observed
	delete(p.lengths, prefix("192.0.2.4/32"))
	times(10, func(int) { p.tcp("192.0.2.1").wrong("101") })
	p.wantBanned() // it is in force, and the firewall is not told twice
	p.tcp("192.0.2.2").wrong("101", "101")
	if d := p.lengths[prefix("192.0.2.2/32")]; d != 24*time.Hour {
		t.Errorf("the third ban lasts %s, want 24h", d)
	}
	p.wait(2 * time.Hour)
	got = got[:0]
	for _, b := range p.s.list() {
		got = append(got, b.Prefix.String())
	}
	if want := []string{"192.0.2.2/32", "192.0.2.3/32", "198.51.100.0/24"}; !slices.Equal(got, want) {
		t.Errorf("after two hours: got %v, want %v", got, want)
	}
}
