package asterisk

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/numbering"
)

// num is what most scenarios dial.
const num = "0031900123456"

// truth is what happened in a scenario, as its maker saw it from the SIP side.
type truth struct {
	out []string // "payer via dialled sent answered", one per outbound call
	// failed attempts to authenticate, by source. Of requests without
	// credentials one or two different accounts are no failure yet, and the
	// same unknown account asked for again and again is one each time.
	failed map[string]int
	forged bool   // somebody smuggled line breaks
	forger string // who, beside 127.0.0.8
}

// truths holds for all three sets but where a set's own entry, "16-sip/NAME",
// says otherwise.
var truths = map[string]truth{
	"ami_login_failure":        {failed: map[string]int{"127.0.0.1": 3}},
	"call_local_hangup":        {out: []string{"100 - 70" + num + "|" + num + " " + num + " yes"}},
	"call_out":                 {out: []string{"100 - " + num + " " + num + " yes"}},
	"call_out_9011":            {out: []string{"100 - 90114420712345 004420712345 yes"}},
	"call_out_busy":            {out: []string{"100 - " + num + " " + num + " no"}},
	"call_out_hangup":          {out: []string{"100 - " + num + " " + num + " yes"}},
	"call_out_ringing_hangup":  {out: []string{"100 - " + num + " " + num + " no"}},
	"calls_10":                 {out: ten()},
	"disa":                     {out: []string{"trunk trunk 31205550600 " + num + " yes"}},
	"disa_wrong_pin":           {},
	"forward_302":              {out: []string{"101 forward " + num + " " + num + " yes"}},
	"forward_astdb":            {out: []string{"101 forward " + num + " " + num + " yes"}},
	"forward_astdb_from_trunk": {out: []string{"101 forward " + num + " " + num + " yes"}},
	"injection": {
		out:    []string{"100 - cut cut yes"},
		forged: true,
	},
	"invite_bad_extension":    {},
	"invite_guest":            {failed: map[string]int{"127.0.0.7": 7}},
	"invite_no_auth":          {},
	"invite_wrong_auth":       {failed: map[string]int{"127.0.0.2": 3}},
	"invite_wrong_auth_tcp":   {failed: map[string]int{"127.0.0.2": 1}},
	"malformed":               {failed: map[string]int{"127.0.0.8": 4}, forged: true},
	"originate_spoof":         {out: []string{"101 originate " + num + " " + num + " yes"}},
	"register_acl":            {failed: map[string]int{"127.0.0.6": 1}},
	"register_ipv6":           {failed: map[string]int{"::1": 2}},
	"register_many_sources":   {failed: many()},
	"register_no_auth":        {},
	"register_ok":             {},
	"register_tcp":            {failed: map[string]int{"127.0.0.2": 1}},
	"register_typo_then_ok":   {failed: map[string]int{"127.0.0.2": 1}},
	"register_unknown_user":   {failed: map[string]int{"127.0.0.3": 3}},
	"register_wrong_password": {failed: map[string]int{"127.0.0.2": 3}},
	"reload":                  {},
	"restart_now":             {},
	"scan_200":                {failed: map[string]int{"127.0.0.8": 198}},
	"spoof_phone":             {out: []string{"100 - " + num + " " + num + " yes"}, failed: map[string]int{"127.0.0.2": 1}},
	"spoof_trunk":             {},
	"svcrack":                 {failed: map[string]int{"127.0.0.1": 151}},
	"svwar":                   {},
	"svwar_invite":            {},
	"transfer_attended":       {out: []string{"101 - " + num + " " + num + " yes"}},
	"transfer_blind":          {out: []string{"101 transfer " + num + " " + num + " yes"}},
	"voicemail_ok":            {},
	"voicemail_wrong_pin":     {},
	"wangiri_ping":            {},

	// chan_sip lets the From user differ from the digest user, listens on IPv4
	// only, decodes no %0d%0a in registrations, and names unknown users as known ones.
	"16-sip/spoof_phone":   {out: []string{"100 - " + num + " " + num + " yes", "100 - " + num + " " + num + " yes"}},
	"16-sip/spoof_trunk":   {failed: map[string]int{"127.0.0.91": 1}},
	"16-sip/register_ipv6": {},
	"16-sip/malformed":     {},
	// Here the phone that dialled the line breaks is named, and it did.
	"16-sip/injection":    {out: []string{"100 - cut cut yes"}, forged: true, forger: "127.0.0.2"},
	"16-sip/invite_guest": {failed: map[string]int{"127.0.0.7": 2}},
}

func ten() (calls []string) {
	for i := range 10 {
		n := fmt.Sprintf("00319001234%02d", i)
		calls = append(calls, "100 - "+n+" "+n+" yes")
	}
	return calls
}

func many() map[string]int {
	m := map[string]int{}
	for i := 10; i < 20; i++ {
		m[fmt.Sprintf("127.0.0.%d", i)] = 1
	}
	return m
}

// world takes what the engine decides.
type world struct {
	ordered []guard.LegID
	records []guard.Record
}

func (w *world) Hangup(l guard.LegID, _ int) bool   { w.ordered = append(w.ordered, l); return true }
func (*world) Resync() bool                         { return true }
func (*world) Redial() bool                         { return true }
func (*world) Ban(netip.Prefix, time.Duration) bool { return true }
func (*world) Unban(netip.Prefix) bool              { return true }
func (w *world) Record(r guard.Record) bool         { w.records = append(w.records, r); return true }
func all[T guard.Record](w *world) (found []T) {
	for _, r := range w.records {
		if x, ok := r.(T); ok {
			found = append(found, x)
		}
	}
	return found
}

// watch replays a recording through an engine that ends every call it judges.
func watch(t *testing.T, path string) *world {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stream, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := numbering.DefaultProfile("NL")
	if err != nil {
		t.Fatal(err)
	}
	profile.Extensions = `^1\d\d$`
	plan, err := numbering.NewPlan(profile)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	policy := &guard.Policy{
		CallsMode: guard.Enforce, BansMode: guard.Enforce, Bans: guard.DefaultBans(),
		PBXs:    map[string]*guard.Site{"a": {Plan: plan, Trunks: regexp.MustCompile(`^trunk$`)}},
		Default: guard.Limits{Concurrent: guard.CountLimit{Max: 0, Action: guard.Kill}},
	}
	w := &world{}
	engine := guard.New(policy, guard.Outside{PBXs: map[string]guard.PBX{"a": w}, Firewall: w, Ledger: w}, guard.Memory{}, start)
	last := start
	if err := Replay(stream, "a", start, func(ev guard.Event) { last = ev.At; engine.Feed(ev) }); err != nil {
		t.Fatal(err)
	}
	for range 100 { // challenges that were never answered come out after a while
		last = last.Add(100 * time.Millisecond)
		engine.Feed(guard.Event{Kind: guard.Tick, At: last})
	}
	return w
}

// TestCaptures holds what the engine makes of every recording against what
// really happened: the calls, who paid, the numbers, the failed logins by
// source, and that every kill that was ordered is confirmed by the recorded
// ends of its legs.
func TestCaptures(t *testing.T) {
	paths, err := filepath.Glob("testdata/captures/*/*.ami.gz")
	if err != nil || len(paths) < 120 {
		t.Fatalf("got %d recordings, %v", len(paths), err)
	}
	for _, path := range paths {
		set := filepath.Base(filepath.Dir(path))
		name := strings.TrimSuffix(filepath.Base(path), ".ami.gz")
		want, ok := truths[set+"/"+name]
		if !ok {
			want, ok = truths[name]
		}
		if !ok {
			continue // a flood, or a second connection: measured elsewhere
		}
		t.Run(set+"/"+name, func(t *testing.T) { compare(t, watch(t, path), want) })
	}
}

func compare(t *testing.T, w *world, want truth) {
	t.Helper()
	var out []string
	for _, c := range all[guard.CallRecord](w) {
		answered := "no"
		if c.Talked > 0 {
			answered = "yes"
		}
		out = append(out, strings.Join([]string{
			c.Payer.Name, cmp.Or(c.Via, "-"), printable(c.Dialled), printable(c.Sent), answered}, " "))
	}
	slices.Sort(out)
	if !slices.EqualFunc(out, want.out, sameCall) {
		t.Errorf("calls:\n got %q\nwant %q", out, want.out)
	}
	failed := map[string]int{}
	for _, a := range all[guard.AuthRecord](w) {
		failed[a.Source.Addr().String()]++
	}
	if fmt.Sprint(failed) != fmt.Sprint(want.failed) && len(failed)+len(want.failed) > 0 {
		t.Errorf("failed attempts: got %v want %v", failed, want.failed)
	}
	kills, confirmed, forged := 0, 0, false
	for _, d := range all[guard.Decision](w) {
		switch {
		case d.Outcome == "confirmed":
			confirmed++
		case d.Rule == "concurrent":
			kills++
		}
		if d.Rule == "forged" {
			forged = true
			if d.Source.IsValid() && d.Source.String() != "127.0.0.8" && d.Source.String() != want.forger {
				t.Errorf("%s is blamed for a forgery", d.Source)
			}
		}
	}
	if kills != len(want.out) || confirmed != kills {
		t.Errorf("got %d kills ordered and %d confirmed, want %d of each", kills, confirmed, len(want.out))
	}
	if forged != want.forged {
		t.Errorf("forgery reported: got %v want %v", forged, want.forged)
	}
	for _, b := range all[guard.Ban](w) {
		t.Errorf("banned %s, which is loopback", b.Prefix)
	}
}

// sameCall compares field by field; a field of want may name alternatives.
func sameCall(got, want string) bool {
	g, w := strings.Fields(got), strings.Fields(want)
	return slices.EqualFunc(g, w, func(a, b string) bool { return slices.Contains(strings.Split(b, "|"), a) })
}

// printable is a number as the table writes it; one with line breaks is "cut".
func printable(s string) string {
	if s == "" {
		return "-"
	}
	if strings.ContainsAny(s, "\r\n ") {
		return "cut"
	}
	return s
}
