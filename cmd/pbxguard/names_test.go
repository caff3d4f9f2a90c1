package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	zone := map[string][]netip.Addr{
		"trunk.example": {netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.2"), netip.MustParseAddr("2001:db8::1")},
	}
	asked := 0
	n := names{lookup: func(_ context.Context, _, host string) ([]netip.Addr, error) {
		asked++
		if a, ok := zone[host]; ok {
			return a, nil
		}
		return nil, errors.New("no such host")
	}}
	hosts := []string{"198.51.100.7", "203.0.113.9/24", "fe80::1%eth0", "Trunk.Example.", "trunk.example", "gone.example", ""}
	prefixes := func(texts ...string) (ps []netip.Prefix) {
		for _, s := range texts {
			ps = append(ps, netip.MustParsePrefix(s))
		}
		return ps
	}
	fixed := prefixes("198.51.100.7/32", "203.0.113.0/24", "fe80::1/128")
	named := prefixes("192.0.2.1/32", "192.0.2.2/32", "2001:db8::1/128")

	failed := n.learn(t.Context(), hosts)
	got := n.of(hosts)
	if want := slices.Concat(fixed, named, named); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !slices.Equal(failed, []string{"gone.example"}) || asked != 2 {
		t.Errorf("failed: got %v after %d questions, want gone.example after 2", failed, asked)
	}

	clear(zone) // the name server is dead
	failed = n.learn(t.Context(), hosts)
	if again := n.of(hosts); !slices.Equal(again, got) || len(failed) != 2 {
		t.Errorf("while nothing resolves: got %v and %v failed, want %v and both", again, failed, got)
	}

	zone["trunk.example"] = []netip.Addr{netip.MustParseAddr("192.0.2.9")}
	n.learn(t.Context(), hosts[3:4])
	if got, want := n.of(hosts[3:4]), prefixes("192.0.2.9/32"); !slices.Equal(got, want) {
		t.Errorf("after it moved: got %v, want %v", got, want)
	}
}
