package host

import (
	"net/netip"
	"testing"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
)

var suite = audittest.Suite{Kind: Kind(), Dir: "testdata/checks", Base: "testdata/base", Setup: setup}

// setup tells what no file can: what the last audit knew.
func setup(id, variant string, s *audit.Site) {
	s.Memory = &audit.Memory{Key: make([]byte, 32)}
	known := func(name, text string) { s.Memory.Old["file:"+name] = s.Memory.Mark([]byte(text)) }
	switch id {
	case "HOST-010-new", "HOST-010-changed":
		s.Memory.Old = map[string]string{}
		known("/etc/crontab", "# as it was\n")
		known("/etc/cron.d/backup", "1 1 * * * root /usr/local/bin/backup\n")
		if variant == "pass" {
			known("/etc/cron.d/intruder", "* * * * * root /tmp/x\n")
		}
	}
}

func TestChecks(t *testing.T) { suite.Run(t) }

func TestMutants(t *testing.T) {
	suite.Mutants(t)
	suite.Statements(t, "*.go")
}

func TestProcAddr(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"loopback", "0100007F:13AE", "127.0.0.1:5038"},
		{"any", "00000000:0016", "0.0.0.0:22"},
		{"private", "0A01A8C0:0050", "192.168.1.10:80"},
		{"loopback of IPv6", "00000000000000000000000001000000:1F55", "[::1]:8021"},
		{"IPv4 in IPv6", "0000000000000000FFFF00000A01A8C0:1F55", "192.168.1.10:8021"},
		{"documentation prefix", "B80D0120000000000000000001000000:0001", "[2001:db8::1]:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := procAddr(tt.text)
			if !ok || got != netip.MustParseAddrPort(tt.want) {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
	for _, bad := range []string{"", ":", "zz:0016", "01:0016", "0100007F", "0100007F:1FFFF"} {
		if got, ok := procAddr(bad); ok {
			t.Errorf("got %v for %q, want nothing", got, bad)
		}
	}
}

// R9: releases with known holes are told from those that have them mended.
func TestVersions(t *testing.T) {
	fixed := advisory{Fixed: []string{"18.26.2", "20.14.1", "22.4.1"}}
	since := advisory{From: "1.6.10", Fixed: []string{"1.10.2"}}
	tests := []struct {
		name    string
		a       advisory
		version string
		want    bool
	}{
		{"before the fix of its branch", fixed, "20.14.0", true},
		{"the fix", fixed, "1:20.14.1~dfsg+~cs6.13-1", false},
		{"a branch without a fix", fixed, "16.28.0", true},
		{"a newer branch", fixed, "23.0.0", false},
		{"the branch between", fixed, "21.1.0", true},
		{"nothing known", fixed, "unknown", false},
		{"older than the hole", since, "1.6.9", false},
		{"with the hole", since, "1.10.1-release", true},
		{"mended", since, "1.10.12-release", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.hits(numbers(tt.version)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
