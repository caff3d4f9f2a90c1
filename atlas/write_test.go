package atlas

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"net/netip"
	"slices"
	"testing"
)

// mmdb writes files in the format of https://maxmind.github.io/MaxMind-DB/, with
// records of 32 bits.
type mmdb struct {
	nodes [][2]uint32 // children; 0: nothing
	leafs map[[2]int]any
}

// write makes a file in which prefixes have records.
func write(t testing.TB, kind string, version int, records map[string]any) []byte {
	t.Helper()
	m := &mmdb{nodes: make([][2]uint32, 1), leafs: map[[2]int]any{}}
	for _, text := range slices.Sorted(maps.Keys(records)) {
		p := netip.MustParsePrefix(text)
		bits, ip := p.Bits(), p.Addr().AsSlice()
		if p.Addr().Is4() && version == 6 {
			bits, ip = bits+96, append(make([]byte, 12), ip...)
		}
		m.add(ip, bits, records[text])
	}
	return m.bytes(kind, version)
}

func (m *mmdb) add(ip []byte, bits int, record any) {
	at := 0
	for i := range bits {
		bit := int(ip[i/8] >> (7 - i%8) & 1)
		if i == bits-1 {
			m.leafs[[2]int{at, bit}] = record
			return
		}
		if m.nodes[at][bit] == 0 {
			m.nodes = append(m.nodes, [2]uint32{})
			m.nodes[at][bit] = uint32(len(m.nodes) - 1)
		}
		at = int(m.nodes[at][bit])
	}
}

func (m *mmdb) bytes(kind string, version int) []byte {
	var tree, data []byte
	count := uint32(len(m.nodes))
	for at, node := range m.nodes {
		for bit, child := range node {
			v := cmp.Or(child, count)
			if record, ok := m.leafs[[2]int{at, bit}]; ok {
				v = count + 16 + uint32(len(data))
				data = append(data, value(record)...)
			}
			tree = binary.BigEndian.AppendUint32(tree, v)
		}
	}
	out := append(append(tree, make([]byte, 16)...), data...)
	out = append(out, "\xAB\xCD\xEFMaxMind.com"...)
	return append(out, value(map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0),
		"build_epoch": uint64(1795320000), "database_type": kind, "description": map[string]any{"en": "a test's"},
		"ip_version": uint16(version), "languages": []any{"en"}, "node_count": count, "record_size": uint16(32),
	})...)
}

// value encodes one value.
func value(v any) []byte {
	head := func(kind, size int) []byte {
		b := []byte{byte(kind<<5 | min(size, 29))}
		if kind > 7 {
			b = []byte{byte(min(size, 29)), byte(kind - 7)}
		}
		if size >= 29 {
			b = append(b, byte(size-29))
		}
		return b
	}
	switch v := v.(type) {
	case string:
		return append(head(2, len(v)), v...)
	case float64:
		return binary.BigEndian.AppendUint64(head(3, 8), math.Float64bits(v))
	case uint16:
		return binary.BigEndian.AppendUint16(head(5, 2), v)
	case uint32:
		return binary.BigEndian.AppendUint32(head(6, 4), v)
	case uint64:
		return binary.BigEndian.AppendUint64(head(9, 8), v)
	case []any:
		out := head(11, len(v))
		for _, x := range v {
			out = append(out, value(x)...)
		}
		return out
	}
	all := v.(map[string]any)
	out := head(7, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(append(out, value(key)...), value(all[key])...)
	}
	return out
}

// country is a record as DB-IP Lite and GeoLite2 have it.
func country(code string) map[string]any {
	return map[string]any{"country": map[string]any{"iso_code": code, "names": map[string]any{"en": "of no interest"}}}
}

func city(code string, lat, lon float64, radius uint16) map[string]any {
	r := country(code)
	r["location"] = map[string]any{"latitude": lat, "longitude": lon, "accuracy_radius": radius}
	return r
}

func countryFile(t testing.TB) []byte {
	return write(t, "DBIP-Country-Lite", 6, map[string]any{
		"198.51.0.0/16": country("NL"), "203.0.0.0/8": country("SN"), "2001:db8::/32": country("DE"),
		"2002::/16": country("BE"), "8.0.0.0/8": country("not a country"), "9.0.0.0/8": map[string]any{"country_code": "US"},
	})
}

func systemFile(t testing.TB) []byte {
	return write(t, "DBIP-ASN-Lite", 6, map[string]any{
		"198.0.0.0/8": map[string]any{"autonomous_system_number": uint32(64500), "autonomous_system_organization": "Example"},
	})
}

func TestWrite(t *testing.T) {
	if !bytes.Contains(countryFile(t), []byte("MaxMind.com")) {
		t.Error("there is no end mark")
	}
}
