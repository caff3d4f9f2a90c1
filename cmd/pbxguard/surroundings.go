package main

import (
	"context"
	"net/netip"
	"time"

	"pbxguard/config"
)

// startLooking bounds how long the start waits for names; those that are not
// found by then are looked up again within the hour.
const startLooking = 10 * time.Second

// surroundings are what the host and the network say, beside the configuration.
type surroundings struct {
	found map[string]config.Discovered // by PBX name
	never []netip.Prefix               // what the names of bans.allow stand for
}

// lookAround looks names up. What cannot be found is told, and what can be is used.
func (d *daemon) lookAround(ctx context.Context, conf *config.Config) surroundings {
	ctx, cancel := context.WithTimeout(ctx, startLooking)
	defer cancel()
	hosts := conf.Bans.Names()
	if failed := d.names.learn(ctx, hosts); len(failed) > 0 {
		d.log.Warn("names cannot be looked up", "names", failed)
	}
	return surroundings{never: d.names.of(hosts)}
}
