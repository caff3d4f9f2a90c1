package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"pbxguard/adapters/asterisk"
	"pbxguard/adapters/freeswitch"
	"pbxguard/audit"
	auditasterisk "pbxguard/audit/asterisk"
	auditfreeswitch "pbxguard/audit/freeswitch"
	"pbxguard/config"
)

// Limits of asking a running PBX: for all, and for one question.
const (
	maxAsking   = time.Minute
	maxQuestion = 10 * time.Second
)

// usualDirs are where the PBX of this host has its files.
var usualDirs = map[string][]string{
	config.Asterisk:   {"", "/etc/asterisk"},
	config.FreeSWITCH: {"", "/etc/freeswitch", "/usr/local/freeswitch/conf"},
}

// auditLive asks the running PBX whose files are audited, if there is an account
// that may ask: that of this host, or the one of the name in --live.
func (c *cli) auditLive(ctx context.Context, f *auditFlags) (map[string]audit.Answers, error) {
	if f.running == "none" || f.running == "" && !f.live() {
		return nil, nil
	}
	conf, err := config.Load(c.config)
	if err != nil {
		if f.running != "" {
			return nil, err
		}
		return nil, nil // nothing is watched here
	}
	ctx, cancel := context.WithTimeout(ctx, maxAsking)
	defer cancel()
	all, found := map[string]audit.Answers{}, false
	for _, pbx := range conf.PBX {
		named := f.running == pbx.Name
		if found = found || named; !named && (f.running != "" || !onThisHost(pbx) || all[pbx.Type] != nil) {
			continue
		}
		answers, err := askPBX(ctx, pbx)
		if err != nil && named {
			return nil, fmt.Errorf("cannot ask %s: %w", pbx.Name, err)
		}
		if answers != nil {
			all[pbx.Type] = answers
		}
	}
	if f.running != "" && !found {
		return nil, hinted{fmt.Errorf("cannot ask %q: there is no PBX of this name in %s", f.running, c.config), "pbxguard status lists them"}
	}
	return all, nil
}

// onThisHost tells whether it is a PBX of this host with its files in the usual
// place.
func onThisHost(pbx config.PBX) bool {
	host, _, err := net.SplitHostPort(pbx.Address)
	if err != nil || !slices.Contains(usualDirs[pbx.Type], pbx.ConfigDir) {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// askPBX asks one; an error says that there is no account for it.
func askPBX(ctx context.Context, pbx config.PBX) (audit.Answers, error) {
	if pbx.Type == config.FreeSWITCH {
		if pbx.Username != "" {
			return nil, errNoAdmin
		}
		admin, err := freeswitch.NewAdmin(freeswitch.AdminOptions{Address: pbx.Address, Password: pbx.Secret.Reveal(), Timeout: maxQuestion})
		if err != nil {
			return nil, err
		}
		defer admin.Close()
		return auditfreeswitch.Ask(ctx, admin), nil
	}
	if pbx.AdminUsername == "" {
		return nil, errors.New("it has no admin_username")
	}
	admin, err := asterisk.NewAdmin(asterisk.AdminOptions{
		Address: pbx.Address, Username: pbx.AdminUsername, Secret: pbx.AdminSecret.Reveal(),
		Timeout: maxQuestion, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	return auditasterisk.Ask(ctx, admin), nil
}
