package main

import (
	"context"
	"log/slog"

	"pbxguard/adapters/asterisk"
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

// contacts lists the phones that are registered with a PBX now: as its database
// file says or, where that cannot be read, as the second account is told.
func contacts(ctx context.Context, conf config.PBX, astdb string, log *slog.Logger) ([]guard.Standing, error) {
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
