package e2e

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/control"
	"pbxguard/testbed"
)

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
	lost    time.Time      // when a connection was cut last
}

// sample is what was seen of the daemon at a moment.
type sample struct {
	at                    time.Duration
	resident, state       float64 // bytes
	files                 float64
	guard, before, behind float64 // legs: of the guard, and of the PBX just before and after
	bans, kills           float64
	cut                   bool // a connection had just been cut: the guard is told what it missed a moment later
}

// afterCut is how long the guard may take to be back and to have listed the calls.
const afterCut = 3 * time.Second

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
	s.mu.Lock()
	s.lost = time.Now()
	s.mu.Unlock()
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
	now.cut = time.Since(s.lost) < afterCut
	s.samples = append(s.samples, now)
}

// drifts is how many looks found the PBX's legs exactly, and how many legs the worst
// ones were off: of those just after a cut, and of all others.
func (s *soak) drifts() (exact int, usual, cut float64) {
	for _, x := range s.samples {
		off := math.Abs(x.drift())
		if x.cut {
			cut = max(cut, off)
		} else {
			usual = max(usual, off)
		}
		if off == 0 {
			exact++
		}
	}
	return exact, usual, cut
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
