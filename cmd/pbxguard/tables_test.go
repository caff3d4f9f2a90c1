package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/config"
)

// TestAtlasIsReadAgain: an atlas goes into force with a reload, a broken one
// leaves the old one there, and none takes it away.
func TestAtlasIsReadAgain(t *testing.T) {
	sample, err := os.ReadFile("testdata/countries.mmdb") // 203.0.0.0/8 is in Senegal
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "countries.mmdb")
	conf := config.Default()
	conf.Lists.Dir, conf.Atlas.Countries = t.TempDir(), path
	var all tables
	country := func() string {
		t.Helper()
		p, err := all.policy(conf, surroundings{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if p.Atlas == nil {
			return "no atlas"
		}
		place, _ := p.Atlas.Locate(netip.MustParseAddr("203.0.113.5"))
		return place.Country
	}
	for _, tt := range []struct {
		name    string
		data    []byte
		wrong   string
		country string
	}{
		{"missing", nil, "no such file", "no atlas"},
		{"whole", sample, "", "SN"},
		{"cut off", sample[:len(sample)/2], "no whole MMDB file", "SN"},
		{"whole again", sample, "", "SN"},
	} {
		if tt.data != nil {
			if err := os.WriteFile(path, tt.data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		wrong := all.read(conf)
		if tt.wrong == "" && len(wrong) > 0 || tt.wrong != "" && (len(wrong) != 1 || !strings.Contains(wrong[0].Error(), tt.wrong) || !strings.Contains(wrong[0].Error(), path)) {
			t.Errorf("%s: got %v, want %q and the file's name", tt.name, wrong, tt.wrong)
		}
		if got := country(); got != tt.country {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.country)
		}
	}
	if checks := checkTables(conf); len(checks) == 0 || checks[0].Name != "atlas" || !strings.Contains(checks[0].Detail, "DBIP-Country-Lite, of 2026-11-22") {
		t.Errorf("got %+v", checks)
	}
	conf.Atlas.Countries = ""
	all.read(conf)
	if got := country(); got != "no atlas" {
		t.Errorf("got %s, want no atlas", got)
	}
}
