package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pbxguard/config"
	"pbxguard/guard"
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

// TestTablesSwapUnderLoad: while calls are judged, decks and lists are replaced
// again and again. Every question sees a deck as a whole, and a broken one never.
func TestTablesSwapUnderLoad(t *testing.T) {
	dir := t.TempDir()
	deck := filepath.Join(dir, "deck.csv")
	lists := filepath.Join(dir, "lists")
	if err := os.Mkdir(lists, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rates := func(n int) string {
		var b strings.Builder
		b.WriteString("prefix,rate,currency\n")
		for prefix := 1; prefix <= 9; prefix++ {
			fmt.Fprintf(&b, "%d,%d.00,EUR\n", prefix, n)
		}
		return b.String()
	}
	put(deck, rates(1))
	d := daemonFrom(t, fmt.Sprintf("[[pbx]]\nconfig_dir = \"/nowhere\"\n[pbx.dialplan]\ncountry = \"NL\"\n[tariff]\ndeck = %q\n[lists]\ndir = %q\n", deck, lists))
	live(t, d)
	ctx := t.Context()
	conf, pbx := d.conf, d.conf.PBX[0].Name
	var stop atomic.Bool
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			for !stop.Load() {
				d.mu.Lock()
				rates := d.policy.Tariff
				d.mu.Unlock()
				first := rates.Rate("+31201234567").PerMinute
				for prefix := 1; prefix <= 9; prefix++ {
					if got := rates.Rate(fmt.Sprintf("+%d01234567", prefix)).PerMinute; got != first || first == 0 {
						t.Errorf("got %v and %v from one deck", first, got)
						return
					}
				}
				if _, err := d.engine.Explain(ctx, guard.Question{PBX: pbx, Account: "100", Number: "0031201234567", At: time.Now()}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	defer asking.Wait()
	defer stop.Store(true)
	for n := 2; n <= 30; n++ {
		text, want := rates(n), n
		if n%3 == 0 { // it cannot be used, so the one before stays
			text, want = "no deck at all\n", n-1
		}
		put(deck, text)
		put(filepath.Join(lists, "acm.txt"), fmt.Sprintf("+3190012345%02d\n", n))
		if err := d.replace(ctx, conf); err != nil {
			t.Fatal(err)
		}
		if got := d.policy.Tariff.Rate("+31201234567").PerMinute; got != guard.Money(want)*guard.Unit {
			t.Fatalf("change %d: got %v a minute, want %d", n, got, want)
		}
	}
}
