package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/firewall"
	"pbxguard/guard"
)

func (c *cli) panicCommand() *cobra.Command {
	return &cobra.Command{
		Use: "panic", Short: "Lift every ban and lock at once, and only observe", Args: cobra.NoArgs,
		Long: `Lift every ban and lock at once, and from now on only observe, also after a
restart: the configuration file is changed too. For the moment in which the guard
is suspected of keeping honest callers from calling. What it remembers and would
have done stays in "pbxguard log"; "pbxguard enforce calls bans" ends it.

Where the daemon does not answer, its bans are taken out of the kernel.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.panic(cmd.Context()) },
	}
}

// panic asks the daemon first: that is what helps at once.
func (c *cli) panic(ctx context.Context) error {
	client := c.client()
	defer client.Close()
	done, err := client.Panic(ctx)
	switch {
	case errors.Is(err, control.ErrUnreachable):
		if err = firewall.Remove(firewall.DefaultTable); err == nil {
			c.note("the daemon does not answer: its bans are out of the kernel; when it is back, do this again, for it remembers them")
		}
	case err == nil:
		c.note("%s", done.Text)
	}
	for _, what := range []string{"calls", "bans"} {
		err = errors.Join(err, config.SetMode(c.config, what, guard.Observe.String()))
	}
	return err
}

// Panic lifts bans and locks and has the guard observe. It goes on where one
// cannot be lifted.
func (h handler) Panic(ctx context.Context, by string) (control.Done, error) {
	h.log.Warn("panic: every ban and lock is lifted, and verdicts are only written down", "by", by)
	observe := guard.Observe
	if err := h.SetModes(ctx, control.Modes{Calls: &observe, Bans: &observe}, by); err != nil {
		return control.Done{}, err
	}
	bans, err := h.engine.Bans(ctx)
	if err != nil {
		return control.Done{}, err
	}
	var failed []error
	for _, b := range bans {
		if err := h.engine.Unban(ctx, b.Prefix, by); err != nil {
			failed = append(failed, fmt.Errorf("%s stays banned: %w", b.Prefix, err))
		}
	}
	st, err := h.engine.Status(ctx)
	if err != nil {
		return control.Done{}, err
	}
	for _, l := range st.Locks {
		if err := h.engine.Bar(ctx, guard.Bar{Account: l.Account, Rule: "by-hand", Reason: "panic", By: by, Off: true}); err != nil {
			failed = append(failed, fmt.Errorf("%s stays locked: %w", l.Account, err))
		}
	}
	if err := errors.Join(failed...); err != nil {
		return control.Done{}, err
	}
	text := fmt.Sprintf("lifted bans: %d, locks: %d; calls: observe, bans: observe", len(bans), len(st.Locks))
	return control.Done{Text: text}, h.settled(ctx)
}
