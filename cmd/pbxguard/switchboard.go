package main

import (
	"context"
	"fmt"

	"pbxguard/adapters/asterisk"
	"pbxguard/config"
	"pbxguard/guard"
)

// openSwitchboards prepares what watches and changes the forwards of PBXs, where
// there is an account that may, and fills boards with it.
func (d *daemon) openSwitchboards(boards map[string]guard.Switchboard, events chan<- guard.Event) {
	d.forwards = map[string]func(context.Context) error{}
	for _, conf := range d.conf.PBX {
		if conf.Type != "asterisk" || conf.AdminUsername == "" {
			continue
		}
		f, run, err := d.switchboard(conf, events)
		if err != nil {
			d.log.Error("forwards are neither watched nor switched off", "pbx", conf.Name, "error", err)
			continue
		}
		boards[conf.Name], d.forwards[conf.Name] = f, run
	}
}

func (d *daemon) switchboard(conf config.PBX, events chan<- guard.Event) (*asterisk.Forwards, func(context.Context) error, error) {
	admin, err := openAdmin(conf, d.log)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot use the account %s: %w", conf.AdminUsername, err)
	}
	f := asterisk.NewForwards(conf.Name, admin, events, d.log)
	return f, func(ctx context.Context) error {
		defer admin.Close()
		return f.Run(ctx)
	}, nil
}
