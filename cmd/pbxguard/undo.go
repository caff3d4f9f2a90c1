package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/guard"
)

// longestException is how long an exception may stand: one that stands for ever
// belongs into the configuration.
const longestException = 90 * day

func (c *cli) allowCommand() *cobra.Command {
	order := control.AllowOrder{For: day}
	cmd := &cobra.Command{
		Use: "allow EXTENSION", Short: "Let an extension call for a time what rules object to", Args: cobra.ExactArgs(1),
		Long: `Lets an extension call a country or a number for a time, and from somewhere new:
for who travels. Limits of money and volume stay, and so does a lock by hand.
"pbxguard undo NUMBER" takes it back.`,
		Example: "  pbxguard allow 201 --to TH --for 14d --reason \"travels to Bangkok\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			order.Name = args[0]
			if len(order.Countries) == 0 && order.Number == "" {
				return fmt.Errorf("say what is allowed: --to COUNTRY or --number NUMBER")
			}
			return c.doneBy(cmd.Context(), func(ctx context.Context, d *control.Client) (control.Done, error) { return d.Allow(ctx, order) })
		},
	}
	cmd.Flags().StringSliceVar(&order.Countries, "to", nil, "`country` codes that may be called, such as TH")
	cmd.Flags().StringVar(&order.Number, "number", "", "the `number` that may be called, with + and country code")
	cmd.Flags().StringVar(&order.PBX, "pbx", "", "the `name` of its PBX, where there are several")
	cmd.Flags().StringVar(&order.Domain, "domain", "", "its `domain`, on a PBX that has them")
	cmd.Flags().Var((*span)(&order.For), "for", "for this `duration`")
	cmd.Flags().StringVar(&order.Reason, "reason", "by hand", "why, for the record")
	return cmd
}

func (c *cli) undoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "undo NUMBER", Short: "Take back a decision, an exception or a forward that was switched off",
		Args: cobra.MatchAll(cobra.ExactArgs(1), func(_ *cobra.Command, args []string) error {
			_, err := strconv.ParseUint(args[0], 10, 63)
			if err != nil {
				return fmt.Errorf("%q is no number of a decision; \"pbxguard log\" has them", args[0])
			}
			return nil
		}),
		Long: `Takes back what has a number. A call that was ended wrongly: its number may be
called by that extension for a day, and a lock that came of it is lifted. An
exception: it ends. A forward that was switched off: it is switched on again.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 63)
			if err != nil {
				return err
			}
			return c.doneBy(cmd.Context(), func(ctx context.Context, d *control.Client) (control.Done, error) { return d.Undo(ctx, id) })
		},
	}
}

// doneBy has the daemon do something and says what it says was done.
func (c *cli) doneBy(ctx context.Context, f func(context.Context, *control.Client) (control.Done, error)) error {
	client := c.client()
	defer client.Close()
	done, err := f(ctx, client)
	if err != nil {
		return err
	}
	c.note("%s", done.Text)
	return nil
}

func (h handler) Allow(ctx context.Context, o control.AllowOrder, by string) (done control.Done, err error) {
	h.mu.Lock()
	policy := h.policy
	h.mu.Unlock()
	pbx, err := pbxOf(policy, o.PBX)
	if err != nil {
		return done, err
	}
	for i := range o.Countries {
		o.Countries[i] = strings.ToUpper(o.Countries[i])
	}
	switch {
	case o.Name == "":
		return done, &control.Error{Text: "that is no extension"}
	case o.For <= 0 || o.For > longestException:
		return done, &control.Error{Text: "an exception lasts 90 days at most", Hint: "what is to stay belongs into the configuration: rules.country.allow"}
	case !slices.ContainsFunc(o.Countries, func(string) bool { return true }) && !strings.HasPrefix(o.Number, "+"):
		return done, &control.Error{Text: "that is no country, and no number with + and country code"}
	}
	for _, country := range o.Countries {
		if err := config.CheckCountry(country); err != nil {
			return done, &control.Error{Text: fmt.Sprintf("%q: %v", country, err)}
		}
	}
	x := guard.Exception{
		Account: guard.Account{PBX: pbx, Domain: o.Domain, Name: o.Name}, Countries: o.Countries, Number: o.Number,
		Until: time.Now().Add(o.For), Reason: o.Reason, By: by,
	}
	id, err := h.engine.Except(ctx, x)
	if err != nil {
		return done, err
	}
	h.log.Info("exception by hand", "id", id, "account", x.Account.String(), "until", x.Until, "by", by)
	text := fmt.Sprintf("extension %s may call it until %s; to take it back: pbxguard undo %d", o.Name, x.Until.Format("2006-01-02 15:04"), id)
	return control.Done{ID: id, Text: text}, h.settled(ctx)
}

func (h handler) Undo(ctx context.Context, id uint64, by string) (control.Done, error) {
	text, err := h.engine.Undo(ctx, id, by)
	if err != nil {
		return control.Done{}, err
	}
	h.log.Info("undone by hand", "id", id, "by", by)
	return control.Done{Text: text}, h.settled(ctx)
}
