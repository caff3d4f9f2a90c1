package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"pbxguard/guard"
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

// tellStatus keeps the line current that "systemctl status" shows.
func (d *daemon) tellStatus(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for last := ""; ; {
		if st, err := d.engine.Status(ctx); err == nil {
			if line := statusLine(st); line != last {
				tellSystemd(d.log, "STATUS="+line)
				last = line
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// statusLine is the state of an engine in a line.
func statusLine(st guard.Status) string {
	up := 0
	for _, s := range st.Sites {
		if s.Connected {
			up++
		}
	}
	return fmt.Sprintf("calls: %s, bans: %s; %d of %d PBXs watched, %d kills, %d bans",
		st.CallsMode, st.BansMode, up, len(st.Sites), st.Kills, st.Bans)
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
