package bench

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pbxguard/adapters/asterisk"
	"pbxguard/guard"
)

// eventsJudged takes what one core does in a second: AMI text in, verdicts out.
func eventsJudged(t testing.TB, r *report) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	flood := strings.Join(recording(t, "flood_50cps"), "")
	honest := strings.ReplaceAll(flood, "0031900123456", "0031205550123") // not premium
	storm := storm(t, r.times(20_000))
	const events = "100,000/s; 300,000/s as the moonshot"

	r.heading("Judged on one core: AMI text in, verdicts out (events a second of CPU time; a batch is 4 recordings of 1,000 calls)")
	full := r.judge(t, honest, 0)
	r.values("calls that are allowed, all of a recorded flood's events", full.perSecond, "/s", true, events)
	r.values("  time of an event", full.each, " ns", false, "")
	r.values("  of that, to read and translate it", r.judge(t, honest, unjudged).each, " ns", false, "")
	r.values("  allocations of an event", full.allocs, "", false, "0 on the allow path")
	r.values("  bytes allocated for an event", full.bytes, "", false, "")
	killed := r.judge(t, flood, 1000)
	r.values("calls that are all ended", killed.perSecond, "/s", true, events)
	r.values("  allocations of an event", killed.allocs, "", false, "")
	failing := r.judge(t, storm, 0)
	r.values("a storm of failing logins from 20,000 addresses", failing.perSecond, "/s", true, events)
	r.values("  time of an event", failing.each, " ns", false, "")
	r.values("  allocations of an event", failing.allocs, "", false, "")
}

// cost is what events took, batch by batch.
type cost struct{ perSecond, each, allocs, bytes []float64 }

// unjudged is no number of hangups: there is only the translation.
const unjudged = -1

// judge replays a stream again and again. The first batch, in which the engine
// meets everybody, is not counted. hangups is what each replay must lead to.
func (r *report) judge(t testing.TB, stream string, hangups int) (c cost) {
	const again = 4
	n := float64(again * strings.Count(stream, "\r\nPrivilege: "))
	sink := &counted{}
	e := engine(t, sink)
	at := time.Now()
	e.Feed(guard.Event{Kind: guard.Connected, PBX: "asterisk", At: at})
	emit := func(ev guard.Event) { e.Feed(ev) }
	if hangups == unjudged {
		emit = func(guard.Event) {}
	}
	batches := 1 + r.times(9)
	for i := range batches {
		before, cpu := allocated(), cpuTime(t)
		for range again {
			at = at.Add(time.Minute) // the recording is shorter
			if err := asterisk.Replay(strings.NewReader(stream), "asterisk", at, emit); err != nil {
				t.Fatal(err)
			}
			e.Feed(guard.Event{Kind: guard.Tick, At: at.Add(50 * time.Second)})
		}
		took, after := cpuTime(t)-cpu, allocated()
		if i == 0 {
			continue
		}
		c.perSecond = append(c.perSecond, n/took.Seconds())
		c.each = append(c.each, float64(took.Nanoseconds())/n)
		c.allocs = append(c.allocs, float64(after.Mallocs-before.Mallocs)/n)
		c.bytes = append(c.bytes, float64(after.TotalAlloc-before.TotalAlloc)/n)
	}
	if want := hangups * again * batches; hangups != unjudged && (sink.hangups != want || sink.records == 0) {
		t.Errorf("got %d hangups and %d records, want %d and some", sink.hangups, sink.records, want)
	}
	return c
}

// engine is one with the shipped rules, enforced, but for those that count calls.
func engine(t testing.TB, sink *counted) *guard.Engine {
	t.Helper()
	conf := settings{address: "127.0.0.1:5038", calls: "enforce", bans: "enforce", tables: idle + `
[rules.minutes_hour]
action = "allow"
[rules.minutes_day]
action = "allow"
`}.load(t, t.TempDir())
	policy, err := conf.Policy(nil)
	if err != nil {
		t.Fatal(err)
	}
	out := guard.Outside{PBXs: map[string]guard.PBX{"asterisk": sink}, Firewall: sink, Ledger: sink}
	return guard.New(policy, out, guard.Memory{}, time.Now())
}

// counted is everything outside an engine; it only counts.
type counted struct{ hangups, bans, records int }

func (c *counted) Hangup(guard.LegID, int) bool         { c.hangups++; return true }
func (c *counted) Resync() bool                         { return true }
func (c *counted) Redial() bool                         { return true }
func (c *counted) Ban(netip.Prefix, time.Duration) bool { c.bans++; return true }
func (c *counted) Unban(netip.Prefix) bool              { return true }
func (c *counted) Record(guard.Record) bool             { c.records++; return true }

// storm is a challenge and a wrong password from each of n addresses.
func storm(t testing.TB, n int) string {
	var b strings.Builder
	write := failing(t)
	for i := range n {
		write(&b, i)
	}
	return b.String()
}

// failing returns what writes the events of one wrong password, as a real
// Asterisk told of it, from the ith of many addresses.
func failing(t testing.TB) func(b *strings.Builder, i int) {
	t.Helper()
	blocks := recording(t, "register_wrong_password")
	asked := find(t, blocks, "ChallengeSent", "Service: PJSIP")
	failed := find(t, blocks, "ChallengeResponseFailed", "Service: PJSIP", value(asked, "SessionID"))
	var parts [2][]string // around what changes
	for i, text := range []string{asked, failed} {
		text = strings.NewReplacer(value(text, "RemoteAddress"), "\x00", value(text, "SessionID"), "\x00").Replace(text)
		parts[i] = strings.Split(text, "\x00")
		if len(parts[i]) != 3 {
			t.Fatalf("the recording has another form than thought: %q", text)
		}
	}
	return func(b *strings.Builder, i int) {
		a := netip.AddrFrom4([4]byte{byte(11 + i>>24), byte(i >> 16), byte(i >> 8), byte(i)})
		for _, p := range parts {
			fmt.Fprintf(b, "%s%d@test%sIPV4/UDP/%s/5060%s", p[0], i, p[1], a, p[2])
		}
	}
}

func allocated() (m runtime.MemStats) {
	runtime.ReadMemStats(&m)
	return m
}

// cpuTime is the time that this process has used so far.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
