package asterisk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// crlf writes a block as Asterisk does.
func crlf(s string) string { return strings.ReplaceAll(strings.TrimLeft(s, "\n"), "\n", "\r\n") }

// told are the events, in short, that a translator makes of blocks.
func told(t testing.TB, tr *translator, blocks string) (got []string) {
	t.Helper()
	tr.pbx = "pbx"
	tr.emit = func(ev *guard.Event) {
		if ev.PBX != "pbx" || ev.At.IsZero() {
			t.Errorf("event %v without a PBX or a time", short(ev))
		}
		got = append(got, short(ev))
	}
	r := wire.NewReader(strings.NewReader(blocks))
	var b wire.Block
	for r.Read(&b) == nil {
		tr.block(&b, time.Unix(1795320474, 0))
	}
	return got
}

// snap writes a channel's headers. What is not given is that of a phone's call.
func snap(prefix string, set ...string) string {
	values := map[string]string{
		"Channel": "PJSIP/100-0000000a", "ChannelState": "4", "ChannelStateDesc": "Ring", "CallerIDNum": "100",
		"CallerIDName": "Phone 100", "ConnectedLineNum": "<unknown>", "ConnectedLineName": "<unknown>",
		"Language": "en", "AccountCode": "", "Context": "internal", "Exten": "0031900123456", "Priority": "1",
		"Uniqueid": "1.1", "Linkedid": "1.1",
	}
	for i := 0; i < len(set); i += 2 {
		values[set[i]] = set[i+1]
	}
	var s strings.Builder
	for _, key := range plain {
		if v, ok := values[key]; ok && v != "absent" {
			s.WriteString(prefix + key + ": " + v + "\n")
		}
	}
	return s.String()
}

func event(name, privilege string, parts ...string) string {
	return crlf("Event: " + name + "\nPrivilege: " + privilege + "\n" + strings.Join(parts, "") + "\n")
}

func secure(name, service, account, remote, rest string) string {
	return event(name, "security,all", "EventTV: 2026-11-22T04:07:36.245+0000\nSeverity: Error\nService: "+service+
		"\nEventVersion: 1\nAccountID: "+account+"\nSessionID: s1\nLocalAddress: IPV4/UDP/127.0.0.1/5060\nRemoteAddress: "+remote+"\n"+rest)
}

func TestTranslateCalls(t *testing.T) {
	const trunk = "PJSIP/trunk-0000000b"
	started := event("Newchannel", "call,all", snap(""))
	const startedWant = `leg started leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="internal" number="0031900123456"`
	toTrunk := snap("Dest", "Channel", trunk, "Exten", "0031900123456", "Context", "from-trunk", "Uniqueid", "1.2")
	tests := []struct {
		name string
		in   string
		want []string
	}{
		{"call from a phone", started, []string{startedWant}},
		{"with every stamp", event("Newchannel", "call,all",
			"Timestamp: 1.000001\nSequenceNumber: 7\nFile: manager.c\nLine: 1\nFunc: f\nSystemName: pbx1\n", snap("", "Uniqueid", "pbx1-1.1", "Linkedid", "pbx1-1.1")),
			[]string{strings.ReplaceAll(startedWant, `"1.1"`, `"pbx1-1.1"`)}},
		{"without a language, as early Asterisk 13", event("Newchannel", "call,all", snap("", "Language", "absent")), []string{startedWant}},
		{"with channel variables", event("Newchannel", "call,all", snap(""), "ChanVariable: A=1\nChanVariable: B=2\n"), []string{startedWant}},
		{"extension s is none", event("Newchannel", "call,all", snap("", "Exten", "s", "Channel", trunk, "ChannelState", "6")),
			[]string{`leg started leg="1.1" call="1.1" channel="PJSIP/trunk-0000000b" account="trunk" context="internal" up`}},
		{"Local, first half", event("Newchannel", "call,all", snap("", "Channel", "Local/5@ctx-00000001;1", "Linkedid", "1.0")),
			[]string{`leg started leg="1.1" call="1.0" channel="Local/5@ctx-00000001;1" side="1" pair="5@ctx-00000001" context="internal" number="0031900123456"`}},
		{"caller id is ignored", event("NewCallerid", "call,all", snap(""), "CID-CallingPres: 0\n"), nil},
		{"ringing is ignored", event("Newstate", "call,all", snap("", "ChannelState", "5")), nil},
		{"answered", event("Newstate", "call,all", snap("", "ChannelState", "6")),
			[]string{`leg answered leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="internal"`}},
		{"hung up", event("Hangup", "call,all", snap(""), "Cause: 21\nCause-txt: Call Rejected\nTechCause: 603\n"),
			[]string{`leg ended leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="internal" cause=21`}},
		{"dials a trunk", event("DialBegin", "call,all", snap("", "Context", "trunk-out"), toTrunk, "DialString: 0031900123456@trunk\n"),
			[]string{`leg dialling leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="trunk-out" number="0031900123456" exten="0031900123456" other="1.2" othercall="1.1" otheraccount="trunk" totrunk`}},
		{"dials with variables of both", event("DialBegin", "call,all", snap(""), "ChanVariable: A=1\n", toTrunk, "DestChanVariable: A=1\nDialString: 1@trunk\n"),
			[]string{`leg dialling leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="internal" number="1" exten="0031900123456" other="1.2" othercall="1.1" otheraccount="trunk" totrunk`}},
		{"dialled by the PBX itself", event("DialBegin", "call,all", toTrunk, "DialString: 0031900123456@trunk\n"),
			[]string{`leg dialling number="0031900123456" other="1.2" othercall="1.1" otheraccount="trunk" totrunk`}},
		{"end of dialling", event("DialEnd", "call,all", snap(""), toTrunk, "DialStatus: ANSWER\n"), nil},
		{"forwarded", event("DialEnd", "call,all", snap("", "Exten", "101"),
			snap("Dest", "Channel", "PJSIP/101-0000000b", "Uniqueid", "1.2"), "Forward: Local/0031900123456@internal\nDialStatus: CANCEL\n"),
			[]string{`leg forwarded leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="internal" number="0031900123456" exten="101" other="1.2" othercall="1.1" otheraccount="101"`}},
		{"failed blind transfer", event("BlindTransfer", "call,all", "Result: Fail\n"), nil},
		{"originate failed", event("OriginateResponse", "call,all", "ActionID: a\nResponse: Failure\nChannel: PJSIP/101\nContext: c\nExten: 1\nReason: 0\nUniqueid: <null>\n"), nil},
		{"originated", event("OriginateResponse", "call,all", "ActionID: a\nResponse: Success\nChannel: PJSIP/101-1\nContext: c\nExten: 1\nReason: 4\nUniqueid: 1.1\n"),
			[]string{`leg originated leg="1.1" channel="PJSIP/101-1" account="101" context="c" number="1"`}},
		{"class that is not asked for", event("Newexten", "dialplan,all", snap("")), nil},
		{"answer to an action", crlf("Response: Success\nMessage: Uniqueid: 1\n\n"), nil},
		{"list somebody asked for", crlf("Event: DBGetComplete\nActionID: 1\n\n"), nil},
		{"Status somebody asked for", event("Status", "Call", snap(""), "Seconds: 3\nActionID: x\n"), nil},

		{"header missing", event("Newchannel", "call,all", snap("", "AccountCode", "absent")), []string{missing}},
		{"headers in another order", event("Newchannel", "call,all", snap("", "Uniqueid", "absent"), "Uniqueid: 1.1\n"), []string{missing}},
		{"Uniqueid too long", event("Newstate", "call,all", snap("", "ChannelState", "6", "Uniqueid", strings.Repeat("1", 151))), []string{missing}},
		{"hung up without a cause", event("Hangup", "call,all", snap("")), []string{missing}},
		{"line with a bare line feed", strings.Replace(started, "internal\r\n", "internal\n", 1), []string{broken, startedWant}},
		{"line break in an extension", event("Newchannel", "call,all", snap("", "Exten", "112\nX: 0088")),
			[]string{broken, strings.Replace(startedWant, "0031900123456", `112\r\nX: 0088`, 1)}},
		{"line break in a dial string", event("DialBegin", "call,all", snap(""), toTrunk, "DialString: 112\nX: 1@trunk\n"),
			[]string{broken, `leg dialling leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="internal" number="112\r\nX: 1" exten="0031900123456" other="1.2" othercall="1.1" otheraccount="trunk" totrunk`}},
		{"false ids in an extension: the last are true", event("Newchannel", "call,all", snap("", "Exten", "5\nPriority: 1\nUniqueid: 6.6\nLinkedid: 6.6")),
			[]string{broken, strings.Replace(startedWant, "0031900123456", "5", 1)}},
		{"false ids in a hangup end nothing", event("Hangup", "call,all", snap("", "Exten", "5\nPriority: 1\nUniqueid: 6.6\nLinkedid: 6.6"), "Cause: 16\n"),
			[]string{missing}},
		{"false ids in a dial string", event("DialBegin", "call,all", snap(""), toTrunk, "DialString: 5\nDestUniqueid: 6.6\n"), []string{missing}},
		{"event of a forger", event("InvalidPassword", "call,all", "RemoteAddress: IPV4/UDP/192.0.2.1/5\n"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := told(t, &translator{trust: securityClass | callClass | systemClass}, tt.in)
			if !slices.Equal(got, tt.want) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

const (
	missing  = `forged number="an event with a header missing or twice"`
	broken   = `forged number="an event with a line break in a value"`
	headless = `forged number="a block that does not begin as an event does"`
	insecure = `forged number="a security event with a header missing or twice"`
)

func TestTranslateTransfers(t *testing.T) {
	blind := event("BlindTransfer", "call,all", "Result: Success\n",
		snap("Transferer", "Channel", "PJSIP/101-b", "Uniqueid", "1.2"), snap("Transferee", "Linkedid", "1.0"),
		"BridgeUniqueid: b\nIsExternal: Yes\nContext: internal\nExtension: 0031900123456\n")
	const blindWant = `leg transferred leg="1.1" call="1.0" account="101" context="internal" number="0031900123456" other="1.2" othercall="1.1" otheraccount="101"`
	attended := func(target string) string {
		return event("AttendedTransfer", "call,all", "Result: Success\n",
			snap("OrigTransferer", "Channel", "PJSIP/101-b", "Uniqueid", "1.2"), "OrigBridgeUniqueid: b\n",
			snap("SecondTransferer", "Channel", "PJSIP/101-c", "Uniqueid", "1.3", "Linkedid", "1.3"), "SecondBridgeUniqueid: b\n",
			snap("Transferee"), target, "IsExternal: No\nDestType: Bridge\n")
	}
	tests := []struct {
		name string
		in   string
		want []string
	}{
		{"blind", blind, []string{blindWant}},
		{"blind, line break in the number", strings.Replace(blind, "123456\r\n\r\n", "1\r\nX: 2\r\n\r\n", 1),
			[]string{broken, strings.Replace(blindWant, "123456", `1\r\nX: 2`, 1)}},
		{"blind, second number", strings.Replace(blind, "123456\r\n\r\n", "1\r\nExtension: 2\r\n\r\n", 1), []string{missing}},
		{"blind, false ids", strings.Replace(blind, "BridgeUniqueid", "TransfereeUniqueid: 6.6\r\nBridgeUniqueid", 1), []string{missing}},
		{"attended", attended(snap("TransferTarget", "Channel", "PJSIP/trunk-d", "Uniqueid", "1.4", "Linkedid", "1.3")),
			[]string{`legs joined leg="1.1" call="1.1" account="101" other="1.4" othercall="1.3" otheraccount="trunk"`}},
		{"attended to an application", attended(""),
			[]string{`legs joined leg="1.1" call="1.1" account="101" other="1.3" othercall="1.3" otheraccount="101"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := told(t, &translator{trust: callClass}, tt.in)
			if !slices.Equal(got, tt.want) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestTranslateSecurity(t *testing.T) {
	const udp, tcp = "IPV4/UDP/192.0.2.7/5060", "IPV6/TCP/2001:db8::7/46353"
	failed := secure("ChallengeResponseFailed", "PJSIP", "101", udp, "Challenge: c\nResponse: r\nExpectedResponse: \n")
	tests := []struct {
		name string
		in   string
		want []string
	}{
		{"challenge", secure("ChallengeSent", "PJSIP", "101", udp, "Challenge: \n"),
			[]string{`auth challenged account="101" source=192.0.2.7:5060 service="PJSIP" session="s1"`}},
		{"success", secure("SuccessfulAuth", "PJSIP", "101", tcp, "UsingPassword: 1\n"),
			[]string{`auth ok account="101" source=[2001:db8::7]:46353 path service="PJSIP" session="s1"`}},
		{"success where no password is asked for", secure("SuccessfulAuth", "SIP", "31205550100", udp, "UsingPassword: 0\n"), nil},
		{"success on AMI", secure("SuccessfulAuth", "AMI", "pbxguard", tcp, "UsingPassword: 0\nSessionTV: x\n"),
			[]string{`auth ok account="pbxguard" source=[2001:db8::7]:46353 path service="AMI" session="s1"`}},
		{"wrong password on pjsip", failed,
			[]string{`auth failed account="101" source=192.0.2.7:5060 service="PJSIP" session="s1"`}},
		{"wrong password on chan_sip", secure("InvalidPassword", "SIP", "101", udp, "Challenge: a\nReceivedChallenge: b\nReceivedHash: c\n"),
			[]string{`auth failed account="101" source=192.0.2.7:5060 service="SIP" session="s1"`}},
		{"unknown account", secure("InvalidAccountID", "PJSIP", "999", udp, ""),
			[]string{`auth failed account="999" source=192.0.2.7:5060 service="PJSIP" session="s1" unknown`}},
		{"answer for an unknown account", secure("ChallengeResponseFailed", "PJSIP", "<unknown>", udp, "Challenge: c\nResponse: r\nExpectedResponse: \n"),
			[]string{`auth failed source=192.0.2.7:5060 service="PJSIP" session="s1" unknown`}},
		{"access list", secure("FailedACL", "PJSIP", "118", udp, "ACLName: not_match_endpoint_acl\n"),
			[]string{`auth refused account="118" source=192.0.2.7:5060 service="PJSIP" session="s1"`}},
		{"number not in the dial plan", secure("FailedACL", "SIP", "0031", udp, "ACLName: no_extension_match\n"), nil},
		{"wrong transport", secure("InvalidTransport", "SIP", "101", tcp, "AttemptedTransport: TCP\n"), nil},
		{"AMI action without the right", secure("RequestNotAllowed", "AMI", "x", tcp, "RequestType: Action: Hangup\nSessionTV: x\n"), nil},
		{"mapped address", secure("InvalidAccountID", "PJSIP", "9", "IPV6/UDP/::ffff:192.0.2.7/5060", ""),
			[]string{`auth failed account="9" source=192.0.2.7:5060 service="PJSIP" session="s1" unknown`}},
		{"web socket", secure("InvalidAccountID", "PJSIP", "9", "IPV4/WSS/192.0.2.7/443", ""),
			[]string{`auth failed account="9" source=192.0.2.7:443 path service="PJSIP" session="s1" unknown`}},

		{"chan_sip's call: the caller's From, then the number", secure("ChallengeSent", "SIP", "sip:100@192.0.2.1", udp, "Challenge: c\n") +
			secure("InvalidPassword", "SIP", "0031900123456", udp, "Challenge: a\nReceivedChallenge: b\nReceivedHash: c\n") +
			secure("SuccessfulAuth", "SIP", "0031900123456", udp, "UsingPassword: 1\n"),
			[]string{
				`auth challenged account="100" source=192.0.2.7:5060 service="SIP" session="s1"`,
				`auth failed account="100" source=192.0.2.7:5060 service="SIP" session="s1"`,
				`auth ok source=192.0.2.7:5060 service="SIP" session="s1"`,
			}},
		{"chan_sip's registration in a session used before", secure("ChallengeSent", "SIP", "sip:100@192.0.2.1", udp, "Challenge: c\n") +
			secure("ChallengeSent", "SIP", "101", udp, "Challenge: c\n") + secure("SuccessfulAuth", "SIP", "101", udp, "UsingPassword: 1\n"),
			[]string{
				`auth challenged account="100" source=192.0.2.7:5060 service="SIP" session="s1"`,
				`auth challenged account="101" source=192.0.2.7:5060 service="SIP" session="s1"`,
				`auth ok account="101" source=192.0.2.7:5060 service="SIP" session="s1"`,
			}},

		{"second address: the last is vouched for", strings.Replace(failed, "SessionID", "RemoteAddress: IPV4/UDP/198.51.100.1/5\r\nSessionID", 1),
			[]string{insecure + " source=192.0.2.7:5060"}},
		{"second address behind the answer: none is vouched for", strings.Replace(failed, "ExpectedResponse",
			"SessionID: a\r\nLocalAddress: b\r\nRemoteAddress: IPV4/UDP/198.51.100.1/5\r\nExpectedResponse", 1), []string{insecure}},
		{"no time", strings.Replace(failed, "EventTV", "Eventtv", 1), []string{insecure + " source=192.0.2.7:5060"}},
		{"no service", strings.Replace(failed, "Service: PJSIP\r\n", "", 1), []string{insecure + " source=192.0.2.7:5060"}},
		{"bare line feed", strings.Replace(failed, "101\r\n", "101\n", 1), []string{insecure + " source=192.0.2.7:5060"}},
		{"cut off", crlf("Event: ChallengeSent\nPrivilege: security,all\nEventTV: x\n\n"), []string{insecure}},
		{"address that is none", secure("InvalidAccountID", "PJSIP", "9", "IPV4/UDP/evil/5060", ""),
			[]string{`forged number="a security event with an address that is none"`}},
		{"address with a bad port", secure("InvalidAccountID", "PJSIP", "9", "IPV4/UDP/192.0.2.7/99999", ""),
			[]string{`forged number="a security event with an address that is none"`}},
		{"call event where none is sent", event("Newchannel", "call,all", snap("")), []string{headless}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := told(t, &translator{trust: securityClass, nonce: "n-"}, tt.in)
			if !slices.Equal(got, tt.want) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestTranslateRegistrations(t *testing.T) {
	contact := func(uri, status string) string {
		return event("ContactStatus", "system,all", "URI: "+uri+"\nContactStatus: "+status+"\nAOR: 100\nEndpointName: 100\nRoundtripUsec: 0\n")
	}
	peer := func(rest string) string {
		return event("PeerStatus", "system,all", "ChannelType: SIP\nPeer: SIP/100\nPeerStatus: "+rest+"\n")
	}
	reg := func(what, source, service string) []string {
		s := what + ` account="100"`
		if source != "" {
			s += " source=" + source
		}
		return []string{s + ` service="` + service + `"`}
	}
	tests := []struct {
		name string
		in   string
		want []string
	}{
		{"new contact", contact("sip:100@192.0.2.7:43598;transport=udp", "NonQualified"), reg("registered", "192.0.2.7:43598", "PJSIP")},
		{"contact that answers", contact("sip:100@192.0.2.7;x-ast-orig-host=10.0.0.1:5060", "Reachable"), reg("registered", "192.0.2.7:5060", "PJSIP")},
		{"IPv6", contact("sip:100@[2001:db8::7]:34887;transport=tcp", "Created"), reg("registered", "[2001:db8::7]:34887", "PJSIP")},
		{"removed", contact("<sips:100@192.0.2.7:5061>", "Removed"), reg("unregistered", "192.0.2.7:5061", "PJSIP")},
		{"no user part", contact("sip:192.0.2.90:5090", "Reachable"), reg("registered", "192.0.2.90:5090", "PJSIP")},
		{"address in a parameter", contact("sip:100@192.0.2.7;a=b@198.51.100.1", "Created"), reg("registered", "192.0.2.7:5060", "PJSIP")},
		{"host name", contact("sip:abc@x7yf.invalid;transport=ws", "Created"), nil},
		{"not a URI", contact("tel:100", "Created"), nil},
		{"unreachable stays registered", contact("sip:100@192.0.2.7:5060", "Unreachable"), nil},
		{"contact with a header missing", event("ContactStatus", "system,all", "URI: sip:100@192.0.2.7\nContactStatus: Created\nEndpointName: 100\n"), []string{missing}},
		{"peer", peer("Registered\nAddress: 192.0.2.7:57294"), reg("registered", "192.0.2.7:57294", "SIP")},
		{"peer, IPv6", peer("Registered\nAddress: [2001:db8::7]:5060"), reg("registered", "[2001:db8::7]:5060", "SIP")},
		{"peer gone", peer("Unregistered\nCause: Expired"), reg("unregistered", "", "SIP")},
		{"peer of pjsip", peer("Reachable"), nil},
		{"peer with a header missing", event("PeerStatus", "system,all", "Peer: SIP/100\nPeerStatus: Registered\n"), []string{missing}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := told(t, &translator{trust: callClass | systemClass}, tt.in)
			if !slices.Equal(got, tt.want) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestNotice(t *testing.T) {
	var got []string
	tr := &translator{trust: callClass | systemClass, notice: func(event string, b *wire.Block) {
		got = append(got, event+" "+string(b.Get("Module")))
	}}
	told(t, tr, event("FullyBooted", "system,all", "Status: Fully Booted\n")+event("Reload", "system,all", "Module: All\n")+
		event("Shutdown", "system,all", "Restart: True\n")+event("Registry", "system,all", ""))
	if want := []string{"FullyBooted ", "Reload All", "Shutdown "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDialled(t *testing.T) {
	tests := []struct {
		dial, channel string
		number        string
		beyond        bool
	}{
		{"0031900123456@trunk", "PJSIP/trunk-0000000a", "0031900123456", true},
		{"trunk/0031900123456", "SIP/trunk-0000000a", "0031900123456", true},
		{"0031900123456@192.0.2.1", "SIP/192.0.2.1-0000000a", "0031900123456", true},
		{"0031:secret@trunk", "SIP/trunk-0000000a", "0031", true},
		{"101", "PJSIP/101-0000000a", "101", false},
		{"101", "SIP/101-0000000a", "101", false},
		{"101/sip:101@192.0.2.7:5060;transport=udp", "PJSIP/101-0000000a", "101", false},
		{"101/sip:x7f@192.0.2.7:5060;ob", "PJSIP/101-0000000a", "x7f", false},
		{"trunk/sip:+31900123456@192.0.2.7", "PJSIP/trunk-0000000a", "+31900123456", true},
		{"trunk/sip:192.0.2.7", "PJSIP/trunk-0000000a", "", false},
		{"user:secret@provider/0031900@ctx", "IAX2/provider-1", "0031900", true},
		{"user:secret@provider", "IAX2/provider-1", "", false},
		{"g1/0031900", "DAHDI/i1/0031900-1", "0031900", true},
		{"0031900123456@internal/n", "Local/0031900123456@internal-00000001;1", "0031900123456", false},
		{"", "PJSIP/101-0000000a", "", false},
		{"/", "PJSIP/101-0000000a", "", false},
		{"@", "PJSIP/101-0000000a", "", false},
	}
	for _, tt := range tests {
		number, beyond := dialled([]byte(tt.dial), []byte(tt.channel))
		if string(number) != tt.number || beyond != tt.beyond {
			t.Errorf("dialled(%q, %q): got %q %v, want %q %v", tt.dial, tt.channel, number, beyond, tt.number, tt.beyond)
		}
	}
}

// A listed leg that calls a trunk says so, unless somebody has tampered with it.
func TestTranslateList(t *testing.T) {
	const leg = `leg listed leg="1.1" call="1.1" channel="PJSIP/100-0000000a" account="100" context="internal" number="0031900123456"`
	const trunk = ` otheraccount="trunk" totrunk`
	tests := []struct{ name, app, data, want string }{
		{"PJSIP", "Dial", "PJSIP/0031900@trunk,60", trunk + ` sent="0031900" since=3s`},
		{"SIP", "Dial", "SIP/trunk/0031900,60,tT", trunk + ` sent="0031900" since=3s`},
		{"IAX2", "Dial", "IAX2/user:secret@trunk/0031900", trunk + ` sent="0031900" since=3s`},
		{"a phone and a trunk", "Dial", "PJSIP/101&PJSIP/0031900@trunk,60", trunk + ` sent="0031900" since=3s`},
		{"a phone", "Dial", "PJSIP/101,20", " since=3s"},
		{"a contact of a phone", "Dial", "PJSIP/101/sip:x7f@192.0.2.7:5060", " since=3s"},
		{"a Local channel", "Dial", "Local/0031900@outbound/n,60", " since=3s"},
		{"nothing", "Dial", "", " since=3s"},
		{"another application", "AppDial", "(Outgoing Line)", " since=3s"},
		{"two answers", "Dial", "PJSIP/112@trunk\nData: PJSIP/0031900@trunk", " since=3s"},
		{"two applications", "Dial\nApplication: Wait", "PJSIP/112@trunk", " since=3s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := event("Status", "Call", snap(""), "DNID: 5\nApplication: "+tt.app+"\nData: "+tt.data+"\nSeconds: 3\nActionID: n-1\n")
			got := told(t, &translator{trust: callClass | systemClass, nonce: "n-", listing: true}, in)
			if len(got) != 1 || got[0] != leg+tt.want {
				t.Errorf("\n got %q\nwant %q", got, leg+tt.want)
			}
		})
	}
}

func TestNamed(t *testing.T) {
	tests := []struct {
		channel  string
		endpoint string
		side     guard.Side
		pair     string
	}{
		{"PJSIP/100-0000000a", "100", guard.Endpoint, ""},
		{"PJSIP/my-trunk-0000000a", "my-trunk", guard.Endpoint, ""},
		{"SIP/100-0000000a<ZOMBIE>", "100", guard.Endpoint, ""},
		{"AsyncGoto/PJSIP/100-0000000a", "100", guard.Endpoint, ""},
		{"DAHDI/i1/0201234567-5", "i1", guard.Endpoint, ""},
		{"DAHDI/1-1", "1", guard.Endpoint, ""},
		{"Local/1@c-00000001;1", "", guard.LocalOne, "1@c-00000001"},
		{"Local/1@c-00000001;2", "", guard.LocalTwo, "1@c-00000001"},
		{"Local/1@c-00000001;2<ZOMBIE>", "", guard.LocalTwo, "1@c-00000001"},
		{"PJSIP", "", guard.Endpoint, ""},
		{"PJSIP/", "", guard.Endpoint, ""},
		{"PJSIP/-1", "-1", guard.Endpoint, ""},
		{"", "", guard.Endpoint, ""},
	}
	for _, tt := range tests {
		endpoint, side, pair := named([]byte(tt.channel))
		if string(endpoint) != tt.endpoint || side != tt.side || string(pair) != tt.pair {
			t.Errorf("named(%q): got %q %v %q, want %q %v %q", tt.channel, endpoint, side, pair, tt.endpoint, tt.side, tt.pair)
		}
	}
}

func TestNamesAreBounded(t *testing.T) {
	var n wire.Names
	for i := range 3 * wire.MaxNames {
		n.Of([]byte(strings.Repeat("x", i%700) + string(rune('a'+i%26))))
		if len(n) > wire.MaxNames {
			t.Fatalf("got %d names, want at most %d", len(n), wire.MaxNames)
		}
	}
	if got := n.Of([]byte(strings.Repeat("x", 1000))); len(got) != wire.MaxText {
		t.Errorf("got a name of %d bytes, want %d", len(got), wire.MaxText)
	}
}

func TestLoginsAreBounded(t *testing.T) {
	var l logins
	for i := range 5 * maxLogins {
		l.add(strings.Repeat("s", 1+i%1000), "100")
		l.drop(strings.Repeat("s", 1+i%7))
		if len(l.from) > maxLogins {
			t.Fatalf("got %d logins, want at most %d", len(l.from), maxLogins)
		}
	}
}
