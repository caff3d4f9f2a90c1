package main

import (
	"context"
	"os"
	"time"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/firewall"
	"pbxguard/report"
)

// refreshEvery is how often the PBX's configuration is read and names are
// looked up again.
const refreshEvery = time.Hour

// settleAfter is how long the steward waits after the PBX says that it has read
// its configuration again. Whoever can place a call can forge that.
const settleAfter = 10 * time.Second

// steward reconciles the bans and keeps the policy up to date until ctx is done.
func (d *daemon) steward(ctx context.Context, reload <-chan os.Signal) error {
	d.reconcile(ctx)
	hourly := time.NewTicker(refreshEvery)
	defer hourly.Stop()
	var settled <-chan time.Time // nil: nothing has changed
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reload:
			tellReloading(d.log)
			d.reload(ctx)
			d.ready()
			d.reconcile(ctx)
		case <-d.changed:
			if settled == nil {
				settled = time.After(settleAfter)
			}
		case <-settled:
			settled = nil
			d.refresh(ctx)
		case <-hourly.C:
			d.refresh(ctx)
		}
	}
}

// refresh puts the same configuration in force in what are now its surroundings.
func (d *daemon) refresh(ctx context.Context) {
	defer d.rest()
	d.mu.Lock()
	conf := d.conf
	d.mu.Unlock()
	if err := d.enact(ctx, nil, d.lookAround(ctx, conf)); err != nil && ctx.Err() == nil {
		d.log.Error("the policy stays as it was", "error", err)
	}
}

// reload reads the configuration afresh. A bad one leaves the old one in force.
func (d *daemon) reload(ctx context.Context) {
	conf, err := config.Load(d.path)
	if err == nil {
		err = d.replace(ctx, conf)
	}
	if err != nil {
		for _, line := range report.Lines(err.Error()) {
			d.log.Error("the configuration is not valid; the old one stays in force", "error", line)
		}
		d.troubled(control.Check{
			Name: "configuration", Result: control.Failed,
			Detail: "the file is not valid, an older one is in force", Fix: "pbxguard check",
		})
		return
	}
	d.troubled(control.Check{Name: "configuration", Result: control.OK})
	d.level.Set(conf.Log.Level)
	for _, w := range conf.Warnings {
		d.log.Warn(w)
	}
	for _, pbx := range conf.PBX {
		if p := d.ports[pbx.Name]; p != nil {
			p.use(pbx)
		}
	}
	d.log.Info("reloaded", "path", d.path)
}

// replace puts a new configuration in force with all that hangs on it, or
// nothing of it.
func (d *daemon) replace(ctx context.Context, conf *config.Config) error {
	gate, changed, err := d.regate(conf)
	if err != nil {
		return err
	}
	d.readTables(conf)
	if err := d.enact(ctx, conf, d.lookAround(ctx, conf)); err != nil {
		return err
	}
	if changed {
		d.gates.change(ctx, gate)
		d.mu.Lock()
		d.gate = gate
		d.mu.Unlock()
	}
	return d.people.Use(ctx, receivers(conf, d.log))
}

// enact puts a configuration in force, or with nil the same one in other
// surroundings.
func (d *daemon) enact(ctx context.Context, conf *config.Config, around surroundings) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if conf == nil {
		conf = d.conf
	}
	policy, err := d.tables.policy(conf, around, time.Now())
	if err != nil {
		return err
	}
	if err := d.engine.Reload(ctx, policy); err != nil {
		return err
	}
	d.restartFor(conf)
	d.conf, d.around, d.policy = conf, around, policy
	return nil
}

// restartFor tells of changes that a reload does not carry out.
func (d *daemon) restartFor(conf *config.Config) {
	var parts []string
	for part, same := range map[string]bool{
		"store":    conf.Store == d.conf.Store,
		"control":  conf.Control == d.conf.Control,
		"firewall": conf.Firewall == d.conf.Firewall,
	} {
		if !same {
			parts = append(parts, part)
		}
	}
	for _, pbx := range conf.PBX {
		if d.ports[pbx.Name] == nil {
			parts = append(parts, "pbx "+pbx.Name)
		}
	}
	if len(parts) > 0 {
		d.log.Warn("some changes need a restart", "of", parts, "hint", "systemctl restart pbxguard")
	}
}

// reconcile makes the kernel hold the bans that the engine knows, and tells the
// engine of those that only the kernel does: a crash kept them out of the store.
func (d *daemon) reconcile(ctx context.Context) {
	defer d.rest()
	bans, err := d.engine.Bans(ctx)
	if err != nil {
		return // the engine is not there to be asked: the daemon stops
	}
	var want []firewall.Entry
	for _, b := range bans {
		if b.Enforced {
			want = append(want, firewall.Entry{Prefix: b.Prefix, Until: b.Until})
		}
	}
	var adopted []firewall.Entry
	err = d.wall.Reconcile(ctx, want, func(e firewall.Entry) { adopted = append(adopted, e) })
	if err != nil && ctx.Err() == nil {
		d.log.Error("the kernel's bans may differ from ours", "error", err)
	}
	for _, e := range adopted {
		left := time.Duration(0)
		if !e.Until.IsZero() {
			left = time.Until(e.Until)
		}
		if err := d.engine.Ban(ctx, e.Prefix, left, "found in the kernel", "pbxguard"); err != nil && ctx.Err() == nil {
			d.log.Warn("a ban found in the kernel is lifted", "prefix", e.Prefix, "error", err)
			d.wall.Unban(e.Prefix)
		}
	}
	if len(want)+len(adopted) > 0 {
		d.log.Info("bans reconciled with the kernel", "bans", len(want), "adopted", len(adopted))
	}
}
