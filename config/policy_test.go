package config

import (
	"context"
	"maps"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/numbering"
)

func parsed(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse(asName, []byte(text), beside(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func policyOf(t *testing.T, c *Config, found map[string]Discovered, never ...netip.Prefix) *guard.Policy {
	t.Helper()
	p, err := c.Policy(found, never...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func goodFile(t *testing.T, name string) *Config {
	t.Helper()
	b, err := os.ReadFile("testdata/good/" + name + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, string(b))
}

// TestShippedPolicy: the shipped file observes, and has every rule on that the
// guard has by default.
func TestShippedPolicy(t *testing.T) {
	p := policyOf(t, Default(), nil)
	if p.CallsMode != guard.Observe || p.BansMode != guard.Observe {
		t.Errorf("got %v and %v, want both to observe", p.CallsMode, p.BansMode)
	}
	if p.HangupCause != 21 || p.LockFor != 12*time.Hour {
		t.Errorf("got cause %d and lock %v", p.HangupCause, p.LockFor)
	}
	l := p.Default
	for _, class := range []numbering.Class{numbering.Premium, numbering.Satellite, numbering.IntlNetworkClass, numbering.Unknown} {
		if l.Class[class] != guard.Kill {
			t.Errorf("%v: got %v, want kill", class, l.Class[class])
		}
	}
	if _, ok := l.Class[numbering.EmergencyClass]; ok {
		t.Error("got a setting for emergency numbers, want none")
	}
	for name, a := range map[string]guard.Action{
		"country": l.CountryAction, "hours": l.Hours.Action, "weekend": l.Weekend, "holiday": l.Holiday,
		"concurrent": l.Concurrent.Action, "concurrent-country": l.ConcurrentCountry.Action,
		"attempts": l.Attempts.Action, "sequential": l.Sequential.Action, "duration": l.Duration.Action,
		"minutes-hour": l.MinutesHour.Action, "minutes-day": l.MinutesDay.Action,
	} {
		if a == guard.Allow {
			t.Errorf("%s: got allow, want the rule on", name)
		}
	}
	if len(l.Enforced) != 0 {
		t.Errorf("got %v, want no rule with a mode of its own", l.Enforced)
	}
	want := guard.DefaultBans()
	got := p.Bans
	got.Never, want.Never = nil, nil
	if got.Failures != want.Failures || got.Window != want.Window || got.Scan != want.Scan ||
		!slices.Equal(got.Ladder, want.Ladder) || got.Unproven != want.Unproven || got.Budget != want.Budget ||
		got.Learn != want.Learn || got.Trust != want.Trust || got.Spray != want.Spray || got.Max != want.Max || got.Sources != want.Sources {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestGroupsInherit: a group has the general rules but for what it says itself.
func TestGroupsInherit(t *testing.T) {
	p := policyOf(t, goodFile(t, "groups"), nil)
	if len(p.Groups) != 3 {
		t.Fatalf("got %d groups, want 3", len(p.Groups))
	}
	reception, dialler := p.Groups[0], p.Groups[1]
	if got := reception.Limits.Concurrent; got != (guard.CountLimit{Max: 6, Action: guard.Kill}) {
		t.Errorf("got %+v, want 6 from the group and the action from the rules", got)
	}
	if got := p.Default.Concurrent.Max; got != 2 {
		t.Errorf("got %d for the others, want 2", got)
	}
	if got := slices.Sorted(maps.Keys(reception.Limits.Countries)); !slices.Equal(got, []string{"NL", "US"}) {
		t.Errorf("got %v, want the group's own list and the home country", got)
	}
	if got := slices.Sorted(maps.Keys(p.Default.Countries)); !slices.Equal(got, []string{"BE", "DE", "NL"}) {
		t.Errorf("got %v, want the general list and the home country", got)
	}
	if got := dialler.Limits; got.Attempts.Action != guard.Allow || got.Attempts.Max != 20 || got.Group != "dialler" {
		t.Errorf("got %+v, want attempts allowed", got)
	}
	if got := dialler.Limits.Hours; got.From != 22*time.Hour || got.To != 6*time.Hour || got.Action != guard.Kill {
		t.Errorf("got %+v, want night hours", got)
	}
	wantModes := map[string]guard.Mode{"concurrent": guard.Observe, "hours": guard.Enforce}
	if !maps.Equal(dialler.Limits.Enforced, wantModes) {
		t.Errorf("got %v, want %v", dialler.Limits.Enforced, wantModes)
	}
	for name, want := range map[string]int{"100": 0, "119": 0, "2": 0, "2999": 0, "120": 2, "dial-7": 1, "dial-77": 2, "300": 1} {
		got := slices.IndexFunc(p.Groups, func(g guard.Group) bool { return g.Accounts.MatchString(name) })
		if got != want {
			t.Errorf("%s: got group %d, want %d", name, got, want)
		}
	}
}

// TestRuleNames: the modes of single rules are kept under the names that the
// guard itself has for them, and every rule of the guard's has its table.
func TestRuleNames(t *testing.T) {
	yes := true
	c := Default()
	r := &c.Rules
	for _, e := range []**bool{
		&r.Destination.Enforce, &r.Country.Enforce, &r.Hours.Enforce, &r.Weekend.Enforce, &r.Holiday.Enforce,
		&r.Concurrent.Enforce, &r.ConcurrentCountry.Enforce, &r.Attempts.Enforce, &r.Sequential.Enforce,
		&r.Duration.Enforce, &r.MinutesHour.Enforce, &r.MinutesDay.Enforce,
	} {
		*e = &yes
	}
	r.own = map[string]*bool{}
	for _, info := range guard.Catalogue() {
		if info.Set {
			r.own[info.ID] = &yes
		}
	}
	e := guard.New(policyOf(t, c, nil), guard.Outside{Ledger: forgetful{}}, guard.Memory{}, time.Now())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	answer, err := e.Explain(ctx, guard.Question{PBX: "asterisk", Account: "100", Number: "+3225123456", At: time.Now()})
	cancel()
	if stopped := <-done; err != nil || stopped != nil {
		t.Fatal(err, stopped)
	}
	modes := r.enforced()
	for _, f := range answer.Findings {
		if _, ok := modes[f.Rule]; !ok && !slices.Contains([]string{"locked", "machine"}, f.Rule) { // which follow from an act and from a role
			t.Errorf("%s has no mode of its own", f.Rule)
		}
	}
	known := map[string]bool{}
	for _, info := range guard.Catalogue() {
		known[info.ID] = true
	}
	for id := range modes {
		if !known[id] {
			t.Errorf("%s is no rule of the guard's", id)
		}
	}
}

// forgetful is a ledger that keeps nothing.
type forgetful struct{}

func (forgetful) Record(guard.Record) bool { return true }

func TestSites(t *testing.T) {
	c := goodFile(t, "two-pbx")
	p := policyOf(t, c, map[string]Discovered{
		"office": {Trunks: []string{"sip.carrier"}, Phones: []string{"lobby"},
			TrunkHosts: []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32")}},
	}, netip.MustParsePrefix("203.0.113.80/32"))
	office, branch := p.PBXs["office"], p.PBXs["branch"]

	if office.Zone.String() != "Europe/Amsterdam" || branch.Zone != time.Local {
		t.Errorf("got zones %v and %v", office.Zone, branch.Zone)
	}
	if !office.Trunks.MatchString("sip.carrier") || office.Trunks.MatchString("sipxcarrier") || office.Trunks.MatchString("sip.carrier2") {
		t.Errorf("got trunks %v, want exactly the name that was found", office.Trunks)
	}
	if !office.Phones.MatchString("desk-3") || !office.Phones.MatchString("lobby") || office.Phones.MatchString("desk") {
		t.Errorf("got phones %v", office.Phones)
	}
	if !branch.Trunks.MatchString("sip-a") || branch.Trunks.MatchString("sip-") || branch.Phones != nil {
		t.Errorf("got trunks %v and phones %v", branch.Trunks, branch.Phones)
	}
	want := []netip.Prefix{netip.MustParsePrefix("203.0.113.80/32"), netip.MustParsePrefix("198.51.100.7/32"), netip.MustParsePrefix("127.0.0.1/32")}
	for _, w := range want {
		if !slices.Contains(p.Bans.Never, w) {
			t.Errorf("got never %v, want %v in it", p.Bans.Never, w)
		}
	}

	tests := []struct {
		name      string
		plan      *numbering.Plan
		dialled   string
		e164      string
		emergency bool
	}{
		{"phone", office.Plan, "00201234567", "+31201234567", false},
		{"phone, extension", office.Plan, "211", "", false},
		{"phone, emergency", office.Plan, "0112", "", true},
		{"phone, own emergency", office.Plan, "1122", "", true},
		{"trunk gets it without the 0", office.TrunkPlan, "0201234567", "+31201234567", false},
		{"trunk, emergency", office.TrunkPlan, "112", "", true},
		{"E.164 trunk with prefix", branch.TrunkPlan, "7788#3225123456", "+3225123456", false},
		{"national trunk", branch.TrunkPlans["backup"], "7788#025123456", "+3225123456", false},
		{"trunk with its own prefix", branch.TrunkPlans["carrier.be"], "99#3225123456", "+3225123456", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.plan.Emergency(tt.dialled); got != tt.emergency {
				t.Errorf("got emergency %t, want %t", got, tt.emergency)
			}
			if got := tt.plan.Normalise(tt.dialled).E164; got != tt.e164 {
				t.Errorf("got %s, want %s", got, tt.e164)
			}
		})
	}
	if office.TrunkPlan.Internal("211") {
		t.Error("got an extension on the trunk: its calls would not be judged")
	}
}

// TestGuessedCountry: where it is not known where a PBX stands, the emergency
// numbers of all countries are exempt.
func TestGuessedCountry(t *testing.T) {
	guessed := Default()
	said := Default()
	said.PBX[0].DialPlan.Country = "NL"
	for _, number := range []string{"112", "911", "999", "110", "000", "15", "100"} {
		if !policyOf(t, guessed, nil).PBXs["asterisk"].Plan.Emergency(number) {
			t.Errorf("%s: got no emergency number while the country is guessed", number)
		}
	}
	if policyOf(t, said, nil).PBXs["asterisk"].Plan.Emergency("999") {
		t.Error("999: got an emergency number in NL")
	}
	guessed.home = "BE"
	p := policyOf(t, guessed, nil)
	if got := p.PBXs["asterisk"].Plan.Normalise("025123456").E164; got != "+3225123456" {
		t.Errorf("got %s, want the number read as in the host's country", got)
	}
	if !p.Default.Countries["BE"] || p.Default.Countries["NL"] {
		t.Errorf("got %v, want calls within BE", p.Default.Countries)
	}
}

func TestAllowList(t *testing.T) {
	c := goodFile(t, "warnings")
	wantPrefixes := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/7"), netip.MustParsePrefix("2000::/15"),
		netip.MustParsePrefix("203.0.113.9/32"), netip.MustParsePrefix("198.51.100.1/32"),
	}
	if got := c.Bans.Prefixes(); !slices.Equal(got, wantPrefixes) {
		t.Errorf("got %v, want %v", got, wantPrefixes)
	}
	if got := c.Bans.Names(); !slices.Equal(got, []string{"Office.Example.org"}) {
		t.Errorf("got %v, want the name without its last dot", got)
	}
	p := policyOf(t, c, nil, netip.MustParsePrefix("203.0.113.9/32"))
	if got := p.Bans.Never; !slices.Equal(got, append(wantPrefixes, netip.MustParsePrefix("192.0.2.10/32"))) {
		t.Errorf("got never %v, want each once, and the PBX itself", got)
	}
}

func TestClosed(t *testing.T) {
	c := parsed(t, "[closed]\ncalendar = \"NL\"\ndays = [\"2026-10-30\", 2026-11-02, \"12-24\"]\n")
	closed := policyOf(t, c, nil).PBXs["asterisk"].Closed
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		at   time.Time
		want string // "" for open
	}{
		{time.Date(2026, 10, 30, 0, 0, 0, 0, amsterdam), "closed day"},
		{time.Date(2026, 10, 29, 23, 30, 0, 0, time.UTC).In(amsterdam), "closed day"}, // the day of the wall
		{time.Date(2027, 10, 30, 12, 0, 0, 0, amsterdam), ""},
		{time.Date(2026, 11, 2, 12, 0, 0, 0, amsterdam), "closed day"},
		{time.Date(2031, 12, 24, 12, 0, 0, 0, amsterdam), "closed day"},
		{time.Date(2026, 4, 27, 12, 0, 0, 0, amsterdam), "Koningsdag"},
		{time.Date(2025, 4, 26, 12, 0, 0, 0, amsterdam), "Koningsdag"}, // the 27th is a Sunday
		{time.Date(2026, 12, 25, 23, 59, 0, 0, amsterdam), "Eerste Kerstdag"},
		{time.Date(2026, 4, 6, 9, 0, 0, 0, amsterdam), "Tweede Paasdag"},
		{time.Date(2026, 4, 7, 9, 0, 0, 0, amsterdam), ""},
	}
	for _, tt := range tests {
		name, isClosed := closed(tt.at)
		if name != tt.want || isClosed != (tt.want != "") {
			t.Errorf("%v: got %q, %t; want %q", tt.at, name, isClosed, tt.want)
		}
	}
	if _, isClosed := policyOf(t, Default(), nil).PBXs["asterisk"].Closed(tests[5].at); isClosed {
		t.Error("got a holiday without a calendar")
	}
}

// TestCalendars: every calendar has a first of January but none that is empty.
func TestCalendars(t *testing.T) {
	for code := range calendars {
		c := Default()
		c.Closed.Calendar = code
		if _, closed := policyOf(t, c, nil).PBXs["asterisk"].Closed(time.Date(2026, 1, 1, 12, 0, 0, 0, time.Local)); !closed {
			t.Errorf("%s: got an open New Year's Day", code)
		}
		if err := checkCountry(code); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// TestRoles: a group's role gives its limits a meaning of their own, and changes
// what the group does not set.
func TestRoles(t *testing.T) {
	c, err := Parse("x.toml", []byte(`
[[group]]
name = "lift"
extensions = ["150"]
role = "machine"
reaches = ["+3120555xxxx"]
test_call = "72h"
[[group]]
name = "rooms"
extensions = ["2*"]
role = "guest"
[[group]]
name = "front"
extensions = ["100"]
role = "reception"
[group.rules.concurrent]
max = 9
[[group]]
name = "front2"
extensions = ["101"]
role = "reception"
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Policy(nil)
	if err != nil {
		t.Fatal(err)
	}
	lift, rooms := p.Groups[0].Limits, p.Groups[1].Limits
	if lift.Role != guard.RoleMachine || lift.TestCall != 72*time.Hour || !lift.Reaches.MatchString("+31205550123") || lift.Reaches.MatchString("+31305550123") {
		t.Errorf("got %v, %v, %v", lift.Role, lift.TestCall, lift.Reaches)
	}
	if rooms.Role != guard.RoleGuest || rooms.Concurrent.Max != 1 || p.Groups[2].Limits.Concurrent.Max != 9 || p.Groups[3].Limits.Concurrent.Max != 4 {
		t.Errorf("got %d, %d, %d calls at once, want 1, 9 and 4", rooms.Concurrent.Max, p.Groups[2].Limits.Concurrent.Max, p.Groups[3].Limits.Concurrent.Max)
	}
	if p.Default.Role != "" {
		t.Errorf("got role %q of everybody", p.Default.Role)
	}
}
