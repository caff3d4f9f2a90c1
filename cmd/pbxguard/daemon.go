package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/firewall"
	"pbxguard/gate"
	"pbxguard/guard"
	"pbxguard/notify"
	"pbxguard/store"
)

// daemon is what "pbxguard run" runs.
type daemon struct {
	path    string // of the configuration
	log     *slog.Logger
	level   *slog.LevelVar
	store   *store.Store
	ledger  *teller
	people  *notify.Notifier
	wall    wall
	engine  *guard.Engine
	ports   map[string]*port // by PBX name; fixed once made
	changed chan string      // names of PBXs whose own configuration may have changed
	gates   *shifts
	linked  []part // of memory, which a start may leave behind
	// forwards watch and change the forwards of PBXs, by name.
	forwards map[string]func(context.Context) error
	names    names  // belongs to whoever looks around: the start, then the steward
	tables   tables // likewise

	// mu guards what follows, which the steward and the command line change
	// and the latter reads. Nobody holds it while waiting for the network.
	mu      sync.Mutex
	conf    *config.Config
	around  surroundings
	policy  *guard.Policy
	trouble map[string]control.Check // what is wrong and is not seen elsewhere, by name
	gate    *gate.Gate               // nil: there is none
}

// wall is a [firewall.Firewall] or a [firewall.Dry].
type wall interface {
	guard.Firewall
	Run(context.Context) error
	Reconcile(context.Context, []firewall.Entry, func(firewall.Entry)) error
	Settle(context.Context) error
	Stats() firewall.Stats
	Close() error
}

// newDaemon makes a daemon that has opened what it needs and runs nothing yet.
// level, which the log obeys, follows the configuration.
func newDaemon(ctx context.Context, path string, conf *config.Config, log *slog.Logger, level *slog.LevelVar) (*daemon, error) {
	d := &daemon{
		path: path, log: log, level: level, conf: conf,
		ports:   map[string]*port{},
		gates:   newShifts(),
		changed: make(chan string, 1),
		names:   names{lookup: net.DefaultResolver.LookupNetIP},
		trouble: map[string]control.Check{},
	}
	level.Set(conf.Log.Level)
	var err error
	if d.store, err = store.Open(conf.Store.Path, store.Options{Log: log, Retention: conf.Store.Retention, Program: programVersion()}); err != nil {
		return nil, err
	}
	d.ledger = newTeller(d.store, log)
	d.people = notify.New(receivers(conf, log))
	d.ledger.people = d.people.Tell
	d.openWall(conf.Firewall.Mode)
	d.around = d.lookAround(ctx, conf)
	d.readTables(conf)
	if d.policy, err = d.tables.policy(conf, d.around, time.Now()); err != nil {
		return nil, errors.Join(invalid{err}, d.close())
	}
	d.makeEngine(ctx, time.Now())
	if d.gate, err = d.gateOf(conf); err != nil {
		return nil, errors.Join(invalid{err}, d.close())
	}
	return d, nil
}

// openWall opens the firewall. Without one the guard goes on: kills do not
// need it.
func (d *daemon) openWall(mode string) {
	if mode != "nftables" {
		d.wall = firewall.OpenDry(firewall.Options{Log: d.log})
		return
	}
	w, err := firewall.Open(firewall.Options{Log: d.log, OnError: func(err error) { d.log.Error("a ban failed", "error", err) }})
	if err != nil {
		d.log.Error("bans are not carried out", "error", err)
		d.troubled(control.Check{
			Name: "firewall", Result: control.Failed,
			Detail: "bans are not carried out: " + err.Error(), Fix: "systemctl restart pbxguard",
		})
		d.wall = firewall.OpenDry(firewall.Options{Log: d.log})
		return
	}
	d.wall = w
}

// makeEngine makes the engine with what is remembered, and a port for each PBX.
func (d *daemon) makeEngine(ctx context.Context, now time.Time) {
	memory, err := d.store.Memory(now)
	if err != nil {
		d.log.Error("starting without a memory", "error", err)
	}
	memory.Standings = append(memory.Standings, d.registered(ctx)...)
	pbxs, boards := map[string]guard.PBX{}, map[string]guard.Switchboard{}
	out := guard.Outside{PBXs: pbxs, Firewall: d.wall, Ledger: d.ledger, Switchboards: boards}
	d.engine = guard.New(d.policy, out, memory, now)
	d.openSwitchboards(boards, d.engine.Events())
	for _, conf := range d.conf.PBX {
		p := newPort(conf, d.engine.Events(), d.changed, d.log)
		d.ports[conf.Name], pbxs[conf.Name] = p, p
	}
}

// run runs the daemon until ctx is done or a part of it fails. reload asks for
// the configuration to be read again.
func (d *daemon) run(ctx context.Context, reload <-chan os.Signal) (err error) {
	crew := newCrew()
	defer func() { err = errors.Join(err, crew.dismiss()) }()
	below := crew.layer()
	below.start("store", d.store.Run)
	below.start("firewall", d.wall.Run)
	below.start("log", d.ledger.run)
	below.start("notify", d.people.Run)
	core := crew.layer()
	core.start("engine", d.engine.Run)
	above := crew.layer()
	for _, p := range d.ports {
		above.start("pbx "+p.name, p.run)
	}
	for name, run := range d.forwards {
		above.start("forwards "+name, run)
	}
	above.start("gate", d.gates.run(d.gate))
	server, err := control.New(control.Options{Path: d.conf.Control.Socket, Group: d.conf.Control.Group, Log: d.log}, handler{d})
	if err != nil {
		return err
	}
	above.start("control", server.Run)
	above.start("steward", func(ctx context.Context) error { return d.steward(ctx, reload) })
	above.start("status", d.tellStatus)
	above.start("watchdog", func(ctx context.Context) error { return watchdog(ctx, d.engine.Alive, d.log) })

	d.ready()
	d.rest() // also here: what comes next may need much itself
	err = crew.wait(ctx)
	tellSystemd(d.log, "STOPPING=1\nSTATUS=stopping")
	return err
}

// ready tells systemd that the daemon works, and as what.
func (d *daemon) ready() {
	d.mu.Lock()
	calls, bans := d.conf.Calls.Mode, d.conf.Bans.Mode
	d.mu.Unlock()
	tellSystemd(d.log, "READY=1")
	d.log.Info("pbxguard is ready", "version", programVersion(), "calls", calls, "bans", bans)
}

// close gives back what newDaemon opened. The bans stay in force.
func (d *daemon) close() error {
	err := d.store.Close()
	if d.wall != nil {
		err = errors.Join(err, d.wall.Close())
	}
	return err
}

// troubled notes something that is wrong, or with [control.OK] no longer is.
func (d *daemon) troubled(c control.Check) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.Result == control.OK {
		delete(d.trouble, c.Name)
		return
	}
	d.trouble[c.Name] = c
}
