package main

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync/atomic"
	"time"

	"pbxguard/adapters/asterisk"
	"pbxguard/adapters/freeswitch"
	"pbxguard/config"
	"pbxguard/guard"
)

// port is where the engine finds one PBX, whatever stands behind it: a reload
// may change the connection, and before there is an account there is none.
type port struct {
	name    string
	kind    string // of PBX, as the configuration names it
	events  chan<- guard.Event
	changed chan<- string // the PBX's name, when its own configuration may have changed
	log     *slog.Logger
	change  chan config.PBX
	current atomic.Pointer[watched] // nil: no connection can be tried
	broken  atomic.Pointer[string]  // why not
}

var (
	errNoAccount  = errors.New("no AMI account yet")
	errNoPassword = errors.New("no password for the event socket yet")
)

// adapter watches one PBX, of whatever kind.
type adapter interface {
	guard.PBX
	Run(context.Context) error
	// Beat tells the PBX that the gate may be asked until a time.
	Beat(until time.Time) bool
}

// watched is an adapter that runs.
type watched struct{ adapter }

func newPort(conf config.PBX, events chan<- guard.Event, changed chan<- string, log *slog.Logger) *port {
	p := &port{name: conf.Name, kind: conf.Type, events: events, changed: changed, log: log, change: make(chan config.PBX, 1)}
	p.change <- conf
	return p
}

// use makes the port connect as conf says. Only one goroutine may call it.
func (p *port) use(conf config.PBX) {
	select {
	case <-p.change: // nobody has looked at the one before
	default:
	}
	p.change <- conf
}

// run keeps the PBX connected until ctx is done.
func (p *port) run(ctx context.Context) error {
	var conf config.PBX
	session, ended := func() {}, make(chan struct{})
	close(ended)
	for {
		select {
		case <-ctx.Done():
			session()
			<-ended
			return nil
		case next := <-p.change:
			if reflect.DeepEqual(conf, next) {
				continue
			}
			session()
			<-ended
			conf, ended = next, make(chan struct{})
			ctx, stop := context.WithCancel(ctx)
			session = stop
			go p.connect(ctx, conf, ended)
		}
	}
}

// connect watches the PBX until ctx is done, and then closes ended.
func (p *port) connect(ctx context.Context, conf config.PBX, ended chan<- struct{}) {
	defer close(ended)
	pbx, err := dial(conf, p.events, p.log, p.reloaded)
	if err != nil {
		why := err.Error()
		p.broken.Store(&why)
		p.log.Error("the PBX cannot be watched", "pbx", p.name, "error", err)
		return
	}
	p.broken.Store(nil)
	p.current.Store(&watched{pbx})
	defer p.current.Store(nil)
	if err := pbx.Run(ctx); err != nil && ctx.Err() == nil {
		why := err.Error()
		p.broken.Store(&why)
		p.log.Error("the PBX is watched no longer", "pbx", p.name, "error", err)
	}
}

// reloaded asks for another look at the PBX's configuration, unless one is
// asked for already.
func (p *port) reloaded(string) {
	select {
	case p.changed <- p.name:
	default:
	}
}

// dial prepares the connections to a PBX.
func dial(conf config.PBX, events chan<- guard.Event, log *slog.Logger, reloaded func(string)) (adapter, error) {
	if conf.Secret == "" {
		if conf.Type == config.FreeSWITCH {
			return nil, errNoPassword
		}
		return nil, errNoAccount
	}
	if conf.Type == config.FreeSWITCH {
		return freeswitch.New(freeswitch.Options{
			Name: conf.Name, Address: conf.Address, User: conf.Username, Password: conf.Secret.Reveal(),
			Events: events, Log: log, OnReload: func() {
				if reloaded != nil {
					reloaded("")
				}
			},
		})
	}
	return asterisk.New(asterisk.Options{
		Name: conf.Name, Address: conf.Address, TLS: conf.TLSConfig(),
		Username: conf.Username, Secret: conf.Secret.Reveal(), Plain: conf.Login == "plain",
		Events: events, Log: log, OnReload: reloaded,
	})
}

// Hangup implements [guard.PBX].
func (p *port) Hangup(leg guard.LegID, cause int) bool {
	pbx := p.current.Load()
	return pbx != nil && pbx.Hangup(leg, cause)
}

// Resync implements [guard.PBX].
func (p *port) Resync() bool {
	pbx := p.current.Load()
	return pbx != nil && pbx.Resync()
}

// Beat tells the PBX that the gate may be asked until a time.
func (p *port) Beat(until time.Time) bool {
	pbx := p.current.Load()
	return pbx != nil && pbx.Beat(until)
}

// Redial implements [guard.PBX].
func (p *port) Redial() bool {
	pbx := p.current.Load()
	return pbx != nil && pbx.Redial()
}
