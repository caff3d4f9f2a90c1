package main

import (
	"fmt"
	"testing"

	"pbxguard/config"
	"pbxguard/firewall"
)

// TestBansMax holds the bans that may be configured to those that the firewall
// takes.
func TestBansMax(t *testing.T) {
	parse := func(n int) error {
		_, err := config.Parse("pbxguard.toml", fmt.Appendf(nil, "[bans]\nmax = %d\n", n), nil)
		return err
	}
	if err := parse(firewall.DefaultMax); err != nil {
		t.Error(err)
	}
	if parse(firewall.DefaultMax+1) == nil {
		t.Error("more bans can be configured than the firewall takes")
	}
}
