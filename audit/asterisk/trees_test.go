package asterisk

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // makes AstDB

	"pbxguard/audit"
	"pbxguard/audit/audittest"
	"pbxguard/numbering"
	"pbxguard/report"
)

var update = flag.Bool("update", false, "write what the tests get as what they want")

// copied is a tree of testdata in a folder of its own, with AstDB made of
// astdb.sql if there is one.
func copied(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	statements, err := os.ReadFile(filepath.Join(dir, "astdb.sql"))
	if err != nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Join(dir, "var/lib/asterisk"), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", filepath.Join(dir, "var/lib/asterisk/astdb.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(string(statements)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// perform audits a folder as a PBX of a country.
func perform(t testing.TB, dir, country string) audit.Run {
	t.Helper()
	site, done, err := audittest.Site(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	profile, err := numbering.DefaultProfile(country)
	if err != nil {
		t.Fatal(err)
	}
	profile.Extensions = `\d{3,4}`
	if site.Plan, err = numbering.NewPlan(profile); err != nil {
		t.Fatal(err)
	}
	run, err := audit.Perform(context.Background(), site, []audit.Kind{Kind()})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// Whole trees give the reports that stand in testdata/golden. A hardened one
// has nothing of medium or worse: a false alarm is a defect.
func TestTrees(t *testing.T) {
	trees := []struct{ name, dir, country string }{
		{"debian-hardened", "testdata/base", "NL"},
		{"debian-holed", "testdata/trees/debian-holed", "NL"},
		{"office-hardened", "testdata/trees/office-hardened", "US"},
		{"office-holed", "testdata/trees/office-holed", "US"},
		{"freepbx-hardened", "testdata/trees/freepbx-hardened", "GB"},
		{"freepbx-holed", "testdata/trees/freepbx-holed", "GB"},
	}
	for _, tt := range trees {
		t.Run(tt.name, func(t *testing.T) {
			run := perform(t, copied(t, tt.dir), tt.country)
			for _, f := range run.Findings {
				if strings.HasSuffix(tt.name, "-hardened") && f.Status == audit.Fail && f.Severity.AtLeast(audit.Medium) {
					t.Errorf("false alarm: %s %s %s at %s: %s", f.Severity, f.ID, f.Object, f.Location, f.Evidence)
				}
			}
			var b bytes.Buffer
			page := report.Page{W: &b, Now: audittest.Now}
			if err := page.Audit(report.Audit{Summary: run.Summarise(tt.name), Findings: run.Findings}); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "golden", tt.name+".txt")
			if *update {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}
