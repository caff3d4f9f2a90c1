package main

import (
	"context"
	"errors"
	"log/slog"

	"pbxguard/adapters/asterisk"
	"pbxguard/adapters/freeswitch"
	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/guard"
)

// openAdmin prepares the connection of a PBX's optional second account.
func openAdmin(conf config.PBX, log *slog.Logger) (*asterisk.Admin, error) {
	return asterisk.NewAdmin(asterisk.AdminOptions{
		Address: conf.Address, Username: conf.AdminUsername, Secret: conf.AdminSecret.Reveal(), Log: log,
	})
}

// errNoAdmin says that a FreeSWITCH's administration is out of reach: a user of
// the directory is let in by no library, and may do little on purpose.
var errNoAdmin = errors.New("the guard is a user of the directory, who may not ask for that")

// openTables prepares the connection over which a FreeSWITCH's forwards and locks
// are read and written. A user of the directory may do that if he is told so.
func openTables(conf config.PBX) (*freeswitch.Admin, error) {
	return freeswitch.NewAdmin(freeswitch.AdminOptions{Address: conf.Address, User: conf.Username, Password: conf.Secret.Reveal()})
}

// openESL prepares the connection over which a FreeSWITCH is asked for what its
// events do not tell.
func openESL(conf config.PBX) (*freeswitch.Admin, error) {
	if conf.Username != "" {
		return nil, errNoAdmin
	}
	return freeswitch.NewAdmin(freeswitch.AdminOptions{Address: conf.Address, Password: conf.Secret.Reveal()})
}

// askGateways asks a FreeSWITCH for its gateways where its files cannot be read,
// for the reason given.
func askGateways(ctx context.Context, conf config.PBX, unread error) (discovered, error) {
	admin, err := openESL(conf)
	if err != nil {
		return discovered{}, errors.Join(unread, err)
	}
	defer admin.Close()
	gateways, err := admin.Gateways(ctx)
	if err != nil {
		return discovered{}, errors.Join(unread, err)
	}
	var d discovered
	for _, g := range gateways {
		d.trunks = append(d.trunks, trunk{g.Name, g.Hosts})
	}
	return d, nil
}

// contacts lists the phones that are registered with a PBX now: as its database
// file says or, where that cannot be read, as the second account is told.
func contacts(ctx context.Context, conf config.PBX, astdb string, log *slog.Logger) ([]guard.Standing, error) {
	if conf.Type == config.FreeSWITCH {
		admin, err := openESL(conf)
		if err != nil {
			return nil, err
		}
		defer admin.Close()
		return admin.Registrations(ctx)
	}
	found, err := asterisk.Contacts(astdb)
	if err == nil || conf.AdminUsername == "" {
		return found, err
	}
	admin, err := openAdmin(conf, log)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	return admin.Contacts(ctx)
}

// checkAdmin uses the second account, if there is one, for something harmless.
func checkAdmin(ctx context.Context, conf config.PBX) []control.Check {
	if conf.AdminUsername == "" {
		return nil
	}
	check := control.Check{Name: "pbx " + conf.Name, Result: control.OK, Detail: "the account " + conf.AdminUsername + " reads its database"}
	admin, err := openAdmin(conf, slog.New(slog.DiscardHandler))
	if err == nil {
		_, _, err = admin.Get(ctx, "pbxguard", "check")
		admin.Close()
	}
	if err != nil {
		check.Result, check.Detail, check.Fix = control.Failed, err.Error(), "pbxguard setup --admin"
	}
	return []control.Check{check}
}
