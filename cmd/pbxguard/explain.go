package main

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/report"
)

func (c *cli) explainCommand() *cobra.Command {
	var q control.Question
	cmd := &cobra.Command{
		Use: "explain NUMBER", Short: "Say what the guard would do with a call, and why", Args: cobra.ExactArgs(1),
		Long: `Say what the guard would do with a call to NUMBER, as it is dialled, and what
each rule makes of it. Nothing is called and nothing is changed. Without a
daemon the configuration file alone answers, and nothing is counted.`,
		Example: "  pbxguard explain 0025261234567 --extension 100 --at 2026-12-25T03:00",
		RunE: func(cmd *cobra.Command, args []string) error {
			q.Number = args[0]
			a, err := c.explain(cmd.Context(), q)
			if err != nil {
				return err
			}
			return c.write(a, func(p *report.Page) error { return p.Explain(a) })
		},
	}
	cmd.Flags().StringVar(&q.Account, "extension", "", "the `extension` that calls")
	cmd.Flags().StringVar(&q.At, "at", "", "at this `time` of the PBX's clock (default now)")
	cmd.Flags().StringVar(&q.PBX, "pbx", "", "the `name` of the PBX, where there are several")
	return c.jsonFlag(cmd)
}

// explain asks the daemon or, where none runs, an engine of its own.
func (c *cli) explain(ctx context.Context, q control.Question) (guard.Answer, error) {
	client := c.client()
	defer client.Close()
	a, err := client.Explain(ctx, q)
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
		return a, err
	}
	conf, err := config.Load(c.config)
	if err != nil {
		return a, invalid{err}
	}
	var t tables
	for _, fault := range t.read(conf) {
		c.note("%s", fault)
	}
	policy, err := t.policy(conf, surroundings{}, time.Now())
	if err != nil {
		return a, invalid{err}
	}
	c.note("no daemon runs; %s alone answers", c.config)
	engine := guard.New(policy, guard.Outside{Firewall: nowhere{}, Ledger: nowhere{}}, guard.Memory{}, time.Now())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	a, err = explain(ctx, engine, policy, q)
	cancel()
	return a, errors.Join(err, <-ended)
}

// nowhere is where the decisions of an engine go that only answers questions.
type nowhere struct{}

func (nowhere) Ban(netip.Prefix, time.Duration) bool { return true }
func (nowhere) Unban(netip.Prefix) bool              { return true }
func (nowhere) Record(guard.Record) bool             { return true }
