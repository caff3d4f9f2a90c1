package main

import (
	"errors"

	"github.com/spf13/cobra"

	"pbxguard/control"
	"pbxguard/firewall"
)

func (c *cli) teardownCommand() *cobra.Command {
	return &cobra.Command{
		Use: "teardown", Short: "Take the bans out of the kernel, before the program is removed", Args: cobra.NoArgs,
		Long: `Take the nftables table with all bans out of the kernel, as the removal of the
package does. The daemon must have been stopped: it would put the table back.
What is remembered stays, so the bans return when the daemon starts again.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client := c.client()
			defer client.Close()
			if _, err := client.Status(cmd.Context()); !errors.Is(err, control.ErrUnreachable) {
				return hinted{errors.New("the daemon runs, and would put the bans back"), "systemctl stop pbxguard"}
			}
			if err := firewall.Remove(firewall.DefaultTable); err != nil {
				return err
			}
			c.note("the bans are out of the kernel")
			return nil
		},
	}
}
