package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/guard"
)

// act runs f against the daemon and says on stderr what was done.
func (c *cli) act(ctx context.Context, done string, f func(context.Context, *control.Client) error) error {
	client := c.client()
	defer client.Close()
	if err := f(ctx, client); err != nil {
		return err
	}
	c.note("%s", done)
	return nil
}

func (c *cli) banCommand() *cobra.Command {
	order := control.BanOrder{For: 24 * time.Hour}
	cmd := &cobra.Command{
		Use: "ban ADDRESS|PREFIX", Short: "Ban an address or a prefix", Args: prefixArg,
		Example: "  pbxguard ban 203.0.113.9 --for 7d --reason \"guesses passwords\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			order.Prefix, _ = parsePrefix(args[0])
			return c.act(cmd.Context(), "banned "+args[0], func(ctx context.Context, d *control.Client) error { return d.Ban(ctx, order) })
		},
	}
	cmd.Flags().Var((*span)(&order.For), "for", "for this `duration`; 0s is until lifted")
	cmd.Flags().StringVar(&order.Reason, "reason", "by hand", "why, for the record")
	return cmd
}

func (c *cli) unbanCommand() *cobra.Command {
	return &cobra.Command{
		Use: "unban ADDRESS|PREFIX", Short: "Lift a ban", Args: prefixArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _ := parsePrefix(args[0])
			return c.act(cmd.Context(), "lifted the ban of "+args[0], func(ctx context.Context, d *control.Client) error { return d.Unban(ctx, p) })
		},
	}
}

// prefixArg wants one address or prefix.
func prefixArg(cmd *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return err
	}
	_, err := parsePrefix(args[0])
	return err
}

// parsePrefix reads an address or a prefix. A prefix with bits set behind its
// length is more likely a slip than meant.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%q is neither an address nor a prefix such as 203.0.113.0/24", s)
	}
	if p != p.Masked() {
		return p, fmt.Errorf("%s has address bits behind its length; do you mean %s?", s, p.Masked())
	}
	return p, nil
}

func (c *cli) hangupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "hangup ID", Short: "End a call; its ID is in \"pbxguard calls\"", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.act(cmd.Context(), "ending "+args[0], func(ctx context.Context, d *control.Client) error { return d.Hangup(ctx, args[0]) })
		},
	}
}

func (c *cli) lockCommand() *cobra.Command {
	var order control.LockOrder
	cmd := &cobra.Command{
		Use: "lock EXTENSION", Short: "Bar an extension from outbound calls, other than emergency ones", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			order.Name = args[0]
			return c.act(cmd.Context(), "locked "+args[0], func(ctx context.Context, d *control.Client) error { return d.Lock(ctx, order) })
		},
	}
	accountFlags(cmd, &order)
	cmd.Flags().Var((*span)(&order.For), "for", "for this `duration` (default until unlocked)")
	cmd.Flags().StringVar(&order.Reason, "reason", "by hand", "why, for the record")
	return cmd
}

func (c *cli) unlockCommand() *cobra.Command {
	var order control.LockOrder
	cmd := &cobra.Command{
		Use: "unlock EXTENSION", Short: "Let a locked extension call again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			order.Name = args[0]
			return c.act(cmd.Context(), "unlocked "+args[0], func(ctx context.Context, d *control.Client) error { return d.Unlock(ctx, order) })
		},
	}
	accountFlags(cmd, &order)
	cmd.Flags().StringVar(&order.Reason, "reason", "by hand", "why, for the record")
	return cmd
}

func accountFlags(cmd *cobra.Command, o *control.LockOrder) {
	cmd.Flags().StringVar(&o.PBX, "pbx", "", "the `name` of its PBX, where there are several")
	cmd.Flags().StringVar(&o.Domain, "domain", "", "its `domain`, on a PBX where several have the extension")
}

// modeCommand makes enforce and observe.
func (c *cli) modeCommand(name string) *cobra.Command {
	mode, short := guard.Enforce, "From now on, carry verdicts out"
	if name == "observe" {
		mode, short = guard.Observe, "From now on, only write verdicts down"
	}
	return &cobra.Command{
		Use: name + " calls|bans...", Short: short,
		Long: short + ", also after a restart: the configuration file is\nchanged too. Calls and bans are switched separately.",
		Args: cobra.MatchAll(cobra.MinimumNArgs(1), cobra.OnlyValidArgs), ValidArgs: []string{"calls", "bans"},
		RunE: func(cmd *cobra.Command, args []string) error { return c.setModes(cmd.Context(), args, mode) },
	}
}

// setModes writes the file first: if the daemon then refuses, or is not there,
// what is written is still what the administrator wants.
func (c *cli) setModes(ctx context.Context, of []string, mode guard.Mode) error {
	var m control.Modes
	for _, what := range of {
		if err := config.SetMode(c.config, what, mode.String()); err != nil {
			return err
		}
		if what == "calls" {
			m.Calls = &mode
		} else {
			m.Bans = &mode
		}
	}
	if conf, err := config.Load(c.config); err == nil && mode == guard.Enforce {
		for _, w := range conf.Warnings {
			c.note("warning: %s", w)
		}
	}
	client := c.client()
	defer client.Close()
	err := client.SetModes(ctx, m)
	if errors.Is(err, control.ErrUnreachable) {
		c.note("%s says so now; the daemon does not answer, and will do so when it starts", c.config)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s is changed, but the daemon goes on as before: %w", c.config, err)
	}
	for _, what := range of {
		c.note("%s: %s", what, mode)
	}
	return nil
}
