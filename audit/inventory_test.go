package audit

import (
	"context"
	"slices"
	"testing"
	"time"
)

// place is a PBX that is nothing but an inventory.
type place struct {
	site     *Site
	held     []Held
	forwards []Forward
	calls    Calls
}

func (p *place) Source(string) (State, string) { return Whole, "" }
func (p *place) Site() *Site                   { return p.site }
func (p *place) Held() []Held                  { return p.held }
func (p *place) Forwards() []Forward           { return p.forwards }
func (p *place) Calls() Calls                  { return p.calls }
func (p *place) Outside(n string) Reach        { return p.site.Outside(n) }

func TestInventory(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	history := func(since int, seen Seen) *History {
		return &History{Since: day(since), Accounts: map[string]Seen{"100": seen}, Trunks: map[string]time.Time{}}
	}
	phone := []Held{{Role: Extension, Name: "100", Object: "extension 100", Secret: "s", People: []string{"Anna", "anna@x.test"}}}
	line := []Held{{Role: Trunk, Name: "itsp", Object: "trunk itsp", Secret: "s"}}
	admin := func(h Held) []Held {
		h.Role, h.Name, h.Object = Administrator, "boss", "administrator boss"
		return []Held{h}
	}
	tests := []struct {
		name string
		id   string
		p    place
		want []string // status, severity and evidence of each finding
	}{
		{"no history", "STALE-001", place{site: &Site{}, held: phone}, []string{"incomplete medium the guard has no history here"}},
		{"a young history", "STALE-001", place{site: &Site{History: history(10, Seen{})}, held: phone}, []string{"incomplete medium the guard watches for 10 days only"}},
		{"never seen", "STALE-001", place{site: &Site{History: history(100, Seen{})}, held: phone}, []string{"fail medium it never registered or called since 2026-08-14"}},
		{"long unseen", "STALE-001", place{site: &Site{History: history(100, Seen{Registered: day(61), Called: day(70)})}, held: phone}, []string{"fail medium it last registered or called 61 days ago"}},
		{"a month unseen", "STALE-001", place{site: &Site{History: history(100, Seen{Called: day(30)})}, held: phone}, []string{"fail low it last registered or called 30 days ago"}},
		{"calls without registering", "STALE-001", place{site: &Site{History: history(100, Seen{Called: day(29)})}, held: phone}, []string{"pass medium "}},
		{"another tenant's", "STALE-001", place{site: &Site{History: history(100, Seen{Called: day(1)})}, held: []Held{{Role: Extension, Name: "100", Domain: "b.test", Object: "x"}}}, []string{"fail medium it never registered or called since 2026-08-14"}},

		{"no list of leavers", "STALE-004", place{site: &Site{}, held: phone}, []string{"not_applicable high no list of leavers was given"}},
		{"left", "STALE-004", place{site: &Site{Leavers: map[string]time.Time{"100": day(10)}}, held: phone}, []string{"fail high its owner left on 2026-11-12"}},
		{"left, by address", "STALE-004", place{site: &Site{Leavers: map[string]time.Time{"ANNA@x.test": day(10)}}, held: phone}, []string{"fail high its owner left on 2026-11-12"}},
		{"left and came back", "STALE-004", place{site: &Site{Leavers: map[string]time.Time{"100": day(10)}, History: history(100, Seen{Registered: day(2)})}, held: phone}, []string{"fail critical its owner left on 2026-11-12, and it registered after that"}},
		{"the last day is today", "STALE-004", place{site: &Site{Leavers: map[string]time.Time{"100": day(0)}}, held: phone}, []string{"pass high "}},
		{"a forward stayed", "STALE-004", place{site: &Site{Leavers: map[string]time.Time{"199": day(10)}}, forwards: []Forward{{Account: "199", Key: "CF/199"}}}, []string{"fail high its owner left on 2026-11-12"}},
		{"an administrator left", "STALE-004", place{site: &Site{Leavers: map[string]time.Time{"admin:boss": day(10)}}, held: admin(Held{})}, []string{"fail high its owner left on 2026-11-12"}},
		{"an extension named as an administrator", "STALE-004", place{site: &Site{Leavers: map[string]time.Time{"boss": day(10)}}, held: admin(Held{})}, []string{"pass high "}},

		{"no list of accounts", "STALE-005", place{site: &Site{}, held: phone}, []string{"not_applicable medium no list of accounts was given"}},
		{"not on the list", "STALE-005", place{site: &Site{Active: map[string]bool{"101": true}}, held: phone}, []string{"fail medium it is not on the list"}},
		{"with its domain on the list", "STALE-005", place{site: &Site{Active: map[string]bool{"100@a.test": true}}, held: []Held{{Role: Extension, Name: "100", Domain: "a.test"}}}, []string{"pass medium "}},
		{"a list without administrators", "STALE-005", place{site: &Site{Active: map[string]bool{"100": true}}, held: admin(Held{})}, []string{"pass medium "}},
		{"an administrator not on the list", "STALE-005", place{site: &Site{Active: map[string]bool{"admin:anna": true}}, held: admin(Held{})}, []string{"fail medium it is not on the list"}},

		{"records tell of no call", "STALE-006", place{site: &Site{}, held: phone, calls: Calls{Since: day(200), From: "Master.csv"}}, []string{"fail low no call since 2026-05-06, where Master.csv begins"}},
		{"records tell of an old call", "STALE-006", place{site: &Site{}, held: phone, calls: Calls{Since: day(200), Last: map[string]time.Time{"100": day(91)}}}, []string{"fail low its last call was 91 days ago"}},
		{"records are young", "STALE-006", place{site: &Site{}, held: phone, calls: Calls{Since: day(20)}}, []string{"incomplete low no call records of 90 days can be read, and the guard saw no call out of: 100"}},
		{"the guard saw a call", "STALE-006", place{site: &Site{History: history(100, Seen{Called: day(3)})}, held: phone, calls: Calls{Since: day(200)}}, []string{"pass low "}},
		{"a trunk without a call", "STALE-008", place{site: &Site{}, held: line, calls: Calls{Since: day(200), Trunks: true, From: "Master.csv"}}, []string{"fail medium no call since 2026-05-06, where Master.csv begins"}},
		{"records that name no trunks", "STALE-008", place{site: &Site{}, held: line, calls: Calls{Since: day(200)}}, []string{"incomplete medium no call records of 90 days can be read, and the guard saw no call out of: itsp"}},
		{"the guard saw the trunk", "STALE-008", place{site: &Site{History: &History{Since: day(9), Trunks: map[string]time.Time{"itsp": day(8)}}}, held: line}, []string{"pass medium "}},

		{"a login of long ago", "STALE-007", place{site: &Site{}, held: admin(Held{Logins: true, Login: day(90), LoginsSince: day(100)})}, []string{"fail medium its last login was 90 days ago"}},
		{"no login in the records", "STALE-007", place{site: &Site{}, held: admin(Held{Logins: true, LoginsSince: day(100)})}, []string{"fail medium no login since 2026-08-14"}},
		{"no login ever", "STALE-007", place{site: &Site{}, held: admin(Held{Logins: true})}, []string{"fail medium it has never logged in"}},
		{"young records of logins", "STALE-007", place{site: &Site{}, held: admin(Held{Logins: true, LoginsSince: day(9)})}, []string{"incomplete medium when these last logged in is kept nowhere, or not for 90 days: boss"}},
		{"a login yesterday", "STALE-007", place{site: &Site{}, held: admin(Held{Logins: true, Login: day(1), LoginsSince: day(9)})}, []string{"pass medium "}},

		{"nothing is remembered", "STALE-009", place{site: &Site{}, held: phone}, []string{"incomplete high no earlier run is remembered to compare with"}},
		{"new", "STALE-009", place{site: &Site{Memory: &Memory{Key: make([]byte, 32), Old: map[string]string{}}}, held: phone}, []string{"fail high it was not there in the last run"}},

		{"no secret is remembered", "PW-009", place{site: &Site{}, held: phone}, []string{"incomplete medium no earlier run is remembered to compare with"}},
		{"an old secret", "PW-009", place{site: &Site{Memory: remembered("secret:extension:100", "s", day(365))}, held: phone}, []string{"fail medium its secret has not changed for 365 days"}},
		{"a changed secret", "PW-009", place{site: &Site{Memory: remembered("secret:extension:100", "t", day(365))}, held: phone}, []string{"pass medium "}},
		{"a secret not watched for long", "PW-009", place{site: &Site{Memory: remembered("secret:extension:100", "s", day(40))}, held: phone}, []string{"incomplete medium earlier runs reach back 40 days only; the secrets of 1 accounts may be older"}},
		{"its owner left", "PW-009", place{site: &Site{Memory: remembered("secret:extension:100", "s", day(40)), Leavers: map[string]time.Time{"100": day(20)}}, held: phone}, []string{"fail medium its secret is the one of 2026-10-13 at least, and its owner, who knew it, left on 2026-11-02"}},
		{"an administrator knew a trunk's", "PW-009", place{site: &Site{Memory: remembered("secret:trunk:itsp", "s", day(40)), Leavers: map[string]time.Time{"admin:x": day(20), "y": day(19)}}, held: line}, []string{"fail medium its secret is the one of 2026-10-13 at least, and an administrator, who knew it, left on 2026-11-02"}},
		{"he left before it was made", "PW-009", place{site: &Site{Memory: remembered("secret:trunk:itsp", "s", day(40)), Leavers: map[string]time.Time{"admin:x": day(50)}}, held: line}, []string{"incomplete medium earlier runs reach back 40 days only; the secrets of 1 accounts may be older"}},

		{"no history of phones", "FWD-007", place{site: &Site{}, held: phone}, []string{"incomplete medium the guard has no history here: only calls show such forwards"}},
		{"a phone forwards", "FWD-007", place{site: &Site{History: &History{Forwards: []Forwarded{{Account: "100", Domain: "a.test", Number: "00252612345678", Last: day(3)}}}}}, []string{"fail high it sent a call on to international, SO (FWD-002), last on 2026-11-19"}},
		{"the PBX forwards", "FWD-007", place{site: &Site{History: &History{Forwards: []Forwarded{{Account: "100", Number: "00252612345678"}}}}, forwards: []Forward{{Account: "100"}}}, []string{"pass medium "}},
	}
	table := InventoryRules[*place](InventoryNeeds{Extensions: "x", All: "x", Trunks: "x", Calls: "x", Administrators: "x"})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.p.site.Now = now
			if tt.p.site.Memory != nil {
				tt.p.site.Memory.Now = now
			}
			var got []string
			for _, f := range evaluate(context.Background(), table, &tt.p, tt.p.site) {
				if f.ID == tt.id {
					got = append(got, string(f.Status)+" "+string(f.Severity)+" "+f.Evidence)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// remembered is a memory of one secret, as it was first met on a day.
func remembered(name, secret string, since time.Time) *Memory {
	m := &Memory{Key: make([]byte, 32)}
	m.Old, m.Since = map[string]string{name: m.Mark([]byte(secret))}, map[string]time.Time{name: since}
	return m
}

// A PBX without administrators of its own has no check of them.
func TestInventoryLeavesOut(t *testing.T) {
	for _, r := range InventoryRules[*place](InventoryNeeds{Administrators: "x"}) {
		if r.ID != "STALE-007" {
			t.Errorf("got %s, which needs what there is not", r.ID)
		}
	}
}
