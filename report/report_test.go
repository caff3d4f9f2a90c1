package report

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
)

var update = flag.Bool("update", false, "write what the tests get as what they want")

var now = time.Date(2026, 12, 25, 3, 12, 0, 0, time.UTC)

// golden compares what write puts on a page with a file.
func golden(t *testing.T, name string, colour bool, write func(*Page) error) {
	t.Helper()
	var b bytes.Buffer
	if err := write(&Page{W: &b, Now: now, Zone: time.UTC, Colour: colour}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, b.String(), want)
	}
}

func account(name string) guard.Account { return guard.Account{PBX: "clinic", Name: name} }

func decisions() []guard.Decision {
	return []guard.Decision{
		{
			ID: 1, At: now.Add(-time.Hour), Rule: "destination", Action: guard.Kill, Enforced: true, PBX: "clinic",
			Account: account("204"), Call: "1.1", Leg: "1.2", Dialled: "0025261234567", Number: "+25261234567", Country: "SO",
			Reason: "calls to Somalia are not allowed", Outcome: "confirmed", After: 1200 * time.Microsecond,
		},
		{
			ID: 2, At: now.Add(-time.Minute), Rule: "hours", Action: guard.Kill, PBX: "clinic",
			Account: account("100"), Call: "2.1", Leg: "2.2", Number: "+4930123456", Country: "DE", Reason: "outside 08:00 to 18:00",
		},
		{
			ID: 3, At: now, Rule: "auth", Action: guard.Kill, Enforced: true, PBX: "clinic",
			Source: netip.MustParseAddr("203.0.113.9"), Reason: "5 wrong passwords in 10m0s",
		},
		{
			ID: 4, At: now, Rule: "forged", Action: guard.Alert, PBX: "clinic",
			Reason: "two headers RemoteAddress from \x1b[2J\u202e",
		},
		{
			ID: 5, At: now, Rule: "lock", Action: guard.Lock, Enforced: true, PBX: "clinic", Account: account("100"),
			Reason: "left the company", By: "root (uid 0)",
		},
		{
			ID: 6, At: now, Rule: "unlock", Action: guard.Lock, Enforced: true, PBX: "clinic", Account: account("100"),
			Reason: "was a misunderstanding", By: "root (uid 0)",
		},
		{
			ID: 7, At: now, Rule: "unban", Action: guard.Allow, Enforced: true, Source: netip.MustParseAddr("203.0.113.9"),
			Reason: "203.0.113.9/32 let back in by root (uid 0)", By: "root (uid 0)",
		},
	}
}

func TestDecisions(t *testing.T) {
	golden(t, "decisions", false, func(p *Page) error { return p.Decisions(decisions()) })
	golden(t, "decisions-colour", true, func(p *Page) error { return p.Decisions(decisions()) })
}

func TestCalls(t *testing.T) {
	calls := []guard.LiveCall{
		{
			Call: "1.1", Leg: "1700000000.12", PBX: "clinic", Payer: account("204"), Trunk: "trunk", Direction: "out",
			Dialled: "0031900123456", Number: "+31900123456", Country: "NL", Class: "premium", Via: "forward",
			Age: 62 * time.Second, Talking: 50 * time.Second, Source: netip.MustParseAddr("192.0.2.7"), Killing: true,
		},
		{Leg: "1700000000.13", Payer: account("112\n"), Direction: "out", Dialled: "112", Age: 300 * time.Millisecond, Emergency: true},
	}
	golden(t, "calls", false, func(p *Page) error { return p.Calls(calls) })
}

func TestBans(t *testing.T) {
	bans := []guard.Ban{
		{
			Prefix: netip.MustParsePrefix("203.0.113.9/32"), Since: now.Add(-time.Minute), Until: now.Add(9 * time.Minute),
			Rule: "auth", Reason: "5 wrong passwords", Times: 1, Enforced: true,
		},
		{
			Prefix: netip.MustParsePrefix("2001:db8::/64"), Since: now.Add(-48 * time.Hour), Until: now.Add(5*24*time.Hour + time.Hour),
			Rule: "scan", Reason: "asked for 10 accounts", Times: 4, Enforced: true,
		},
		{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Since: now, Rule: "hand", Times: 1, Enforced: true, By: "root (uid 0)", Reason: "noisy"},
		{Prefix: netip.MustParsePrefix("198.51.100.7/32"), Since: now, Until: now.Add(time.Minute), Rule: "auth", Times: 1},
	}
	golden(t, "bans", false, func(p *Page) error { return p.Bans(bans) })
}

func TestExplain(t *testing.T) {
	a := guard.Answer{
		Account: account("100"), Group: "default", Dialled: "0025261234567", Kind: "international", Number: "+25261234567",
		Country: "SO", Class: "international", At: now, Verdict: "kill",
		Findings: []guard.Finding{
			{Rule: "destination", Hit: true, Action: guard.Kill, Enforced: true, Reason: "calls to Somalia are not allowed"},
			{Rule: "holiday", Hit: true, Action: guard.Alert, Reason: "Christmas Day"},
			{Rule: "concurrent", Action: guard.Kill, Reason: "1 call of at most 4"},
		},
	}
	golden(t, "explain", false, func(p *Page) error { return p.Explain(a) })
	golden(t, "explain-colour", true, func(p *Page) error { return p.Explain(a) })
}

func TestChecks(t *testing.T) {
	checks := []control.Check{
		{Name: "configuration", Result: control.OK, Detail: "/etc/pbxguard/pbxguard.toml"},
		{Name: "pbx clinic", Result: control.Failed, Detail: "login refused", Fix: "pbxguard setup"},
		{Name: "time zone", Result: control.Warning, Detail: "the host is in UTC", Fix: "set pbx.time_zone"},
		{Name: "firewall", Result: control.Skipped, Detail: "mode is off"},
	}
	golden(t, "checks", false, func(p *Page) error { return p.Checks(checks) })
	golden(t, "checks-colour", true, func(p *Page) error { return p.Checks(checks) })
}

func status() control.Status {
	return control.Status{
		Engine: guard.Status{
			Since: now.Add(-26 * time.Hour), CallsMode: guard.Enforce, BansMode: guard.Enforce,
			Sites: []guard.SiteStatus{{PBX: "clinic", Connected: true, LastEvent: now.Add(-400 * time.Millisecond), Legs: 12, TrunkLegs: 6}},
			Calls: 6, Kills: 2, Confirmed: 2, Bans: 212,
		},
		PBXs: []control.PBX{{Name: "clinic", Version: "Asterisk 22", Links: []control.Link{
			{Purpose: "calls", State: control.Connected}, {Purpose: "security", State: control.Connected},
		}}},
		Firewall: control.Firewall{Mode: "nftables"},
		Day:      control.Totals{Killed: 2, Banned: 1},
	}
}

func TestStatus(t *testing.T) {
	quiet := status()
	troubled := status()
	troubled.Engine.CallsMode, troubled.Engine.BansMode = guard.Observe, guard.Observe
	troubled.Day = control.Totals{WouldKill: 12, WouldBan: 1}
	troubled.Gate = &control.Gate{Asked: 1234, Denied: 5, Slowest: 1234567, Listeners: []control.GateListener{
		{Name: "fastagi", Address: "127.0.0.1:4573", Listening: true}, {Name: "socket", Address: "127.0.0.1:8084"}}}
	troubled.Engine.Learning, troubled.Engine.Watched = true, 20*time.Minute
	troubled.Engine.Unknown = []string{"door", "\x1b[31mgate"}
	troubled.Engine.Locks = []guard.Bar{{Account: account("100"), At: now.Add(-time.Hour), Until: now.Add(time.Hour), Reason: "stolen phone"}}
	troubled.Gaps = []guard.Gap{{PBX: "clinic", From: now.Add(-65 * time.Second), To: now.Add(-time.Minute), Reason: "connection lost"}}
	troubled.Problems = []control.Check{{Name: "pbx branch", Result: control.Failed, Detail: "connection refused", Fix: "pbxguard check"}}
	blind := control.Status{
		Engine:   guard.Status{Since: now.Add(-time.Minute), Sites: []guard.SiteStatus{{PBX: "clinic"}}},
		PBXs:     []control.PBX{{Name: "clinic", Links: []control.Link{{State: "refused"}, {State: "refused"}}}},
		Firewall: control.Firewall{Mode: "off"},
	}
	partly := status()
	partly.Engine.BansMode = guard.Observe
	for name, st := range map[string]control.Status{"quiet": quiet, "troubled": troubled, "blind": blind, "partly": partly} {
		t.Run(name, func(t *testing.T) {
			golden(t, "status-"+name, false, func(p *Page) error { return p.Status(st) })
		})
	}
	golden(t, "status-colour", true, func(p *Page) error { return p.Status(troubled) })
}

func TestSpan(t *testing.T) {
	tests := []struct {
		name string
		in   time.Duration
		want string
	}{
		{"nothing", 0, "0s"},
		{"microseconds", 1_234_567 * time.Nanosecond, "1.2ms"},
		{"milliseconds", 400_300 * time.Microsecond, "400ms"},
		{"minutes", 4*time.Minute + 12*time.Second + 400*time.Millisecond, "4m12s"},
		{"even minutes", 20 * time.Minute, "20m"},
		{"even hours", 10 * time.Hour, "10h"},
		{"an hour and a second", time.Hour + time.Second, "1h0m1s"},
		{"days", 49*time.Hour + 20*time.Minute, "2d1h"},
		{"nearly three days", 72*time.Hour - time.Minute, "3d0h"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := span(tt.in); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestPageIsPlainOffATerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if NewPage(f, now).Colour {
		t.Error("a file gets colour")
	}
	if NewPage(&bytes.Buffer{}, now).Colour {
		t.Error("a buffer gets colour")
	}
}

// No foreign text, wherever it stands, reaches the reader with a control
// character in it (R10).
func FuzzPage(f *testing.F) {
	f.Add("\x1b]0;x\x07")
	f.Add("100\r\nEvent: x")
	f.Add("\u202e\u009b\xff\t")
	f.Fuzz(func(t *testing.T, s string) {
		a := guard.Account{PBX: s, Domain: s, Name: s}
		src := netip.MustParseAddr("fe80::1%eth0").WithZone(s)
		d := guard.Decision{At: now, Rule: s, Reason: s, PBX: s, Account: a, Call: guard.CallID(s), Leg: guard.LegID(s),
			Channel: s, Dialled: s, Number: s, Country: s, Class: s, Source: src, By: s, Outcome: s}
		bySource := d
		bySource.Number, bySource.Dialled = "", ""
		st := status()
		st.PBXs = []control.PBX{{Name: s, Type: s, Version: s, Links: []control.Link{{Purpose: s, State: s, Error: s}}}}
		st.Engine.Unknown = []string{s}
		st.Engine.Locks = []guard.Bar{{Account: a, Reason: s, By: s}}
		st.Gaps = []guard.Gap{{PBX: s, Reason: s}}
		st.Problems = []control.Check{{Name: s, Result: control.Failed, Detail: s, Fix: s}}
		st.Firewall = control.Firewall{Mode: s, Error: s}
		st.Gate = &control.Gate{Listeners: []control.GateListener{{Name: s, Address: s, Listening: true}}}

		var b bytes.Buffer
		p := &Page{W: &b, Now: now}
		for _, err := range []error{
			p.Decisions([]guard.Decision{d, bySource}),
			p.Calls([]guard.LiveCall{{Call: d.Call, Leg: d.Leg, PBX: s, Payer: a, Trunk: s, Direction: s, Dialled: s, Country: s, Class: s, Via: s, Source: src}}),
			p.Bans([]guard.Ban{{Rule: s, Reason: s, By: s}}),
			p.Explain(guard.Answer{Account: a, Group: s, Dialled: s, Kind: s, Number: s, Country: s, Class: s, Flags: s, Verdict: s,
				Findings: []guard.Finding{{Rule: s, Reason: s}}}),
			p.Status(st),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if i := strings.IndexFunc(b.String(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r == 0x9b || r == 0x202e }); i >= 0 {
			t.Errorf("%q reaches the reader: %q", s, b.String()[max(0, i-40):i+8])
		}
	})
}
