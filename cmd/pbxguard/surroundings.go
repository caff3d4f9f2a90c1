package main

import (
	"context"
	"net/netip"
	"time"

	"pbxguard/config"
	"pbxguard/guard"
)

// startLooking bounds how long the start waits for names; those that are not
// found by then are looked up again within the hour.
const startLooking = 10 * time.Second

// surroundings are what the host and the network say, beside the configuration.
type surroundings struct {
	found map[string]config.Discovered // by PBX name
	astdb map[string]string            // where each PBX keeps its registrations
	never []netip.Prefix               // what the names of bans.allow stand for
}

// lookAround reads the PBXs' own configuration and looks names up. What cannot
// be had is told, and what can be is used.
func (d *daemon) lookAround(ctx context.Context, conf *config.Config) surroundings {
	ctx, cancel := context.WithTimeout(ctx, startLooking)
	defer cancel()
	s := surroundings{found: map[string]config.Discovered{}, astdb: map[string]string{}}
	hosts := conf.Bans.Names()
	trunks := map[string][]string{} // hosts by PBX
	for _, pbx := range conf.PBX {
		found, err := discover(pbx)
		if err != nil && pbx.Type == config.FreeSWITCH {
			found, err = askGateways(ctx, pbx, err)
		}
		if err != nil {
			d.log.Warn("the PBX's own configuration is not known; its trunks show by what they do", "pbx", pbx.Name, "error", err)
			continue
		}
		for _, p := range found.problems {
			d.log.Warn("the PBX's own configuration is not wholly known", "pbx", pbx.Name, "problem", p)
		}
		trunks[pbx.Name] = found.hosts()
		s.found[pbx.Name], s.astdb[pbx.Name] = found.seen(), found.astdb
		hosts = append(hosts, trunks[pbx.Name]...)
	}
	if failed := d.names.learn(ctx, hosts); len(failed) > 0 {
		d.log.Warn("names cannot be looked up", "names", failed)
	}
	for name, seen := range s.found {
		seen.TrunkHosts = d.narrow(name, d.names.of(trunks[name]))
		s.found[name] = seen
	}
	s.never = d.names.of(conf.Bans.Names())
	if sandboxed() {
		d.troubled(checkNetwork(destinations(ctx, conf, hosts, d.names.lookup), "/"))
	}
	return s
}

// narrow leaves out trunks that are said to be anywhere: an address from there
// is no less suspect for it.
func (d *daemon) narrow(pbx string, prefixes []netip.Prefix) (kept []netip.Prefix) {
	for _, p := range prefixes {
		if p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 16 {
			d.log.Warn("a trunk's addresses are too many to be exempt from bans", "pbx", pbx, "prefix", p)
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// registered lists the phones that were registered before the daemon started.
func (d *daemon) registered(ctx context.Context) (all []guard.Standing) {
	for _, pbx := range d.conf.PBX {
		path := d.around.astdb[pbx.Name]
		if path == "" && pbx.Type != config.FreeSWITCH {
			continue
		}
		found, err := contacts(ctx, pbx, path, d.log)
		if err != nil {
			d.log.Info("registrations from before the start are not known", "pbx", pbx.Name, "error", err)
		}
		for _, standing := range found {
			standing.Account.PBX = pbx.Name
			all = append(all, standing)
		}
	}
	return all
}
