package guard

import (
	"slices"
	"testing"
	"time"

	"pbxguard/numbering"
)

// R9: nobody who has not placed a call brings it to an end. Whatever a stranger
// sends, with his own or a forged address, in the name of the one who calls, is
// no event of the call.
func TestR9StrangersEndNoCall(t *testing.T) {
	p := enforcing(t)
	p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill}
	r := newRig(t, p)
	caller, trunk := r.place("100", "0205550101")
	r.answer(caller, trunk)
	stranger := addrPort("203.0.113.66:5060")
	for range 50 {
		for _, ev := range []Event{
			{Kind: AuthFailed, Account: ext("100"), Source: stranger, Service: "PJSIP"},
			{Kind: AuthRefused, Account: ext("100"), Source: stranger, Service: "PJSIP"},
			{Kind: AuthChallenged, Account: ext("100"), Number: "0900123456", Source: stranger, Service: "PJSIP"},
			{Kind: Unregistered, Account: ext("100"), Source: stranger},
			{Kind: Forged, Leg: caller, Call: CallID(caller), Source: stranger, Number: "RemoteAddress twice"},
			{Kind: Forged, Leg: trunk, Number: "a block without Event"},
			{Kind: HangupRefused, Leg: "6.6"},
			{Kind: LegDialling, Leg: "6.6", Other: "6.7", Number: "09001234567", ToTrunk: true},
		} {
			r.feed(ev)
		}
		r.wait(time.Second)
	}
	if len(r.hungUp) != 0 {
		t.Errorf("got %v hung up, want no leg of anybody", r.hungUp)
	}
	// What the caller does himself does end it.
	premium, _ := r.place("100", "09001234567")
	if !slices.Contains(r.hungUp, premium) {
		t.Errorf("got %v hung up, want %v, which dialled a premium number", r.hungUp, premium)
	}
}
