// Command eval measures how well the shipped policy tells fraud from work: it
// mixes known attacks into eight weeks of an invented office and counts what is
// stopped, what is lost and what is stopped by mistake. "make eval" runs it.
package main

import (
	"cmp"
	_ "embed" // the office's configuration
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"pbxguard/config"
	"pbxguard/drill"
	"pbxguard/guard"
)

//go:embed office.toml
var office []byte

// weeks is how long each office is watched.
const weeks = 8

func main() {
	first := flag.Uint64("first", 6, "the first seed")
	last := flag.Uint64("last", 10, "the last seed")
	all := flag.Bool("v", false, "show every honest call that was ended")
	flag.Parse()
	ok, err := run(os.Stdout, *first, *last, weeks, *all)
	if err != nil {
		fmt.Fprintln(os.Stderr, "eval:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(3)
	}
}

// run evaluates without and with a gate, and says whether all bounds are met.
func run(w io.Writer, first, last uint64, weeks int, all bool) (bool, error) {
	began := time.Now()
	conf, err := config.Parse("office.toml", office, nil)
	if err != nil {
		return false, err
	}
	policy, err := conf.Policy(nil)
	if err != nil {
		return false, err
	}
	var seeds []uint64
	for s := first; s <= last; s++ {
		seeds = append(seeds, s)
	}
	events, gate, err := mix(policy, seeds, weeks)
	if err != nil {
		return false, err
	}
	title := func(how string) { fmt.Fprintf(w, "== %s, seeds %d to %d, %d weeks each\n", how, first, last, weeks) }
	title("events only")
	ok := tell(w, events, all)
	title("with the gate")
	ok = tell(w, gate, all) && ok
	took := time.Since(began)
	fmt.Fprintf(w, "took %.1f s\n", took.Seconds())
	if took > mostSeconds*time.Second {
		fmt.Fprintf(w, "BOUND NOT MET: at most %d s\n", mostSeconds)
		ok = false
	}
	return ok, nil
}

// mix evaluates every seed, two at once.
func mix(policy *guard.Policy, seeds []uint64, weeks int) (events, gate []*drill.Mixed, err error) {
	site := policy.PBXs["office"]
	events, gate = make([]*drill.Mixed, len(seeds)), make([]*drill.Mixed, len(seeds))
	errs := make([]error, len(seeds))
	next := make(chan int)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			place := drill.Place{PBX: "office", Trunk: "trunk", Dial: drill.Dialler(site.Plan), Send: drill.Dialler(site.TrunkPlan)}
			for i := range next {
				events[i], gate[i], errs[i] = drill.Mix(drill.Options{Policy: policy, Seed: seeds[i], Place: place, Deck: seeds[i]%2 == 0}, weeks)
			}
		})
	}
	for i := range seeds {
		next <- i
	}
	close(next)
	wg.Wait()
	return events, gate, errors.Join(errs...)
}

// tell writes the figures of one way of running, and says whether the bounds are met.
func tell(w io.Writer, mixed []*drill.Mixed, all bool) bool {
	detected, attacks, honest, wrong, left, cut, emergencies := 0, 0, 0, 0, 0, 0, 0
	var losses []guard.Money
	for _, m := range mixed {
		for _, o := range m.Attacks {
			attacks++
			losses = append(losses, o.Loss)
			if o.Stopped {
				detected++
			}
		}
		honest += m.Honest
		wrong += len(m.False)
		left += m.Left
		cut += m.Cut
		emergencies += m.Emergency
	}
	slices.Sort(losses)
	loss := losses[len(losses)/2]
	rate := float64(wrong) / float64(honest) * 10_000
	fmt.Fprintf(w, "attacks detected: %d of %d\n", detected, attacks)
	fmt.Fprintf(w, "median loss before kill: EUR %s\n", loss)
	fmt.Fprintf(w, "false kills per 10000 calls: %.2f\n", rate)
	fmt.Fprintf(w, "emergency kills: %d\n", cut)
	fmt.Fprintf(w, "(%d honest calls, of which %d for help; %d ended by mistake; %d fraudulent ones had left when they were ended)\n\n", honest, emergencies, wrong, left)
	attackTable(w, mixed)
	ruleTable(w, mixed)
	if all {
		falseTable(w, mixed)
	}
	ok := true
	for _, b := range []struct {
		met  bool
		want string
	}{
		{float64(detected) >= leastDetected*float64(attacks), fmt.Sprintf("at least %.0f %% of the attacks detected", 100*leastDetected)},
		{float64(loss) <= mostLoss*float64(guard.Unit), fmt.Sprintf("a median loss of EUR %.2f at most", mostLoss)},
		{rate <= mostFalse, fmt.Sprintf("at most %.1f false kills per 10000 calls", mostFalse)},
		{cut <= mostCut && emergencies > 0, "no emergency kills"},
	} {
		if !b.met {
			fmt.Fprintln(w, "BOUND NOT MET:", b.want)
			ok = false
		}
	}
	fmt.Fprintln(w)
	return ok
}

// attackTable shows each attack over all seeds.
func attackTable(w io.Writer, mixed []*drill.Mixed) {
	fmt.Fprintf(w, "%-18s %8s %8s %10s %10s %10s  %s\n", "attack", "stopped", "calls", "lost", "in all", "unguarded", "by")
	for i := range mixed[0].Attacks {
		stopped, calls := 0, 0
		var lost, total, without guard.Money
		rules := map[string]bool{}
		for _, m := range mixed {
			o := m.Attacks[i]
			if o.Stopped {
				stopped++
			}
			calls = max(calls, o.Calls)
			lost, total, without = max(lost, o.Loss), max(total, o.Total), max(without, o.Without)
			rules[o.Rule] = true
		}
		fmt.Fprintf(w, "%-18s %4d/%-3d %8d %10s %10s %10s  %v\n", mixed[0].Attacks[i].Attack, stopped, len(mixed), calls, lost, total, without, slices.Sorted(maps.Keys(rules)))
	}
	fmt.Fprintf(w, "(the worst of all seeds)\n\n")
}

// ruleTable shows each rule's hits and mistakes.
func ruleTable(w io.Writer, mixed []*drill.Mixed) {
	sum := map[string]drill.Score{}
	for _, m := range mixed {
		for id, s := range m.Rules {
			t := sum[id]
			sum[id] = drill.Score{Attack: t.Attack + s.Attack, Honest: t.Honest + s.Honest, Report: t.Report + s.Report}
		}
	}
	fmt.Fprintf(w, "%-20s %8s %12s %8s\n", "rule", "hits", "false kills", "reports")
	ids := slices.Sorted(maps.Keys(sum))
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(sum[b].Attack+sum[b].Honest, sum[a].Attack+sum[a].Honest) })
	for _, id := range ids {
		fmt.Fprintf(w, "%-20s %8d %12d %8d\n", id, sum[id].Attack, sum[id].Honest, sum[id].Report)
	}
	fmt.Fprintln(w)
}

// falseTable shows what was ended by mistake.
func falseTable(w io.Writer, mixed []*drill.Mixed) {
	for _, m := range mixed {
		for _, f := range m.False {
			fmt.Fprintf(w, "seed %d %s %s: %s: %s\n", m.Seed, f.Decision.At.Format(time.DateTime), f.Decision.Account.Name, f.Decision.Rule, f.Decision.Reason)
		}
	}
}
