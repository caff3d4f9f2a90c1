package main

import (
	"context"
	"fmt"

	"pbxguard/adapters/asterisk"
	"pbxguard/adapters/freeswitch"
	"pbxguard/config"
	"pbxguard/guard"
)

// board is what watches and changes a PBX's forwards and locks.
type board interface {
	guard.Switchboard
	Run(context.Context) error
}

// openSwitchboards prepares the switchboards of PBXs where somebody may write their
// database, and fills boards with them.
func (d *daemon) openSwitchboards(boards map[string]guard.Switchboard, events chan<- guard.Event) {
	d.forwards = map[string]func(context.Context) error{}
	for _, conf := range d.conf.PBX {
		open := d.asteriskBoard
		switch {
		case conf.Type == config.FreeSWITCH:
			open = d.freeSWITCHBoard
		case conf.AdminUsername == "":
			continue
		}
		b, closing, err := open(conf, events)
		if err != nil {
			d.log.Error("forwards and locks are not told to the dial plan", "pbx", conf.Name, "error", err)
			continue
		}
		boards[conf.Name] = b
		d.forwards[conf.Name] = func(ctx context.Context) error {
			defer closing()
			return b.Run(ctx)
		}
	}
}

func (d *daemon) asteriskBoard(conf config.PBX, events chan<- guard.Event) (board, func(), error) {
	admin, err := openAdmin(conf, d.log)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot use the account %s: %w", conf.AdminUsername, err)
	}
	return asterisk.NewSwitchboard(conf.Name, admin, events, d.log), admin.Close, nil
}

func (d *daemon) freeSWITCHBoard(conf config.PBX, events chan<- guard.Event) (board, func(), error) {
	admin, err := openTables(conf)
	if err != nil {
		return nil, nil, err
	}
	b, err := freeswitch.NewSwitchboard(conf.Name, admin, conf.Forwards, events, d.log)
	return b, admin.Close, err
}
