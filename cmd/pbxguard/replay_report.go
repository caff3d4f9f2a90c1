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
	Twice    int                       `json:"twice"` // records that another file had told
	Kills    []ended                   `json:"killed"`
	Alerts   []reported                `json:"alerts"`
	Notes    []reported                `json:"notes,omitempty"` // of one call only
	Rules    map[string]*history.Tally `json:"rules"`

	one  *history.Call // that was asked for
	zone *time.Location
	all  bool
}

// reported is a verdict and where the history tells of what it is about.
type reported struct {
	guard.Decision
	Record string `json:"record,omitempty"` // what the PBX calls it
	Place  string `json:"place,omitempty"`  // in the history
}

// ended is a call that would have been ended.
type ended struct {
	reported
	Talked   time.Duration `json:"talked_ns"` // until then
	Saved    guard.Money   `json:"saved"`
	Familiar bool          `json:"familiar"` // the number was called on other days too
}

// only chooses what is shown; "" is everything.
type only struct{ extension, rule, call string }

func (o only) shows(r *reported) bool {
	return (o.extension == "" || r.Account.Name == o.extension) && (o.rule == "" || r.Rule == o.rule) &&
		(o.call == "" || r.Record == o.call || r.Place == o.call)
}

func (c *cli) replayed(h *history.History, res *history.Result, policy *guard.Policy, r replay) *replayed {
	out := &replayed{
		From: res.From, To: res.To, Calls: res.Calls, Outbound: res.Outbound, Cost: res.Cost, Saved: res.Saved,
		LeftOut: h.Faults.Total, Twice: h.Twice, Rules: res.ByRule, Kills: []ended{}, Alerts: []reported{}, zone: zoneOf(policy), all: r.all,
	}
	if policy.Tariff != nil {
		out.Currency = policy.Tariff.Currency()
	}
	familiar := history.Familiar(h.Calls)
	for _, k := range res.Kills {
		e := ended{reported: about(k.Decision, k.Call), Talked: k.Talked, Saved: k.Saved}
		if k.Call != nil {
			e.Familiar = familiar(k.Index)
		}
		if r.only.shows(&e.reported) {
			out.Kills = append(out.Kills, e)
		}
	}
	for i, d := range res.Decisions {
		var call *history.Call
		if at := res.About[i]; at >= 0 {
			call = &h.Calls[at]
		}
		v := about(d, call)
		switch {
		case !r.only.shows(&v):
		case d.Action == guard.Alert || d.Action >= guard.Kill && !d.Enforced:
			out.Alerts = append(out.Alerts, v)
		case r.only.call != "" && d.Action < guard.Alert:
			out.Notes = append(out.Notes, v)
		}
	}
	out.one = find(h.Calls, r.only.call)
	return out
}

func about(d guard.Decision, call *history.Call) reported {
	if call == nil {
		return reported{Decision: d, Record: string(d.Call)}
	}
	return reported{Decision: d, Record: call.ID, Place: call.Place()}
}

// find is the call with an id or a place, nil if there is none.
func find(calls []history.Call, name string) *history.Call {
	if name == "" {
		return nil
	}
	for i := range calls {
		if c := &calls[i]; c.ID == name || c.Place() == name {
			return c
		}
	}
	return nil
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
	r.call(p)
	fmt.Fprintf(p.W, "would be ended: %d, of which %d look honest\n", len(r.Kills), likely)
	fmt.Fprintf(p.W, "would be reported: %d\n", len(r.Alerts))
	if r.Currency != "" {
		fmt.Fprintf(p.W, "cost: %s, and %s more had nothing been ended\n", money(r.Cost), money(r.Saved))
	}
	if err := r.kills(p); err != nil {
		return err
	}
	if err := r.verdicts(p, "REPORTED", r.Alerts); err != nil {
		return err
	}
	if err := r.verdicts(p, "NOTED", r.Notes); err != nil {
		return err
	}
	return r.rules(p)
}

func (r *replayed) day(t time.Time) string { return t.In(r.zone).Format(time.DateOnly) }

// call tells of the one call that was asked for.
func (r *replayed) call(p *report.Page) {
	c := r.one
	if c == nil {
		return
	}
	where := "inside"
	if c.Out {
		where = "outside"
	}
	fmt.Fprintf(p.W, "%s: %s by %s to %s (%s), talked for %s", report.Safe(c.Place()), c.Start.In(r.zone).Format(time.DateTime),
		report.Safe(c.From.Account.Name), report.Safe(c.Dialled), where, c.Talked().Round(time.Second))
	if c.ID != "" {
		fmt.Fprintf(p.W, ", id %s", report.Safe(c.ID))
	}
	fmt.Fprintln(p.W)
}

// most is how many calls of a kind are shown unless all are asked for.
const most = 50

func (r *replayed) kills(p *report.Page) error {
	if len(r.Kills) == 0 {
		return nil
	}
	shown := r.Kills
	if !r.all && len(shown) > most {
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
		rows[i] = []string{k.At.In(r.zone).Format(time.DateTime), report.Safe(k.Account.Name), report.Safe(k.Dialled), k.Country, k.Rule, saved, honest, k.record(), report.Safe(k.Reason)}
	}
	fmt.Fprintln(p.W)
	if err := p.Table([]string{"ENDED", "BY", "DIALLED", "COUNTRY", "RULE", "SAVED", "", "RECORD", "REASON"}, rows); err != nil {
		return err
	}
	r.rest(p, len(r.Kills)-len(shown))
	return nil
}

func (r *replayed) verdicts(p *report.Page, title string, all []reported) error {
	if len(all) == 0 {
		return nil
	}
	shown := all
	if !r.all && len(shown) > most {
		shown = shown[:most]
	}
	rows := make([][]string, len(shown))
	for i, v := range shown {
		rows[i] = []string{v.At.In(r.zone).Format(time.DateTime), report.Safe(v.Account.Name), report.Safe(v.Dialled), v.Country, v.Rule, v.record(), report.Safe(v.Reason)}
	}
	fmt.Fprintln(p.W)
	if err := p.Table([]string{title, "BY", "DIALLED", "COUNTRY", "RULE", "RECORD", "REASON"}, rows); err != nil {
		return err
	}
	r.rest(p, len(all)-len(shown))
	return nil
}

// record is where a person finds the call again.
func (r *reported) record() string {
	if r.Place != "" {
		return report.Safe(r.Place)
	}
	return report.Safe(r.Record)
}

func (r *replayed) rest(p *report.Page, more int) {
	if more > 0 {
		fmt.Fprintf(p.W, "and %d more: --all\n", more)
	}
}

func (r *replayed) rules(p *report.Page) error {
	if len(r.Rules) == 0 || r.one != nil {
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
