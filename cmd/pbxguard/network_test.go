package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pbxguard/config"
	"pbxguard/control"
	"pbxguard/sandbox"
)

func TestDestinations(t *testing.T) {
	lookup := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if host == "pbx.example.org" {
			return []netip.Addr{netip.MustParseAddr("192.0.2.8")}, nil
		}
		return nil, errors.New("no such host")
	}
	for _, tt := range []struct {
		name, address string
		hosts         []string
		want          string // without the name servers, which are the host's own
		resolver      bool
	}{
		{"all here", "127.0.0.1:5038", []string{"192.0.2.1", "192.0.2.0/24"}, "the PBX a 127.0.0.1", false},
		{"a trunk with a name", "127.0.0.1:5038", []string{"sip.example.net"}, "the PBX a 127.0.0.1", true},
		{"a PBX elsewhere", "[2001:db8::7]:5038", nil, "the PBX a 2001:db8::7", false},
		{"a PBX with a name", "pbx.example.org:5038", nil, "the PBX a 192.0.2.8", true},
		{"a PBX with an unknown name", "gone.example.org:5038", nil, "the PBX a ", true},
		{"a PBX called localhost", "localhost:5038", nil, "the PBX a ", false},
	} {
		conf := &config.Config{PBX: []config.PBX{{Name: "a", Address: tt.address}}}
		got := destinations(t.Context(), conf, tt.hosts, lookup)
		if got[0].String() != tt.want || (len(got) == 2 && got[1].What == "the name server") != tt.resolver {
			t.Errorf("%s: got %v, want %q and name servers %v", tt.name, got, tt.want, tt.resolver)
		}
	}
}

func TestDestinationsOfReceivers(t *testing.T) {
	lookup := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		return map[string][]netip.Addr{"hooks.example.org": {netip.MustParseAddr("192.0.2.9")}}[host], nil
	}
	for _, tt := range []struct {
		name     string
		receiver config.Receiver
		want     string // "": none of its own
		resolver bool
	}{
		{"journal", config.Receiver{Name: "r", Type: "journal"}, "", false},
		{"mail here", config.Receiver{Name: "r", Type: "mail", Server: "127.0.0.1:25"}, "the mail server of r 127.0.0.1", false},
		{"mail elsewhere", config.Receiver{Name: "r", Type: "mail", Server: "192.0.2.25:587"}, "the mail server of r 192.0.2.25", false},
		{"webhook", config.Receiver{Name: "r", Type: "webhook", URL: "https://hooks.example.org/x?y"}, "the webhook r 192.0.2.9", true},
		{"chat", config.Receiver{Name: "r", Type: "chat", Secret: "slack://token"}, "", true},
	} {
		got := destinations(t.Context(), &config.Config{Receivers: []config.Receiver{tt.receiver}}, nil, lookup)
		own, resolver := "", false
		for _, d := range got {
			if d.What == "the name server" {
				resolver = true
			} else {
				own += d.String()
			}
		}
		if own != tt.want || resolver != tt.resolver {
			t.Errorf("%s: got %q and name servers %v, want %q and %v", tt.name, own, resolver, tt.want, tt.resolver)
		}
	}
}

func TestNameServers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	text := "# nameserver 192.0.2.1\nsearch example.org\nnameserver 192.0.2.53\nnameserver\tfe80::1%eth0\nnameserver x\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := nameServers(path)
	if len(got) != 2 || got[0].String() != "192.0.2.53" || got[1].String() != "fe80::1%eth0" {
		t.Errorf("got %v, want the two name servers", got)
	}
}

func TestCheckNetwork(t *testing.T) {
	root := t.TempDir()
	wanted := []sandbox.Destination{
		{What: "the PBX a", Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}},
		{What: "the name server", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.53")}},
	}
	if got := checkNetwork(wanted, root); got.Result != control.OK {
		t.Errorf("without a unit: got %+v, want it ok", got)
	}
	unit, err := os.ReadFile("../../systemd/pbxguard.service")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "usr/lib/systemd/system")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "pbxguard.service"), unit, 0o600)); err != nil {
		t.Fatal(err)
	}
	got := checkNetwork(wanted, root)
	if got.Result != control.Failed || !strings.HasSuffix(got.Detail, "may not reach the name server 192.0.2.53") || got.Fix == "" {
		t.Errorf("with the unit that is shipped: got %+v, want the name server blocked", got)
	}
}
