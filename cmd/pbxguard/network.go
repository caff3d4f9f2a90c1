package main

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/sandbox"
)

// lookupFunc is that of [net.Resolver].
type lookupFunc func(ctx context.Context, network, host string) ([]netip.Addr, error)

// destinations are what the service has to speak to: each PBX, each receiver and,
// if any of these or of hosts is a name, the name servers. A chat service says
// where it is in its own secret alone, but always by a name.
func destinations(ctx context.Context, conf *config.Config, hosts []string, lookup lookupFunc) []sandbox.Destination {
	var list []sandbox.Destination
	byName := slices.ContainsFunc(hosts, func(h string) bool { _, ok := literal(h); return !ok && h != "" })
	add := func(what, host string) {
		addrs := []netip.Addr{}
		if a, err := netip.ParseAddr(host); err == nil {
			addrs = append(addrs, a)
		} else if host != "localhost" {
			byName = true
			ctx, cancel := context.WithTimeout(ctx, lookupTime)
			addrs, _ = lookup(ctx, "ip", host) // without an answer the name server is what is missing
			cancel()
		}
		list = append(list, sandbox.Destination{What: what, Addrs: addrs})
	}
	for _, pbx := range conf.PBX {
		if host, _, err := net.SplitHostPort(pbx.Address); err == nil { // the configuration has been checked
			add("the PBX "+pbx.Name, host)
		}
	}
	for _, r := range conf.Receivers {
		switch u, err := url.Parse(r.URL); {
		case r.Type == "mail":
			if host, _, err := net.SplitHostPort(r.Server); err == nil {
				add("the mail server of "+r.Name, host)
			}
		case r.Type == "webhook" && err == nil:
			add("the webhook "+r.Name, u.Hostname())
		case r.Type == "chat":
			byName = true
		}
	}
	if byName {
		list = append(list, sandbox.Destination{What: "the name server", Addrs: nameServers("/etc/resolv.conf")})
	}
	return list
}

// nameServers reads resolv.conf(5); one that does not say stands for this host.
func nameServers(path string) (list []netip.Addr) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
			if a, err := netip.ParseAddr(f[1]); err == nil {
				list = append(list, a)
			}
		}
	}
	return list
}

// checkNetwork sees whether systemd lets the service reach its destinations.
func checkNetwork(wanted []sandbox.Destination, root string) control.Check {
	check := control.Check{Name: "network", Result: control.OK, Detail: "the service may reach whatever it needs"}
	filter, err := sandbox.Load(root)
	if err != nil {
		check.Result, check.Detail = control.Warning, "what the service may reach is not known: "+err.Error()
		return check
	}
	var words []string
	for _, d := range filter.Blocked(wanted) {
		words = append(words, d.String())
	}
	if len(words) > 0 {
		check.Result, check.Fix = control.Failed, "pbxguard setup --network --write"
		check.Detail = "the service may not reach " + strings.Join(words, "; ")
	}
	return check
}

// namedHosts are the names and addresses that a configuration and the PBXs'
// own speak of, besides the PBXs themselves.
func namedHosts(conf *config.Config) []string {
	hosts := conf.Bans.Names()
	for _, pbx := range conf.PBX {
		found, err := discover(pbx)
		if err != nil {
			continue // told by another check
		}
		hosts = append(hosts, found.hosts()...)
	}
	return hosts
}

// wantedBy are the destinations of a configuration, as this process sees them.
func wantedBy(ctx context.Context, conf *config.Config) []sandbox.Destination {
	ctx, cancel := context.WithTimeout(ctx, 2*lookupTime)
	defer cancel()
	return destinations(ctx, conf, namedHosts(conf), net.DefaultResolver.LookupNetIP)
}

// sandboxed tells whether systemd has started this process, so that the unit's
// sandbox is around it.
func sandboxed() bool { return os.Getenv("INVOCATION_ID") != "" }
