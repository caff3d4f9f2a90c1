package atlas

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oschwald/maxminddb-golang/v2"

	"pbxguard/guard"
)

// put writes a file and returns its path.
func put(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLocate(t *testing.T) {
	a, about, err := Open(put(t, "c.mmdb", countryFile(t)), put(t, "n.mmdb", systemFile(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(about) != 2 || about[0].Type != "DBIP-Country-Lite" || about[0].Built.Year() != 2026 {
		t.Errorf("got %+v", about)
	}
	for _, tt := range []struct {
		name, ip string
		want     guard.Place
		ok       bool
	}{
		{"both", "198.51.100.7", guard.Place{Country: "NL", System: 64500}, true},
		{"mapped", "::ffff:198.51.100.7", guard.Place{Country: "NL", System: 64500}, true},
		{"country alone", "203.0.113.5", guard.Place{Country: "SN"}, true},
		{"IPv6", "2001:db8::7", guard.Place{Country: "DE"}, true},
		{"a zone", "2001:db8::7%eth0", guard.Place{Country: "DE"}, true},
		{"flat records", "9.9.9.9", guard.Place{Country: "US"}, true},
		{"what is no country", "8.8.8.8", guard.Place{}, false},
		{"nowhere", "192.0.2.1", guard.Place{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := a.Locate(netip.MustParseAddr(tt.ip))
			if got != tt.want || ok != tt.ok {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
	if _, ok := a.Locate(netip.Addr{}); ok {
		t.Error("no address is somewhere")
	}
}

// TestLocation: files of cities tell where, some only roughly.
func TestLocation(t *testing.T) {
	data := write(t, "City", 4, map[string]any{
		"198.51.0.0/16": city("NL", 52.4, 4.9, 20), "203.0.0.0/8": city("SN", 14.7, -17.4, 500), "192.0.0.0/8": city("DE", 700, 0, 1),
	})
	a, _, err := Open(put(t, "c.mmdb", data), "")
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]guard.Place{
		"198.51.100.7": {Country: "NL", Lat: 52.4, Lon: 4.9, Exact: true},
		"203.0.113.5":  {Country: "SN"},
		"192.0.2.1":    {Country: "DE"},
		"2001:db8::1":  {},
	} {
		if got, _ := a.Locate(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: got %+v, want %+v", ip, got, want)
		}
	}
}

// TestNoFiles: without files nothing is known, and nothing wrong.
func TestNoFiles(t *testing.T) {
	a, about, err := Open("", "")
	if err != nil || len(about) != 0 {
		t.Errorf("got %v, %v", about, err)
	}
	if _, ok := a.Locate(netip.MustParseAddr("192.0.2.1")); ok {
		t.Error("something is known")
	}
}

func TestBrokenFiles(t *testing.T) {
	whole := countryFile(t)
	mark := bytes.Index(whole, []byte("\xAB\xCD\xEF"))
	pointed := bytes.Clone(whole)
	for i := range 8 * 40 { // of the tree
		pointed[i] = 0x7f
	}
	scribbled := bytes.Clone(whole)
	for i := mark - 60; i < mark; i++ {
		scribbled[i] = 0xff
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "no whole MMDB file"},
		{"text", []byte("192.0.2.0/24,NL\n"), "no whole MMDB file"},
		{"cut off", whole[:len(whole)-200], "no whole MMDB file"},
		{"half", whole[:len(whole)/2], "no whole MMDB file"},
		{"its beginning missing", whole[mark/2:], ""},
		{"a tree that leads nowhere", pointed, "broken"},
		{"records that are none", scribbled, "broken"},
		{"of networks alone", systemFile(t), "knows no countries"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := put(t, "c.mmdb", tt.data)
			_, _, err := Open(path, "")
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %q and the file's name", err, tt.want)
			}
		})
	}
	if _, _, err := Open(t.TempDir(), ""); err == nil {
		t.Error("a folder is taken for a file")
	}
	if _, _, err := Open(filepath.Join(t.TempDir(), "none"), ""); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v, want that there is no such file", err)
	}
}

// FuzzLocate: whatever a file holds, it is refused or answers, and says nothing
// that is no place.
func FuzzLocate(f *testing.F) {
	f.Add(countryFile(f))
	f.Add(systemFile(f))
	f.Add(write(f, "City", 4, map[string]any{"198.51.0.0/16": city("NL", 52.4, 4.9, 20)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parse(data, "countries", func(*maxminddb.Reader, netip.Addr) (bool, error) { return true, nil })
		if err != nil {
			return
		}
		a := &Atlas{countries: r, networks: r}
		for _, ip := range []string{"1.1.1.1", "198.51.100.7", "203.0.113.5", "2001:db8::1", "::"} {
			p, ok := a.Locate(netip.MustParseAddr(ip))
			if p.Country != "" && !isCountry(p.Country) || p.Exact && (p.Lat > 90 || p.Lat < -90) || !ok && p != (guard.Place{}) {
				t.Errorf("%s: got %+v, %v", ip, p, ok)
			}
		}
	})
}
