package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/incident"
	"pbxguard/report"
	"pbxguard/store"
)

func (c *cli) incidentsCommand() *cobra.Command {
	q := control.IncidentQuery{}
	since := 7 * day
	var all bool
	cmd := &cobra.Command{
		Use: "incidents [ID]", Short: "List what happened, by extension or address; show one in full", Args: cobra.MaximumNArgs(1),
		Long: `List incidents, newest last: verdicts about one extension, or one address, less
than an hour apart. Those of addresses alone and those that were only reported
are counted, and listed with --all.

With ID, show one in full: what came of it, what to do now, and its verdicts,
calls and bans in the order in which they were. ID may be that of any verdict in
"pbxguard log", or of an incident in a message.`,
		Example: "  pbxguard incidents --since 30d\n  pbxguard incidents 17",
		RunE: func(cmd *cobra.Command, args []string) error {
			client := c.client()
			defer client.Close()
			if len(args) == 1 {
				return c.incident(cmd.Context(), client, args[0])
			}
			q.Since = time.Now().Add(-since)
			found, err := client.Incidents(cmd.Context(), q)
			if err != nil {
				return err
			}
			if !all && !c.json {
				found = c.weighty(found)
			}
			return list(c, found, "no incidents", (*report.Page).Incidents)
		},
	}
	cmd.Flags().Var((*span)(&since), "since", "only those of the last `duration`")
	cmd.Flags().StringVar(&q.Account, "extension", "", "only those about this `extension`")
	cmd.Flags().BoolVar(&all, "all", false, "also those of addresses alone, and those that were only reported")
	return c.jsonFlag(cmd)
}

// weighty leaves out what has a list of its own, or was only reported, and says so.
func (c *cli) weighty(all []*incident.Incident) (kept []*incident.Incident) {
	addresses, alerts := 0, 0
	for _, in := range all {
		switch {
		case in.Action < guard.Kill:
			alerts++
		case in.Account.Name == "":
			addresses++
		default:
			kept = append(kept, in)
		}
	}
	if addresses+alerts > 0 {
		c.note("left out: %d about addresses alone, %d that were only reported (--all)", addresses, alerts)
	}
	return kept
}

// incident shows one in full.
func (c *cli) incident(ctx context.Context, client *control.Client, text string) error {
	id, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 10, 64)
	if err != nil || id == 0 {
		return usage{fmt.Errorf("%q is not the number of an incident", text)}
	}
	found, err := client.Incidents(ctx, control.IncidentQuery{ID: id})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return hinted{fmt.Errorf("there is no incident %d", id), "pbxguard incidents --since 90d --all"}
	}
	return c.write(found[0], func(p *report.Page) error { return p.Incident(found[0]) })
}

// Incidents makes incidents of what the store remembers. One alone comes with
// all that belongs to it.
func (h handler) Incidents(ctx context.Context, q control.IncidentQuery) ([]*incident.Incident, error) {
	sq := store.Query{Since: q.Since, Account: q.Account, Limit: mostVerdicts}
	if q.ID > 0 {
		at, err := h.when(ctx, q.ID)
		if err != nil || at.IsZero() {
			return nil, err
		}
		sq.Since, sq.Until = at.Add(-reach), at.Add(reach)
	}
	past, err := h.past(ctx, sq)
	if err != nil {
		return nil, err
	}
	all := incident.Group(past, time.Now())
	h.mu.Lock()
	tariff := h.policy.Tariff
	h.mu.Unlock()
	for _, in := range all {
		if tariff != nil {
			in.Currency = tariff.Currency()
		}
	}
	if q.ID > 0 {
		in := incident.Find(all, q.ID)
		if in == nil {
			return nil, nil
		}
		return []*incident.Incident{in}, nil
	}
	for _, in := range all {
		in.Verdicts, in.Calls, in.Bans = nil, nil, nil
	}
	return all, nil
}

// reach is how far an incident is looked for around one of its verdicts.
const reach = 7 * day

// when a verdict was given; zero: there is none of that id.
func (h handler) when(ctx context.Context, id uint64) (at time.Time, err error) {
	q := store.Query{AfterID: id - 1, Limit: 1}
	if id == 1 { // an AfterID of 0 is none
		q.Limit = mostVerdicts
	}
	ds, err := h.store.Decisions(ctx, q)
	if err != nil || len(ds) == 0 || ds[0].ID != id {
		return at, err
	}
	return ds[0].At, nil
}

// mostVerdicts is how many are looked at: a month of a PBX under attack.
const mostVerdicts = 20_000

func (h handler) past(ctx context.Context, q store.Query) (past incident.Past, err error) {
	if past.Decisions, err = h.store.Decisions(ctx, q); err != nil {
		return past, err
	}
	if past.Calls, err = h.store.CallRecords(ctx, q); err != nil {
		return past, err
	}
	q.Account = ""
	bans, err := h.store.Bans(ctx, q)
	for _, b := range bans {
		past.Bans = append(past.Bans, incident.Ban{Ban: b.Ban, Lifted: b.Lifted})
	}
	return past, err
}
