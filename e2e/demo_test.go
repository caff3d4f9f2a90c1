package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/report"
	"pbxguard/testbed"
)

// demoPolicy is that of an office which calls Belgium and Germany.
const demoPolicy = `
[rules.country]
allow = ["BE", "DE"]
action = "kill"
[rules.hours]
action = "allow"
[rules.weekend]
action = "allow"
[rules.concurrent]
max = 20
[rules.sequential]
max = 20
`

// TestDemoAsterisk shows a person what pbxguard does: one attack on two real
// servers at once, of which one is guarded.
func TestDemoAsterisk(t *testing.T) {
	if os.Getenv("PBXGUARD_DEMO") != "1" {
		t.Skip("is a demonstration: make demo-asterisk")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	show := &show{told: map[uint64]bool{}}
	without, with := newScene(ctx, t, "198.51.100.67", "203.0.113.78"), newScene(ctx, t, "198.51.100.66", "203.0.113.77")
	with.tell = func(format string, args ...any) { show.say("", format, args...) }
	d := startDaemon(t, with.Asterisk, settings{Calls: "enforce", Bans: "enforce", Firewall: "nftables", Tables: demoPolicy})
	fmt.Print("\nTwo real Asterisk 22, the same attack on both. You see the one that pbxguard guards.\n\n")
	show.start = time.Now()
	stop := show.follow(t, d)

	var wg sync.WaitGroup
	for _, s := range []*scene{without, with} {
		wg.Go(func() { s.run(); s.settled() })
		wg.Go(s.callers)
	}
	wg.Go(func() {
		time.Sleep(4 * time.Second)
		show.say("", "198.51.100.99 runs svcrack against extension 105")
		testbed.Svcrack(ctx, t, netip.MustParseAddr("198.51.100.99"), with.SIP, "105", "100-999")
	})
	wg.Wait()
	stop()
	fmt.Printf("\nWithout pbxguard  %s\nWith pbxguard     %s\n\n%s\n%s\n", without, with, show, d.CLI("bans"))
	if without.answered == 0 || with.answered > 0 || !with.shutOut || with.bad+with.spoilt > 0 || show.banned < 2 {
		t.Errorf("that was no good demonstration")
	}
}

// scene is one server under attack, with honest callers beside.
type scene struct {
	raid
	good, bad         int // calls of the callers
	arrived, answered int // fraud calls that the provider saw, and connected
	cost              time.Duration
	spoilt            int // honest calls of the office that did not go through
}

// picksUp is how long the provider lets a phone ring.
const picksUp = time.Second

func newScene(ctx context.Context, t *testing.T, guesser, thief string) *scene {
	a := testbed.Start(t, 22)
	return &scene{raid: raid{
		Asterisk: a, t: t, ctx: ctx, trunk: testbed.NewTrunk(t, a, testbed.Answering(testbed.AcceptAfter(picksUp))),
		guesser: netip.MustParseAddr(guesser), thief: netip.MustParseAddr(thief), tell: func(string, ...any) {},
	}}
}

// callers are honest calls made by SIPp, all of them to one customer.
func (s *scene) callers() {
	source := netip.MustParseAddr("192.0.2.20")
	load := testbed.Load{Source: source, User: "104", Number: "0205550999", Rate: 1, Calls: 15, Talk: time.Second}
	s.good, s.bad = load.Run(s.ctx, s.t, s.SIP)
}

// settled counts what the provider saw once the attack is over.
func (s *scene) settled() {
	honest := []string{"0201234567", "0612345678", "0301234567", "0205550999", "112"}
	for _, c := range s.trunk.Arrived() {
		ended, err := c.Ended(s.ctx)
		code, _ := c.Wait(s.ctx)
		switch {
		case slices.Contains(honest, c.Number):
		case err == nil && code == 200:
			s.answered++
			s.cost += ended.Sub(c.At) - picksUp
			fallthrough
		default:
			s.arrived++
		}
	}
	for _, c := range s.honest {
		if code, err := c.Wait(s.ctx); err != nil || code != 200 {
			s.spoilt++
		}
	}
}

func (s *scene) String() string {
	entry := "got in"
	if s.shutOut {
		entry = "was shut out"
	}
	return fmt.Sprintf("the guesser %s after %d guesses\n"+
		"    of %d fraud calls %d reached the provider, %d were answered: %v of talk to pay for\n"+
		"    of %d honest calls %d went through, and the emergency call",
		entry, s.guesses, len(s.fraud), s.arrived, s.answered, s.cost.Round(time.Second),
		len(s.honest)-1+s.good+s.bad, len(s.honest)-1-s.spoilt+s.good)
}

// show tells a person what happens.
type show struct {
	mu             sync.Mutex
	start          time.Time
	killed, banned int
	after          []time.Duration
	told           map[uint64]bool // decisions
}

func (s *show) say(mark, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Printf("%5.1fs  %-8s %s\n", time.Since(s.start).Seconds(), mark, fmt.Sprintf(format, args...))
}

// follow shows the daemon's verdicts as "pbxguard log" tells them, until the
// function that it returns is called.
func (s *show) follow(t *testing.T, d *daemon) (stop func()) {
	cmd := exec.Command(d.bin, "log", "--follow", "--json", "--config", d.path())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for dec := json.NewDecoder(bufio.NewReader(out)); ; {
			var v guard.Decision
			if dec.Decode(&v) != nil {
				return
			}
			s.verdict(v)
		}
	}()
	return func() {
		time.Sleep(500 * time.Millisecond) // the last outcomes
		cmd.Process.Signal(os.Interrupt)
		<-done
		cmd.Wait()
	}
}

func (s *show) verdict(d guard.Decision) {
	if d.Outcome == "confirmed" {
		s.after = append(s.after, d.After)
	}
	if s.told[d.ID] {
		return // this time with its outcome
	}
	s.told[d.ID] = true
	switch word := strings.ToUpper(report.Word(d)); word {
	case "KILLED":
		s.killed++
		s.say(word, "%s", report.Safe(d.Reason))
	case "BANNED":
		s.banned++
		s.say(word, "%s: %s", d.Source, report.Safe(d.Reason))
	case "ALERT":
		s.say(word, "%s", report.Safe(d.Reason))
	}
}

func (s *show) String() string {
	slices.Sort(s.after)
	var median time.Duration
	if n := len(s.after); n > 0 {
		median = s.after[n/2]
	}
	return fmt.Sprintf("%d calls were killed, half of them within %v of the order; %d addresses were banned, in the kernel.",
		s.killed, median.Round(100*time.Microsecond), s.banned)
}
