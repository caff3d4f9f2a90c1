package main

import (
	"context"
	"fmt"
	"net"
	"os/user"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"pbxguard/adapters/asterisk"
	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/gate"
	"pbxguard/guard"
)

// freeSWITCH is the type of a PBX that asks over the event socket; all others
// ask over FastAGI.
const freeSWITCH = "freeswitch"

// gateOf makes the gate that a configuration wants, nil if it wants none.
func (d *daemon) gateOf(whole *config.Config) (*gate.Gate, error) {
	conf := whole.Gate
	if !conf.Enabled {
		return nil, nil
	}
	o := gate.Options{
		Users: userIDs(conf.Users), Ask: d.engine.Ask, Alive: d.engine.Alive, Log: d.log,
		Announcement: conf.Announcement, Cause: whole.Calls.HangupCause,
		Channel: func(pbx, channel string, ev *guard.Event) { asterisk.Describe(pbx, channel, ev) },
	}
	for _, pbx := range whole.PBX {
		port := d.ports[pbx.Name]
		if port == nil {
			continue // a restart brings it
		}
		if pbx.Type == freeSWITCH {
			o.Socket = conf.Socket
		} else {
			o.FastAGI = conf.FastAGI
		}
		o.Hearts = append(o.Hearts, gate.Heart{PBX: pbx.Name, Beat: port.Beat})
	}
	return gate.New(o)
}

// regate makes the gate that a new configuration wants, and says whether it is
// another than the one in force. Where that one listens at other addresses, they
// must be free.
func (d *daemon) regate(conf *config.Config) (g *gate.Gate, changed bool, err error) {
	d.mu.Lock()
	old := d.conf
	d.mu.Unlock()
	if reflect.DeepEqual(conf.Gate, old.Gate) && conf.Calls.HangupCause == old.Calls.HangupCause {
		return nil, false, nil
	}
	if g, err = d.gateOf(conf); err != nil || g == nil {
		return g, true, err
	}
	then := listens(old)
	for key, at := range listens(conf) {
		if at == then[key] {
			continue
		}
		l, err := net.Listen("tcp", at)
		if err != nil {
			return nil, false, fmt.Errorf("%s: cannot listen: %w", key, err)
		}
		l.Close()
	}
	return g, true, nil
}

// listens says where the gate of a configuration listens, by key.
func listens(conf *config.Config) map[string]string {
	at := map[string]string{}
	for _, pbx := range conf.PBX {
		switch {
		case !conf.Gate.Enabled:
		case pbx.Type == freeSWITCH:
			at["gate.socket"] = conf.Gate.Socket
		default:
			at["gate.fastagi"] = conf.Gate.FastAGI
		}
	}
	return at
}

// shifts run one gate after another: two cannot listen at one address.
type shifts struct{ next chan *gate.Gate }

func newShifts() *shifts { return &shifts{next: make(chan *gate.Gate)} }

// run returns what runs the gates until its context is done. nil is no gate.
func (s *shifts) run(g *gate.Gate) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			next, err := s.shift(ctx, g)
			if err != nil || ctx.Err() != nil {
				return err
			}
			g = next
		}
	}
}

// shift runs a gate until there is another.
func (s *shifts) shift(ctx context.Context, g *gate.Gate) (next *gate.Gate, err error) {
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	if g == nil {
		ended <- nil
	} else {
		go func() { ended <- g.Run(serving) }()
	}
	select {
	case next = <-s.next:
	case <-ctx.Done():
	}
	stop()
	return next, <-ended
}

// change has another gate take over once the one in force has ended.
func (s *shifts) change(ctx context.Context, g *gate.Gate) {
	select {
	case s.next <- g:
	case <-ctx.Done():
	}
}

// userIDs are the ids of users by their names or ids; a user whom this host
// does not have is left out.
func userIDs(names []string) (ids []uint32) {
	for _, name := range names {
		if u, err := user.Lookup(name); err == nil {
			name = u.Uid
		}
		if id, err := strconv.ParseUint(name, 10, 32); err == nil {
			ids = append(ids, uint32(id))
		}
	}
	return ids
}

// gateStatus tells of the gate, and what is wrong with it.
func (h handler) gateStatus() (*control.Gate, []control.Check) {
	h.mu.Lock()
	g := h.gate
	h.mu.Unlock()
	if g == nil {
		return nil, nil
	}
	s := g.Status()
	st := &control.Gate{
		Asked: s.Asked, Allowed: s.Allowed, Denied: s.Denied, Emergency: s.Emergency,
		Default: s.Default, Garbled: s.Garbled, Slowest: s.Slowest, Last: s.Last,
	}
	var problems []control.Check
	fails := func(detail, fix string) {
		problems = append(problems, control.Check{Name: "gate", Result: control.Failed, Detail: detail, Fix: fix})
	}
	for _, l := range s.Listeners {
		st.Strangers += l.Strangers
		st.Listeners = append(st.Listeners, control.GateListener{Name: l.Name, Address: l.Address, Listening: l.Listening, Error: l.Error})
		if l.Error != "" {
			fails("it does not listen: "+l.Error, "ss -ltnp")
		}
	}
	for _, b := range s.Hearts {
		st.Hearts = append(st.Hearts, control.GateHeart{PBX: b.PBX, Beating: b.Beating, Last: b.Last})
		if !b.Beating {
			fails("the PBX "+b.PBX+" is not told that it may ask: its calls leave unasked", "pbxguard status")
		}
	}
	if st.Default > 0 {
		problems = append(problems, control.Check{
			Name: "gate", Result: control.Warning, Fix: "pbxguard status",
			Detail: fmt.Sprintf("%d of %d calls asked in vain: this host was too slow for them", st.Default, st.Asked),
		})
	}
	return st, problems
}

// checkGate sees whether somebody could ask.
func checkGate(conf *config.Config) control.Check {
	check := control.Check{Name: "gate", Result: control.Skipped, Detail: "the PBX does not ask before calls leave: gate.enabled is false", Fix: "pbxguard setup --gate"}
	if !conf.Gate.Enabled {
		return check
	}
	known := slices.DeleteFunc(slices.Clone(conf.Gate.Users), func(name string) bool { return len(userIDs([]string{name})) == 0 })
	check.Result, check.Fix = control.OK, ""
	check.Detail = "root may ask, and " + strings.Join(known, ", ")
	if len(known) == 0 {
		check.Result, check.Fix = control.Warning, `users = ["asterisk"], or whom the PBX runs as, under [gate]`
		check.Detail = "only root may ask: this host has none of gate.users"
	}
	return check
}
