package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/store"
	"pbxguard/testbed"
)

// The soak: PBXGUARD_SOAK is how long it lasts and PBXGUARD_SOAK_RATE how many
// calls there are a second; "make soak" has two hours of fifty. In the usual run
// of the tests it is a minute of few.
const (
	usualSoak = time.Minute
	usualRate = 8
)

// TestSoak has a real Asterisk under load for hours, with kills, bans, lost
// connections and rows that come of age. What the guard holds, memory, files and
// connections, must stay what it is, and it must see the calls that there are. The
// run writes a report with pictures.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	lasts, rate := soakLength(t)
	a := testbed.Start(t, 22)
	freshWall(t)
	d := newDaemon(t, a, settings{Calls: "enforce", Bans: "enforce", Firewall: "nftables",
		BansMore: "ladder = [\"10m\"]\nlearn = \"0s\"", Tables: uncounted})
	d.retain()
	old := aging(t, d.state(), lasts)
	answering(t, a)
	d.Start()
	d.WaitConnected()
	s := &soak{t: t, d: d, a: a, rate: rate, began: time.Now(), client: control.NewClient(filepath.Join(d.dir, "control.sock"))}
	defer s.report(reportDir(t), lasts)
	s.run(lasts)
	s.rest()
	left := rows(t, d.state())
	t.Logf("rows from before: %d, of which %d are left", old, left)
	if lasts > 10*time.Minute && left >= old {
		t.Error("nothing was pruned")
	}
	s.judge()
}

func soakLength(t testing.TB) (lasts time.Duration, rate int) {
	t.Helper()
	lasts, rate = usualSoak, usualRate
	var err error
	if text := os.Getenv("PBXGUARD_SOAK"); text != "" {
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("PBXGUARD_SOAK: %v", err)
		}
		rate = 50
	}
	if text := os.Getenv("PBXGUARD_SOAK_RATE"); text != "" {
		if rate, err = strconv.Atoi(text); err != nil {
			t.Fatalf("PBXGUARD_SOAK_RATE: %v", err)
		}
	}
	return lasts, rate
}

// reportDir is where reports go: where the environment says, or nowhere in particular.
func reportDir(t testing.TB) string {
	if dir := os.Getenv("PBXGUARD_REPORTS"); dir != "" {
		return dir
	}
	return t.TempDir()
}

// uncounted switches off the rules that count calls: few phones make them all.
const uncounted = `
[rules.attempts]
action = "allow"
[rules.concurrent]
action = "allow"
[rules.concurrent_country]
action = "allow"
[rules.sequential]
action = "allow"
[rules.minutes_hour]
action = "allow"
[rules.minutes_day]
action = "allow"
`

// retain has the daemon keep a day.
func (d *daemon) retain() {
	d.t.Helper()
	text, err := os.ReadFile(d.path())
	if err != nil {
		d.t.Fatal(err)
	}
	put(d.t, d.path(), strings.Replace(string(text), "[store]\n", "[store]\nretention = \"1d\"\n", 1))
}

const agingNumber = "+31205550000"

// aging fills the store with calls that come of age while the soak lasts, and
// some that are already. It returns how many there are.
func aging(t testing.TB, path string, lasts time.Duration) int {
	t.Helper()
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	const n = 20_000
	first := time.Now().Add(-24*time.Hour - lasts)
	for i := range n {
		began := first.Add(2 * lasts * time.Duration(i) / n)
		s.Record(guard.CallRecord{Call: guard.CallID(fmt.Sprint("aging.", i)), PBX: "asterisk",
			Payer: guard.Account{PBX: "asterisk", Name: "100"}, Trunk: guard.Account{PBX: "asterisk", Name: "trunk"},
			Started: began, Duration: time.Minute, Number: agingNumber, Country: "NL", Class: "national", Cause: 16})
		if i%5000 == 0 {
			if err := s.Commit(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	stop()
	running.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return rows(t, path)
}

// rows counts the calls in the store that have the number of those of aging.
func rows(t testing.TB, path string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM calls WHERE number = ?", agingNumber).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// answering is the other side of the trunk: SIPp, which keeps nothing of a call.
func answering(t testing.TB, a *testbed.Asterisk) {
	t.Helper()
	if _, err := exec.LookPath("sipp"); err != nil {
		testbed.Skip(t, "needs sipp (apt-get install sip-tester)")
	}
	cmd := exec.Command("sipp", "-sn", "uas", "-i", a.Trunk.Addr().String(), "-p", fmt.Sprint(a.Trunk.Port()), "-nostdin")
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// soak is a daemon that is watched for a long time.
type soak struct {
	t      testing.TB
	d      *daemon
	a      *testbed.Asterisk
	rate   int
	began  time.Time
	client *control.Client

	mu      sync.Mutex
	samples []sample
	done    map[string]int // what was done, by name
}

// sample is what was seen of the daemon at a moment.
type sample struct {
	at                    time.Duration
	resident, state       float64 // bytes
	files                 float64
	guard, before, behind float64 // legs: of the guard, and of the PBX just before and after
	bans, kills           float64
}

// drift is by how many legs the guard is off what the PBX had around that moment.
func (s sample) drift() float64 {
	least, most := min(s.before, s.behind), max(s.before, s.behind)
	switch {
	case s.guard < least:
		return s.guard - least
	case s.guard > most:
		return s.guard - most
	}
	return 0
}

// did counts what was done.
func (s *soak) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = map[string]int{}
	}
	s.done[what]++
}

// run has everything happen at once.
func (s *soak) run(lasts time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), lasts)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	users := []string{"100", "101", "102", "103"}
	for i, user := range users {
		all.Go(func() { s.calls(user, byte(100+i), s.rate/len(users), lasts) })
	}
	all.Go(func() { every(ctx, 2*time.Second, s.fraud()) })
	all.Go(func() { every(ctx, 10*time.Second, s.guess(ctx)) })
	all.Go(func() { every(ctx, 15*time.Second, s.byHand(ctx)) })
	all.Go(func() { every(ctx, max(lasts/20, 15*time.Second), s.cut) })
	every(ctx, max(lasts/400, 500*time.Millisecond), func() { s.sample(ctx) })
}

// every does something again and again until ctx is done.
func every(ctx context.Context, pause time.Duration, do func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// calls makes honest calls.
func (s *soak) calls(user string, from byte, rate int, lasts time.Duration) {
	l := testbed.Load{Source: netip.AddrFrom4([4]byte{192, 0, 2, from}), User: user, Number: honest, Rate: rate,
		Calls: rate * int(lasts/time.Second), Talk: 2 * time.Second}
	good, bad := l.Run(s.t.Context(), s.t, s.a.SIP)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = map[string]int{}
	}
	s.done["honest calls"] += good
	s.done["honest calls that failed"] += bad
}

// fraud places calls that must be ended.
func (s *soak) fraud() func() {
	p := testbed.NewPhone(s.t, netip.MustParseAddr("192.0.2.110"), "110", testbed.Password("110"), s.a.SIP)
	return func() {
		patience, cancel := context.WithTimeout(s.t.Context(), 45*time.Second)
		defer cancel()
		c := p.Invite(premium)
		if _, err := c.Ended(patience); err != nil {
			s.did("frauds that were not ended")
			return
		}
		s.did("frauds")
	}
}

// guess has one address after the other guess passwords.
func (s *soak) guess(ctx context.Context) func() {
	n := 0
	return func() {
		n++
		from := netip.AddrFrom4([4]byte{198, 51, 100, byte(n % 250)})
		p := testbed.NewPhone(s.t, from, "107", "", s.a.SIP, testbed.FreshCallID())
		for i := range tried + 1 {
			ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			p.RegisterWith(ctx, fmt.Sprint("guess", n, i))
			cancel()
		}
		s.did("guessers")
	}
}

// byHand bans and lets in again.
func (s *soak) byHand(ctx context.Context) func() {
	n := 0
	return func() {
		n++
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(n >> 8), byte(n)}), 32)
		err := s.client.Ban(ctx, control.BanOrder{Prefix: p, For: time.Hour, Reason: "soak"})
		if n%2 == 0 && err == nil {
			err = s.client.Unban(ctx, p)
		}
		if err != nil && ctx.Err() == nil {
			s.t.Error(err)
		}
		s.did("bans by hand")
	}
}

// cut resets the daemon's connections to Asterisk.
func (s *soak) cut() {
	_, port, _ := strings.Cut(s.a.AMI, ":")
	nft(s.t, "table inet cut { chain output { type filter hook output priority 0; tcp dport "+port+" reject with tcp reset; }; }")
	time.Sleep(500 * time.Millisecond)
	nft(s.t, "delete table inet cut")
	s.did("lost connections")
}

// sample looks at the daemon and at the PBX.
func (s *soak) sample(ctx context.Context) {
	now := sample{at: time.Since(s.began), before: float64(s.a.Legs(s.t))}
	st, err := s.client.Status(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.t.Errorf("the daemon does not answer: %v", err)
		}
		return
	}
	now.guard, now.behind = float64(st.Engine.Sites[0].Legs), float64(s.a.Legs(s.t))
	now.resident, now.files = float64(s.d.resident()), float64(s.d.descriptors())
	for _, part := range []string{"", "-wal"} {
		if info, err := os.Stat(s.d.state() + part); err == nil {
			now.state += float64(info.Size())
		}
	}
	now.bans, now.kills = float64(st.Firewall.Bans), float64(st.Engine.Kills)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = append(s.samples, now)
}

// rest waits until no call is up, on which both must agree. What SIPp has left
// behind, after a packet was lost, is hung up.
func (s *soak) rest() {
	s.t.Helper()
	s.d.WaitConnected()
	for deadline := time.Now().Add(15 * time.Second); s.a.Legs(s.t) > 0; time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			s.t.Logf("Asterisk still has %d legs when all is over; they are hung up", s.a.Legs(s.t))
			s.a.HangUpAll(s.t)
			deadline = time.Now().Add(15 * time.Second)
		}
	}
	legs := -1
	for deadline := time.Now().Add(time.Minute); legs != 0 && time.Now().Before(deadline); time.Sleep(time.Second) {
		legs = s.d.Status().Engine.Sites[0].Legs
	}
	if legs != 0 {
		s.t.Errorf("Asterisk has %d legs and the guard sees %d: %+v", s.a.Legs(s.t), legs, s.d.Calls())
	}
	s.sample(s.t.Context())
}

// judge holds what was seen against what must be.
func (s *soak) judge() {
	s.t.Helper()
	s.t.Logf("done: %v", s.done)
	if len(s.samples) < 10 {
		s.t.Fatalf("only %d samples", len(s.samples))
	}
	good, bad := s.done["honest calls"], s.done["honest calls that failed"]
	if good == 0 || bad*100 > good {
		s.t.Errorf("%d honest calls went well and %d did not; want fewer than one in a hundred", good, bad)
	}
	for _, what := range []string{"frauds", "guessers", "bans by hand", "lost connections"} {
		if s.done[what] == 0 {
			s.t.Errorf("there were no %s", what)
		}
	}
	if n := s.done["frauds that were not ended"]; n > 0 {
		s.t.Errorf("%d frauds were not ended", n)
	}
	// What it needs is there after the first third.
	warm, last := s.samples[len(s.samples)/3], s.samples[len(s.samples)-1]
	if last.resident > 1.25*warm.resident+8<<20 {
		s.t.Errorf("memory: %.1f MB after a third, %.1f MB in the end", warm.resident/1e6, last.resident/1e6)
	}
	if last.files > warm.files+spareFiles {
		s.t.Errorf("%.0f files and connections are open in the end, %.0f after a third", last.files, warm.files)
	}
	if last.drift() != 0 {
		s.t.Errorf("in the end the guard sees %.0f legs, the PBX has %.0f", last.guard, last.behind)
	}
}
