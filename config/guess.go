package config

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// fallback is the country of a host that does not show where it stands.
const fallback = "NL"

// hostCountry is the country of the host's time zone, or "" if the zone belongs
// to none, as UTC, or cannot be told. etc and zoneinfo are where Debian keeps
// localtime and the zones.
func hostCountry(etc, zoneinfo string) string {
	zone := ""
	if target, err := os.Readlink(filepath.Join(etc, "localtime")); err == nil {
		_, zone, _ = strings.Cut(target, "zoneinfo/")
	}
	if zone == "" {
		name, err := os.ReadFile(filepath.Join(etc, "timezone"))
		if err != nil {
			return ""
		}
		zone = strings.TrimSpace(string(name))
	}
	// zone.tab has one line for each zone of each country: code, coordinates, zone.
	f, err := os.Open(filepath.Join(zoneinfo, "zone.tab"))
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) > 2 && fields[2] == zone {
			return fields[0]
		}
	}
	return ""
}
