package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/report"
	"pbxguard/store"
)

func (c *cli) checkCommand() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use: "check", Short: "Examine configuration, permissions and connections; change nothing", Args: cobra.NoArgs,
		Long: `Examine configuration, permissions and connections. It logs in to the PBX and
out again, and changes nothing. The exit code is 3 if something should be
mended and 78 if the configuration is not valid.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := config.Load(c.config)
			if err != nil {
				return invalid{err}
			}
			checks := c.checks(cmd.Context(), conf)
			if err := c.write(checks, func(p *report.Page) error { return p.Checks(checks) }); err != nil {
				return err
			}
			return found(checks)
		},
	})
}

// checks looks at everything that the daemon needs.
func (c *cli) checks(ctx context.Context, conf *config.Config) []control.Check {
	checks := []control.Check{{Name: "configuration", Result: control.OK, Detail: c.config}}
	for _, w := range conf.Warnings {
		checks = append(checks, control.Check{Name: "configuration", Result: control.Warning, Detail: w})
	}
	for _, pbx := range conf.PBX {
		checks = append(checks, checkAccess(pbx), checkRights(pbx, conf.Gate.Enabled), checkLogin(ctx, pbx))
		checks = append(checks, checkAdmin(ctx, pbx)...)
		checks = append(checks, checkZone(pbx))
	}
	checks = append(checks, checkTables(conf)...)
	checks = append(checks, checkGate(conf), checkNetwork(wantedBy(ctx, conf), "/"), checkFirewall(conf.Firewall.Mode))
	st, err := c.client().Status(ctx)
	if err != nil {
		return append(checks, checkStore(ctx, conf.Store.Path),
			control.Check{Name: "daemon", Result: control.Warning, Detail: err.Error(), Fix: "systemctl start pbxguard"})
	}
	checks = append(checks, control.Check{Name: "daemon", Result: control.OK, Detail: "it runs, version " + st.Version})
	for _, problem := range st.Problems {
		told := func(c control.Check) bool { return c.Name == problem.Name && c.Result == control.Failed }
		if !slices.ContainsFunc(checks, told) {
			checks = append(checks, problem)
		}
	}
	return checks
}

// loginTime is how long check waits for the PBX.
const loginTime = 10 * time.Second

// checkLogin logs in to a PBX as the daemon does.
func checkLogin(ctx context.Context, conf config.PBX) control.Check {
	check := control.Check{Name: "pbx " + conf.Name, Result: control.Failed}
	events := make(chan guard.Event)
	pbx, err := dial(conf, events, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		check.Detail, check.Fix = err.Error(), "pbxguard setup --write"
		return check
	}
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- pbx.Run(ctx) }()
	go func() {
		for range events { // nobody judges them
		}
	}()
	check = waitForLogin(ctx, pbx, conf.Address, check)
	cancel()
	if err := <-ended; err != nil {
		check.Result, check.Detail = control.Failed, err.Error()
	}
	close(events)
	return check
}

// waitForLogin watches a PBX's connections until all work or one does not.
func waitForLogin(ctx context.Context, pbx adapter, address string, check control.Check) control.Check {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		var st control.PBX
		connections(pbx, &st)
		all := true
		for _, l := range st.Links {
			if l.Error != "" {
				check.Detail, check.Fix = l.Error, fixFor(l.State)
				return check
			}
			all = all && l.State == control.Connected
		}
		if all {
			check.Result, check.Detail = control.OK, "logged in to "+address
			if st.Version != "" {
				check.Detail += " (" + st.Version + ")"
			}
			return check
		}
		select {
		case <-ctx.Done():
			check.Detail = "no answer from " + address
			return check
		case <-poll.C:
		}
	}
}

// checkZone looks at the clock that office hours are held against.
func checkZone(conf config.PBX) control.Check {
	check := control.Check{Name: "time zone", Result: control.OK, Detail: conf.TimeZone}
	if conf.TimeZone != "" {
		return check
	}
	check.Detail = "the host's, where it is now " + time.Now().Format("15:04 MST")
	if _, offset := time.Now().Zone(); offset == 0 && time.Local.String() != "Europe/London" {
		check.Result, check.Fix = control.Warning, `time_zone = "Europe/Amsterdam", or what it is, under [[pbx]]`
	}
	return check
}

// checkFirewall sees whether the kernel would take bans, without making any.
func checkFirewall(mode string) control.Check {
	check := control.Check{Name: "firewall", Result: control.Skipped}
	if mode != "nftables" {
		check.Detail = fmt.Sprintf("firewall.mode is %q: nobody is shut out", mode)
		return check
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil || data[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		check.Detail = "only root can look; the service has the right to"
		return check
	}
	check.Result, check.Detail = control.OK, "nftables answers"
	var tables []*nftables.Table
	conn, err := nftables.New()
	if err == nil {
		tables, err = conn.ListTablesOfFamily(nftables.TableFamilyINet)
	}
	if err != nil {
		check.Result, check.Detail, check.Fix = control.Failed, "nftables does not answer: "+err.Error(), "modprobe nf_tables"
		return check
	}
	if !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == "pbxguard" }) {
		check.Detail += "; our table is not there yet"
	}
	return check
}

// checkStore looks at the file while no daemon has it.
func checkStore(ctx context.Context, path string) control.Check {
	check := control.Check{Name: "store", Result: control.OK, Detail: path}
	if _, err := os.Stat(path); os.IsNotExist(err) {
		check.Detail += " will be made at the start"
		return check
	}
	s, err := store.Open(path, store.Options{ReadOnly: true})
	version := ""
	if err == nil {
		version, _, err = s.Program(ctx)
		err = errors.Join(err, s.Close())
	}
	if aside := store.Aside(path); err == nil && len(aside) > 0 {
		return setAside(aside[len(aside)-1])
	}
	if err != nil {
		check.Result, check.Detail = control.Failed, err.Error()
	} else if version != "" {
		check.Detail += ", written by pbxguard " + version
	}
	return check
}
