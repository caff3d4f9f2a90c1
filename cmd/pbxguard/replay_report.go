package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pbxguard/guard"
	"pbxguard/history"
	"pbxguard/report"
)

// replayed is what a replay found, for machines and people.
type replayed struct {
	From     time.Time                 `json:"from"`
	To       time.Time                 `json:"to"`
	Calls    int                       `json:"calls"`
	Outbound int                       `json:"outbound"`
	Currency string                    `json:"currency,omitempty"` // none: money was not counted
	Cost     guard.Money               `json:"cost"`               // of what was not ended
	Saved    guard.Money               `json:"saved"`
	LeftOut  int                       `json:"left_out"`
	Kills    []ended                   `json:"killed"`
	Alerts   []guard.Decision          `json:"alerts"`
	Rules    map[string]*history.Tally `json:"rules"`

	zone *time.Location
	all  bool
}

// ended is a call that would have been ended.
type ended struct {
	guard.Decision
	Talked   time.Duration `json:"talked_ns"` // until then
	Saved    guard.Money   `json:"saved"`
	Place    string        `json:"place"`    // in the history
	Familiar bool          `json:"familiar"` // the number was called on other days too
}

func (c *cli) replayed(h *history.History, res *history.Result, policy *guard.Policy, all bool) *replayed {
	out := &replayed{
		From: res.From, To: res.To, Calls: res.Calls, Outbound: res.Outbound, Cost: res.Cost, Saved: res.Saved,
		LeftOut: h.Faults.Total, Rules: res.ByRule, Kills: []ended{}, Alerts: []guard.Decision{}, zone: zoneOf(policy), all: all,
	}
	if policy.Tariff != nil {
		out.Currency = policy.Tariff.Currency()
	}
	familiar := history.Familiar(h.Calls)
	for _, k := range res.Kills {
		e := ended{Decision: k.Decision, Talked: k.Talked, Saved: k.Saved}
		if k.Call != nil {
			e.Place, e.Familiar = k.Call.Place(), familiar(k.Index)
		}
		out.Kills = append(out.Kills, e)
	}
	for _, d := range res.Decisions {
		if d.Action == guard.Alert || d.Action >= guard.Kill && !d.Enforced {
			out.Alerts = append(out.Alerts, d)
		}
	}
	return out
}

// zoneOf is the zone of the only PBX.
func zoneOf(p *guard.Policy) *time.Location {
	for _, site := range p.PBXs {
		if site.Zone != nil {
			return site.Zone
		}
	}
	return time.Local
}

// page writes the result for a person.
func (r *replayed) page(p *report.Page) error {
	likely := 0
	for _, k := range r.Kills {
		if k.Familiar {
			likely++
		}
	}
	money := func(m guard.Money) string { return r.Currency + " " + m.String() }
	fmt.Fprintf(p.W, "%d calls, %d of them outside, from %s to %s\n", r.Calls, r.Outbound, r.day(r.From), r.day(r.To))
	fmt.Fprintf(p.W, "would be ended: %d, of which %d look honest\n", len(r.Kills), likely)
	fmt.Fprintf(p.W, "would be reported: %d\n", len(r.Alerts))
	if r.Currency != "" {
		fmt.Fprintf(p.W, "cost: %s, and %s more had nothing been ended\n", money(r.Cost), money(r.Saved))
	}
	if err := r.kills(p); err != nil {
		return err
	}
	return r.rules(p)
}

func (r *replayed) day(t time.Time) string { return t.In(r.zone).Format(time.DateOnly) }

func (r *replayed) kills(p *report.Page) error {
	if len(r.Kills) == 0 {
		return nil
	}
	shown := r.Kills
	if most := 50; !r.all && len(shown) > most {
		shown = shown[:most]
	}
	rows := make([][]string, len(shown))
	for i, k := range shown {
		honest := ""
		if k.Familiar {
			honest = "honest?"
		}
		saved := "-"
		if r.Currency != "" {
			saved = k.Saved.String()
		}
		rows[i] = []string{k.At.In(r.zone).Format(time.DateTime), report.Safe(k.Account.Name), report.Safe(k.Dialled), k.Country, k.Rule, saved, honest, report.Safe(k.Place), report.Safe(k.Reason)}
	}
	fmt.Fprintln(p.W)
	if err := p.Table([]string{"ENDED", "BY", "DIALLED", "COUNTRY", "RULE", "SAVED", "", "RECORD", "REASON"}, rows); err != nil {
		return err
	}
	if more := len(r.Kills) - len(shown); more > 0 {
		fmt.Fprintf(p.W, "and %d more: --all\n", more)
	}
	return nil
}

func (r *replayed) rules(p *report.Page) error {
	if len(r.Rules) == 0 {
		return nil
	}
	var rows [][]string
	for _, id := range slices.Sorted(maps.Keys(r.Rules)) {
		t := r.Rules[id]
		rows = append(rows, []string{id, fmt.Sprint(t.Kills), fmt.Sprint(t.Alerts), fmt.Sprint(t.Notes)})
	}
	fmt.Fprintln(p.W)
	return p.Table([]string{"RULE", "ENDS", "REPORTS", "NOTES"}, rows)
}
