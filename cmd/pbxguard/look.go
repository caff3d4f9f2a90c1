package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/report"
)

// jsonFlag gives a command that looks its --json.
func (c *cli) jsonFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&c.json, "json", false, "write JSON")
	return cmd
}

func (c *cli) statusCommand() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use: "status", Short: "Show what the guard is connected to and what it did today", Args: cobra.NoArgs,
		Long: "Show what the guard is connected to and what it did today.\nThe exit code is 3 if something is wrong.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client := c.client()
			defer client.Close()
			st, err := client.Status(cmd.Context())
			if err != nil {
				return err
			}
			if err := c.write(st, func(p *report.Page) error { return p.Status(st) }); err != nil {
				return err
			}
			return found(st.Problems)
		},
	})
}

// found returns errFound if any check went wrong.
func found(checks []control.Check) error {
	for _, check := range checks {
		if check.Result == control.Failed || check.Result == control.Warning {
			return errFound
		}
	}
	return nil
}

// write puts a result on stdout, as JSON or for a person.
func (c *cli) write(v any, text func(*report.Page) error) error {
	if c.json {
		return report.JSON(c.stdout, v)
	}
	return text(c.page())
}

// list is write for what may be empty: nothing then goes to stdout, and a
// sentence to stderr.
func list[T any](c *cli, items []T, none string, text func(*report.Page, []T) error) error {
	if len(items) == 0 && !c.json {
		c.note("%s", none)
		return nil
	}
	if items == nil {
		items = []T{}
	}
	return c.write(items, func(p *report.Page) error { return text(p, items) })
}

func (c *cli) callsCommand() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use: "calls", Short: "List the calls in progress", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client := c.client()
			defer client.Close()
			calls, err := client.Calls(cmd.Context())
			if err != nil {
				return err
			}
			return list(c, calls, "no calls", (*report.Page).Calls)
		},
	})
}

func (c *cli) bansCommand() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use: "bans", Short: "List the banned addresses", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client := c.client()
			defer client.Close()
			bans, err := client.Bans(cmd.Context())
			if err != nil {
				return err
			}
			return list(c, bans, "no bans", (*report.Page).Bans)
		},
	})
}

func (c *cli) logCommand() *cobra.Command {
	var q control.Query
	var since time.Duration
	var follow bool
	cmd := &cobra.Command{
		Use: "log", Short: "List verdicts, newest last", Args: cobra.NoArgs,
		Example: "  pbxguard log --since 7d --rule destination\n  pbxguard log --follow",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since > 0 {
				q.Since = time.Now().Add(-since)
			}
			client := c.client()
			defer client.Close()
			if follow {
				return c.follow(cmd.Context(), client, q)
			}
			ds, err := client.Decisions(cmd.Context(), q)
			if err != nil {
				return err
			}
			return list(c, ds, "no decisions", (*report.Page).Decisions)
		},
	}
	cmd.Flags().Var((*span)(&since), "since", "only the last `duration`, such as 2h or 7d")
	cmd.Flags().StringVar(&q.Rule, "rule", "", "only verdicts of this `rule`")
	cmd.Flags().StringVar(&q.Account, "extension", "", "only verdicts about this `extension`")
	cmd.Flags().IntVar(&q.Limit, "limit", 100, "the newest `n` at most")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with new ones as they come; with --json, a line each")
	return c.jsonFlag(cmd)
}

// follow writes decisions as they are made, until it is interrupted.
func (c *cli) follow(ctx context.Context, client *control.Client, q control.Query) error {
	return client.Follow(ctx, q, func(d guard.Decision) error {
		return c.write(d, func(p *report.Page) error { return p.Decisions([]guard.Decision{d}) })
	})
}

// span is a flag for a duration as the configuration writes it, so with days.
type span time.Duration

func (s *span) Set(text string) error {
	d, err := config.ParseDuration(text)
	*s = span(d)
	return err
}

func (s *span) String() string {
	if *s == 0 {
		return "" // help then shows no default
	}
	return config.FormatDuration(time.Duration(*s))
}

func (*span) Type() string { return "duration" }
