package testbed

import (
	"strings"
	"testing"
	"time"
)

// testNonce pins down what a failure event proves about its RemoteAddress over
// UDP, on which the length of a ban depends: with chan_pjsip nothing, since it
// reports a wrong digest whatever nonce it answers; with chan_sip that the
// nonce was sent to wherever ChallengeSent of the same session says.
func testNonce(t *testing.T, s server) {
	ctx := seconds(t, 10)
	r := record(t, s.asterisk, "pbxguard", "guard-secret")
	failure, unsolicited := "Event: InvalidPassword", 0
	if s.name == "pjsip" {
		failure, unsolicited = "Event: ChallengeResponseFailed", 1
	}
	from := func(p *Phone) string {
		return "RemoteAddress: IPV4/UDP/" + strings.Replace(p.Local.String(), ":", "/", 1)
	}

	for _, nonce := range []string{"garbage", "1795327369/0123456789abcdef0123456789abcdef"} {
		blind := NewPhone(t, mallory, "100", "wrong", s.addr)
		if got, err := blind.RegisterAnswering(ctx, Challenge{Realm: "asterisk", Nonce: nonce}, "wrong"); err != nil || got != 401 {
			t.Fatalf("made-up nonce: got %d, %v; want 401", got, err)
		}
		// A later failure of another phone tells that all events of this one are here.
		honest := NewPhone(t, alice, "100", "wrong", s.addr)
		if _, err := honest.Register(ctx); err != nil {
			t.Fatal(err)
		}
		r.wait(t, failure, from(honest))
		got := r.blocks(failure, from(blind))
		if len(got) != unsolicited {
			t.Fatalf("made-up nonce: %d failure events, want %d", len(got), unsolicited)
		}
		if unsolicited > 0 && header(got[0], "Challenge") != nonce {
			t.Errorf("Challenge is %q, want the nonce which the client sent", header(got[0], "Challenge"))
		}
	}

	fetcher := NewPhone(t, alice, "100", "wrong", s.addr)
	c, err := fetcher.Challenge(ctx)
	if err != nil {
		t.Fatal(err)
	}
	other := NewPhone(t, mallory, "100", "wrong", s.addr)
	other.CopySession(fetcher)
	if _, err := other.RegisterAnswering(ctx, c, "wrong"); err != nil {
		t.Fatal(err)
	}
	block := r.wait(t, failure, from(other))
	if s.name == "pjsip" {
		return
	}
	session := "SessionID: " + header(block, "SessionID")
	if got := header(block, "ReceivedChallenge"); got != c.Nonce {
		t.Errorf("ReceivedChallenge %q, want %q", got, c.Nonce)
	}
	if len(r.blocks("Event: ChallengeSent", session, "Challenge: "+c.Nonce, from(fetcher))) != 1 {
		t.Error("no ChallengeSent says that the nonce went to the fetcher")
	}
	if len(r.blocks("Event: ChallengeSent", session, "Challenge: "+c.Nonce, from(other))) != 0 {
		t.Error("ChallengeSent says that the nonce went to the one who answered it")
	}
}

// testForeignNonce answers, with the right password, a nonce fetched at
// another address: chan_pjsip refuses it, chan_sip lets it in.
func testForeignNonce(t *testing.T, s server) {
	ctx := seconds(t, 10)
	fetcher := NewPhone(t, alice, "100", "", s.addr)
	c, err := fetcher.Challenge(ctx)
	if err != nil {
		t.Fatal(err)
	}
	other := NewPhone(t, mallory, "100", "", s.addr)
	other.CopySession(fetcher)
	want := 200
	if s.name == "pjsip" {
		want = 401
	}
	if got, err := other.RegisterAnswering(ctx, c, Password("100")); err != nil || got != want {
		t.Errorf("got %d, %v; want %d", got, err, want)
	}
}

// testAMI logs in with each account and gets a stamped event.
func testAMI(t *testing.T, s server) {
	for _, tt := range []struct{ user, secret string }{
		{"pbxguard", "guard-secret"}, {"pbxguard-admin", "admin-secret"}, {"all", "all-secret"},
	} {
		record(t, s.asterisk, tt.user, tt.secret)
	}
	r := record(t, s.asterisk, "pbxguard", "guard-secret")
	p := NewPhone(t, alice, "100", Password("100"), s.addr)
	if got, err := p.Register(seconds(t, 5)); err != nil || got != 200 {
		t.Fatalf("REGISTER: got %d, %v; want 200", got, err)
	}
	block := r.wait(t, "Event: SuccessfulAuth", "AccountID: 100")
	for _, name := range []string{"Timestamp", "EventTV", "Service", "SessionID"} {
		if header(block, name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if got, err := time.Parse("2006-01-02T15:04:05.000-0700", header(block, "EventTV")); err != nil || time.Since(got).Abs() > time.Minute {
		t.Errorf("EventTV: %v, %v", got, err)
	}
}
