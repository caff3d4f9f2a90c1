package guard

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const guesser = "203.0.113.66"

// TestAttemptsNotEvents: a failed login is one to four events and counts once.
func TestAttemptsNotEvents(t *testing.T) {
	tests := []struct {
		name string
		do   func(x *peer)
		want int
	}{
		{"wrong password", func(x *peer) { x.wrong("101") }, 1},
		{"unknown account with credentials", func(x *peer) { x.nobody("999") }, 1},
		{"three unknown accounts in one session", func(x *peer) {
			x.session = "one"
			times(3, func(int) { x.nobody("999") })
		}, 3},
		{"three wrong passwords in one session", func(x *peer) {
			x.session = "one"
			x.wrong("101", "101", "101")
		}, 3},
		{"answers with one nonce, as svcrack sends them", func(x *peer) {
			x.session = "one"
			x.do(AuthChallenged, "119")
			times(4, func(int) { x.do(AuthFailed, "119") })
		}, 4},
		{"a challenge", func(x *peer) { x.ask("101"); x.wait(3 * time.Second) }, 0},
		{"a challenge three times in one session", func(x *peer) {
			x.session = "one"
			times(3, func(int) { x.ask("101") })
			x.wait(3 * time.Second)
		}, 0},
		{"a challenge that is answered", func(x *peer) { x.right("101") }, 0},
		{"a phone whose name is only in its credentials", func(x *peer) {
			y := x.fresh()
			ev := y.event(AuthFailed, "display")
			ev.Unknown = true
			y.feed(ev)
			y.do(AuthChallenged, "<unknown>")
			y.do(AuthOK, "101")
			x.wait(3 * time.Second)
		}, 0},
		{"an access list of chan_pjsip", func(x *peer) {
			y := x.fresh()
			y.do(AuthRefused, "118")
			y.do(AuthChallenged, "<unknown>")
			y.do(AuthRefused, "118")
			y.do(AuthFailed, "<unknown>")
		}, 1},
		{"an access list of chan_sip", func(x *peer) {
			x.service, x.session = "SIP", "0x7f"
			times(3, func(int) { x.do(AuthRefused, "118"); x.do(AuthRefused, "118") })
		}, 3},
		{"wrong AMI secret, then unknown user", func(x *peer) {
			x.service, x.proof = "AMI", Path
			x.do(AuthFailed, "admin")
			ev := x.event(AuthFailed, "nosuchuser")
			ev.Unknown = true
			x.feed(ev)
		}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(nil), Memory{})
			tt.do(p.udp(guesser))
			if got := p.failures(); got != tt.want {
				t.Errorf("got %d failures, want %d", got, tt.want)
			}
		})
	}
}

// TestInviteAccountOfChanSIP: chan_sip names the dialled number when an INVITE
// fails or works; the account is the one that it challenged.
func TestInviteAccountOfChanSIP(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	x := p.chansip("198.51.100.20")
	x.session = "0x7f01"
	x.do(AuthChallenged, "100")
	x.do(AuthOK, "0031900123456")
	if st := p.standings(); len(st) != 1 || st["100@198.51.100.20"].First.IsZero() {
		t.Errorf("got standings %v, want one of 100", st)
	}
	x.session = "0x7f02"
	x.do(AuthChallenged, "101")
	x.do(AuthFailed, "0031900123456")
	if a, ok := p.records[len(p.records)-1].(AuthRecord); !ok || a.Account != "101" {
		t.Errorf("got %+v, want a failure of 101", p.records[len(p.records)-1])
	}
}

// TestGuestEarnsNoStanding: chan_sip reports a caller whom it asked nothing, a
// trunk or a guest, as authenticated.
func TestGuestEarnsNoStanding(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	x := p.chansip(guesser)
	x.fresh().do(AuthOK, "31205550600")
	y := x.fresh()
	y.do(AuthRefused, "31205550600")
	y.do(AuthOK, "31205550600")
	if st := p.standings(); len(st) != 0 {
		t.Errorf("got standings %v, want none", st)
	}
	x.wrong("100", "100", "100", "100")
	p.wantBanned(guesser + "/32")
}

// TestCallsAreAnswers: calls that chan_sip starts are the only sign that its
// challenges were answered, even from an address that nothing is known of.
func TestCallsAreAnswers(t *testing.T) {
	for _, placed := range []bool{true, false} {
		p := newPost(t, enforcedBans(nil), Memory{})
		x := p.chansip("198.51.100.20")
		times(20, func(i int) {
			x.ask(fmt.Sprint(100 + i))
			if placed {
				p.s.placedCall(ext(fmt.Sprint(100+i)), p.now)
			}
		})
		p.wait(3 * time.Second)
		if got := len(p.banned()) == 0; got != placed {
			t.Errorf("calls placed: %v, banned: %v", placed, p.banned())
		}
	}
}

// TestRefusalIsNoScan: who is turned away by a list was never asked.
func TestRefusalIsNoScan(t *testing.T) {
	p := newPost(t, enforcedBans(func(p *Policy) { p.Bans.Failures = 0 }), Memory{})
	times(20, func(i int) { p.udp(guesser).fresh().do(AuthRefused, fmt.Sprint(100+i)) })
	p.wait(3 * time.Second)
	p.wantRules("map[]")
}

// TestMisdials: 100 honest calls and 20 misdials of one chan_sip phone, whose
// PBX has no word for the success of either, ban nobody.
func TestMisdials(t *testing.T) {
	for _, success := range []bool{false, true} {
		p := newPost(t, enforcedBans(learning), Memory{})
		x := p.chansip("198.51.100.20")
		times(100, func(i int) {
			y := x.fresh()
			y.do(AuthChallenged, "100")
			if got, ok := p.s.placedCall(ext("100"), p.now); !ok || got != x.from.Addr() {
				t.Fatalf("placedCall: got %v, %v", got, ok)
			}
			if success {
				y.do(AuthOK, "0201234567")
			}
			p.wait(time.Second)
		})
		times(20, func(int) { x.ask("100"); p.wait(time.Second) })
		p.wait(5 * time.Second)
		p.wantBanned()
		p.wantRules("map[]")
		if n := p.failures(); n != 0 {
			t.Errorf("got %d failures, want none", n)
		}
	}
}

// TestMisdialsOfAnOffice: fifteen phones behind one address misdial within
// minutes, and no success of those calls is ever told. They have logged in.
func TestMisdialsOfAnOffice(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	x := p.chansip("198.51.100.20")
	times(15, func(i int) {
		name := fmt.Sprint(100 + i)
		x.right(name)
		x.ask(name)
		p.wait(5 * time.Second)
	})
	p.wantBanned()
}

func TestScanWithoutCredentials(t *testing.T) {
	tests := []struct {
		name  string
		ask   func(x *peer, i int)
		n     int
		rule  string
		wants bool
	}{
		{"ten accounts", func(x *peer, i int) { x.ask(fmt.Sprint(100 + i)) }, 10, "scan", true},
		{"nine accounts", func(x *peer, i int) { x.ask(fmt.Sprint(100 + i)) }, 9, "", false},
		{"one account a hundred times", func(x *peer, i int) { x.ask("100") }, 100, "", false},
		{"ten accounts that do not exist", func(x *peer, i int) {
			y := x.fresh()
			ev := y.event(AuthFailed, fmt.Sprint(700+i))
			ev.Unknown = true
			y.feed(ev)
			y.do(AuthChallenged, "<unknown>")
		}, 10, "scan", true},
		{"one that does not exist, at once again and again", func(x *peer, i int) {
			y := x.fresh()
			ev := y.event(AuthFailed, "nobody")
			ev.Unknown = true
			y.feed(ev)
			y.do(AuthChallenged, "<unknown>")
		}, 8, "auth", true},
		{"one that does not exist, kept alive every 20 s", func(x *peer, i int) {
			y := x.fresh()
			ev := y.event(AuthFailed, "ping")
			ev.Unknown = true
			y.feed(ev)
			y.do(AuthChallenged, "<unknown>")
			x.wait(20 * time.Second)
		}, 60, "", false},
		{"ten accounts, one session", func(x *peer, i int) {
			x.session = "one"
			x.ask(fmt.Sprint(100 + i))
		}, 10, "scan", true},
		{"ten accounts in an hour", func(x *peer, i int) {
			x.ask(fmt.Sprint(100 + i))
			x.wait(6 * time.Minute)
		}, 10, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, enforcedBans(nil), Memory{})
			x := p.udp(guesser)
			times(tt.n, func(i int) { tt.ask(x, i) })
			if tt.wants {
				p.wantBanned() // an answer may still come
			}
			p.wait(2200 * time.Millisecond)
			if !tt.wants {
				p.wantBanned()
				return
			}
			p.wantBanned(guesser + "/32")
			if d := p.decisions[0]; d.Rule != tt.rule || d.Action != Kill || !d.Enforced || d.Source != x.from.Addr() {
				t.Errorf("got %+v, want rule %s", d, tt.rule)
			}
		})
	}
}

// TestHostileNames: what a stranger calls himself may be anything, and is cut.
func TestHostileNames(t *testing.T) {
	name := "\x1b]0;x\x07\r\n" + strings.Repeat("é", 5000)
	p := newPost(t, enforcedBans(nil), Memory{})
	x := p.udp(guesser)
	times(5, func(int) { x.wrong(name) })
	p.wantBanned(guesser + "/32")
	for _, d := range p.decisions {
		if len(d.Account.Name) > 64 || len(d.Reason) > 300 || !strings.HasSuffix(d.Account.Name, "é") {
			t.Errorf("account of %d bytes, reason of %d: %q", len(d.Account.Name), len(d.Reason), d.Reason)
		}
	}
}

// TestExchangesAreBounded: a flood of questions without answers is forgotten in
// time, and never held beyond the cap.
func TestExchangesAreBounded(t *testing.T) {
	p := newPost(t, enforcedBans(nil), Memory{})
	e := &p.s.exchanges
	times(3*maxExchanges, func(i int) {
		p.s.handle(&Event{Kind: AuthChallenged, PBX: "a", Account: ext("100"), Service: "PJSIP",
			Session: fmt.Sprint(i), Source: addr(guesser)}, p.now)
		if n := len(e.queue) - e.head; n > maxExchanges || len(e.open) > maxExchanges {
			t.Fatalf("%d queued, %d open", n, len(e.open))
		}
	})
	if cap(e.queue) > 4*maxExchanges {
		t.Errorf("the queue has room for %d", cap(e.queue))
	}
	p.wait(3 * time.Second)
	if len(e.open) != 0 || len(e.queue) != 0 {
		t.Errorf("%d open, %d queued, want none", len(e.open), len(e.queue))
	}
}
