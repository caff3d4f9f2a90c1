package firewall

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pbxguard/testbed"
)

// recorded reads datagrams of real dumps, one hex line each: kernel 6.18, a
// hash set of three elements, one of one, an interval set of two runs, and an
// empty one with the message that ends a dump.
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/dumps.hex")
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		name, data, _ := strings.Cut(strings.TrimSpace(line), " ")
		if out[name], err = hex.DecodeString(data); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestDecodeDump(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		testbed.Skip(t, "the recording is of a little-endian machine")
	}
	show := func(e dumped) string {
		return fmt.Sprint(e.key, " ", e.left.Round(time.Minute), map[bool]string{true: " end"}[e.end])
	}
	tests := []struct {
		name string
		want []string
		done bool
	}{
		{"hash4", []string{"198.51.100.2 2h0m0s", "198.51.100.1 1h0m0s", "198.51.100.3 0s"}, false},
		{"hash6", []string{"2001:db8:1:2:: 1h0m0s"}, false},
		{"interval", []string{"203.0.113.128 0s end", "203.0.113.0 0s", "198.51.100.128 0s end", "198.51.100.64 1h0m0s", "0.0.0.0 0s end"}, false},
		{"done", nil, true},
	}
	data := recorded(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			elements, done, err := decodeDump(data[tt.name], nil)
			var got []string
			for _, e := range elements {
				got = append(got, show(e))
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) || done != tt.done || err != nil {
				t.Errorf("got %q, %v, %v; want %q, %v", got, done, err, tt.want, tt.done)
			}
			for n := 1; n < len(data[tt.name]); n++ {
				if e, done, _ := decodeDump(data[tt.name][:n], nil); done || len(e) > 0 {
					t.Fatalf("cut at %d: got %v, %v; want nothing", n, e, done)
				}
			}
		})
	}
}

func TestDumpErrors(t *testing.T) {
	table := testTable(t)
	never := func([]dumped) error { t.Error("visited"); return nil }
	if err := dump(soon(t), table, "ban4", never); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no table: got %v, want ENOENT", err)
	}
	k, err := openKernel(table)
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	if err := dump(soon(t), table, "ban4", never); err != nil {
		t.Errorf("empty set: %v", err)
	}
	var bans []ban
	for i := range chunkSize {
		bans = append(bans, ban{testPrefix4(i), time.Hour})
	}
	if err := k.load(bans); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if err := dump(soon(t), table, "ban4", func([]dumped) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("a visitor that stops: got %v", err)
	}
}

func FuzzDecodeDump(f *testing.F) {
	for _, b := range recorded(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		elements, _, err := decodeDump(b, nil)
		if err != nil && !errors.Is(err, errShort) && !errors.Is(err, errInterrupted) && !errors.As(err, new(unix.Errno)) {
			t.Errorf("unknown error %v", err)
		}
		// An element takes two nested attributes and a key at least.
		if len(elements) > len(b)/16 {
			t.Errorf("%d elements of %d bytes", len(elements), len(b))
		}
		for _, e := range elements {
			if !e.key.IsValid() || e.left < 0 || e.left > farthest {
				t.Errorf("bad element %+v", e)
			}
		}
		for p, left := range joinRuns(elements) {
			if p != p.Masked() || left < 0 {
				t.Errorf("bad run %s, %v", p, left)
			}
		}
	})
}

// TestJoinRunsHostile: runs of mixed families and without an end.
func TestJoinRunsHostile(t *testing.T) {
	a := netip.MustParseAddr
	got := joinRuns([]dumped{
		{key: a("10.0.0.0")}, {key: a("10.0.1.0"), end: true}, {key: a("10.0.1.0"), left: time.Hour},
		{key: a("10.0.2.0"), end: true, left: 5}, {key: a("10.0.9.0")}, {key: a("2001:db8::"), end: true}, {key: a("2001:db9::")},
	})
	want := map[netip.Prefix]time.Duration{
		netip.MustParsePrefix("10.0.0.0/24"): 0, netip.MustParsePrefix("10.0.1.0/24"): time.Hour,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
