package freeswitch

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/adapters/adaptertest"
	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// told is what a translator tells of events, as short lines.
func told(t *testing.T, events ...string) (lines []string) {
	t.Helper()
	tr := translator{pbx: "f", book: newBook(), emit: func(ev *guard.Event) { lines = append(lines, line(ev)) }}
	for _, e := range events {
		_, body, _ := strings.Cut(e, "\n\n")
		var b wire.Block
		if _, err := b.Take([]byte(body)); err != nil {
			t.Fatal(err)
		}
		tr.event(&b, begun)
	}
	return lines
}

func line(ev *guard.Event) string {
	s := fmt.Sprintf("%v %s %s", ev.Kind, ev.Leg, ev.Account)
	for _, more := range []struct {
		name  string
		value any
	}{
		{"number", ev.Number}, {"exten", ev.Exten}, {"domain", ev.Domain}, {"to", ev.Other}, {"over", ev.OtherAccount},
		{"from", ev.Source}, {"trunk", ev.ToTrunk}, {"open", ev.Open}, {"up", ev.Up},
	} {
		switch v := fmt.Sprint(more.value); v {
		case "", "/", "false", "invalid AddrPort":
		default:
			s += " " + more.name + "=" + v
		}
	}
	return s
}

// leg names, in the form of ids.
const (
	legA = "aaaaaaaa-0000-4000-8000-000000000001"
	legB = "bbbbbbbb-0000-4000-8000-000000000002"
	legC = "cccccccc-0000-4000-8000-000000000003"
)

func event(name string, h map[string]string, more ...string) string {
	h = maps.Clone(h)
	for i := 0; i+1 < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return adaptertest.EventFrame(name, h)
}

// phone is a leg that a digest user has placed.
func phone(id, user, domain, number string) map[string]string {
	return map[string]string{
		"Unique-ID": id, "Channel-Call-UUID": id, "Channel-Name": "sofia/internal/x@y", "Call-Direction": "inbound",
		"Caller-Destination-Number": number, "variable_sip_auth_username": user, "variable_domain_name": domain,
		"variable_sip_network_ip": "192.0.2.1", "variable_sip_network_port": "5060",
	}
}

// trunk is a leg to a gateway, user one to a phone.
func trunk(id, by, number string) map[string]string {
	return map[string]string{
		"Unique-ID": id, "Channel-Call-UUID": by, "Channel-Name": "sofia/external/" + number, "Call-Direction": "outbound",
		"Caller-Destination-Number": number, "variable_originating_leg_uuid": by, "variable_sip_gateway_name": "carrier",
		"variable_sip_destination_url": "sip:" + number + "@192.0.2.99",
	}
}

func user(id, by, name string) map[string]string {
	h := trunk(id, by, name)
	delete(h, "variable_sip_gateway_name")
	h["Channel-Name"], h["variable_dialed_user"], h["variable_dialed_domain"] = "sofia/internal/"+name+"@192.0.2.3", name, "one.example"
	return h
}

func TestTranslate(t *testing.T) {
	const abroad = "0025261234567"
	outside := map[string]string{
		"Unique-ID": legA, "Channel-Call-UUID": legA, "Channel-Name": "sofia/external/+1555@192.0.2.99", "Call-Direction": "inbound",
		"Caller-Destination-Number": "5551212", "Caller-Username": "100",
	}
	tests := []struct {
		name   string
		events []string
		want   []string
	}{
		{"two tenants' 100 are two accounts", []string{
			event("CHANNEL_CREATE", phone(legA, "100", "One.Example", abroad)), event("CHANNEL_CREATE", phone(legB, "100", "two.example", abroad))},
			[]string{
				"auth ok  f/one.example/100 from=192.0.2.1:5060", "leg started " + legA + " f/one.example/100 number=" + abroad,
				"auth ok  f/two.example/100 from=192.0.2.1:5060", "leg started " + legB + " f/two.example/100 number=" + abroad}},
		{"a caller id is nobody's account", []string{
			event("CHANNEL_CREATE", phone(legA, "100", "one.example", abroad), "Caller-Username", "200", "Caller-Caller-ID-Number", "200", "variable_sip_from_user", "200")},
			[]string{"auth ok  f/one.example/100 from=192.0.2.1:5060", "leg started " + legA + " f/one.example/100 number=" + abroad}},
		{"from outside", []string{event("CHANNEL_CREATE", outside)},
			[]string{"leg started " + legA + " f/external number=5551212 trunk=true open=true"}},
		{"from a gateway", []string{event("CHANNEL_CREATE", outside, "variable_sip_gateway", "carrier")},
			[]string{"leg started " + legA + " f/carrier number=5551212 trunk=true open=true"}},
		{"let in by an access list", []string{event("CHANNEL_CREATE", outside, "variable_user_name", "100", "variable_domain_name", "one.example")},
			[]string{"leg started " + legA + " f/one.example/100 number=5551212 open=true"}},
		{"a second user among the headers", []string{strings.Replace(event("CHANNEL_CREATE", outside, "variable_sip_auth_username", "100"),
			"Unique-ID", "variable_sip_auth_username: 200\nUnique-ID", 1)},
			[]string{"forged  / number=an event with the header variable_sip_auth_username twice", "leg started " + legA + " f/external number=5551212 trunk=true open=true"}},
		{"called by its address", []string{event("CHANNEL_CREATE", phone(legA, "100", "one.example", "9")),
			event("CHANNEL_CREATE", trunk(legB, legA, abroad), "variable_sip_gateway_name", "")},
			[]string{"auth ok  f/one.example/100 from=192.0.2.1:5060", "leg started " + legA + " f/one.example/100 number=9",
				"leg started " + legB + " f/external trunk=true",
				"leg dialling " + legA + " / number=" + abroad + " domain=one.example to=" + legB + " over=f/external trunk=true"}},
		{"another number is sent than was dialled", []string{event("CHANNEL_CREATE", trunk(legB, legA, "12345#0025261"), "Caller-Destination-Number", "100")},
			[]string{"leg started " + legB + " f/carrier trunk=true", "leg dialling " + legA + " / number=12345#0025261 to=" + legB + " over=f/carrier trunk=true"}},
		{"sent on by the phone that it had called", []string{
			event("CHANNEL_CREATE", outside), event("CHANNEL_CREATE", user(legB, legA, "100")), event("CHANNEL_ANSWER", user(legB, legA, "100")),
			event("CHANNEL_HANGUP_COMPLETE", user(legB, legA, "100"), "variable_hangup_cause_q850", "16"),
			event("CHANNEL_CREATE", trunk(legC, legA, abroad), "Caller-RDNIS", "5551212", "variable_sip_h_Referred-By", "<sip:nobody@one.example>")},
			[]string{
				"leg started " + legA + " f/external number=5551212 trunk=true open=true",
				"leg started " + legB + " f/one.example/100", "leg dialling " + legA + " / number=100 to=" + legB + " over=f/one.example/100",
				"leg answered " + legB + " /", "leg ended " + legB + " /",
				"leg transferred " + legA + " f/one.example/100 number=" + abroad, "leg started " + legC + " f/carrier trunk=true",
				"leg dialling " + legA + " / number=" + abroad + " domain=one.example to=" + legC + " over=f/carrier trunk=true"}},
		{"a trunk's leg that calls on was sent by who called it", []string{
			event("CHANNEL_CREATE", phone(legA, "100", "one.example", abroad)), event("CHANNEL_CREATE", trunk(legB, legA, abroad)),
			event("CHANNEL_HANGUP_COMPLETE", phone(legA, "100", "one.example", abroad)), event("CHANNEL_CREATE", trunk(legC, legB, "00881612345678"))},
			[]string{
				"auth ok  f/one.example/100 from=192.0.2.1:5060", "leg started " + legA + " f/one.example/100 number=" + abroad,
				"leg started " + legB + " f/carrier trunk=true", "leg dialling " + legA + " / number=" + abroad + " domain=one.example to=" + legB + " over=f/carrier trunk=true",
				"leg ended " + legA + " /", "leg transferred " + legB + " f/one.example/100 number=00881612345678", "leg started " + legC + " f/carrier trunk=true",
				"leg dialling " + legB + " / number=00881612345678 domain=one.example to=" + legC + " over=f/carrier trunk=true"}},
		{"a phone's Referred-By of its own proves nothing", []string{
			event("CHANNEL_CREATE", phone(legA, "100", "one.example", abroad)),
			event("CHANNEL_CREATE", trunk(legB, legA, abroad), "variable_sip_h_Referred-By", "<sip:200@one.example>")},
			[]string{"auth ok  f/one.example/100 from=192.0.2.1:5060", "leg started " + legA + " f/one.example/100 number=" + abroad,
				"leg started " + legB + " f/carrier trunk=true", "leg dialling " + legA + " / number=" + abroad + " domain=one.example to=" + legB + " over=f/carrier trunk=true"}},
		{"nothing comes behind an end", []string{
			event("CHANNEL_HANGUP_COMPLETE", phone(legA, "100", "one.example", abroad)), event("CHANNEL_CREATE", phone(legA, "100", "one.example", abroad)),
			event("CHANNEL_ANSWER", phone(legA, "100", "one.example", abroad))},
			[]string{"leg ended " + legA + " /"}},
		{"an answer that comes first", []string{
			event("CHANNEL_ANSWER", phone(legA, "100", "one.example", abroad), "Answer-State", "answered"), event("CHANNEL_CREATE", phone(legA, "100", "one.example", abroad))},
			[]string{"leg started " + legA + " f/one.example/100 number=" + abroad + " up=true", "leg answered " + legA + " /"}},
		{"an id that could not be sent back", []string{event("CHANNEL_CREATE", phone("a\n\napi shutdown", "100", "one.example", abroad))}, nil},
		{"never let in", []string{event("CHANNEL_HANGUP_COMPLETE", map[string]string{"Unique-ID": legA, "Hangup-Cause": "WRONG_CALL_STATE"})}, nil},
		{"a line that is no header", []string{"Content-Type: text/event-plain\n\nEvent-Name: CHANNEL_CREATE\nverto\n\n"},
			[]string{"forged  / number=an event with a line that is no header"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := told(t, tt.events...); !slices.Equal(got, tt.want) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestFromUserTrap: in an INVITE from-user is the number dialled and to-user the
// one who says to call; whose password was tried only username tells.
func TestFromUserTrap(t *testing.T) {
	invite := map[string]string{
		"Event-Subclass": "sofia::register_attempt", "from-user": "0025261234567", "to-user": "100", "username": "204",
		"from-host": "one.example", "network-ip": "192.0.2.7", "network-port": "5062", "call-id": "x", "status": "Registered(TLS)",
	}
	for result, want := range map[string][]string{
		"FORBIDDEN": {"auth failed  f/one.example/204 from=192.0.2.7:5062"},
		"RENEWED":   {"auth ok  f/one.example/204 from=192.0.2.7:5062"},
		"SUCCESS":   {"auth ok  f/one.example/204 from=192.0.2.7:5062"},
		"STALE":     nil,
	} {
		if got := told(t, event("CUSTOM", invite, "auth-result", result)); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", result, got, want)
		}
	}
}

// TestTransportProvesNothing: what FreeSWITCH says of the transport is what the
// phone's Contact says, so a forged datagram may say TLS.
func TestTransportProvesNothing(t *testing.T) {
	var got guard.Proof
	tr := translator{pbx: "f", book: newBook(), emit: func(ev *guard.Event) { got = max(got, ev.Proof) }}
	for _, status := range []string{"Registered(UDP)", "Registered(TCP)", "Registered(TLS-NAT)", "Registered(WSS)"} {
		var b wire.Block
		_, body, _ := strings.Cut(event("CUSTOM", map[string]string{"Event-Subclass": "sofia::register_attempt", "username": "1",
			"auth-result": "FORBIDDEN", "status": status, "network-ip": "192.0.2.7", "network-port": "1"}), "\n\n")
		if _, err := b.Take([]byte(body)); err != nil {
			t.Fatal(err)
		}
		tr.event(&b, begun)
	}
	if got != guard.Unproven {
		t.Errorf("got proof %v, want none", got)
	}
}

func TestLogLine(t *testing.T) {
	const stamp = "2026-11-22 04:14:29.728615 89.97% [WARNING] "
	tests := []struct {
		name, file, number, text string
		want                     string // the address, or ""
	}{
		{"REGISTER", "sofia_reg.c", "2406", stamp + `sofia_reg.c:2406 IP 192.0.2.7 Rejected by register acl "trusted"` + "\n", "192.0.2.7"},
		{"INVITE", "sofia.c", "10667", stamp + `sofia.c:10667 IP 2001:db8::7 Rejected by acl "trusted"` + "\n", "2001:db8::7"},
		{"goes on to ask for a password", "sofia.c", "1", stamp + `sofia.c:1 IP 192.0.2.7 Rejected by acl "domains". Falling back to Digest auth.` + "\n", ""},
		{"another file", "mod_event_socket.c", "1", stamp + `mod_event_socket.c:1 IP 192.0.2.7 Rejected by acl "x"` + "\n", ""},
		{"in a user's name", "sofia_reg.c", "3210", stamp + `sofia_reg.c:3210 Can't find user [ IP 192.0.2.7 Rejected by acl "x"` + "\n", ""},
		{"a line of its own in a user's name", "sofia_reg.c", "3210", stamp + "sofia_reg.c:3210 Can't find user [\n" + stamp + `sofia_reg.c:3210 IP 192.0.2.7 Rejected by acl "x"` + "\n", ""},
		{"no address", "sofia.c", "1", stamp + `sofia.c:1 IP somebody Rejected by acl "x"` + "\n", ""},
		{"a quote in the list's name", "sofia.c", "1", stamp + `sofia.c:1 IP 192.0.2.7 Rejected by acl "x" y"` + "\n", ""},
		{"nothing", "sofia.c", "1", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var head wire.Block
			if _, err := head.Take([]byte("Content-Type: log/data\nLog-File: " + tt.file + "\nLog-Line: " + tt.number + "\n\n")); err != nil {
				t.Fatal(err)
			}
			var got []string
			sessions := map[string]bool{}
			r := refusals{pbx: "f", emit: func(ev *guard.Event) {
				got = append(got, ev.Source.Addr().String())
				sessions[ev.Session] = true
				if ev.Kind != guard.AuthRefused || ev.Service == "SIP" || ev.PBX != "f" {
					t.Errorf("got %+v", ev)
				}
			}}
			for range 2 {
				r.line(&head, []byte(tt.text), &guard.Event{At: begun})
			}
			if tt.want == "" {
				if len(got) > 0 {
					t.Errorf("got %q, want nothing", got)
				}
				return
			}
			if !slices.Equal(got, []string{tt.want, tt.want}) || len(sessions) != 2 {
				t.Errorf("got %q in %d attempts, want %s in two", got, len(sessions), tt.want)
			}
		})
	}
}

func TestKillCommand(t *testing.T) {
	for cause, want := range map[int]string{
		21: "api uuid_kill " + legA + " CALL_REJECTED\n\n", 0: "api uuid_kill " + legA + "\n\n",
		-1: "api uuid_kill " + legA + "\n\n", 9999: "api uuid_kill " + legA + "\n\n", 16: "api uuid_kill " + legA + " NORMAL_CLEARING\n\n",
	} {
		if got := string(killCommand(legA, cause)); got != want {
			t.Errorf("cause %d: got %q, want %q", cause, got, want)
		}
	}
}

func TestBeatCommand(t *testing.T) {
	if got, want := string(beatCommand(time.Unix(1795320871, 5))), "api hash insert/pbxguard/until/1795320871\n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := string(beatCommand(time.Time{})), "api hash insert/pbxguard/until/0\n\n"; got != want {
		t.Errorf("never: got %q, want %q", got, want)
	}
}

// TestBookIsBounded feeds more legs than a PBX has, and more ends.
func TestBookIsBounded(t *testing.T) {
	k := newBook()
	full := false
	for i := range maxLegs + 10 {
		_, f := k.begin(&leg{id: guard.LegID(fmt.Sprint(i))})
		full = full || f
	}
	for i := range 3 * maxEnded {
		k.end(guard.LegID(fmt.Sprint("e", i)))
	}
	if !full || len(k.legs) > maxLegs || len(k.ended) > maxEnded+1 {
		t.Errorf("got %d legs and %d ends, full %v", len(k.legs), len(k.ended), full)
	}
	if up, gone := k.has(guard.LegID(fmt.Sprint("e", 3*maxEnded-1))); up || !gone {
		t.Error("the newest end is forgotten")
	}
}

// TestR3ForgedValues: whatever a stranger writes into a header's value, nobody else's address
// fails to log in and nobody else's account pays.
func TestR3ForgedValues(t *testing.T) {
	evil := "x\n\nContent-Type: text/event-plain\nContent-Length: 9999\n\nEvent-Name: CUSTOM\nEvent-Subclass: sofia::register_attempt\n" +
		"auth-result: FORBIDDEN\nnetwork-ip: 198.51.100.9\nnetwork-port: 5\nusername: 1\n\n"
	h := phone(legA, "100", "one.example", evil)
	for _, key := range []string{"Caller-Caller-ID-Name", "Caller-Caller-ID-Number", "variable_sip_from_user", "variable_sip_user_agent", "Caller-Username"} {
		h[key] = evil
	}
	stream := adaptertest.EventFrame("CHANNEL_CREATE", h) + adaptertest.EventFrame("CUSTOM", map[string]string{
		"Event-Subclass": "sofia::register_attempt", "auth-result": "FORBIDDEN", "username": evil, "from-host": evil, "user-agent": evil,
		"call-id": evil, "contact": evil, "network-ip": "192.0.2.7", "network-port": "1"})
	n := 0
	err := Replay(strings.NewReader(stream), "f", begun, func(ev guard.Event) {
		n++
		if ev.Source.Addr() == netip.MustParseAddr("198.51.100.9") || ev.Account.Name != "" && ev.Kind == guard.LegStarted && ev.Account.Name != "100" {
			t.Errorf("forged: %+v", ev)
		}
		for _, s := range []string{ev.Number, ev.Account.Name, ev.Account.Domain, ev.Session, ev.Agent, ev.Channel, ev.Caller} {
			if len(s) > wire.MaxText {
				t.Errorf("a value of %d bytes", len(s))
			}
		}
	})
	if err != nil || n != 4 { // connected, the login behind the call, the call, the failure
		t.Errorf("got %d events, %v", n, err)
	}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte(adaptertest.EventFrame("CHANNEL_CREATE", phone(legA, "100", "one.example", "0025261"))))
	f.Add([]byte(adaptertest.EventFrame("CHANNEL_HANGUP_COMPLETE", trunk(legB, legA, "0025261"))))
	f.Add([]byte(adaptertest.EventFrame("CUSTOM", map[string]string{"Event-Subclass": "sofia::expire", "user": "1", "network-ip": "::1", "network-port": "5"})))
	f.Add([]byte("Content-Type: log/data\nContent-Length: 61\nLog-File: sofia.c\nLog-Line: 1\n\n[WARNING] sofia.c:1 IP 192.0.2.7 Rejected by acl \"trusted\"\nx\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		_ = Replay(bytes.NewReader(in), "f", begun, func(ev guard.Event) {
			if ev.PBX != "f" || ev.At.IsZero() {
				t.Fatalf("got %+v", ev)
			}
			if ev.Kind == guard.LegStarted && !isLeg(string(ev.Leg)) {
				t.Fatalf("a leg that cannot be ended: %q", ev.Leg)
			}
			for _, s := range []string{string(ev.Leg), ev.Number, ev.Account.Name, ev.Session, ev.Agent, ev.Channel, ev.Sent} {
				if len(s) > wire.MaxText {
					t.Fatalf("a value of %d bytes", len(s))
				}
			}
		})
	})
}

func TestReplayKeepsTime(t *testing.T) {
	var first, last time.Time
	if err := Replay(open(t, "out_killed"), "f", begun, func(ev guard.Event) {
		if first.IsZero() {
			first = ev.At
		}
		if ev.At.Before(last) {
			t.Errorf("time goes back from %v to %v", last, ev.At)
		}
		last = ev.At
	}); err != nil {
		t.Fatal(err)
	}
	if !first.Equal(begun) || last.Sub(first) < time.Second || last.Sub(first) > time.Minute {
		t.Errorf("from %v to %v, want some seconds from %v", first, last, begun)
	}
}

// TestMailbox: of what mod_voicemail tells, only a wrong PIN counts.
func TestMailbox(t *testing.T) {
	mailbox := func(action, result string) string {
		return event("CUSTOM", map[string]string{
			"Event-Subclass": "vm::maintenance", "VM-Action": action, "VM-Auth-Result": result,
			"VM-User": "101", "VM-Domain": "pbx.example", "Unique-ID": legA, "Caller-Caller-ID-Number": "0205550123",
		})
	}
	for _, tt := range []struct{ name, event, want string }{
		{"wrong", mailbox("authentication", "fail"), "pin failed " + legA + " f/pbx.example/101"},
		{"right", mailbox("authentication", "success"), ""},
		{"another matter", mailbox("folder-summary", "fail"), ""},
	} {
		if got := strings.Join(told(t, tt.event), "\n"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
