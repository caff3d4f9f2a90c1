package main

import (
	"context"
	"net/netip"
	"strings"
	"time"
)

// names turns host names into addresses. What a name led to before still
// counts while it cannot be looked up: a dead name server must not get a trunk
// banned. It belongs to one goroutine at a time.
type names struct {
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	known  map[string][]netip.Prefix
}

const (
	lookupTime = 5 * time.Second
	maxNames   = 1000
)

// learn looks hosts up, which are addresses, prefixes or names, forgets all
// others and returns the names that could not be looked up.
func (n *names) learn(ctx context.Context, hosts []string) (failed []string) {
	fresh := map[string][]netip.Prefix{}
	for _, host := range hosts {
		host = plainName(host)
		_, done := fresh[host]
		if _, ok := literal(host); ok || done || host == "" || len(fresh) >= maxNames {
			continue
		}
		fresh[host] = n.ask(ctx, host)
		if len(fresh[host]) == 0 {
			fresh[host] = n.known[host]
			failed = append(failed, host)
		}
	}
	n.known = fresh
	return failed
}

// of returns what hosts stand for, as far as that has been learnt.
func (n *names) of(hosts []string) (found []netip.Prefix) {
	for _, host := range hosts {
		host = plainName(host)
		if p, ok := literal(host); ok {
			found = append(found, p)
			continue
		}
		found = append(found, n.known[host]...)
	}
	return found
}

func plainName(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }

func (n *names) ask(ctx context.Context, host string) []netip.Prefix {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	addrs, err := n.lookup(ctx, "ip", host)
	if err != nil {
		return nil
	}
	prefixes := make([]netip.Prefix, len(addrs))
	for i, a := range addrs {
		a = a.Unmap().WithZone("")
		prefixes[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return prefixes
}

// literal reads an address or a prefix.
func literal(host string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(host)
	return p.Masked(), err == nil
}
