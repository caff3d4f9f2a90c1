package guard

import (
	"testing"
	"time"
)

// TestTrunkToldOfFirst has the trunk's events overtake the first one of the leg
// that calls it. Nobody is judged before it is known who he is, an emergency call
// never, and a caller of whom nothing more is told all the same.
func TestTrunkToldOfFirst(t *testing.T) {
	const abroad = "0025261234567"
	for _, tt := range []struct {
		name    string
		dialled string // "": the caller is never told of
		sent    string
		payer   string
		killed  bool
	}{
		{"a phone", abroad, abroad, "101", true},
		{"an emergency number that the dial plan made another", "112", abroad, "", false},
		{"never told of", "", abroad, "?", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.Default = Limits{Countries: map[string]bool{}, CountryAction: Kill}
			r := newRig(t, p)
			r.feed(Event{Kind: LegStarted, Leg: "b", Call: "a", Channel: "b", Account: ext("trunk"), ToTrunk: true})
			r.feed(Event{Kind: LegDialling, Leg: "a", Call: "a", Other: "b", OtherCall: "a", OtherAccount: ext("trunk"), Number: tt.sent, ToTrunk: true})
			r.wait(100 * time.Millisecond)
			if len(r.hungUp) > 0 || len(r.decided()) > 0 {
				t.Fatalf("judged as %v before the caller is known", r.decided())
			}
			if tt.dialled != "" {
				r.feed(Event{Kind: LegStarted, Leg: "a", Call: "a", Channel: "a", Account: ext("101"), Number: tt.dialled})
			}
			r.wait(overtaken)
			if got := len(r.hungUp) > 0; got != tt.killed {
				t.Errorf("hung up: got %v, want %v", r.hungUp, tt.killed)
			}
			r.end("a", "b")
			var payers string
			for _, rec := range r.records {
				if c, ok := rec.(CallRecord); ok {
					payers += c.Payer.Name
				}
			}
			if payers != tt.payer {
				t.Errorf("paid by %q, want %q", payers, tt.payer)
			}
			r.empty()
		})
	}
}

// TestOriginateToTrunk: a call that the PBX is told to make straight to a trunk
// is a call like any other.
func TestOriginateToTrunk(t *testing.T) {
	p := enforcing(t)
	p.Default = Limits{Countries: map[string]bool{}, CountryAction: Kill}
	r := newRig(t, p)
	r.feed(Event{Kind: LegStarted, Leg: "b", Call: "b", Channel: "b", Account: ext("trunk"), ToTrunk: true})
	r.feed(Event{Kind: LegDialling, Other: "b", OtherCall: "b", OtherAccount: ext("trunk"), Number: "0025261234567", ToTrunk: true})
	if len(r.hungUp) != 1 || r.hungUp[0] != "b" {
		t.Fatalf("hung up %v, want the trunk's leg", r.hungUp)
	}
	if d, ok := r.last("country"); !ok || d.Account != ext("trunk") {
		t.Errorf("got %+v, want the country rule about the trunk", d)
	}
	r.end("b")
	r.empty()
}

// TestLoopbackToldInOrder: FreeSWITCH tells who calls the first half of a
// loopback before it tells of the second. What that dials is judged at once, and
// an emergency call stays one on both sides.
func TestLoopbackToldInOrder(t *testing.T) {
	for _, tt := range []struct {
		name, dialled, on string
		killed            bool
	}{
		{"abroad", "101", "0025261234567", true},
		{"emergency before the loop", "112", "0025261234567", false},
		{"emergency behind the loop", "101", "112", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.Default = Limits{Countries: map[string]bool{}, CountryAction: Kill}
			r := newRig(t, p)
			leg := r.phone("100", tt.dialled)
			r.feed(Event{Kind: LegStarted, Leg: "l1", Call: CallID(leg), Channel: "loopback/x-a", Side: LocalOne, Pair: "l1"})
			r.feed(Event{Kind: LegDialling, Leg: leg, Other: "l1", Number: tt.on})
			r.feed(Event{Kind: LegStarted, Leg: "l2", Call: CallID(leg), Channel: "loopback/x-b", Side: LocalTwo, Pair: "l1", Number: tt.on})
			if got := len(r.hungUp) > 0; got != tt.killed {
				t.Errorf("hung up %v before a trunk is called, want %v", r.hungUp, tt.killed)
			}
			r.out("l2", "0025261234567")
			r.wait(time.Second)
			if got := len(r.hungUp) > 0; got != tt.killed {
				t.Errorf("hung up %v, want %v", r.hungUp, tt.killed)
			}
		})
	}
}

// TestForwardWithinADomain: an outside call that is forwarded has no tenant of
// its own. The tenant that the PBX names pays, and never another's 101.
func TestForwardWithinADomain(t *testing.T) {
	r := newRig(t, enforcing(t))
	for _, domain := range []string{"one.example", "two.example"} {
		r.feed(Event{Kind: Registered, Account: Account{PBX: "a", Domain: domain, Name: "101"}, Source: addrPort("192.0.2.7:5060"), Service: "FreeSWITCH"})
	}
	leg := r.inbound("31205550101")
	r.feed(Event{Kind: LegStarted, Leg: "b", Call: CallID(leg), Channel: "b", Account: ext("trunk"), ToTrunk: true})
	r.feed(Event{Kind: LegDialling, Leg: leg, Other: "b", OtherAccount: ext("trunk"), Number: "0025261234567", ToTrunk: true,
		Exten: "101", Domain: "two.example"})
	r.end("b", leg)
	for _, rec := range r.records {
		if c, ok := rec.(CallRecord); ok {
			if want := (Account{PBX: "a", Domain: "two.example", Name: "101"}); c.Payer != want || c.Via != "forward" {
				t.Errorf("paid by %v via %q, want %v via a forward", c.Payer, c.Via, want)
			}
			return
		}
	}
	t.Error("no call was recorded")
}

// TestListTellsTrunks: a list that says which trunk a leg calls is enough to know
// the trunk's own leg in it, though nobody has configured or seen it.
func TestListTellsTrunks(t *testing.T) {
	p := enforcing(t)
	p.PBXs["a"].Trunks = nil
	p.Default = Limits{Countries: map[string]bool{}, CountryAction: Kill}
	r := newRig(t, p)
	r.feed(Event{Kind: ResyncStarted})
	r.feed(Event{Kind: LegListed, Leg: "b", Call: "a", Channel: "b", Account: ext("trunk")})
	r.feed(Event{Kind: LegListed, Leg: "a", Call: "a", Channel: "a", Account: ext("100"), Number: "0025261234567",
		ToTrunk: true, OtherAccount: ext("trunk"), Sent: "0025261234567"})
	r.feed(Event{Kind: ResyncEnded})
	if d, ok := r.last("country"); !ok || d.Account != ext("100") || len(r.hungUp) == 0 {
		t.Errorf("got %+v and the ends of %v, want those of the call of 100", d, r.hungUp)
	}
}
