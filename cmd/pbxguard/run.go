package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/sandbox"
)

func (c *cli) runCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Watch the PBX and act (systemd starts this)", Args: cobra.NoArgs,
		Long: `Watch the PBX and act. SIGHUP reads the configuration again, SIGTERM ends the
guard; bans stay in force. The exit code is 78 if the configuration is not valid.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runDaemon(cmd.Context()) },
	}
}

// gcPercent is GOGC for a heap that is mostly tables without pointers, which a
// collection need not look into. Against 100 it saves a quarter of the memory of
// a million tracked sources, for a tenth more CPU time in a storm.
const gcPercent = 25

// runDaemon runs the daemon until ctx is done.
func (c *cli) runDaemon(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	linked, unlisted := linkedParts()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	conf, err := config.Load(c.config)
	if err != nil {
		return invalid{err}
	}
	level := new(slog.LevelVar)
	log := newLog(c.stderr, level)
	if unlisted != nil {
		log.Warn("what only a start needs stays in memory", "error", unlisted)
	}
	for _, w := range conf.Warnings {
		log.Warn(w)
	}
	lockIn(log)
	d, err := newDaemon(ctx, c.config, conf, log, level)
	if err != nil {
		return err
	}
	d.linked = linked
	return errors.Join(d.run(ctx, hup), d.close())
}

// lockIn gives up what the daemon never needs, so that whoever takes it over
// does not have it. Some kernels and containers do not let it, which is no
// reason not to guard.
func lockIn(log *slog.Logger) {
	for _, err := range []error{sandbox.NoExec(), sandbox.NoCore()} {
		if err != nil {
			log.Warn("less is forbidden to the guard than could be", "error", err)
		}
	}
}
