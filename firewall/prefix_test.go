package firewall

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

func TestNormal(t *testing.T) {
	tests := []struct{ name, prefix, want string }{ // want "" is refused
		{"IPv4", "198.51.100.5/32", "198.51.100.5/32"},
		{"host bits", "198.51.100.5/24", "198.51.100.0/24"},
		{"mapped", "::ffff:198.51.100.5/128", "198.51.100.5/32"},
		{"mapped prefix", "::ffff:198.51.100.0/120", "198.51.100.0/24"},
		{"mapped, wider than IPv4", "::ffff:198.51.100.0/90", ""},
		{"mapped loopback", "::ffff:127.0.0.1/128", ""},
		{"IPv6", "2001:db8:1:2::9/64", "2001:db8:1:2::/64"},
		{"private", "192.168.0.0/16", "192.168.0.0/16"},
		{"all IPv4", "0.0.0.0/0", ""},
		{"all IPv6", "::/0", ""},
		{"half of IPv4", "128.0.0.0/1", ""},
		{"the other half", "0.0.0.0/1", ""},
		{"unspecified", "0.0.0.0/32", ""},
		{"unspecified IPv6", "::/128", ""},
		{"loopback", "127.0.0.1/32", ""},
		{"loopback, deep", "127.45.6.7/32", ""},
		{"around loopback", "126.0.0.0/7", ""},
		{"loopback IPv6", "::1/128", ""},
		{"around it", "::/64", ""},
		{"multicast", "224.0.1.75/32", ""},
		{"around multicast", "192.0.0.0/2", ""},
		{"multicast IPv6", "ff02::1/128", ""},
		{"broadcast", "255.255.255.255/32", ""},
		{"class E", "240.0.0.0/4", ""},
		{"link-local IPv6", "fe80::1/128", ""},
		{"its /64", "fe80::/64", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normal(netip.MustParsePrefix(tt.prefix))
			if tt.want == "" {
				if !errors.Is(err, ErrRefused) {
					t.Errorf("got %v, %v; want ErrRefused", got, err)
				}
				return
			}
			if err != nil || got.String() != tt.want {
				t.Errorf("got %v, %v; want %s", got, err, tt.want)
			}
		})
	}
	if _, err := normal(netip.Prefix{}); !errors.Is(err, ErrRefused) {
		t.Errorf("no prefix: got %v, want ErrRefused", err)
	}
}

// TestRefusedEverywhere: no way in lets the forbidden pass.
func TestRefusedEverywhere(t *testing.T) {
	f := running(t, Options{})
	p := netip.MustParsePrefix("127.0.0.1/32")
	if f.Ban(p, time.Hour) || f.Unban(p) {
		t.Error("loopback was queued")
	}
	if err := f.BanNow(soon(t), p, time.Hour); !errors.Is(err, ErrRefused) {
		t.Errorf("BanNow: got %v, want ErrRefused", err)
	}
	if err := f.Reconcile(soon(t), []Entry{{Prefix: p}}, func(Entry) {}); !errors.Is(err, ErrRefused) {
		t.Errorf("Reconcile: got %v, want ErrRefused", err)
	}
	if s := f.Stats(); s.Refused != 3 || s.Elements != 0 {
		t.Errorf("stats: %+v", s)
	}
}

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		-1: 0, 0: 0, 1: shortest, time.Millisecond: shortest, shortest: shortest, time.Hour: time.Hour,
	} {
		if got := length(d); got != want {
			t.Errorf("length(%v): got %v, want %v", d, got, want)
		}
	}
}
