package main

import (
	"fmt"
	"os/user"
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

// openGate makes the gate if there is to be one.
func (d *daemon) openGate() (err error) {
	conf := d.conf.Gate
	if !conf.Enabled {
		return nil
	}
	o := gate.Options{
		Users: userIDs(conf.Users), Ask: d.engine.Ask, Alive: d.engine.Alive, Log: d.log,
		Announcement: conf.Announcement, Cause: d.conf.Calls.HangupCause,
		Channel: func(pbx, channel string, ev *guard.Event) { asterisk.Describe(pbx, channel, ev) },
	}
	for _, pbx := range d.conf.PBX {
		if pbx.Type == freeSWITCH {
			o.Socket = conf.Socket
		} else {
			o.FastAGI = conf.FastAGI
		}
		o.Hearts = append(o.Hearts, gate.Heart{PBX: pbx.Name, Beat: d.ports[pbx.Name].Beat})
	}
	d.gate, err = gate.New(o)
	return err
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
	if h.gate == nil {
		return nil, nil
	}
	s := h.gate.Status()
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
