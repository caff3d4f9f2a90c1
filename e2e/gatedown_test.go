package e2e

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/testbed"
)

const abroad = "0025261234567" // a country that the rules deny

// destinations has the rules look at destinations alone.
var destinations = rules("country") + `
[rules.attempts]
action = "allow"
[rules.sequential]
action = "allow"
[rules.concurrent]
action = "allow"
`

// TestGateDown takes the guard away in every way there is. Nobody may hang.
func TestGateDown(t *testing.T) {
	onServers(t, testGateDown)
}

func testGateDown(t *testing.T, s server) {
	for _, down := range []string{"open", "closed_abroad"} {
		office := func(t *testing.T) (*gated, *testbed.Phone) {
			g := newGated(t, s, settings{Calls: "enforce", Tables: destinations}, fmt.Sprintf("when_down = %q", down))
			return g, g.phone("100")
		}
		t.Run(down+" stopped", func(t *testing.T) {
			g, p := office(t)
			g.settles("works", p, down, false)
			g.stopped(p, down)
		})
		t.Run(down+" killed", func(t *testing.T) {
			g, p := office(t)
			g.guard.Kill9()
			g.settles("was killed", p, down, true)
			g.guard.Start()
			g.awaitAsking(p)
		})
	}
}

// TestGateDownNorthAmerica: without the guard the dial plan of a PBX in the United
// States denies calls to the Caribbean and to Canada, behind the same calling code.
func TestGateDownNorthAmerica(t *testing.T) {
	onServers(t, testGateDownNorthAmerica)
}

func testGateDownNorthAmerica(t *testing.T, s server) {
	g := newGated(t, s, settings{Calls: "enforce", Country: "US", Tables: destinations}, `when_down = "closed_abroad"`)
	p := g.phone("100")
	g.guard.Kill9()
	for _, number := range []string{"01112125550100", "112"} {
		g.passes(p, number)
	}
	for _, number := range []string{"01118762345678", "01114165550100", "01125261234567"} { // Jamaica, Toronto, Somalia
		g.stopsHere(p, number)
	}
}

// settles places a call of each kind and says how long each waited.
func (g *gated) settles(state string, p *testbed.Phone, when string, down bool) {
	g.t.Helper()
	help, home := g.passes(p, "112"), g.passes(p, honest)
	denied := !down || when == "closed_abroad"
	if denied {
		g.stopsHere(p, abroad)
		g.t.Logf("the guard %s: 112 left after %v, a call home after %v, one abroad was denied", state, help, home)
		return
	}
	g.t.Logf("the guard %s: 112 left after %v, a call home after %v, one abroad after %v", state, help, home, g.passes(p, abroad))
}

// passes places a call that must reach the trunk, and says after what time.
func (g *gated) passes(p *testbed.Phone, number string) time.Duration {
	g.t.Helper()
	c := p.Invite(number)
	wait := g.leaves(c)
	if code, err := c.Wait(g.ctx); err != nil || code != 200 {
		g.t.Errorf("call to %s: got %d, %v; want 200", number, code, err)
	}
	g.hangUp(c)
	return wait.Round(time.Millisecond)
}

// stopsHere places a call that must be refused without reaching the trunk.
func (g *gated) stopsHere(p *testbed.Phone, number string) {
	g.t.Helper()
	before := len(g.trunk.Arrived())
	g.refused(p.Invite(number))
	if n := len(g.trunk.Arrived()) - before; n != 0 {
		g.t.Errorf("%d calls to %s reached the trunk, want none", n, number)
	}
}

// stopped holds the guard with SIGSTOP right after a heartbeat: the kernel goes
// on taking connections for it.
func (g *gated) stopped(p *testbed.Phone, when string) {
	g.t.Helper()
	before, beat := g.gate().Asked, g.gate().Hearts[0].Last
	g.guard.await("the heart beats again", 20*time.Second, func() bool { return g.gate().Hearts[0].Last.After(beat) })
	g.guard.Signal(syscall.SIGSTOP)
	help := g.passes(p, "112")
	// Ten at once, none of which an earlier one can warn.
	var calls []*testbed.Call
	for i := range 10 {
		calls = append(calls, p.Invite(fmt.Sprintf("020555010%d", i)))
	}
	var longest time.Duration
	for _, c := range calls {
		longest = max(longest, g.leaves(c))
		if code, err := c.Wait(g.ctx); err != nil || code != 200 {
			g.t.Errorf("call to %s: got %d, %v; want 200", c.Number, code, err)
		}
	}
	g.hangUp(calls...)
	g.t.Logf("the guard is stopped: 112 left after %v; of ten calls at once the longest waited %v", help, longest.Round(time.Millisecond))
	if until := g.until(); until != 0 {
		g.t.Errorf("the heartbeat stands at %d, want it taken back for later callers", until)
	}
	g.settles("is stopped, which is known", p, when, true)
	g.guard.Signal(syscall.SIGCONT)
	g.awaitAsking(p)
	// Of the calls for help none had asked: those that did are in the backlog.
	if n := g.gate().Asked - before; n > uint64(len(calls))+20 {
		g.t.Errorf("%d calls have asked, want those of the ten and few more", n)
	}
	if n := g.gate().Emergency; n != 0 {
		g.t.Errorf("%d emergency calls have asked, want none", n)
	}
}

// awaitAsking waits until the gate decides again.
func (g *gated) awaitAsking(p *testbed.Phone) {
	g.t.Helper()
	g.guard.WaitConnected()
	g.guard.await("the dial plan asks again", 20*time.Second, func() bool {
		return g.until() > time.Now().Unix()
	})
	g.stopsHere(p, abroad)
}

// global is a global variable of the dial plan.
func (g *gated) global(name string) string {
	g.t.Helper()
	for line := range strings.Lines(g.Asterisk.CLI(g.t, "dialplan show globals")) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
			return value
		}
	}
	return ""
}

// TestGateSlow gives the guard a fiftieth of the time it wants.
func TestGateSlow(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		g := newGated(t, s, settings{Calls: "enforce", Tables: destinations}, "")
		p := g.phone("100")
		quit, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			defer g.guard.cmd.Process.Signal(syscall.SIGCONT)
			for {
				for _, step := range []struct {
					signal syscall.Signal
					lasts  time.Duration
				}{{syscall.SIGSTOP, 490 * time.Millisecond}, {syscall.SIGCONT, 10 * time.Millisecond}} {
					g.guard.cmd.Process.Signal(step.signal)
					select {
					case <-quit:
						return
					case <-time.After(step.lasts):
					}
				}
			}
		}()
		var longest, help time.Duration
		for i := range 20 {
			longest = max(longest, g.passes(p, fmt.Sprintf("02055501%02d", i)))
			help = max(help, g.passes(p, "112"))
		}
		close(quit)
		<-done
		st := g.gate()
		t.Logf("a guard that gets 10 ms of each 500: the longest of 20 calls waited %v, of 20 to 112 %v; asked %d, by default %d", longest, help, st.Asked, st.Default)
		if st.Emergency != 0 {
			t.Errorf("%d emergency calls have asked, want none", st.Emergency)
		}
	})
}

// TestGateFlood has a thousand connections that say nothing, and more all the time.
func TestGateFlood(t *testing.T) { onServers(t, testGateFlood) }

func testGateFlood(t *testing.T, s server) {
	g := newGated(t, s, settings{Calls: "enforce", Tables: destinations}, "announcement = \"pbxguard-none\"")
	p := g.phone("100")
	g.passes(p, honest)
	silent := make([]net.Conn, 1000)
	dial := func(i int) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", g.port))
		if err != nil {
			t.Fatal(err)
		}
		if silent[i] != nil {
			silent[i].Close()
		}
		silent[i] = c
	}
	for i := range silent {
		dial(i)
	}
	defer func() {
		for _, c := range silent {
			c.Close()
		}
	}()
	var longest time.Duration
	for i := range 20 {
		longest = max(longest, g.passes(p, fmt.Sprintf("02055501%02d", i)))
		g.stopsHere(p, abroad)
		for j := range 50 {
			dial((50*i + j) % len(silent))
		}
	}
	st := g.gate()
	t.Logf("beside 1,000 silent connections: the longest of 20 calls waited %v; asked %d, denied %d, by default %d; slowest answer %v",
		longest, st.Asked, st.Denied, st.Default, st.Slowest)
	if st.Denied != 20 || st.Asked != 41 {
		t.Errorf("asked %d, denied %d; want 41 and 20", st.Asked, st.Denied)
	}
}
