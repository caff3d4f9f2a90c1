package asterisk

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
)

// sets are the servers that the captures come from: Asterisk 16 with chan_pjsip
// and with chan_sip, Asterisk 22 with chan_pjsip.
var sets = []string{"16-pjsip", "16-sip", "22-pjsip"}

// capture is the recorded stream of a scenario.
func capture(t testing.TB, set, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "captures", set, name+".ami.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// replayed are the events of a recorded stream.
func replayed(t testing.TB, stream string) (events []guard.Event) {
	t.Helper()
	err := Replay(strings.NewReader(stream), "pbx", time.Time{}, func(ev guard.Event) { events = append(events, ev) })
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// short writes what an event says in one line, with the serial parts of ids alone.
func short(ev *guard.Event) string {
	var s strings.Builder
	s.WriteString(ev.Kind.String())
	add := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&s, " %s=%q", key, value)
		}
	}
	add("leg", string(ev.Leg))
	add("call", string(ev.Call))
	add("channel", ev.Channel)
	if ev.Side != guard.Endpoint {
		add("side", fmt.Sprint(ev.Side))
	}
	add("pair", ev.Pair)
	add("account", ev.Account.Name)
	add("context", ev.Context)
	add("number", ev.Number)
	add("exten", ev.Exten)
	add("other", string(ev.Other))
	add("othercall", string(ev.OtherCall))
	add("otheraccount", ev.OtherAccount.Name)
	if ev.Up {
		s.WriteString(" up")
	}
	if ev.ToTrunk {
		s.WriteString(" totrunk")
	}
	add("sent", ev.Sent)
	if ev.Cause != 0 {
		fmt.Fprintf(&s, " cause=%d", ev.Cause)
	}
	if ev.Since != 0 {
		fmt.Fprintf(&s, " since=%v", ev.Since)
	}
	if ev.Source.IsValid() {
		fmt.Fprintf(&s, " source=%v", ev.Source)
	}
	if ev.Proof == guard.Path {
		s.WriteString(" path")
	}
	add("service", ev.Service)
	add("session", ev.Session)
	if ev.Unknown {
		s.WriteString(" unknown")
	}
	return s.String()
}

func TestReplayTime(t *testing.T) {
	const stream = "Asterisk Call Manager/5.0.4\r\nResponse: Success\r\nMessage: Authentication accepted\r\n\r\n" +
		"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
	at := func(stamp, address string) string {
		return "Event: PeerStatus\r\nPrivilege: system,all\r\n" + stamp +
			"ChannelType: SIP\r\nPeer: SIP/100\r\nPeerStatus: Registered\r\nAddress: " + address + "\r\n\r\n"
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		stream string
		start  time.Time
		want   []time.Duration // since start
	}{
		{name: "moved to start", start: start,
			stream: at("Timestamp: 1795320474.500000\r\n", "192.0.2.1:1") + at("Timestamp: 1795320476.750001\r\n", "192.0.2.1:1"),
			want:   []time.Duration{0, 0, 2250001 * time.Microsecond}},
		{name: "set back", start: start,
			stream: at("Timestamp: 1795320474.500000\r\n", "192.0.2.1:1") + at("Timestamp: 1795320400.000000\r\n", "192.0.2.1:1") +
				at("Timestamp: 1795320474.600000\r\n", "192.0.2.1:1"),
			want: []time.Duration{0, 0, 0, 100 * time.Millisecond}},
		{name: "no time stamps", start: start, stream: at("", "192.0.2.1:1") + at("", "192.0.2.1:1"), want: []time.Duration{0, 0, 0}},
		{name: "no time stamp that is one", start: start,
			stream: at("Timestamp: 99999999999999999999.000000\r\n", "192.0.2.1:1") + at("Timestamp: 1.5\r\n", "192.0.2.1:1"),
			want:   []time.Duration{0, 0, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []time.Duration
			err := Replay(strings.NewReader(stream+tt.stream), "pbx", tt.start, func(ev guard.Event) {
				got = append(got, ev.At.Sub(tt.start))
			})
			if err != nil || fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
	var last time.Time
	if err := Replay(strings.NewReader(at("Timestamp: 1795320474.500000\r\n", "192.0.2.1:1")), "pbx", time.Time{},
		func(ev guard.Event) { last = ev.At }); err != nil {
		t.Fatal(err)
	}
	if want := time.Unix(1795320474, 500000000); !last.Equal(want) {
		t.Errorf("without a start: got %v, want the recording's own time %v", last, want)
	}
}

func TestReplayCutOff(t *testing.T) {
	stream := string(capture(t, "22-pjsip", "call_out"))
	n := 0
	err := Replay(strings.NewReader(stream[:len(stream)-5]), "pbx", time.Time{}, func(guard.Event) { n++ })
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	if want := len(replayed(t, stream)); n != want {
		t.Errorf("got %d events of a recording cut within its last block, want %d", n, want)
	}
}
