package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pbxguard/testbed"
)

// What a flood is: "make flood".
const (
	floodRate    = 100_000          // failures a second, told by a played PBX
	floodSources = 100_000          // that are forged
	floodUDP     = 300              // forged packets a second to the real PBX
	floodLasts   = 60 * time.Second // once it has begun
	floodPhones  = 20
	// floodMemory is what the guard may take in it, a third of the service's MemoryMax.
	floodMemory = 256 << 20
)

// TestFlood floods a guard of two PBXs: a played one tells of failures of forged
// sources as fast as they can be written, and a real Asterisk gets forged packets.
// At that Asterisk twenty phones register and call, five people guess a password a
// minute, and somebody calls premium numbers. What it measures it prints, as a
// ratio to what was measured just before in quiet. A bare client in a process of its
// own, which is told of no failures, ends calls in turn with the guard: what makes
// that one slower is the host.
func TestFlood(t *testing.T) {
	// How long a slow guesser waits between two tries.
	pace, err := time.ParseDuration(os.Getenv("PBXGUARD_FLOOD"))
	if err != nil {
		t.Skip("make flood floods the guard for six minutes")
	}
	a := testbed.Start(t, 22)
	freshWall(t)
	fl := newFlooder(t)
	d := newDaemon(t, a, settings{Calls: "enforce", Bans: "enforce", Firewall: "nftables",
		BansMore: "ladder = [\"30m\"]\nlearn = \"0s\"", Tables: uncounted + fl.table(t)})
	d.env, d.nice = []string{"GOMEMLIMIT=600MiB"}, -10 // as the service has it
	testbed.Self(t, bareEnv+"="+fl.Address())
	trunk := testbed.NewTrunk(t, a)
	trunk.SetAnswer(testbed.AcceptAfter(rings))
	post := newPostman(t, a.SIP)
	d.Start()
	d.WaitConnected()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var crowd sync.WaitGroup
	defer crowd.Wait()
	defer cancel()
	var phones tally
	for n := range floodPhones {
		crowd.Go(func() { phones.use(ctx, t, a, n) })
	}
	guessers := guesserAddrs(5)
	for _, from := range guessers {
		crowd.Go(func() { guessSlowly(ctx, t, a, from, pace) })
	}
	began := time.Now()
	quiet := newLatency(t, a, fl)
	// The fifth try, which is one too many, falls into the flood.
	quiet.measure(ctx, time.Until(began.Add(4*pace-15*time.Second)))
	before, bad := d.resident(), phones.bad.Load()
	for _, from := range guessers {
		if _, held := wall(t)[kept(from)]; held {
			t.Errorf("%s is banned before the flood", from)
		}
	}

	flood, stop := context.WithTimeout(ctx, floodLasts)
	defer stop()
	var flooding sync.WaitGroup
	var told int64
	flooding.Go(func() { told = fl.flood(flood) })
	flooding.Go(func() { post.flood(flood, floodUDP) })
	var memory []int64
	flooding.Go(func() { every(flood, time.Second, func() { memory = append(memory, d.resident()) }) })
	noisy := newLatency(t, a, fl)
	noisy.measure(flood, floodLasts)
	flooding.Wait()

	st := d.Status()
	fmt.Printf("\nFlood: %d failures a second of %d forged sources for %v, and %d forged packets to Asterisk\n",
		told/int64(floodLasts/time.Second), floodSources, floodLasts, post.sent)
	fmt.Printf("  events read by the guard                %d, shed %d\n", st.PBXs[1].Links[1].Events, st.PBXs[0].Shed+st.PBXs[1].Shed)
	fmt.Printf("  phones                                  %d registrations and calls went well in all; %d failed before the flood, %d in it\n", phones.good.Load(), bad, phones.bad.Load()-bad)
	fmt.Printf("  memory                                  %.1f MB before, %.1f MB 10 s into it, %.1f MB at its end\n", float64(before)/1e6, float64(memory[min(10, len(memory)-1)])/1e6, float64(memory[len(memory)-1])/1e6)
	compare("kill, played PBX: Newchannel to Hangup", quiet.played, noisy.played)
	compare("the same by a bare client             ", quiet.bare, noisy.bare)
	compare("kill, real Asterisk: INVITE to its end", quiet.real, noisy.real)
	if n := phones.bad.Load() - bad; n > 0 {
		t.Errorf("%d registrations or calls of the phones failed in the flood", n)
	}
	for _, from := range guessers {
		d.await(fmt.Sprintf("%s is banned", from), 30*time.Second, func() bool { _, held := wall(t)[kept(from)]; return held })
	}
	third := len(memory) / 3
	if first, last := slices.Max(memory[:third]), slices.Max(memory[2*third:]); last > max(first*5/4, floodMemory/2) || last > floodMemory {
		t.Errorf("memory grows while the flood lasts: %d", memory)
	}
	if log := d.log.text(); strings.Contains(log, "forges events") || strings.Contains(log, "no connection to Asterisk") {
		t.Error("the guard took events for forged, or lost a connection: its log says why")
	}
	if told < floodRate*int64(floodLasts/time.Second)/2 {
		t.Errorf("only %d failures were told, which is no flood", told)
	}
}

// compare prints how long something took in quiet and in a flood.
func compare(what string, quiet, noisy []time.Duration) {
	at := func(all []time.Duration, share float64) time.Duration {
		if len(all) == 0 {
			return 0
		}
		slices.Sort(all)
		return all[int(share*float64(len(all)-1))]
	}
	fmt.Printf("  %s  quiet p50 %v p99 %v (n %d); flood p50 %v p99 %v (n %d); ratio p50 %.1f p99 %.1f\n", what,
		at(quiet, .5).Round(10*time.Microsecond), at(quiet, .99).Round(10*time.Microsecond), len(quiet),
		at(noisy, .5).Round(10*time.Microsecond), at(noisy, .99).Round(10*time.Microsecond), len(noisy),
		float64(at(noisy, .5))/float64(max(at(quiet, .5), 1)), float64(at(noisy, .99))/float64(max(at(quiet, .99), 1)))
}

// tally counts what phones do.
type tally struct{ good, bad atomic.Int64 }

func (c *tally) count(t testing.TB, ok bool, what string, err error) {
	if ok {
		c.good.Add(1)
		return
	}
	c.bad.Add(1)
	t.Logf("%s: %v", what, err)
}

// use has a phone register and call, again and again.
func (c *tally) use(ctx context.Context, t testing.TB, a *testbed.Asterisk, n int) {
	user := accounts(floodPhones)[n]
	p := testbed.NewPhone(t, netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + n)}), user, testbed.Password(user), a.SIP)
	every(ctx, time.Second+time.Duration(n)*20*time.Millisecond, func() {
		patience, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		code, err := p.Register(patience)
		c.count(t, err == nil && code == 200, "registration of "+user, err)
		call := p.Invite(honest)
		code, err = call.Wait(patience)
		c.count(t, err == nil && code == 200, fmt.Sprint("call of ", user, ": ", code), err)
		call.Hangup(patience)
	})
}

// guesserAddrs are addresses of people who guess slowly.
func guesserAddrs(n int) (all []netip.Addr) {
	for i := range n {
		all = append(all, netip.AddrFrom4([4]byte{198, 51, 100, byte(201 + i)}))
	}
	return all
}

// guessSlowly tries one password a minute.
func guessSlowly(ctx context.Context, t testing.TB, a *testbed.Asterisk, from netip.Addr, pace time.Duration) {
	p := testbed.NewPhone(t, from, "121", "", a.SIP, testbed.FreshCallID())
	for n := 0; ctx.Err() == nil; n++ {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		p.RegisterWith(attempt, fmt.Sprint("slow", n))
		cancel()
		select {
		case <-ctx.Done():
		case <-time.After(pace):
		}
	}
}

// latency measures how soon calls are ended.
type latency struct {
	t                  testing.TB
	phone              *testbed.Phone
	flooder            *flooder
	played, bare, real []time.Duration
}

func newLatency(t testing.TB, a *testbed.Asterisk, fl *flooder) *latency {
	return &latency{t: t, flooder: fl, phone: testbed.NewPhone(t, netip.MustParseAddr("192.0.2.90"), "122", testbed.Password("122"), a.SIP)}
}

// measure places calls to premium numbers at both PBXs for some time.
func (l *latency) measure(ctx context.Context, lasts time.Duration) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() {
		// Not a multiple of the flood's own beat: calls fall everywhere in it.
		every(ctx, 97*time.Millisecond, func() {
			l.played = l.placed(l.played, guardsClasses)
			l.bare = l.placed(l.bare, bareClasses)
		})
	})
	every(ctx, 500*time.Millisecond, func() {
		patience, cancel := context.WithTimeout(l.t.Context(), 15*time.Second)
		defer cancel()
		begin := time.Now()
		c := l.phone.Invite(premium)
		if at, err := c.Ended(patience); err != nil {
			l.t.Errorf("the real PBX: %v", err)
		} else {
			l.real = append(l.real, at.Sub(begin))
		}
	})
}

// placed appends how soon the client of these classes ends a call.
func (l *latency) placed(took []time.Duration, classes string) []time.Duration {
	is, ok := l.flooder.call(classes, 10*time.Second)
	if !ok {
		l.t.Errorf("the played PBX: a call to a premium number is not ended by the client of %q", classes)
		return took
	}
	return append(took, is)
}
