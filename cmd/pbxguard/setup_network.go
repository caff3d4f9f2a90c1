package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"pbxguard/config"
	"pbxguard/report"
	"pbxguard/sandbox"
	"pbxguard/setup"
)

const opened = `
Put it in force; bans stay, and calls go on:
    systemctl daemon-reload
    systemctl restart pbxguard
`

// open prints or writes the drop-in for what the service must reach. An earlier
// one that setup made is replaced.
func (o *setupOrder) open(ctx context.Context) error {
	path, err := filepath.Abs(o.cli.config)
	if err != nil {
		return err
	}
	conf, err := config.Load(filepath.Join(o.root, path))
	if err != nil {
		return invalid{err}
	}
	text := sandbox.Text(wantedBy(ctx, conf))
	switch {
	case text == "":
		o.cli.note("everything that the configuration needs is on this host; nothing has to be opened")
		return nil
	case !o.write:
		fmt.Fprintf(o.cli.stdout, "Into %s:\n%s%s\nOr let it be written: pbxguard setup --network --write\n", sandbox.DropIn, indent(text), opened)
		return nil
	}
	host := o.host()
	if _, err := host.Undo(); err != nil && !errors.Is(err, setup.ErrNothing) {
		return fmt.Errorf("cannot replace what setup wrote earlier: %w", err)
	}
	if err := host.Apply([]setup.Change{{Path: sandbox.DropIn, Text: text, Mode: 0o644}}); err != nil {
		return err
	}
	fmt.Fprintf(o.cli.stdout, "wrote %s\n%s", report.Safe(sandbox.DropIn), opened)
	return nil
}
