package main

import (
	"context"
	"log/slog"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// tellSystemd sends a state of sd_notify(3). Without systemd nobody listens,
// which is no error.
func tellSystemd(log *slog.Logger, state string) {
	if _, err := sd.SdNotify(false, state); err != nil {
		log.Warn("cannot tell systemd", "state", state, "error", err)
	}
}

// tellReloading announces a reload, with the time by which systemd tells it
// from an earlier one.
func tellReloading(log *slog.Logger) {
	tellSystemd(log, sd.SdNotifyReloading+"\n"+sd.SdNotifyMonotonicUsec())
}

// watchdog tells systemd that the daemon lives each time the engine has
// answered: an engine that hangs is found out and started afresh.
func watchdog(ctx context.Context, alive func(context.Context) error, log *slog.Logger) error {
	limit, err := sd.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("cannot read what systemd's watchdog wants", "error", err)
	}
	if limit == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(limit / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		asking, cancel := context.WithTimeout(ctx, limit/3)
		err := alive(asking)
		cancel()
		if err == nil {
			tellSystemd(log, sd.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			log.Error("the engine does not answer", "error", err)
		}
	}
}
