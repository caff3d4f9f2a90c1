package numbering

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// TestNumbersTable judges every row of the number tables. Kind, e164, region
// and class must be equal and the flags of the row present; further flags may
// be, except protected. More rows and profiles go into testdata as they are.
func TestNumbersTable(t *testing.T) {
	profiles := readProfiles(t, "testdata/profiles.toml")
	plans := make(map[string]*Plan)
	for _, file := range []string{"testdata/numbers.tsv", "testdata/more.tsv"} {
		for _, r := range readRows(t, file) {
			t.Run(r.profile+"/"+r.dialled, func(t *testing.T) {
				if plans[r.profile] == nil {
					plans[r.profile] = mustPlan(t, profileNamed(t, profiles, r.profile))
				}
				r.check(t, plans[r.profile])
			})
		}
	}
}

// A row is one line of a number table, with "-" for what is empty and "?" in
// front of a candidate.
type row struct {
	profile, dialled, kind, e164, region, class, flags string
}

func (r row) check(t *testing.T, p *Plan) {
	t.Helper()
	n := p.Normalise(r.dialled)
	got := row{r.profile, r.dialled, n.Kind.String(), dash(n.E164), dash(n.Region), dash(n.Class.String()), n.Flags.String()}
	if n.Candidate {
		got.e164 = "?" + got.e164
	}
	want := r
	want.flags = got.flags
	if got != want {
		t.Errorf("got  %v\nwant %v", got, r)
	}
	flags, err := ParseFlags(strings.Trim(r.flags, "-"))
	if err != nil {
		t.Fatal(err)
	}
	if !n.Flags.Has(flags) || n.Flags.Has(Protected) != flags.Has(Protected) {
		t.Errorf("got flags %s want %s", n.Flags, r.flags)
	}
	if p.Emergency(r.dialled) && !n.IsEmergency() {
		t.Errorf("Emergency(%q) is true, got kind %s", r.dialled, n.Kind)
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// readRows reads a table: a header, then tab-separated rows of seven columns
// and a note.
func readRows(t *testing.T, file string) []row {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []row
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		c := strings.Split(lines.Text(), "\t")
		switch {
		case n == 1 || lines.Text() == "" || strings.HasPrefix(lines.Text(), "# "):
		case len(c) < 7:
			t.Fatalf("%s:%d: got %d columns want 7 and a note", file, n, len(c))
		default:
			rows = append(rows, row{c[0], c[1], c[2], c[3], c[4], c[5], c[6]})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Fatalf("%s: no rows", file)
	}
	return rows
}

// readProfiles reads dial plans as an administrator writes them: each on top
// of the default of its country.
func readProfiles(t *testing.T, file string) map[string]Profile {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var tables map[string]map[string]any
	if err := toml.Unmarshal(text, &tables); err != nil {
		t.Fatal(err)
	}
	profiles := make(map[string]Profile)
	for name, table := range tables {
		country, _ := table["country"].(string)
		p := mustDefault(t, country)
		again, err := toml.Marshal(table)
		if err != nil {
			t.Fatal(err)
		}
		if err := toml.NewDecoder(strings.NewReader(string(again))).DisallowUnknownFields().Decode(&p); err != nil {
			t.Fatalf("%s: [%s]: %v", file, name, err)
		}
		profiles[name] = p
	}
	return profiles
}

var derivedProfile = regexp.MustCompile(`^([A-Z]{2})(\d*|T)$`)

// profileNamed returns a profile of the file, or the default of the country
// that the name begins with.
func profileNamed(t *testing.T, profiles map[string]Profile, name string) Profile {
	t.Helper()
	if p, ok := profiles[name]; ok {
		return p
	}
	m := derivedProfile.FindStringSubmatch(name)
	if m == nil {
		t.Fatalf("no profile %q", name)
	}
	p := mustDefault(t, m[1])
	if p.Trunk = m[2] == "T"; !p.Trunk {
		p.OutsideLine = m[2]
	}
	return p
}

func mustDefault(t testing.TB, country string) Profile {
	t.Helper()
	p, err := DefaultProfile(country)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustPlan(t testing.TB, profile Profile) *Plan {
	t.Helper()
	p, err := NewPlan(profile)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
