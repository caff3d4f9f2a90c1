package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// The addresses that forgeries speak of: who sends them, and whom they accuse.
var (
	forger  = netip.MustParseAddr("198.51.100.8")
	victims = []string{"198.51.100.9", "198.51.100.99", "1.2.3.4"}
)

// encode writes text so that a SIP user part carries it, line breaks and all.
func encode(text string) string {
	return strings.NewReplacer("\r\n", "%0d%0a", ":", "%3a", "/", "%2f", " ", "%20").Replace(text)
}

// forgery is a REGISTER whose From user holds text.
func forgery(p *testbed.Phone, text string) string {
	return fmt.Sprintf("REGISTER sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bK%[3]s;rport\r\n"+
		"From: <sip:%[4]s@%[5]s>;tag=1\r\nTo: <sip:%[1]s>\r\nCall-ID: %[3]s\r\nCSeq: 1 REGISTER\r\n"+
		"Max-Forwards: 70\r\nContact: <sip:x@%[5]s>\r\nContent-Length: 0\r\n\r\n",
		p.Server, p.Local, rand.Text(), encode(text), p.Local.Addr())
}

// accusation is a whole event that says that somebody guesses passwords. With
// the longer addresses it is cut off, as an attacker may have to live with.
func accusation(of string) string {
	return "0\r\n\r\nEvent: InvalidPassword\r\nRemoteAddress: IPV4/UDP/" + of + "/5\r\n"
}

// TestForged has strangers and callers write events of their own into AMI.
// It is R3.
func TestForged(t *testing.T) {
	inTurn(t, func(t *testing.T, s server) {
		t.Run("REGISTER", func(t *testing.T) { testForgedRegister(t, s) })
		t.Run("dialled number", func(t *testing.T) { testForgedNumber(t, s) })
		t.Run("inbound caller id", func(t *testing.T) { testForgedCaller(t, s) })
	})
}

// testForgedRegister sends more forgeries of each kind than failures earn a
// ban, each from an address of its own, so that none is silenced before it is
// heard.
func testForgedRegister(t *testing.T, s server) {
	d := walled(t, s.Asterisk, `learn = "0s"`)
	w := newWitness(t, s.Asterisk)
	forgers := []netip.Addr{forger}
	for _, tt := range []struct {
		name string
		text func(victim string) string
	}{
		{"header before the true address", func(v string) string { return "1\r\nRemoteAddress: IPV4/UDP/" + v + "/" }},
		{"address that fits", func(v string) string { return "\r\nRemoteAddress: IPV4/UDP/" + v + "/5" }},
		{"early end and another event", func(string) string { return "1\r\n\r\nEvent: Shutdown\r\nX: " }},
		{"whole event", accusation},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := d.Status().Engine.Forged
			for range tried + 1 {
				for _, v := range victims {
					from := forgers[len(forgers)-1]
					p := testbed.NewPhone(t, from, "x", "", s.addr)
					if err := p.SendRaw(forgery(p, tt.text(v))); err != nil {
						t.Fatal(err)
					}
					forgers = append(forgers, netip.AddrFrom4([4]byte{198, 51, 100, byte(100 + len(forgers))}))
				}
			}
			// chan_sip does not decode the name, so there is nothing to tell forged.
			if s.name == "pjsip" {
				d.await("the forgery is noticed", 5*time.Second, func() bool { return d.Status().Engine.Forged > before })
			}
		})
	}
	time.Sleep(2500 * time.Millisecond) // a challenge is not judged before
	if s.name == "pjsip" && !told(d) {
		t.Error("nobody was told of a forgery")
	}
	if len(w.from(forger)) == 0 {
		t.Error("Asterisk heard nothing of the forger")
	}
	d.onlyBanned(t, forgers...)
	if !d.Connected() {
		t.Error("the daemon has lost its connections")
	}
}

// told says whether a decision alerts of a forgery.
func told(d *daemon) bool {
	for _, v := range d.Decisions() {
		if v.Rule == "forged" && v.Action >= guard.Alert {
			return true
		}
	}
	return false
}

// testForgedNumber has a phone with a good password dial line breaks.
func testForgedNumber(t *testing.T, s server) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	d := walled(t, s.Asterisk, `learn = "0s"`)
	trunk := testbed.NewTrunk(t, s.Asterisk)
	trunk.Server = s.addr
	insider := testbed.NewPhone(t, netip.MustParseAddr("198.51.100.2"), "100", testbed.Password("100"), s.addr)
	accept(t, insider)
	for range 2 * tried {
		for _, v := range victims {
			call := insider.Invite("0031900" + encode("\r\n\r\n"+accusation(v)))
			// chan_sip sends the line breaks on, which no trunk can answer.
			soon, stop := context.WithTimeout(ctx, 100*time.Millisecond)
			call.Wait(soon)
			stop()
			call.Hangup(ctx)
		}
	}
	d.await("somebody is told of the forgery", 5*time.Second, func() bool { return told(d) })
	d.onlyBanned(t)
}

// testForgedCaller has the whole world call in with an event for a caller id.
func testForgedCaller(t *testing.T, s server) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	d := walled(t, s.Asterisk, `learn = "0s"`)
	trunk := testbed.NewTrunk(t, s.Asterisk)
	trunk.Server = s.addr
	callee := testbed.NewPhone(t, netip.MustParseAddr("198.51.100.3"), "101", testbed.Password("101"), s.addr)
	accept(t, callee)
	callers := []string{`"evil` + encode("\r\nX-Injected: name") + `" <sip:06` + encode("\r\nX-Injected: callerid") + `@203.0.113.90>`}
	for _, v := range victims {
		callers = append(callers, "<sip:"+encode(accusation(v))+"@203.0.113.90>")
	}
	for range 3 {
		for _, from := range callers {
			call := trunk.Invite("31205550101", testbed.From(from))
			if code, err := call.Wait(ctx); err != nil || code != 200 {
				t.Fatalf("the inbound call: got %d, %v; want 200", code, err)
			}
			time.Sleep(50 * time.Millisecond)
			call.Hangup(ctx)
		}
	}
	d.await("somebody is told of the forgery", 5*time.Second, func() bool { return told(d) })
	d.onlyBanned(t)
}

// TestNonceOfAnother fetches a challenge at one address and answers it, wrongly,
// from another, as somebody does who writes a victim's address on his packets.
// It is R5.
func TestNonceOfAnother(t *testing.T) {
	inTurn(t, func(t *testing.T, s server) {
		d := walled(t, s.Asterisk, `learn = "0s"`)
		stranger, known := netip.MustParseAddr("198.51.100.11"), netip.MustParseAddr("198.51.100.12")
		phone := testbed.NewPhone(t, known, "105", testbed.Password("105"), s.addr)
		accept(t, phone)
		for _, victim := range []netip.Addr{stranger, known} {
			frame(t, s, victim, 4*tried)
		}
		d.await("the log tells of the failures", 10*time.Second, func() bool {
			return len(d.decided("", stranger)) > 0 && len(d.decided("", known)) > 0
		})
		left, banned := wall(t)[kept(stranger)]
		t.Logf("a stranger's address: banned %v, for another %v", banned, left)
		if banned && (left == 0 || left > 10*time.Minute) {
			t.Errorf("an address that may be forged is banned for another %v; want 10m at most", left)
		}
		d.onlyBanned(t, stranger)
		accept(t, phone)
	})
}

// frame makes n failures of the victim's address.
func frame(t *testing.T, s server, victim netip.Addr, n int) {
	t.Helper()
	for range n {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		fetcher := testbed.NewPhone(t, forger, "104", "", s.addr, testbed.FreshCallID())
		c, err := fetcher.Challenge(ctx)
		if err != nil {
			cancel()
			t.Fatalf("no challenge: %v", err)
		}
		other := testbed.NewPhone(t, victim, "104", "", s.addr)
		other.CopySession(fetcher)
		// Once the address is banned nothing comes back.
		_, err = other.RegisterAnswering(ctx, c, "wrong")
		cancel()
		if err != nil {
			return
		}
	}
}
