package drill

import (
	"cmp"
	"slices"
	"time"

	"pbxguard/guard"
	"pbxguard/history"
	"pbxguard/traffic"
)

// Outcome is what became of one attack.
type Outcome struct {
	Attack   string        `json:"attack"`
	About    string        `json:"about"`
	Stopped  bool          `json:"stopped"` // a call of it was ended
	Reported bool          `json:"reported"`
	Rule     string        `json:"rule,omitempty"` // that ended the first call, or else reported first
	Reason   string        `json:"reason,omitempty"`
	Calls    int           `json:"calls"`    // until the first end, that one included
	After    time.Duration `json:"after_ns"` // the first call, until the first end
	Loss     guard.Money   `json:"loss"`     // until the first end
	Total    guard.Money   `json:"total"`    // in the whole attack, with the guard
	Without  guard.Money   `json:"without"`  // and without it
	Tries    int           `json:"tries"`    // calls of the whole attack
	Through  int           `json:"through"`  // that were not ended
}

// Options say how a drill is held.
type Options struct {
	Place  Place
	Policy *guard.Policy
	Gate   bool // the guard is asked before a call leaves
	Seed   uint64
	Deck   bool // the policy of a mix knows the usual prices
	// Past is how many weeks of honest calls come before each attack.
	Past int
}

// latency is how long an order to end a call takes when there is no gate, as
// measured on real PBXs that were busy.
const latency = 250 * time.Millisecond

// Run holds the drill: every attack for itself, each against a fresh guard that
// has seen the same past. The money is counted by the policy's tariff, or by
// usual prices if it has none.
func Run(opt Options) ([]Outcome, error) {
	prices, err := usualPrices()
	if err != nil {
		return nil, err
	}
	policy := *opt.Policy
	policy.CallsMode, policy.BansMode = guard.Enforce, guard.Enforce
	start, err := monday()
	if err != nil {
		return nil, err
	}
	past, err := opt.past(start)
	if err != nil {
		return nil, err
	}
	var outcomes []Outcome
	for _, attack := range traffic.Attacks() {
		s := script{place: opt.Place}
		s.write(past)
		s.write(attack.Make(opt.Seed, when(attack, start.AddDate(0, 0, 7*opt.Past)), victim(opt.Place.Code)))
		res, err := history.Play(s.calls, s.events, history.Options{
			PBX: opt.Place.PBX, Policy: &policy, Prices: prices, Latency: latency, Gate: opt.Gate, Step: time.Second,
		})
		if err != nil {
			return nil, err
		}
		o := judge(attack.Name, &s, res, cmp.Or(policy.Tariff, prices))
		o.About = attack.About
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// monday is the midnight from which a drill's past counts: eight weeks with a
// change of summer time and holidays in them.
func monday() (time.Time, error) {
	zone, err := traffic.Zone()
	return time.Date(2026, 3, 2, 0, 0, 0, 0, zone), err
}

// when an attack begins, in the week that starts on a Monday.
func when(a traffic.Attack, week time.Time) time.Time {
	day := 1 // Tuesday
	if a.Weekend {
		day = 5
	}
	y, m, d := week.Date()
	return time.Date(y, m, d+day, 0, int(a.Hour*60), 0, 0, week.Location())
}

// colleagues are the extensions of a drill's small office.
var colleagues = []string{"201", "202", "203", "204", "206"}

func victim(home string) traffic.Victim {
	v := traffic.VictimOf("217", colleagues)
	v.Home = home
	return v
}

// past is what the victim and its colleagues did before.
func (o *Options) past(start time.Time) (s traffic.Story, err error) {
	all, err := traffic.Office(o.Seed, start, o.Past)
	if err != nil {
		return s, err
	}
	mine := func(ext string) bool { return ext == victim("").Extension || slices.Contains(colleagues, ext) }
	for _, c := range all.Calls {
		if mine(c.Extension) && (c.Dialled == "" || mine(c.Dialled)) {
			s.Calls = append(s.Calls, c)
		}
	}
	for _, l := range all.Logins {
		if mine(l.Extension) {
			s.Logins = append(s.Logins, l)
		}
	}
	return s, nil
}

// judge finds out what became of the calls of one attack.
func judge(name string, s *script, res *history.Result, prices guard.Tariff) Outcome {
	o := Outcome{Attack: name}
	calls, labels := s.calls, s.labels
	first := time.Time{}
	for i := range calls {
		if labels[i] == name && (first.IsZero() || calls[i].Start.Before(first)) {
			first = calls[i].Start
		}
	}
	var ended time.Time
	killed := map[int]bool{}
	for _, k := range res.Kills {
		if k.Call == nil || labels[k.Index] != name {
			continue
		}
		killed[k.Index] = true
		if !o.Stopped || k.Decision.At.Before(ended) {
			o.Stopped, ended = true, k.Decision.At
			o.Rule, o.Reason, o.After = k.Decision.Rule, k.Decision.Reason, ended.Sub(first)
		}
	}
	for i, d := range res.Decisions {
		if about := res.About[i]; d.Action >= guard.Alert && about >= 0 && labels[about] == name {
			o.Reported = true
			if o.Rule == "" {
				o.Rule, o.Reason = d.Rule, d.Reason
			}
		}
	}
	for i := range calls {
		c := &calls[i]
		if labels[i] != name || !c.Out {
			continue
		}
		rate := prices.Rate(s.numbers[i])
		cost := func(talked time.Duration) guard.Money {
			if talked <= 0 {
				return 0
			}
			return rate.Cost(talked)
		}
		o.Tries++
		o.Without += cost(c.Talked())
		o.Total += cost(res.Talked[i])
		if res.Talked[i] > 0 || c.Talked() == 0 && !killed[i] {
			o.Through++
		}
		if o.Stopped && c.Start.After(ended) {
			continue
		}
		o.Calls++
		talked := res.Talked[i]
		if o.Stopped {
			talked = min(talked, ended.Sub(c.Start)-c.Answer)
		}
		o.Loss += cost(talked)
	}
	return o
}
