package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
)

// kept is a ledger that counts.
type kept int

func (k *kept) Record(guard.Record) bool { *k++; return true }

func TestTellerLogsVerdicts(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "8:1")
	var store kept
	var b bytes.Buffer
	tell := newTeller(&store, newLog(&b, slog.LevelInfo))
	kill := guard.Decision{
		Rule: "destination", Action: guard.Kill, Enforced: true, PBX: "office", Account: guard.Account{PBX: "office", Name: "100"},
		Call: "1.1", Number: "+25261234567", Reason: "premium\n<0>forged",
	}
	ended := kill
	ended.Outcome, ended.After = "unconfirmed", 3*time.Second
	for _, r := range []guard.Record{
		kill, ended, guard.CallRecord{},
		guard.Decision{Rule: "spray", Action: guard.Alert, PBX: "office", Source: netip.MustParseAddr("192.0.2.1"), Reason: "many"},
		guard.Decision{Rule: "shared-cost", Action: guard.Note},
	} {
		if !tell.Record(r) {
			t.Errorf("%v is lost", r)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := tell.run(stopped); err != nil {
		t.Fatal(err)
	}
	want := `<6>msg=killed rule=destination account=office/100 call=1.1 number=+25261234567 reason="premium\n<0>forged"
<3>msg="kill unconfirmed" rule=destination account=office/100 call=1.1 number=+25261234567 after=3s reason="premium\n<0>forged"
<4>msg=alert rule=spray account=office source=192.0.2.1 reason=many
`
	if b.String() != want || store != 5 {
		t.Errorf("got %d records and\n%s\nwant 5 and\n%s", store, b.String(), want)
	}
}

// A log that nobody reads must not stop the engine.
func TestTellerNeverWaits(t *testing.T) {
	var store kept
	var b bytes.Buffer
	tell := newTeller(&store, newLog(&b, slog.LevelInfo))
	n := cap(tell.heard) + 7
	for range n {
		tell.Record(guard.Decision{Rule: "x", Action: guard.Kill})
	}
	if int(store) != n {
		t.Errorf("%d records reach the store, want %d", store, n)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := tell.run(stopped); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "msg=\"would kill\""); got != cap(tell.heard) || !strings.Contains(b.String(), "missing=7") {
		t.Errorf("got %d lines, want %d and a word of 7 missing", got, cap(tell.heard))
	}
}
