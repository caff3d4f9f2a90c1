package report

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pbxguard/guard"
	"pbxguard/incident"
)

// Incidents writes incidents, a line each and in the order given.
func (p *Page) Incidents(all []*incident.Incident) error {
	rows := make([][]string, 0, len(all))
	for _, in := range all {
		cost := "-"
		if in.Currency != "" {
			cost = in.Cost.String()
		}
		rows = append(rows, []string{
			fmt.Sprintf("#%d", in.ID), p.instant(in.First), lasted(in), Safe(party(in)), p.word(outcome(in), shadeOf(in), 0),
			fmt.Sprint(in.Ended), cost, strings.Join(slices.Sorted(maps.Keys(in.Rules)), " "), Safe(in.Reason),
		})
	}
	return p.Table([]string{"ID", "FIRST", "LASTED", "WHO", "WHAT", "CALLS", "COST", "RULES", "REASON"}, rows)
}

// party is whom an incident is about.
func party(in *incident.Incident) string {
	switch {
	case in.Account.Name != "":
		return in.Account.String()
	case len(in.Sources) > 0:
		return in.Sources[0].String()
	}
	return in.PBX
}

func lasted(in *incident.Incident) string {
	if in.Open {
		return "goes on"
	}
	return span(in.Last.Sub(in.First))
}

// outcome says in a word what was done.
func outcome(in *incident.Incident) string {
	done := "reported"
	switch {
	case in.Action < guard.Kill:
		return done
	case in.Account.Name == "":
		done = "banned"
	case in.Action == guard.Lock:
		done = "locked"
	default:
		done = "ended"
	}
	if !in.Enforced {
		return "would be " + done
	}
	return done
}

func shadeOf(in *incident.Incident) shade {
	if in.Enforced && in.Action >= guard.Kill {
		return red
	}
	return yellow
}

// Incident writes all that is known of one: what came of it, what to do, and
// what happened in which order.
func (p *Page) Incident(in *incident.Incident) error {
	return p.text(func(b *bytes.Buffer) {
		zone := p.Zone
		if zone == nil {
			zone = time.Local
		}
		fmt.Fprintf(b, "#%d %s %s  %s: %s\n", in.ID, in.First.In(zone).Format("Mon"), p.instant(in.First), Safe(party(in)), p.word(outcome(in), shadeOf(in), 0))
		fmt.Fprintf(b, "%s\n", Safe(in.Reason))
		if len(in.Sources) > 0 {
			from := make([]string, len(in.Sources))
			for i, s := range in.Sources {
				from[i] = s.String()
			}
			fmt.Fprintf(b, "from %s\n", strings.Join(from, ", "))
		}
		ends(b, in)
		advice(b, in)
		fmt.Fprintln(b)
		for _, m := range in.Timeline() {
			id := ""
			if m.ID > 0 {
				id = fmt.Sprintf("#%d", m.ID)
			}
			fmt.Fprintf(b, "%s  %-8s %-7s %s\n", p.instant(m.At), m.What, id, Safe(m.Text))
		}
	})
}

// ends says what became of the calls.
func ends(b *bytes.Buffer, in *incident.Incident) {
	if in.Ended == 0 {
		return
	}
	verb := "ended"
	if !in.Enforced {
		verb = "would have been ended"
	}
	fmt.Fprintf(b, "%s %s", calls(in.Ended), verb)
	if in.Denied > 0 {
		fmt.Fprintf(b, ", %d of them before they left", in.Denied)
	}
	if in.Slowest > 0 {
		fmt.Fprintf(b, ", the slowest within %s", span(in.Slowest))
	}
	if in.Pending > 0 {
		fmt.Fprintf(b, "; of %d it is not known whether they have ended", in.Pending)
	}
	if in.Currency != "" {
		fmt.Fprintf(b, "; they cost %s %s", Safe(in.Currency), in.Cost)
	}
	fmt.Fprintln(b)
}

// advice is what a person should do now, by the commands for it.
func advice(b *bytes.Buffer, in *incident.Incident) {
	if in.Account.Name == "" || in.Action < guard.Kill {
		return
	}
	who := Safe(in.Account.Name)
	fmt.Fprintf(b, "Do now: 1 give extension %s a new password  2 look at its forwards and voicemail  3 ask the carrier what it has seen\n", who)
	switch {
	case in.Action == guard.Lock && in.Enforced:
		fmt.Fprintf(b, "If it was honest: pbxguard undo %d; pbxguard unlock %s\n", in.ID, who)
	case in.Enforced:
		fmt.Fprintf(b, "If it was honest: pbxguard undo %d\n", in.ID)
	}
}
