package drill

import (
	"strconv"
	"time"

	"pbxguard/guard"
	"pbxguard/history"
	"pbxguard/traffic"
)

// Mixed is what became of an office's honest calls with all attacks in between.
type Mixed struct {
	Seed      uint64
	Attacks   []Outcome
	Honest    int            // calls
	False     []history.Fate // honest calls that were ended
	Left      int            // calls of attacks that had reached the trunk when they were ended
	Emergency int            // emergency calls
	Cut       int            // emergency calls that did not last as long as they should
	Rules     map[string]*Score
}

// Score is how often a rule asked for the end of a call.
type Score struct {
	Attack int // of a call that is part of an attack
	Honest int
	Report int // verdicts that only report, whatever the call
}

// Mix plays weeks of an office of fifty extensions, and each attack once, from
// the fourth week on, against another victim each: first to a guard that only
// hears of calls, and then to one that is asked before they leave.
func Mix(opt Options, weeks int) (events, gate *Mixed, err error) {
	prices, err := usualPrices()
	if err != nil {
		return nil, nil, err
	}
	start, err := monday()
	if err != nil {
		return nil, nil, err
	}
	office, err := traffic.Office(opt.Seed, start, weeks)
	if err != nil {
		return nil, nil, err
	}
	s := script{place: opt.Place}
	s.write(office)
	for i, a := range traffic.Attacks() {
		week := 3 + i%(weeks-3)
		at := when(a, start.AddDate(0, 0, 7*week))
		if !a.Weekend {
			at = at.AddDate(0, 0, []int{-1, 1, 3, 0, 2}[i/(weeks-3)%5]) // Monday, Wednesday, Friday, Tuesday, Thursday
		}
		s.write(a.Make(opt.Seed, at, victimOf(opt.Seed, i)))
	}
	policy := *opt.Policy
	policy.CallsMode, policy.BansMode, policy.Numbers = guard.Enforce, guard.Enforce, 1<<14
	if opt.Deck {
		policy.Tariff = prices
	}
	play := func(gate bool) (*Mixed, error) {
		res, err := history.Play(s.calls, s.events, history.Options{
			PBX: opt.Place.PBX, Policy: &policy, Prices: prices, Latency: latency, Gate: gate, Step: 2 * time.Second,
		})
		if err != nil {
			return nil, err
		}
		m := &Mixed{Seed: opt.Seed, Rules: map[string]*Score{}}
		for _, a := range traffic.Attacks() {
			o := judge(a.Name, &s, res, prices)
			o.About = a.About
			m.Attacks = append(m.Attacks, o)
		}
		m.count(&s, res)
		return m, nil
	}
	if events, err = play(false); err != nil {
		return nil, nil, err
	}
	gate, err = play(true)
	return events, gate, err
}

// victimOf is another extension for each attack.
func victimOf(seed uint64, attack int) traffic.Victim {
	const desks = 30
	n := 201 + (int(seed)*7+attack*11)%desks
	var staff []string
	for i := range 12 {
		staff = append(staff, strconv.Itoa(201+(n-201+1+i)%desks))
	}
	return traffic.VictimOf(strconv.Itoa(n), staff)
}

// count looks at the honest calls, and at the rules.
func (m *Mixed) count(s *script, res *history.Result) {
	rule := func(id string) *Score {
		if m.Rules[id] == nil {
			m.Rules[id] = new(Score)
		}
		return m.Rules[id]
	}
	for i := range s.calls {
		c := &s.calls[i]
		if s.labels[i] != "" {
			continue
		}
		m.Honest++
		if c.Dialled == "112" {
			m.Emergency++
			if res.Talked[i] < c.Talked() {
				m.Cut++
			}
		}
	}
	for _, k := range res.Kills {
		if k.Call != nil && s.labels[k.Index] == "" {
			m.False = append(m.False, k)
			rule(k.Decision.Rule).Honest++
		} else {
			rule(k.Decision.Rule).Attack++
			if k.Left {
				m.Left++
			}
		}
	}
	for _, d := range res.Decisions {
		if d.Action < guard.Kill {
			rule(d.Rule).Report++
		}
	}
}
