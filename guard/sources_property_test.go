package guard

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// crowd are the addresses of a random stream: strangers, this host, who is
// allowed, and an office whose extension 100 stays registered.
var crowd = []string{
	guesser, "203.0.113.67", "::ffff:203.0.113.66", "2001:db8:1:2::1", "2001:db8:1:2::2",
	"127.0.0.1", "::1", "0.0.0.0", "fe80::7", "192.0.2.3", "192.0.2.15", "::ffff:192.0.2.3", "2001:db8:a::5",
	office, "2001:db8:b:1::9",
}

var (
	allowed  = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28"), netip.MustParsePrefix("2001:db8:a::/48")}
	officeOf = []netip.Prefix{netip.MustParsePrefix(office + "/32"), netip.MustParsePrefix("2001:db8:b:1::/64")}
)

// randomEvent is anything that an adapter may say, and things that it should not.
func randomEvent(t *rapid.T) Event {
	pick := rapid.SampledFrom([]Kind{
		AuthChallenged, AuthFailed, AuthFailed, AuthFailed, AuthRefused, AuthOK, Registered, Unregistered, Forged,
	})
	ev := Event{
		Kind:    pick.Draw(t, "kind"),
		Account: Account{PBX: "a", Name: rapid.SampledFrom([]string{"101", "102", "103", "119", "", "<unknown>", "\r\n\x1b"}).Draw(t, "account")},
		Service: rapid.SampledFrom([]string{"PJSIP", "SIP", "AMI", ""}).Draw(t, "service"),
		Session: rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "session"),
		Proof:   rapid.SampledFrom([]Proof{Unproven, Path, 7}).Draw(t, "proof"),
		Unknown: rapid.Bool().Draw(t, "unknown"),
	}
	if from := rapid.SampledFrom(append([]string{""}, crowd...)).Draw(t, "from"); from != "" {
		ev.Source = addr(from)
	}
	return ev
}

// stream feeds a random stream, in which time passes unevenly.
func stream(t *rapid.T, p *post, check func()) {
	for range rapid.IntRange(1, 30).Draw(t, "bursts") {
		ev := randomEvent(t)
		for range rapid.SampledFrom([]int{1, 2, 6, 30}).Draw(t, "times") {
			p.feed(ev)
			p.s.placedCall(ev.Account, p.now)
		}
		p.wait(rapid.SampledFrom([]time.Duration{0, 100 * time.Millisecond, 3 * time.Second, time.Minute, 11 * time.Minute}).Draw(t, "wait"))
		check()
	}
}

func randomPolicy(t *rapid.T) *Policy {
	return enforcedBans(func(p *Policy) {
		p.Bans.Never = allowed
		p.Bans.Failures = rapid.IntRange(0, 6).Draw(t, "failures")
		p.Bans.Scan = rapid.IntRange(0, 4).Draw(t, "scan")
		p.Bans.Sources = rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "sources")
		p.Bans.Learn = rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "learn")
		p.Bans.Max = rapid.IntRange(1, 10).Draw(t, "max")
		p.Bans.Budget = rapid.IntRange(0, 5).Draw(t, "budget")
	})
}

// TestNeverBanned: whatever happens, this host, the allow list and an address
// with a live registration of another account are never banned, an address that
// may be forged never for more than ten minutes, and never more than may be.
func TestNeverBanned(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		policy := randomPolicy(rt)
		p := newPost(t, policy, Memory{})
		times(len(officeOf), func(i int) {
			x := p.udp([]string{office, "2001:db8:b:1::1"}[i])
			x.right("100")
			x.do(Registered, "100")
		})
		stream(rt, p, func() {
			for x, d := range p.lengths {
				for _, n := range append(append([]netip.Prefix{}, ourselves...), append(allowed, officeOf...)...) {
					if n.Overlaps(x) {
						rt.Fatalf("%s was banned for %s", x, d)
					}
				}
			}
			for _, b := range p.s.list() {
				if b.Proof == Unproven && b.Until.Sub(b.Since) > 10*time.Minute {
					rt.Fatalf("forgeable, yet banned: %+v", b)
				}
			}
			if n := len(p.s.bans.standing); n > policy.Bans.Max {
				rt.Fatalf("%d bans, at most %d may stand", n, policy.Bans.Max)
			}
		})
	})
}

// TestObserveIsSilent: in observe mode no stream makes the firewall hear a word.
func TestObserveIsSilent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		policy := randomPolicy(rt)
		policy.BansMode = Observe
		p := newPost(t, policy, Memory{})
		stream(rt, p, func() {
			if len(p.told) != 0 || len(p.s.list()) != 0 || p.s.bans.enforced != 0 {
				rt.Fatalf("told %q, listed %v, %d enforced", p.told, p.s.list(), p.s.bans.enforced)
			}
		})
		for _, d := range p.decisions {
			if d.Enforced {
				rt.Fatalf("claims to be enforced: %+v", d)
			}
		}
	})
}

// TestSourcesAreBounded: no stream makes any table grow beyond its cap, and all
// is forgotten in time.
func TestSourcesAreBounded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		policy := randomPolicy(rt)
		p := newPost(t, policy, Memory{})
		stream(rt, p, func() {
			s := p.s
			for i := range s.failing {
				if f, a := s.failing[i].kept.len, s.asking[i].kept.len; f > policy.Bans.Sources || a > policy.Bans.Sources {
					rt.Fatalf("%d failing, %d asking, at most %d are tracked", f, a, policy.Bans.Sources)
				}
			}
			if n := s.attacked.kept.len; n > policy.Bans.Sources {
				rt.Fatalf("%d accounts under attack", n)
			}
			enforced := 0
			for _, v := range s.bans.standing {
				if v.enforced {
					enforced++
				}
			}
			if enforced != s.bans.enforced {
				rt.Fatalf("%d bans are enforced, counted are %d", enforced, s.bans.enforced)
			}
			for _, k := range s.places.Keys() {
				if pl, _ := s.places.Peek(k); pl.live < 0 || pl.live > len(s.presences.Keys())*maxContacts {
					rt.Fatalf("%d live registrations at %s", pl.live, k.prefix())
				}
			}
		})
		p.wait(25 * time.Minute)
		p.now = p.now.Add(8 * 24 * time.Hour)
		p.wait(time.Second)
		var st Status
		if p.s.status(&st); st.Sources != 0 || st.Bans != 0 || len(p.s.exchanges.open) != 0 {
			rt.Fatalf("after a week: %d sources, %d bans, %d exchanges", st.Sources, st.Bans, len(p.s.exchanges.open))
		}
	})
}

// TestLiveRegistrationsAddUp: registrations come and go in any order; what is
// counted at each place is what is there.
func TestLiveRegistrationsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPost(t, enforcedBans(nil), Memory{})
		for range rapid.IntRange(1, 60).Draw(rt, "n") {
			ev := Event{
				Kind:    rapid.SampledFrom([]Kind{Registered, Registered, Unregistered, AuthOK}).Draw(rt, "kind"),
				Account: ext(rapid.SampledFrom([]string{"100", "101"}).Draw(rt, "account")),
				Service: rapid.SampledFrom([]string{"PJSIP", "SIP"}).Draw(rt, "service"),
			}
			if rapid.IntRange(0, 9).Draw(rt, "addressed") > 0 {
				ev.Source = addr(fmt.Sprintf("198.51.100.%d:%d", rapid.IntRange(1, 3).Draw(rt, "host"), rapid.IntRange(1, 3).Draw(rt, "port")))
			}
			p.feed(ev)
			p.wait(rapid.SampledFrom([]time.Duration{0, 3 * time.Second}).Draw(rt, "wait"))
			want := map[sourceKey]int{}
			for _, a := range p.s.presences.Keys() {
				pr, _ := p.s.presences.Peek(a)
				for _, n := range pr.contacts {
					want[n.key]++
				}
			}
			for _, k := range p.s.places.Keys() {
				pl, _ := p.s.places.Peek(k)
				if pl.live != want[k] {
					rt.Fatalf("%s: got %d registrations, want %d", k.prefix(), pl.live, want[k])
				}
				for a, st := range pl.standings {
					pr, ok := p.s.presences.Peek(a)
					if live := ok && p.s.isLive(pr, k); st.Registered != live {
						rt.Fatalf("%s at %s: registered is %v, want %v", a, k.prefix(), st.Registered, live)
					}
				}
			}
		}
	})
}
