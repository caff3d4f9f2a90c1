package asterisk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// TestInjectionCaptures: SIP messages with line breaks wrote false events, up
// to a whole InvalidPassword, into what Asterisk sent. Nothing ever came from
// 127.0.0.9 or 127.0.0.99, no password was wrong, and Asterisk did not shut down.
func TestInjectionCaptures(t *testing.T) {
	for _, set := range sets {
		t.Run(set, func(t *testing.T) {
			vouched, forged := map[string]int{}, 0
			legs := map[guard.LegID]bool{}
			for _, ev := range replayed(t, string(capture(t, set, "injection"))) {
				switch ev.Kind {
				case guard.AuthFailed, guard.AuthRefused:
					t.Errorf("got %s, want no failed login", short(&ev))
				case guard.Forged:
					forged++
					if ev.Source.IsValid() {
						vouched[ev.Source.Addr().String()]++
					}
				case guard.LegStarted:
					legs[ev.Leg] = true
				}
			}
			want := map[string]int{"127.0.0.8": 3}
			if set == "16-sip" {
				// There the line break comes from the phone 100, behind its login.
				want = map[string]int{"127.0.0.2": 1}
			}
			if fmt.Sprint(vouched) != fmt.Sprint(want) {
				t.Errorf("got forgeries vouched for from %v, want %v", vouched, want)
			}
			if forged < 20 {
				t.Errorf("got %d forgeries, want one at least for each false block", forged)
			}
			if len(legs) != 6 {
				t.Errorf("got %d legs, want all 6 in spite of the cuts", len(legs))
			}
		})
	}
}

// TestInjectionLive: the same bytes, as they come on the two connections of a
// running guard. Only the security connection says anything of a source.
func TestInjectionLive(t *testing.T) {
	for _, set := range sets {
		stream := string(capture(t, set, "injection"))
		for name, trust := range map[string]class{"security": securityClass, "calls": callClass | systemClass} {
			var b wire.Block
			tr := translator{pbx: "pbx", trust: trust, nonce: newNonce()}
			tr.emit = func(ev *guard.Event) {
				switch {
				case ev.Kind == guard.AuthFailed || ev.Kind == guard.AuthRefused:
					t.Errorf("%s, %s: got %s", set, name, short(ev))
				case name == "calls" && ev.Kind == guard.Forged && ev.Source.IsValid():
					t.Errorf("%s, %s: got a source for what came in a call: %s", set, name, short(ev))
				}
			}
			for r := wire.NewReader(strings.NewReader(stream)); r.Read(&b) == nil; {
				if sent(&b, trust) {
					tr.block(&b, time.Unix(1, 0))
				}
			}
			if name == "calls" && !tr.doubt {
				t.Errorf("%s: got no doubt about the legs after a forgery", set)
			}
		}
	}
}

// sent says whether Asterisk would send a block of a recording on a connection
// that asks for some classes only. Pieces of events it sends with their event.
func sent(b *wire.Block, trust class) bool {
	if !b.Is(0, "Event") || !b.Is(1, "Privilege") {
		return true
	}
	return classOf(b.Value(1))&trust != 0
}

// TestInjectionOfLegs: somebody who can place a call hides its leg behind a
// false one. The true one must come out, and what it does to another's leg must
// not be believed.
// It is R9.
func TestInjectionOfLegs(t *testing.T) {
	const nonce = "n-"
	split := "0031900\nPriority: 1\nUniqueid: 6.6\nLinkedid: 6.6\n\nX: "
	const want = `leg started leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="internal" number="0031900`
	listed := strings.Replace(want, "leg started", "leg listed", 1)
	tests := []struct {
		name string
		in   string
		want string // an event that must come
		not  string // part of an event that must not
	}{
		{"cut in the number", event("Newchannel", "call,all", snap("", "Exten", split)), want, ""},
		{"cut in the caller id", event("Newchannel", "call,all", snap("", "CallerIDNum", "0\n\nEvent: InvalidPassword\nRemoteAddress: IPV4/UDP/192.0.2.9/5\n")),
			want + `123456"`, "auth"},
		{"cut in three", event("Newchannel", "call,all", snap("", "CallerIDNum", "0\n\nA: b\n\nUniqueid: 6.6\nLinkedid: 6.6\n\nX: ")), want + `123456"`, ""},
		{"cut in the list", event("Status", "Call", snap("", "Exten", split), "Seconds: 9\nActionID: "+nonce+"s\n"), listed, ""},
		{"cut in the list, again and again", event("Status", "Call", snap("", "ConnectedLineNum", split, "Exten", split),
			"Type: PJSIP\nDNID: "+split+"\nSeconds: 9\nActionID: "+nonce+"s\n"), listed, ""},
		{"false list", event("Status", "Call", snap("", "Uniqueid", "6.6"), "Seconds: 9\n"), missing, `leg="6.6"`},
		{"list of another", event("Status", "Call", snap("", "Uniqueid", "6.6"), "Seconds: 9\nActionID: other\n"), missing, `leg="6.6"`},
		{"cut hangup", event("Hangup", "call,all", snap("", "CallerIDNum", "0\n\nX: "), "Cause: 16\n"), headless, "leg ended"},
		{"cut in an event that starts nothing", event("Newstate", "call,all", snap("", "ChannelState", "6", "CallerIDNum", "0\n\nX: ")), headless, "leg"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := &translator{trust: callClass | systemClass, nonce: nonce, listing: true}
			got := told(t, tr, tt.in)
			if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, tt.want) }) {
				t.Errorf("got %q, want among them %q", got, tt.want)
			}
			if tt.not != "" && slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, tt.not) }) {
				t.Errorf("got %q, want none with %q", got, tt.not)
			}
			if !tr.doubt {
				t.Error("got no doubt about the legs")
			}
		})
	}
}

// hostile draws text as somebody writes it who wants to be taken for Asterisk.
var hostile = rapid.Custom(func(t *rapid.T) string {
	const victim = "192.0.2.99"
	forged := "Event: InvalidPassword\r\nPrivilege: security,all\r\nEventTV: 2026-11-22T04:07:36.245+0000\r\nSeverity: Error\r\n" +
		"Service: PJSIP\r\nEventVersion: 1\r\nAccountID: 5\r\nSessionID: s\r\nLocalAddress: IPV4/UDP/127.0.0.1/5060\r\n" +
		"RemoteAddress: IPV4/TCP/" + victim + "/5060\r\n\r\n"
	parts := []string{
		"\r\n", "\n", "\r", "\r\n\r\n", "\n\n", "\"", "'", "\x00", ": ", "100", "Event: InvalidPassword\r\n",
		"Privilege: security,all\r\n", "EventTV: 1\r\n", "Service: PJSIP\r\n", "AccountID: 1\r\n", "SessionID: 1\r\n",
		"LocalAddress: IPV4/UDP/127.0.0.1/5060\r\n", "RemoteAddress: IPV4/UDP/" + victim + "/5\r\n",
		"RemoteAddress: IPV4/TCP/" + victim + "/5\r\n", "X: ", forged, "\r\n\r\n" + forged, "UsingPassword: 1\r\n",
	}
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 12).Draw(t, "parts"), "")
})

// limited cuts text as Asterisk cuts what a stranger can write into a field.
func limited(s string, n int) string { return s[:min(len(s), n)] }

// TestR3ForgedEvents: whatever line breaks, quotes and whole events somebody
// writes into his SIP headers, nobody else's address ever fails to log in.
func TestR3ForgedEvents(t *testing.T) {
	const fields = "EventTV: 2026-11-22T04:07:36.245+0000\r\nSeverity: Error\r\nService: PJSIP\r\nEventVersion: 1\r\n"
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		victim := netip.MustParseAddr("192.0.2.99")
		check := func(ev *guard.Event) {
			if ev.Source.Addr() == victim && ev.Kind != guard.Registered && ev.Kind != guard.Unregistered {
				rt.Fatalf("an event about the victim: %s", short(ev))
			}
		}
		security := translator{pbx: "pbx", trust: securityClass, nonce: "n-", emit: check}
		calls := translator{pbx: "pbx", trust: callClass | systemClass, nonce: "n-", emit: check}
		for range 100 {
			runs++
			var s, c bytes.Buffer
			// chan_pjsip keeps 36 characters of an account (%.36s) and takes no
			// line feed within the quotes of a header.
			account := limited(hostile.Draw(rt, "account"), 36)
			quoted := strings.ReplaceAll(hostile.Draw(rt, "response"), "\n", "")
			fmt.Fprintf(&s, "Event: ChallengeResponseFailed\r\nPrivilege: security,all\r\n"+fields+
				"AccountID: %s\r\nSessionID: %s\r\nLocalAddress: IPV4/UDP/127.0.0.1/5060\r\nRemoteAddress: IPV4/UDP/198.51.100.1/7\r\n"+
				"Challenge: %s\r\nResponse: %s\r\nExpectedResponse: \r\n\r\n", account, quoted, quoted, quoted)
			// A caller id or an extension may be 79 characters of anything.
			text := limited(hostile.Draw(rt, "number"), 79)
			c.WriteString(event("Newchannel", "call,all", snap("", "CallerIDNum", text, "ConnectedLineNum", text, "Exten", text)))
			feed(&security, &s)
			feed(&calls, &c)
		}
	})
	want := 10_000
	if testing.Short() {
		want /= 5 // as rapid does
	}
	if runs < want {
		t.Errorf("got %d forged events, want %d", runs, want)
	}
}

// TestR3UnlimitedForgery: even a channel driver that puts no limit to what a
// stranger writes lets nobody name another's address, as long as his event is
// seen to be cut.
func TestR3UnlimitedForgery(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := translator{pbx: "pbx", trust: securityClass, nonce: "n-", emit: func(ev *guard.Event) {
			if ev.Source.Addr() == netip.MustParseAddr("192.0.2.99") && ev.Kind == guard.AuthFailed {
				rt.Fatalf("an event about the victim: %s", short(ev))
			}
		}}
		forged := secure("InvalidPassword", "SIP", "5", "IPV4/TCP/192.0.2.99/5", "")
		more := strings.Repeat(forged, rapid.IntRange(1, pieces).Draw(rt, "n"))
		s := bytes.NewBufferString(secure("InvalidPassword", "SIP", "1\n\n"+more+"X: ", "IPV4/UDP/198.51.100.1/7", ""))
		feed(&tr, s)
	})
}

// TestPiecesDoNotBlind: a stranger must not have others' attempts overlooked by
// cutting events of his own.
func TestPiecesDoNotBlind(t *testing.T) {
	guess := secure("ChallengeResponseFailed", "PJSIP", "101", "IPV4/UDP/192.0.2.7/5", "Challenge: c\nResponse: r\nExpectedResponse: \n")
	for _, cut := range []string{
		"1\n\nEvent: X\nPrivilege: call,all\n", "1\n\nEvent: Shutdown\nX: ", "1\n\nX: ", "1\n\n\n\nA: b\n\nX: ", "1\nRemoteAddress: IPV4/UDP/192.0.2.99/5",
	} {
		tr := &translator{trust: securityClass, nonce: "n-"}
		got := told(t, tr, secure("InvalidAccountID", "PJSIP", limited(cut, 36), "IPV4/UDP/192.0.2.7/5", "")+guess)
		if want := `auth failed account="101"`; !strings.HasPrefix(got[len(got)-1], want) {
			t.Errorf("after %q: got %q, want at the end %q", cut, got, want)
		}
	}
}

// feed has a translator read blocks.
func feed(tr *translator, r *bytes.Buffer) {
	var b wire.Block
	for rd := wire.NewReader(r); ; {
		if err := rd.Read(&b); err != nil {
			return
		}
		tr.block(&b, time.Unix(1, 0))
	}
}

// FuzzTranslate: any bytes give events that are bounded, and no panic.
func FuzzTranslate(f *testing.F) {
	f.Add([]byte(event("Newchannel", "call,all", snap(""))))
	f.Add([]byte(event("DialBegin", "call,all", snap(""), snap("Dest", "Channel", "SIP/t-1"), "DialString: t/1\n")))
	f.Add([]byte(event("Status", "Call", snap(""), "Seconds: 99999999999\nActionID: n-s\n")))
	f.Add([]byte(secure("InvalidPassword", "SIP", "sip:1@x", "IPV6/UDP/::1/5", "")))
	for _, name := range []string{"injection", "transfer_attended", "originate_spoof", "register_acl"} {
		f.Add([]byte(limited(string(capture(f, "16-sip", name)), 4000)))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, trust := range []class{securityClass, callClass | systemClass, securityClass | callClass | systemClass} {
			tr := translator{pbx: "pbx", trust: trust, nonce: "n-", listing: true, emit: func(ev *guard.Event) {
				for _, s := range []string{string(ev.Leg), string(ev.Call), ev.Channel, ev.Pair, ev.Account.Name, ev.Context, ev.Exten,
					string(ev.Other), string(ev.OtherCall), ev.OtherAccount.Name, ev.Service, ev.Session, ev.Number} {
					if len(s) > wire.MaxText {
						t.Fatalf("%v with a string of %d bytes", ev.Kind, len(s))
					}
				}
			}}
			feed(&tr, bytes.NewBuffer(in))
		}
		err := Replay(bytes.NewReader(in), "pbx", time.Time{}, func(guard.Event) {})
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("Replay: %v", err)
		}
	})
}
