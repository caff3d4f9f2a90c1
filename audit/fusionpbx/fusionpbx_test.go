package fusionpbx

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
)

var suite = audittest.Suite{Kind: Kind(nil), Dir: "testdata/checks", Base: "testdata/base", Setup: setup}

// setup tells what no file of a fixture can.
func setup(id, variant string, s *audit.Site) {
	s.Owned = []string{"+31205550100"}
	s.History = &audit.History{Since: audittest.Now.AddDate(0, -3, 0), Accounts: map[string]audit.Seen{}}
	s.Memory = &audit.Memory{Key: make([]byte, 32)}
	switch id {
	case "STALE-004":
		s.Leavers = map[string]time.Time{"199": audittest.Now.AddDate(0, 0, -10)}
	case "FUS-013-new":
		s.Memory.Old = map[string]string{"fusionpbx-superadmin:known": "", "fusionpbx-superadmin:ann": ""}
	case "STALE-005":
		s.Active = map[string]bool{"admin:ann": true}
	case "PW-009":
		s.Memory.Old = map[string]string{"secret:administrator:old-hash": s.Memory.Mark([]byte("$2y$10$abcdefghijklmnopqrstuv"))}
		s.Memory.Since = map[string]time.Time{"secret:administrator:old-hash": audittest.Now.AddDate(0, 0, -370)}
	}
}

func TestChecks(t *testing.T) { suite.Run(t) }

func TestMutants(t *testing.T) {
	suite.Mutants(t)
	suite.Statements(t, "*.go")
}

const baseDump = "testdata/base/var/backups/fusionpbx/postgresql/fusionpbx_pgsql_20261120.sql"

func TestReadDump(t *testing.T) {
	const two = "COPY public.v_users (user_uuid, \"name\") FROM stdin;\n1\ta\\tb\\\\c\n2\t\\N\n\\.\n"
	d, err := ReadDump("x", []byte(two))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := d.Rows(context.Background(), "v_users")
	want := []Row{{"user_uuid": "1", "name": "a\tb\\c"}, {"user_uuid": "2"}}
	if err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("got %q %v, want %q", rows, err, want)
	}
	for name, text := range map[string]string{
		"an archive": "PGDMP\x01\x0e", "no table": "SELECT 1;\n", "half a table": two[:60], "inserts": "INSERT INTO public.v_users VALUES ('1');\n",
	} {
		if _, err := ReadDump("x", []byte(text)); err == nil {
			t.Errorf("got no error for %s", name)
		}
	}
}

func TestNoDatabaseIsIncomplete(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/base")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "var")); err != nil {
		t.Fatal(err)
	}
	s, done, err := audittest.Site(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	run, err := audit.Perform(context.Background(), s, []audit.Kind{Kind(nil)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range run.Findings {
		if f.Status == audit.Pass && f.ID != "FUS-011" {
			t.Errorf("got %s passed without a database", f.ID)
		}
	}
}

func FuzzReadDump(f *testing.F) {
	text, err := os.ReadFile(baseDump)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(strings.ReplaceAll(string(text), "\t", "\\t"))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ReadDump("x", []byte(text))
		if d == nil && err == nil {
			t.Error("got neither a dump nor an error")
		}
	})
}
