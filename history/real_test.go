package history

import (
	"cmp"
	"compress/gzip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
)

// The files below testdata/real are what Asterisk 16 and 22, FreeSWITCH 1.10.12,
// SQLite and PostgreSQL wrote of the same calls: see TestRecordCalls in e2e.
// Extension 102 calls 0205550123, 09001234567 and 112, is called from outside,
// and finds 103 busy; then comes each of the ways in e2e's payer_test.go.

// asteriskPaid is who paid for which calls outside, as the live guard says too.
var asteriskPaid = []string{
	"102 0205550123", "102 09001234567",
	"100 0205550123",                                   // by way of a Local channel
	"101 forward 0205550123", "101 forward 0205550123", // by the phone
	"101 forward 0205550123", "101 forward 0205550123", // by the database
	"101 transfer 0205550123", "101 transfer 0205550123", // blind
	"101 0205550123",         // attended
	"100 0205550123",         // through DISA
	"trunk trunk 0205550123", // the same from outside
	"101 0205550123",         // originated
}

// switchPaid is what FreeSWITCH's CSV tells: not who forwarded or transferred.
var switchPaid = []string{
	"102 0205550123", "102 09001234567", "100 0205550123",
	"100 0205550123", "trunk trunk 0205550123", "100 0205550123", "trunk trunk 0205550123",
	"100 0205550123", "trunk trunk 0205550123",
	"101 0205550123", "100 0205550123", "trunk trunk 0205550123", "101 0205550123",
}

// The templates that do not tell where a call went leave the number that the
// Local channel was reached by as well: such as 70 and the number.
var switchGuessed = slices.Insert(slices.Clone(switchPaid), 3, "100 700205550123")

func TestReal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		calls int
		want  []string
		fault string
	}{
		{"asterisk-16.csv", 27, asteriskPaid, ""},
		{"asterisk-22.csv", 27, asteriskPaid, ""},
		{"asterisk-16-custom.csv", 27, asteriskPaid, ""},
		{"asterisk-22-custom.csv", 27, asteriskPaid, ""},
		{"sqlite-header.csv", 27, asteriskPaid, ""},
		{"sqlite-bare.csv", 27, asteriskPaid, ""},
		{"postgres.csv", 27, asteriskPaid, ""},
		{"postgres.tsv", 27, asteriskPaid, ""},
		{"postgres-null.csv", 27, asteriskPaid, ""},
		{"freeswitch-asterisk.csv", 18, switchPaid, ""},
		{"freeswitch-example.csv", 18, switchGuessed, ""},
		{"freeswitch-snom.csv", 18, switchGuessed, ""},
		{"freeswitch-linksys.csv", 18, switchGuessed, ""},
		{"freeswitch-sql.csv", 18, switchGuessed, ""},
		{"freeswitch-opencdrrate.csv", 17, switchGuessed, "freeswitch-opencdrrate.csv:5:65: is no time"},
		{"freeswitch-documents", 11, []string{
			"102 0205550123", "100 0205550123", "101 0205550123", "101 0205550123", "101 0205550123", "100 0205550123", "trunk trunk 0205550123", "101 0205550123",
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) { testReal(t, tt.name, tt.calls, tt.want, tt.fault) })
	}
}

func testReal(t *testing.T, name string, calls int, want []string, fault string) {
	h := real(t, filepath.Join("testdata", "real", name))
	if len(h.Calls) != calls || h.Twice != 0 {
		t.Errorf("got %d calls and %d twice, want %d", len(h.Calls), h.Twice, calls)
	}
	if faults := h.Faults.Kept; len(faults) > 0 != (fault != "") || len(faults) > 0 && !strings.HasPrefix(faults[0].Error(), fault) {
		t.Errorf("got %v, want %q", faults, fault)
	}
	if got := paid(t, h); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func real(t *testing.T, paths ...string) *History {
	t.Helper()
	h, err := Read(paths, Source{PBX: "pbx", Internal: plan(t).Internal})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// paid plays a history to a guard that ends nothing and returns who paid for
// which calls, in their order. Gateways whose name no record tells are "trunk" too.
func paid(t *testing.T, h *History) []string {
	t.Helper()
	p := policy(t)
	p.Default.Class = nil
	site := *p.PBXs["pbx"]
	site.Phones = regexp.MustCompile(`^10\d$`)
	p.PBXs["pbx"] = &site
	var records []guard.CallRecord
	if _, err := Play(h.Calls, nil, Options{PBX: "pbx", Policy: p, Told: func(r guard.CallRecord) { records = append(records, r) }}); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(records, func(a, b guard.CallRecord) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Sent, b.Sent))
	})
	var got []string
	for _, r := range records {
		text := r.Payer.Name + " " + r.Via + " " + r.Sent
		got = append(got, strings.ReplaceAll(strings.ReplaceAll(text, "  ", " "), "gateway", "trunk"))
	}
	return got
}

// TestRealTwice reads what FreeSWITCH and Asterisk write a second time, and what
// a host has rotated and packed.
func TestRealTwice(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/real/asterisk-16.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	put := func(name, text string) {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if !strings.HasSuffix(name, ".gz") {
			_, err = f.WriteString(text)
		} else {
			z := gzip.NewWriter(f)
			if _, err = z.Write([]byte(text)); err == nil {
				err = z.Close()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("Master.csv", strings.Join(lines[10:], ""))
	put("Master.csv.1", strings.Join(lines[5:10], ""))
	put("Master.csv.2.gz", strings.Join(lines[:5], ""))
	put("4711.csv", lines[24]+lines[25])
	put("Master.csv.bak", "not a record")
	h := real(t, dir)
	if len(h.Calls) != 27 || h.Twice != 2 || h.Files != 4 {
		t.Errorf("got %d calls of %d files, %d more twice; want 27, 4, 2", len(h.Calls), h.Files, h.Twice)
	}
	if got := paid(t, h); !slices.Equal(got, asteriskPaid) {
		t.Errorf("got  %q\nwant %q", got, asteriskPaid)
	}
}

// TestRealZone: a PBX in Amsterdam whose package has Asterisk write UTC.
func TestRealZone(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for name, hour := range map[string]int{"asterisk-16.csv": 12, "postgres-null.csv": 12, "postgres.csv": 12, "freeswitch-example.csv": 11} {
		h, err := Read([]string{filepath.Join("testdata", "real", name)}, Source{PBX: "pbx", Zone: zone, Internal: plan(t).Internal})
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Calls[0].Start.UTC().Hour(); got != hour {
			t.Errorf("%s: got %d o'clock in UTC, want %d", name, got, hour)
		}
		if noted := len(h.Notes) > 0; noted != (name == "asterisk-16.csv") {
			t.Errorf("%s: got %q", name, h.Notes)
		}
	}
}
