package guard

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const office = "198.51.100.20"

// stale is a phone that repeats its old password, each half minute, twice in a row.
func stale(x *peer, account string, d time.Duration) {
	for end := x.now.Add(d); x.now.Before(end); x.wait(30 * time.Second) {
		x.wrong(account, account)
	}
}

// TestOnePhoneNeverBanned: a typo, a stale password behind an office's address,
// a trunk, and who is allowed.
func TestHonestNeverBanned(t *testing.T) {
	allow := netip.MustParsePrefix("192.0.2.0/28")
	tests := []struct {
		name  string
		do    func(p *post)
		rules string
	}{
		{"one typo", func(p *post) {
			x := p.udp(office)
			x.wrong("102")
			x.right("102")
		}, "map[]"},
		{"two typos of everybody who comes to work", func(p *post) {
			x := p.udp(office)
			times(30, func(i int) {
				name := fmt.Sprint(100 + i)
				x.wrong(name, name)
				x.right(name)
				p.wait(5 * time.Second)
			})
		}, "map[auth-known:1]"},
		{"a stale password for days, others work", func(p *post) {
			x := p.udp(office)
			x.right("100")
			stale(x, "101", 48*time.Hour)
		}, "map[]"},
		{"the same, the other one is only registered", func(p *post) {
			x := p.udp(office)
			x.do(Registered, "100")
			stale(x, "101", 12*time.Hour)
		}, "map[]"},
		{"twenty stale passwords, one works", func(p *post) {
			x := p.udp(office)
			x.right("100")
			times(20, func(i int) { x.wrong(fmt.Sprint(101 + i)) })
		}, "map[auth-known:1]"},
		{"its own stale password, a month after the last success", func(p *post) {
			x := p.tcp(office)
			x.right("100")
			p.wait(29 * 24 * time.Hour)
			times(50, func(int) { x.wrong("100") })
		}, "map[auth-known:1]"},
		{"an allowed address and a trunk", func(p *post) {
			times(100, func(int) { p.tcp("192.0.2.3").wrong("100"); p.udp("192.0.2.3").nobody("999") })
			times(100, func(i int) { p.udp("192.0.2.4").ask(fmt.Sprint(i)) })
			p.wait(3 * time.Second)
		}, "map[auth-known:3]"},
		{"an IPv6 neighbour of a phone", func(p *post) {
			p.udp("2001:db8:1:2::7").right("100")
			times(50, func(int) { p.tcp("2001:db8:1:2::8").wrong("101") })
		}, "map[auth-known:1]"},
		{"an AMI client whose secret was changed", func(p *post) {
			x := p.tcp("192.0.2.200")
			x.service = "AMI"
			x.do(AuthOK, "crm")
			times(500, func(int) { x.do(AuthFailed, "crm"); p.wait(time.Second) })
		}, "map[auth-known:1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Never = []netip.Prefix{allow} }), Memory{})
			tt.do(p)
			p.wantBanned()
			p.wantRules(tt.rules)
			for _, d := range p.decisions {
				if d.Action != Alert || !strings.Contains(d.Reason, "not banned") {
					t.Errorf("got %+v", d)
				}
			}
		})
	}
}

// TestTrustEnds: an address that has not worked for longer than the time of
// trust is a stranger if it proves its path; if it may be forged it is spared.
func TestTrustEnds(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	p.tcp(office).right("100")
	p.wait(31 * 24 * time.Hour)
	times(5, func(int) { p.udp(office).wrong("100") })
	p.wantBanned()
	times(5, func(int) { p.tcp(office).wrong("100") })
	p.wantBanned(office + "/32")
}

// TestPasswordRotation: twenty phones behind one address, registered before the
// guard came, get wrong passwords all at once. Nobody is banned while learning,
// nor after it once some of them have been set right.
func TestPasswordRotation(t *testing.T) {
	p := newPost(t, enforcedBans(learning), Memory{})
	x := p.udp(office)
	phone := func(i int) string { return fmt.Sprint(100 + i) }
	fixed := 0
	for range 120 { // each half minute, an hour long
		for i := fixed; i < 20; i++ {
			x.wrong(phone(i), phone(i))
		}
		if fixed < 15 && p.now.Sub(wednesday) > 10*time.Minute {
			x.right(phone(fixed))
			fixed++
		}
		p.wait(30 * time.Second)
	}
	p.wait(10 * time.Minute)
	var st Status
	if p.s.status(&st); st.Learning {
		t.Errorf("still learning after %s", st.Watched)
	}
	times(20, func(int) {
		for i := fixed; i < 20; i++ {
			x.wrong(phone(i), phone(i))
		}
		p.wait(30 * time.Second)
	})
	p.wantBanned()
	if p.rules()["auth-learning"] == 0 {
		t.Error("nobody was told")
	}
	if got := len(p.standings()); got != fixed {
		t.Errorf("got %d standings, want %d", got, fixed)
	}
}

// TestGuessersWhileLearning: who guesses is banned from the first minute on.
func TestGuessersWhileLearning(t *testing.T) {
	tests := []struct {
		name string
		do   func(x *peer)
	}{
		{"five quick attempts on one account", func(x *peer) { x.wrong("101", "101", "101", "101", "101") }},
		{"svcrack", func(x *peer) {
			x.session = "469857468"
			x.do(AuthChallenged, "119")
			times(150, func(int) { x.do(AuthFailed, "119"); x.wait(100 * time.Millisecond) })
		}},
		{"five attempts, ten seconds apart", func(x *peer) { times(5, func(int) { x.wrong("101"); x.wait(10 * time.Second) }) }},
		{"unknown accounts", func(x *peer) { times(5, func(i int) { x.nobody(fmt.Sprint(900 + i)); x.wait(time.Minute) }) }},
		{"some of both", func(x *peer) { times(3, func(int) { x.nobody("900"); x.wrong("101") }) }},
		{"a scan", func(x *peer) { times(10, func(i int) { x.ask(fmt.Sprint(i)) }); x.wait(3 * time.Second) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(learning), Memory{})
			tt.do(p.udp(guesser))
			p.wantBanned(guesser + "/32")
		})
	}
}

// TestStrangersAfterLearning: one attempt each on five accounts, which could be
// five phones while nothing is known, is enough afterwards.
func TestStrangersAfterLearning(t *testing.T) {
	for _, watched := range []time.Duration{59 * time.Minute, time.Hour} {
		p := newPost(t, enforcedBans(learning), Memory{Watched: watched})
		p.udp(guesser).wrong("101", "102", "103", "104", "105")
		if watched < time.Hour {
			p.wantBanned()
		} else {
			p.wantBanned(guesser + "/32")
		}
	}
}

// TestWatched: only time with a PBX connected counts, and it is written down.
func TestWatched(t *testing.T) {
	p := newPost(t, enforcedBans(learning), Memory{Watched: 30 * time.Minute})
	p.wait(10 * time.Minute)
	p.s.watch(false, p.now)
	p.wait(time.Hour)
	var st Status
	p.s.status(&st)
	if st.Watched != 40*time.Minute || !st.Learning {
		t.Errorf("got %s, learning %v, want 40m", st.Watched, st.Learning)
	}
	var told []time.Duration
	for _, r := range p.records {
		if w, ok := r.(Watched); ok {
			told = append(told, w.Total)
		}
	}
	if n := len(told); n < 10 || n > 11 || told[n-1] != 40*time.Minute {
		t.Errorf("recorded %v", told)
	}
	p.s.watch(true, p.now)
	p.wait(21 * time.Minute)
	if p.s.status(&st); st.Learning {
		t.Error("still learning after an hour")
	}
}

// TestGuessedRight: a password that works after three wrong ones gives its
// source nothing, and somebody is told.
func TestGuessedRight(t *testing.T) {
	tests := []struct {
		name      string
		policy    func(*Policy)
		do        func(p *post, x *peer)
		rules     string
		standings int
		banned    bool // two more failures are enough
	}{
		{"three wrong, then right", nil, func(p *post, x *peer) { x.wrong("119", "119", "119"); x.right("119") },
			"map[auth:1 guessed:1]", 0, true},
		{"two wrong, then right", nil, func(p *post, x *peer) { x.wrong("119", "119"); x.right("119") }, "map[]", 1, false},
		{"three accounts wrong, a fourth right", nil, func(p *post, x *peer) { x.wrong("117", "118", "116"); x.right("119") },
			"map[auth:1 guessed:1]", 0, true},
		{"while learning", learning, func(p *post, x *peer) { x.wrong("119", "119", "119"); x.right("119") },
			"map[auth:1 guessed:1]", 0, true},
		{"and registered", nil, func(p *post, x *peer) {
			x.wrong("119", "119", "119")
			x.do(Registered, "119")
			x.right("119")
		}, "map[auth:1 guessed:1]", 0, true},
		{"when it was banned already", nil, func(p *post, x *peer) {
			x.wrong("119", "119", "119", "119", "119")
			x.right("119")
			p.wait(20 * time.Minute)
			x.right("119")
		}, "map[auth:2 guessed:1]", 0, true},
		{"and again after an hour", nil, func(p *post, x *peer) {
			x.wrong("119", "119", "119")
			x.right("119")
			p.wait(time.Hour)
			x.right("119")
			x.wrong("101", "101", "101")
		}, "map[auth:1 guessed:1]", 0, true},
		{"from a place that others work from", nil, func(p *post, x *peer) {
			x.right("100")
			x.wrong("119", "119", "119")
			x.right("119")
		}, "map[guessed:1]", 2, false},
		{"by its owner, where it always worked", nil, func(p *post, x *peer) {
			x.right("119")
			x.wrong("119", "119", "119", "119")
			x.right("119")
		}, "map[]", 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(tt.policy), Memory{})
			x := p.udp(guesser)
			tt.do(p, x)
			if got := len(p.standings()); got != tt.standings {
				t.Errorf("got %d standings, want %d", got, tt.standings)
			}
			if got := p.s.known(ext("119"), x.from.Addr(), p.now.Add(30*24*time.Hour)); tt.standings == 0 && got != 0 {
				t.Errorf("known for %s", got)
			}
		})
		t.Run(tt.name+", and goes on", func(t *testing.T) {
			p := newPost(t, enforcedBans(tt.policy), Memory{})
			x := p.udp(guesser)
			tt.do(p, x)
			x.wrong("101", "101")
			if tt.policy != nil {
				x.wrong("101", "101", "101") // while learning, accounts count apart
			}
			if got := len(p.banned()) == 1; got != tt.banned {
				t.Errorf("banned: got %v, want %v", got, tt.banned)
			}
			p.wantRules(tt.rules)
		})
	}
}

// TestSpray: many addresses against one account are one attack, told of once.
func TestSpray(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	p.udp("198.51.100.9").right("103")
	p.udp("198.51.100.9").wrong("103") // where it works does not count
	times(4, func(i int) { p.udp(fmt.Sprintf("203.0.113.%d", i)).wrong("103") })
	p.wantRules("map[]")
	times(20, func(i int) { p.udp(fmt.Sprintf("203.0.113.%d", i)).wrong("103") })
	p.wantBanned()
	p.wantRules("map[spray:1]")
	d := p.decisions[0]
	if d.Account.Name != "103" || d.Action != Alert || !strings.HasPrefix(d.Reason, "5 addresses tried passwords for 103 within a second") {
		t.Errorf("got %+v", d)
	}
	p.wait(11 * time.Minute)
	times(20, func(i int) { p.udp(fmt.Sprintf("203.0.113.%d", i)).wrong("103") })
	p.wantRules("map[spray:2]")
}

// TestStandings: what is recorded of a phone through its day.
func TestStandings(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	x := p.udp(office)
	x.right("101")
	x.do(Registered, "101")
	if st := p.standings()["101@"+office]; !st.Registered || st.First.IsZero() {
		t.Fatalf("got %+v, want registered", st)
	}
	recorded := func() (n int) {
		for _, r := range p.records {
			if _, ok := r.(Standing); ok {
				n++
			}
		}
		return n
	}
	before := recorded()
	times(59, func(int) { x.right("101"); p.wait(time.Minute) })
	if n := recorded() - before; n != 0 {
		t.Errorf("%d records of nothing new within an hour", n)
	}
	times(61, func(int) { x.right("101"); p.wait(time.Minute) })
	if n := recorded() - before; n < 1 || n > 2 {
		t.Errorf("%d records in the second hour, want 1 or 2", n)
	}
	// The phone comes back with another port: the new contact before the end of the old.
	y := p.udp(office + ":40000")
	y.right("101")
	y.do(Registered, "101")
	x.do(Unregistered, "101")
	if st := p.standings()["101@"+office]; !st.Registered {
		t.Error("the end of the old contact ended the new one")
	}
	y.do(Unregistered, "101")
	if st := p.standings()["101@"+office]; st.Registered {
		t.Error("still registered after the last contact was removed")
	}
	x.do(Registered, "101")
	p.feed(Event{Kind: Unregistered, Account: ext("101"), Service: "SIP"}) // chan_sip names no address
	if st := p.standings()["101@"+office]; st.Registered {
		t.Error("still registered after an end without an address")
	}
}

// TestChanSIPMoves: chan_sip knows one registration of an account and does not
// say that the one before is over.
func TestChanSIPMoves(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	for _, from := range []string{office, guesser} {
		x := p.chansip(from)
		x.right("101")
		x.do(Registered, "101")
		p.wait(time.Minute)
	}
	st := p.standings()
	if st["101@"+office].Registered || !st["101@"+guesser].Registered {
		t.Errorf("got %v", st)
	}
}

// TestContactBehindNAT: the phone registers the address that it has at home; it
// is the true one that counts, in whichever order the two are told.
func TestContactBehindNAT(t *testing.T) {
	for _, first := range []Kind{AuthOK, Registered} {
		p := newPost(t, enforcedBans(nil), Memory{})
		x, home := p.udp(office), p.udp("192.168.1.5")
		y := x.fresh()
		y.do(AuthChallenged, "101")
		if first == AuthOK {
			y.do(AuthOK, "101")
			home.do(Registered, "101")
		} else {
			home.do(Registered, "101")
			y.do(AuthOK, "101")
		}
		if st := p.standings()["101@"+office]; !st.Registered {
			t.Errorf("%s first: got %v", first, p.standings())
		}
		if p.s.knows(ext("101"), keyOf(home.from.Addr())) {
			t.Errorf("%s first: the home address has standing", first)
		}
		p.wait(time.Minute)
		home.do(Registered, "101") // it was found to be reachable again
		if p.s.knows(ext("101"), keyOf(home.from.Addr())) || !p.standings()["101@"+office].Registered {
			t.Errorf("%s first: moved home: %v", first, p.standings())
		}
		home.do(Unregistered, "101")
		if st := p.standings()["101@"+office]; st.Registered {
			t.Errorf("%s first: still registered", first)
		}
	}
}

// TestStandingsOutliveRestart: who was known before is known again.
func TestStandingsOutliveRestart(t *testing.T) {
	source := netip.MustParseAddr(office)
	old := Standing{Account: ext("100"), Source: source, First: wednesday.Add(-240 * time.Hour), Last: wednesday.Add(-time.Hour)}
	fromFiles := Standing{Account: ext("101"), Source: netip.MustParseAddr("198.51.100.21"), Registered: true}
	p := newPost(t, enforcedBans(nil), Memory{Standings: []Standing{old, fromFiles}})
	times(20, func(int) { p.tcp(office).wrong("102"); p.tcp("198.51.100.21").wrong("102") })
	p.wantBanned()
	if got := p.s.known(ext("100"), source, p.now).Round(time.Hour); got != 240*time.Hour {
		t.Errorf("known for %s, want 240h", got)
	}
	if got := p.s.known(ext("102"), source, p.now); got != 0 {
		t.Errorf("another account is known for %s", got)
	}
	p.udp("198.51.100.21").do(Unregistered, "101")
	if st := p.standings()["101@198.51.100.21"]; st.Source.String() != "198.51.100.21" || st.Registered {
		t.Errorf("got %+v, want no longer registered", st)
	}
}

func TestPlacedCall(t *testing.T) {
	a, b := netip.MustParseAddr(office), netip.MustParseAddr(guesser)
	tests := []struct {
		name string
		do   func(p *post)
		want netip.Addr
	}{
		{"nothing before", func(p *post) {}, netip.Addr{}},
		{"the login before", func(p *post) { p.udp(office).right("100") }, a},
		{"the latest login", func(p *post) { p.udp(office).right("100"); p.udp(guesser).right("100") }, b},
		{"too long ago", func(p *post) { p.udp(office).right("100"); p.wait(6 * time.Second) }, netip.Addr{}},
		{"another account", func(p *post) { p.udp(office).right("101") }, netip.Addr{}},
		{"asked by chan_sip", func(p *post) { p.chansip(office).ask("100") }, a},
		{"asked by chan_pjsip", func(p *post) { p.udp(office).ask("100") }, netip.Addr{}},
		{"two asked by chan_sip", func(p *post) { p.chansip(guesser).ask("100"); p.chansip(office).ask("100") }, netip.Addr{}},
		{"two asked, one knew the password", func(p *post) { p.chansip(guesser).ask("100"); p.chansip(office).right("100") }, a},
		{"another asked long before", func(p *post) {
			p.chansip(guesser).ask("100")
			p.wait(6 * time.Second)
			p.chansip(office).ask("100")
		}, a},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(nil), Memory{})
			tt.do(p)
			got, ok := p.s.placedCall(ext("100"), p.now)
			if got != tt.want || ok != tt.want.IsValid() {
				t.Errorf("got %v, %v, want %v", got, ok, tt.want)
			}
		})
	}
}

// TestBystanderEarnsNoStanding: a stranger who asks chan_sip for an account
// without a password while its owner calls is not taken for the owner.
func TestBystanderEarnsNoStanding(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	x := p.chansip(guesser)
	times(20, func(int) {
		x.ask("100")
		p.s.placedCall(ext("100"), p.now)
		p.wait(5 * time.Second)
	})
	x.wrong("101", "101", "101", "101", "101")
	p.wantBanned(guesser + "/32")
}
