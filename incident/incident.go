// Package incident makes incidents of what the guard remembers: verdicts about
// one account, or one address, that follow each other, with the calls and bans
// that belong to them.
package incident

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"pbxguard/guard"
)

// Incident is what happened to one account, or from one address.
type Incident struct {
	ID       uint64             `json:"id"` // of its first verdict
	PBX      string             `json:"pbx"`
	Account  guard.Account      `json:"account,omitzero"` // zero: it is about an address alone
	Sources  []netip.Addr       `json:"sources,omitempty"`
	First    time.Time          `json:"first"`
	Last     time.Time          `json:"last"`
	Open     bool               `json:"open"`     // it may go on
	Action   guard.Action       `json:"action"`   // the strongest that was asked for
	Enforced bool               `json:"enforced"` // and carried out
	Rules    map[string]int     `json:"rules"`
	Reason   string             `json:"reason"`             // of its first verdict of that strength
	Ended    int                `json:"ended"`              // calls that were, or would have been
	Pending  int                `json:"pending"`            // of these, not known to have ended
	Denied   int                `json:"denied"`             // of these, before they left
	Slowest  time.Duration      `json:"slowest_ns"`         // from an order to the end of its call
	Currency string             `json:"currency,omitempty"` // missing: money is not counted
	Cost     guard.Money        `json:"cost"`               // of the calls that were, or would have been, ended
	Verdicts []guard.Decision   `json:"verdicts"`
	Calls    []guard.CallRecord `json:"calls"` // by the account, outside, in that time
	Bans     []Ban              `json:"bans"`
}

// Ban is a ban of an address that took part.
type Ban struct {
	guard.Ban
	Lifted time.Time `json:"lifted,omitzero"`
}

// Quiet is how long nothing happens between two incidents of one account.
const Quiet = time.Hour

// Past is what is remembered, each oldest first.
type Past struct {
	Decisions []guard.Decision
	Calls     []guard.CallRecord
	Bans      []Ban
}

// who is whom an incident is about.
type who struct {
	account guard.Account
	pbx     string
	source  netip.Addr
}

func whose(d *guard.Decision) who {
	switch {
	case d.Account.Name != "":
		return who{account: d.Account}
	case d.Source.IsValid():
		return who{source: d.Source}
	}
	return who{pbx: d.PBX}
}

// Group makes incidents of what is remembered, oldest first. What was only noted
// is none by itself.
func Group(past Past, now time.Time) []*Incident {
	open := map[who]*Incident{}
	var all []*Incident
	for i := range past.Decisions {
		d := &past.Decisions[i]
		key := whose(d)
		in := open[key]
		if in != nil && d.At.Sub(in.Last) > Quiet {
			in = nil
		}
		if in == nil {
			if d.Action < guard.Alert {
				continue
			}
			in = &Incident{ID: d.ID, PBX: d.PBX, Account: d.Account, First: d.At, Rules: map[string]int{},
				Verdicts: []guard.Decision{}, Calls: []guard.CallRecord{}, Bans: []Ban{}}
			open[key], all = in, append(all, in)
		}
		in.add(d)
	}
	for _, in := range all {
		in.Open = now.Sub(in.Last) <= Quiet
	}
	attach(all, past)
	return all
}

// add puts a verdict to an incident.
func (in *Incident) add(d *guard.Decision) {
	in.Last = d.At
	in.Verdicts = append(in.Verdicts, *d)
	in.Rules[d.Rule]++
	if d.Source.IsValid() && !slices.Contains(in.Sources, d.Source) && len(in.Sources) < maxSources {
		in.Sources = append(in.Sources, d.Source)
	}
	if in.Reason == "" || d.Action > in.Action {
		in.Reason, in.Action, in.Enforced = d.Reason, d.Action, d.Enforced
	}
	in.Enforced = in.Enforced || d.Enforced && d.Action == in.Action
	if d.Action < guard.Kill || d.Leg == "" {
		return
	}
	in.Ended++
	switch d.Outcome {
	case "denied":
		in.Denied++
	case "confirmed", "emergency":
		in.Slowest = max(in.Slowest, d.After)
	default:
		if d.Enforced {
			in.Pending++
		}
	}
}

// maxSources bounds the addresses of an incident: spoofed ones cost nothing.
const maxSources = 20

// attach finds the calls and bans that belong to incidents.
func attach(all []*Incident, past Past) {
	accounts, sources := map[guard.Account][]*Incident{}, map[netip.Addr][]*Incident{}
	for _, in := range all {
		if in.Account.Name != "" {
			accounts[in.Account] = append(accounts[in.Account], in)
		}
		for _, s := range in.Sources {
			sources[s] = append(sources[s], in)
		}
	}
	for _, c := range past.Calls {
		for _, in := range accounts[c.Payer] {
			if ended := c.Started.Add(c.Duration); ended.Before(in.First) || c.Started.After(in.Last) {
				continue
			}
			in.Calls = append(in.Calls, c)
			if in.judged(c.Call) {
				in.Cost += c.Cost
			}
		}
	}
	for _, b := range past.Bans {
		for s, ins := range sources {
			if !b.Prefix.Contains(s) {
				continue
			}
			for _, in := range ins {
				if b.Since.After(in.Last.Add(Quiet)) || b.Since.Before(in.First.Add(-24*time.Hour)) {
					continue
				}
				in.Bans = append(in.Bans, b)
			}
		}
	}
	for _, in := range all {
		slices.SortStableFunc(in.Bans, func(a, b Ban) int { return a.Since.Compare(b.Since) })
		in.Bans = slices.CompactFunc(in.Bans, func(a, b Ban) bool { return a.Prefix == b.Prefix && a.Since.Equal(b.Since) })
	}
}

// judged says whether a call was, or would have been, ended.
func (in *Incident) judged(call guard.CallID) bool {
	return call != "" && slices.ContainsFunc(in.Verdicts, func(d guard.Decision) bool { return d.Call == call && d.Action >= guard.Kill })
}

// Find returns the incident with an id, or that a verdict with it belongs to.
func Find(all []*Incident, id uint64) *Incident {
	for _, in := range all {
		if slices.ContainsFunc(in.Verdicts, func(d guard.Decision) bool { return d.ID == id }) {
			return in
		}
	}
	return nil
}

// Moment is a line of an incident's timeline.
type Moment struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`         // "verdict", "call", "end", "ban", "lifted"
	Text string    `json:"text"`         // foreign text may be in it
	ID   uint64    `json:"id,omitempty"` // of a verdict
}

// Timeline tells what happened in the order in which it did.
func (in *Incident) Timeline() []Moment {
	var all []Moment
	for _, c := range in.Calls {
		to := cmp.Or(c.Number, c.Dialled)
		all = append(all, Moment{At: c.Started, What: "call", Text: "calls " + c.Dialled + reading(c.Dialled, c.Number, c.Country)})
		how := "ended unanswered"
		if c.Talked > 0 {
			how = "ended after " + c.Talked.Round(time.Second).String() + " of talk"
		}
		all = append(all, Moment{At: c.Started.Add(c.Duration), What: "end", Text: "call to " + to + " " + how})
	}
	for _, d := range in.Verdicts {
		all = append(all, Moment{At: d.At, What: "verdict", Text: d.Reason, ID: d.ID})
	}
	for _, b := range in.Bans {
		all = append(all, Moment{At: b.Since, What: "ban", Text: b.Prefix.String() + ": " + b.Reason})
		if !b.Lifted.IsZero() {
			all = append(all, Moment{At: b.Lifted, What: "lifted", Text: b.Prefix.String()})
		}
	}
	slices.SortStableFunc(all, func(a, b Moment) int { return a.At.Compare(b.At) })
	return all
}

func reading(dialled, number, country string) string {
	if number == "" || number == dialled {
		return ""
	}
	if country == "" {
		return " (" + number + ")"
	}
	return " (" + number + ", " + country + ")"
}
