package freeswitch

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/numbering"
)

const (
	num  = "0031201234567"
	sat  = "008821600000" // and one more digit
	home = "@127.0.0.1"   // the only domain of the recordings
)

// truth is what happened in a scenario, as its maker saw it from the SIP side.
type truth struct {
	out []string // "payer via dialled sent answered", one per outbound call
	// failed attempts to authenticate, by source.
	failed map[string]int
	live   int // legs that are up at its end
}

// truths are those of the recordings' own notes. Legs that were up before a
// recording began are seen only to end.
var truths = map[string]truth{
	"acl_esl_rejected": {}, "auth_bad": {}, "auth_none": {}, "svmap_options": {}, "reloadxml": {},
	"protocol_quirks": {}, "userauth_limited": {}, "outbound_socket_connect": {}, "json_out": {},
	// 127.0.0.77 registers without a password and is called by its own call, which stays up.
	"acl_reject": {live: 2},
	// Two lines of the log, and the end of an INVITE that was never let in.
	"acl_reject_only":        {failed: map[string]int{"127.0.0.10": 2}},
	"logauth":                {failed: map[string]int{"127.0.0.10": 2, "127.0.0.11": 3}},
	"concurrent10":           {out: ten()},
	"custom_order":           {out: []string{"1000" + home + " - " + num + " " + num + " no"}, live: 2}, // no answer and no end were asked for
	"filter_out":             {out: []string{"1000" + home + " - " + num + " " + num + " no"}},          // of the second call only the ends
	"fsctl_shutdown_restart": {out: []string{"1000" + home + " - " + num + " " + num + " yes"}},
	"fwd_302":                {out: []string{"1001" + home + " forward 1001|" + sat + "1 " + sat + "1 yes"}},
	"fwd_userset": {out: []string{
		"1001" + home + " forward 1001 " + sat + "1 yes", "1001" + home + " forward 1001|" + sat + "1 " + sat + "1 yes"}},
	"inbound_wangiri":      {},
	"invite_no_auth":       {failed: map[string]int{"127.0.0.8": 1}}, // three names without a password begin to look like a scan
	"invite_wrong_auth":    {failed: map[string]int{"127.0.0.9": 4}},
	"kill9":                {out: []string{"1000" + home + " - " + num + " " + num + " yes"}, live: 2},
	"kill_while_ringing":   {out: []string{"1000" + home + " - 0088216000010 0088216000010 no"}},
	"limit_hash_2":         {out: limited()},
	"multi_source":         {failed: many()},
	"narrow_out":           {out: []string{"1000" + home + " - " + num + " " + num + " yes"}, failed: map[string]int{"127.0.0.2": 1}},
	"originate_api":        {out: []string{"trunk originate " + sat + "9 " + sat + "9 yes"}},
	"out_killed":           {out: []string{"1000" + home + " - " + num + " " + num + " yes"}},
	"out_killed_b":         {out: []string{"1000" + home + " - " + num + " " + num + " yes"}},
	"out_loopback":         {out: []string{"1000" + home + " - " + num + " " + num + " yes"}},
	"out_normal_ring_busy": {out: four()},
	"out_unregistered":     {out: []string{"1006" + home + " - " + num + " " + num + " yes"}},
	"reg_cycle":            {},
	"reg_ipv6":             {failed: map[string]int{"::1": 2}},
	"reg_no_auth":          {},
	"reg_tcp":              {failed: map[string]int{"127.0.0.31": 1}},
	"reg_unknown_user":     {failed: map[string]int{"127.0.0.3": 2}},
	"reg_user_mismatch":    {failed: map[string]int{"127.0.0.5": 2}},
	"reg_wrongpw_x3":       {failed: map[string]int{"127.0.0.2": 3}},
	"scan_200_noauth":      {failed: map[string]int{"127.0.0.72": 198}},
	"spoof_cid":            {out: slices.Repeat([]string{"1007" + home + " - 93" + num + " " + num + " yes"}, 2)},
	"svcrack_200":          {failed: map[string]int{"127.0.0.1": 201}},
	"svwar_200_invite":     {},
	"svwar_200_register":   {},
	"vanilla_1234":         {out: []string{"1000" + home + " - " + num + " " + num + " yes"}},
	"xfer_attended":        {out: []string{"1000" + home + " - " + sat + "3 " + sat + "3 yes"}},
	"xfer_blind":           {out: []string{"1000" + home + " transfer " + sat + "2 " + sat + "2 yes"}},
}

func ten() (calls []string) {
	for i := range 10 {
		n := fmt.Sprintf("00882160000%02d", i)
		calls = append(calls, "1000"+home+" - "+n+" "+n+" yes")
	}
	return calls
}

// limited are the ten of which FreeSWITCH itself let two through. The others
// never had a trunk.
func limited() []string {
	return []string{
		"1000" + home + " - 9600882160000 00882160000 yes", "1000" + home + " - 9600882160002 00882160002 yes"}
}

func four() (calls []string) {
	for n, answered := range map[string]string{num: "yes", "00442071234567": "no", "00882161234567": "no", "0088112345": "no"} {
		calls = append(calls, "1000"+home+" - "+n+" "+n+" "+answered)
	}
	return calls
}

func many() map[string]int {
	m := map[string]int{}
	for i := range 10 {
		m[fmt.Sprintf("127.0.0.%d", 20+i)] = i + 1
	}
	return m
}

// world takes what the engine decides.
type world struct {
	engine  *guard.Engine
	last    time.Time
	up      map[guard.LegID]bool
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

var begun = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// newWorld is an engine that ends every call it judges, and what it decides. It
// knows no trunk: which endpoints lead outside is the adapter's to tell.
func newWorld(t testing.TB) *world {
	t.Helper()
	profile, err := numbering.DefaultProfile("NL")
	if err != nil {
		t.Fatal(err)
	}
	profile.Extensions = `^1\d\d\d$`
	plan, err := numbering.NewPlan(profile)
	if err != nil {
		t.Fatal(err)
	}
	policy := &guard.Policy{
		CallsMode: guard.Enforce, BansMode: guard.Enforce, Bans: guard.DefaultBans(),
		PBXs:    map[string]*guard.Site{"f": {Plan: plan}},
		Default: guard.Limits{Concurrent: guard.CountLimit{Max: 0, Action: guard.Kill}},
	}
	w := &world{up: map[guard.LegID]bool{}, last: begun}
	w.engine = guard.New(policy, guard.Outside{PBXs: map[string]guard.PBX{"f": w}, Firewall: w, Ledger: w}, guard.Memory{}, begun)
	return w
}

// feed has the engine judge an event, with a tick whenever a live one has any.
func (w *world) feed(ev guard.Event) {
	for ev.At.Sub(w.last) >= 100*time.Millisecond {
		w.wait(100 * time.Millisecond)
	}
	w.last = ev.At
	switch ev.Kind {
	case guard.LegStarted:
		w.up[ev.Leg] = true
	case guard.LegEnded:
		delete(w.up, ev.Leg)
	}
	w.engine.Feed(ev)
}

func (w *world) wait(d time.Duration) {
	for end := w.last.Add(d); w.last.Before(end); {
		w.last = w.last.Add(100 * time.Millisecond)
		w.engine.Feed(guard.Event{Kind: guard.Tick, At: w.last})
	}
}

// open opens a recording.
func open(t testing.TB, name string) io.Reader {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata/captures", name+".esl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	stream, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// TestCaptures holds what the engine makes of every recording against what
// really happened: the calls, who paid, the numbers, the failed logins by
// source, and that every kill that was ordered is confirmed by the recorded
// ends of its legs.
func TestCaptures(t *testing.T) {
	paths, err := filepath.Glob("testdata/captures/*.esl.gz")
	if err != nil || len(paths) < 45 {
		t.Fatalf("got %d recordings, %v", len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".esl.gz")
		want, ok := truths[name]
		if !ok {
			if name != "flood_10cps_narrow" { // TestFlood
				t.Errorf("nobody says what is true of %s", name)
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			err := Replay(open(t, name), "f", begun, w.feed)
			if name == "outbound_socket_connect" { // only its first bytes were kept
				if err != nil && !strings.Contains(err.Error(), io.ErrUnexpectedEOF.Error()) {
					t.Error(err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			w.wait(10 * time.Second) // challenges that were never answered come out after a while
			compare(t, w, want)
		})
	}
}

func compare(t *testing.T, w *world, want truth) {
	t.Helper()
	if len(w.up) != want.live {
		t.Errorf("got %d legs left up, want %d", len(w.up), want.live)
	}
	for id := range w.up { // as the resync after a reconnect ends them
		w.engine.Feed(guard.Event{Kind: guard.LegEnded, PBX: "f", At: w.last, Leg: id})
	}
	out := calls(w)
	slices.Sort(want.out)
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
	kills, confirmed := 0, 0
	for _, d := range all[guard.Decision](w) {
		switch {
		case d.Outcome == "confirmed":
			confirmed++
		case d.Rule == "concurrent" && d.Outcome == "":
			kills++
		case d.Rule == "forged":
			t.Errorf("an honest event is taken for forged: %s", d.Reason)
		}
	}
	if kills != len(want.out) || confirmed != kills {
		t.Errorf("got %d kills ordered and %d confirmed, want %d of each", kills, confirmed, len(want.out))
	}
	for _, b := range all[guard.Ban](w) {
		t.Errorf("banned %s, which is loopback", b.Prefix)
	}
}

// calls writes the calls that were recorded as the table does.
func calls(w *world) (out []string) {
	for _, c := range all[guard.CallRecord](w) {
		payer := c.Payer.Name
		if c.Payer.Domain != "" {
			payer += "@" + c.Payer.Domain
		}
		answered := "no"
		if c.Talked > 0 {
			answered = "yes"
		}
		out = append(out, strings.Join([]string{payer, cmp.Or(c.Via, "-"), cmp.Or(c.Dialled, "-"), cmp.Or(c.Sent, "-"), answered}, " "))
	}
	slices.Sort(out)
	return out
}

// sameCall compares field by field; a field of want may name alternatives.
func sameCall(got, want string) bool {
	g, w := strings.Fields(got), strings.Fields(want)
	return slices.EqualFunc(g, w, func(a, b string) bool { return slices.Contains(strings.Split(b, "|"), a) })
}
