package main

import (
	"testing"
	"time"

	"pbxguard/audit"
	"pbxguard/guard"
)

func TestHistoryOfTheGuard(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC) }
	who := func(name string) guard.Account { return guard.Account{PBX: "office", Name: name} }
	h := seenBy(
		[]guard.Standing{{Account: who("100"), First: day(1), Last: day(20)}, {Account: who("100"), First: day(2), Last: day(21)}},
		[]guard.CallRecord{
			{Payer: who("101"), Started: day(5), Dialled: "0612345678"},
			{Payer: who("102"), Started: day(6), Dialled: "00252612345678", Via: "forward"},
			{Payer: who("102"), Started: day(8), Dialled: "00252612345678", Via: "forward"},
		})
	if !h.Since.Equal(day(1)) || h.Accounts["100"] != (audit.Seen{Registered: day(21), Moved: day(2)}) || h.Accounts["101"] != (audit.Seen{Called: day(5)}) {
		t.Errorf("got %+v", h)
	}
	if len(h.Forwards) != 1 || h.Forwards[0] != (audit.Forwarded{Account: "102", Number: "00252612345678", Last: day(8)}) {
		t.Errorf("got forwards %+v, want the last of one phone", h.Forwards)
	}
	tenants := seenBy([]guard.Standing{{Account: guard.Account{Domain: "a.test", Name: "100"}, First: day(1), Last: day(9)}},
		[]guard.CallRecord{{Payer: guard.Account{Domain: "b.test", Name: "100"}, Trunk: who("itsp"), Started: day(3)}})
	for _, tt := range []struct {
		name, domain string
		want         audit.Seen
	}{
		{"100", "a.test", audit.Seen{Registered: day(9)}},
		{"100", "b.test", audit.Seen{Called: day(3)}},
		{"100", "", audit.Seen{Registered: day(9), Called: day(3)}},
		{"100", "c.test", audit.Seen{}},
		{"101", "", audit.Seen{}},
	} {
		if got := tenants.Seen(tt.name, tt.domain); got != tt.want {
			t.Errorf("got %+v of %s@%s, want %+v", got, tt.name, tt.domain, tt.want)
		}
	}
	if !tenants.Trunks["itsp"].Equal(day(3)) {
		t.Errorf("got trunks %v", tenants.Trunks)
	}
	moved := seenBy([]guard.Standing{{Account: who("100"), First: day(1), Last: day(20)}, {Account: who("100"), First: day(19), Last: day(21)}}, nil)
	if got := moved.Seen("100", "").Moved; !got.Equal(day(19)) {
		t.Errorf("got moved %v, want the day at the new address", got)
	}
	if seenBy(nil, nil) != nil {
		t.Error("a guard that saw nothing has a history")
	}
}
