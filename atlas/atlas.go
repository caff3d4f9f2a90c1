// Package atlas says in which country and in which network an address is, from
// files in the MMDB format, which several publishers give away: DB-IP Lite,
// GeoLite2, IPinfo.
//
// A file is read into memory as a whole and never looked at again, so that one
// which is overwritten in its place harms nobody. Each file is tried before it is
// used: a broken one is an error that says what is wrong, and whoever has an older
// one keeps it.
package atlas

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"pbxguard/guard"
)

// maxFile bounds a file, in bytes: those of countries have ten million, those of
// cities a hundred.
const maxFile = 512 << 20

// Atlas knows what its files tell. It does not change, and implements
// [guard.Atlas].
type Atlas struct {
	countries, networks *maxminddb.Reader // nil: there is none
}

// About tells of a file.
type About struct {
	File  string
	Type  string    // as its publisher calls it, which may be anything
	Built time.Time // when it was made
}

// Open reads a file that tells countries and one that tells networks by the
// numbers of autonomous systems. Either may be "".
func Open(countries, networks string) (*Atlas, []About, error) {
	a, about := new(Atlas), []About(nil)
	for _, f := range []struct {
		path string
		to   **maxminddb.Reader
		what string
		has  func(*maxminddb.Reader, netip.Addr) (bool, error)
	}{
		{countries, &a.countries, "countries", func(r *maxminddb.Reader, ip netip.Addr) (bool, error) {
			p, err := placeIn(r, ip)
			return p.Country != "", err
		}},
		{networks, &a.networks, "networks", func(r *maxminddb.Reader, ip netip.Addr) (bool, error) {
			n, err := systemIn(r, ip)
			return n != 0, err
		}},
	} {
		if f.path == "" {
			continue
		}
		data, err := read(f.path)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot read %s: %w", f.path, err)
		}
		r, err := parse(data, f.what, f.has)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot use %s: %w", f.path, err)
		}
		*f.to = r
		about = append(about, About{File: f.path, Type: r.Metadata.DatabaseType, Built: r.Metadata.BuildTime().UTC()})
	}
	return a, about, nil
}

// read returns what a file holds.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("it is larger than %d MB", maxFile>>20)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("it became shorter while it was read: %w", err)
	}
	return data, nil
}

// parse makes a reader of a file and tries it out.
func parse(data []byte, what string, has func(*maxminddb.Reader, netip.Addr) (bool, error)) (*maxminddb.Reader, error) {
	r, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("it is no whole MMDB file: %w", err)
	}
	known := 0
	for ip := range probes {
		if ip.Is6() && r.Metadata.IPVersion == 4 {
			break
		}
		ok, err := has(r, ip)
		if err != nil {
			return nil, fmt.Errorf("it is broken: of %s it says: %w", ip, err)
		}
		if ok {
			known++
		}
	}
	if known == 0 {
		return nil, fmt.Errorf("it knows no %s", what)
	}
	return r, nil
}

// probes are addresses all over the world: one of each /14 of IPv4, and of each
// /16 of the IPv6 that is in use.
func probes(yield func(netip.Addr) bool) {
	for i := range 1 << 14 {
		if !yield(netip.AddrFrom4([4]byte{byte(i >> 6), byte(i << 2), 1, 1})) {
			return
		}
	}
	for i := range 0x2000 {
		if !yield(netip.AddrFrom16([16]byte{0: byte(0x20 + i>>8), 1: byte(i), 15: 1})) {
			return
		}
	}
}

// Locate implements [guard.Atlas].
func (a *Atlas) Locate(ip netip.Addr) (p guard.Place, ok bool) {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() {
		return p, false
	}
	var err error
	if a.countries != nil {
		if p, err = placeIn(a.countries, ip); err != nil {
			p = guard.Place{} // a part of the file that the probes did not see
		}
	}
	if a.networks != nil {
		if p.System, err = systemIn(a.networks, ip); err != nil {
			p.System = 0
		}
	}
	return p, p.Country != "" || p.System != 0
}

// placeIn is where an address is.
func placeIn(r *maxminddb.Reader, ip netip.Addr) (p guard.Place, err error) {
	found := r.Lookup(ip)
	if err := found.Err(); err != nil || !found.Found() {
		return p, err
	}
	var country string
	if err := found.DecodePath(&country, "country", "iso_code"); err != nil || country == "" {
		if err := simple(found, &country); err != nil {
			return p, err
		}
	}
	if !isCountry(country) {
		return p, nil
	}
	p.Country = country
	return p, location(found, &p)
}

// simple reads the country of a file whose records are flat.
func simple(found maxminddb.Result, country *string) error {
	var flat struct {
		Code string `maxminddb:"country_code"`
	}
	err := found.Decode(&flat)
	*country = flat.Code
	return err
}

// isCountry says whether s is of the form of a country's code; all else that a
// file may hold is none.
func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// nearKm is how far off a location may be to count as exact.
const nearKm = 100

// location fills in where exactly an address is, if the file tells.
func location(found maxminddb.Result, p *guard.Place) error {
	var l struct {
		Location struct {
			Lat    *float64 `maxminddb:"latitude"`
			Lon    *float64 `maxminddb:"longitude"`
			Radius uint16   `maxminddb:"accuracy_radius"`
		} `maxminddb:"location"`
	}
	if err := found.Decode(&l); err != nil {
		return err
	}
	lat, lon := l.Location.Lat, l.Location.Lon
	if lat == nil || lon == nil || l.Location.Radius > nearKm || !(*lat >= -90 && *lat <= 90 && *lon >= -180 && *lon <= 180) {
		return nil
	}
	p.Lat, p.Lon, p.Exact = *lat, *lon, true
	return nil
}

// systemIn is the number of the autonomous system that an address belongs to.
func systemIn(r *maxminddb.Reader, ip netip.Addr) (uint32, error) {
	found := r.Lookup(ip)
	if err := found.Err(); err != nil || !found.Found() {
		return 0, err
	}
	var s struct {
		Number uint32 `maxminddb:"autonomous_system_number"`
	}
	err := found.Decode(&s)
	return s.Number, err
}
