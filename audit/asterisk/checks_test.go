package asterisk

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
)

// suite proves every check of this package with its fixtures.
func suite() audittest.Suite {
	return audittest.Suite{Kind: Kind(), Dir: "testdata/checks", Base: "testdata/base", Setup: setup}
}

// setup tells what no file can: what an earlier run left, and what the guard
// saw.
func setup(id, variant string, s *audit.Site) {
	day := func(n int) time.Time { return s.Now.AddDate(0, 0, -n) }
	s.Memory = &audit.Memory{Key: make([]byte, 32)}
	s.History = &audit.History{Since: day(100), Accounts: map[string]audit.Seen{"201": {Registered: day(1)}, "202": {Called: day(29)}}, Trunks: map[string]time.Time{"carrier": day(2)}}
	s.Words = []string{"Bakkerij"}
	if strings.HasPrefix(id, "AST-LIVE-") {
		s.Live = map[string]audit.Answers{"asterisk": Ask(context.Background(), runsBase())}
	}
	switch id {
	case "AST-DP-019", "FPX-017", "FWD-004", "STALE-009":
		if variant == "unreadable" {
			break
		}
		remember(s)
	case "PW-009", "PW-009-leaver":
		remember(s)
		s.Memory.Since = map[string]time.Time{}
		for name := range s.Memory.Old {
			s.Memory.Since[name] = day(370)
		}
		for _, of := range []string{"extension:202", "administrator:pbxguard", "program:desk", "trunk:carrier"} {
			s.Memory.Since["secret:"+of] = day(100)
		}
		if id == "PW-009-leaver" {
			s.Memory.Since["secret:extension:201"] = day(50)
			s.Leavers = map[string]time.Time{"201": day(40), "admin:boss": day(200)}
		}
		if variant == "unreadable" {
			s.Memory = nil
		}
	case "FWD-005-left":
		s.Leavers = map[string]time.Time{"202": day(10)}
	case "FWD-003-since":
		s.Memory.Old = map[string]string{"forward:CFB/201": s.Memory.Mark([]byte("0612345678"))}
		s.Memory.Since = map[string]time.Time{"forward:CFB/201": day(370)}
	case "FPX-013-new":
		s.Memory.Old = map[string]string{"freepbx-admin:anna": ""}
	case "FWD-007":
		if variant == "unreadable" {
			s.History = nil
		} else if variant == "fail" {
			s.History.Forwards = []audit.Forwarded{{Account: "201", Number: "00252612345678", Last: day(3)}}
		}
	case "STALE-004":
		s.Leavers = map[string]time.Time{"201": day(10)}
		if variant == "pass" {
			s.Leavers = map[string]time.Time{"299": day(10)}
		}
	case "STALE-005":
		s.Active = map[string]bool{"201": true, "202": true}
	case "STALE-001":
		if variant == "unreadable" {
			s.History.Since = day(10)
		}
	}
}

// remember takes the marks of the sound tree for those of the last run.
func remember(s *audit.Site) {
	tree, err := audit.Open("testdata/base")
	if err != nil {
		panic(err)
	}
	defer tree.Close()
	base := &audit.Site{Tree: tree, Now: s.Now, Plan: s.Plan, Memory: s.Memory}
	s.Memory.Old = map[string]string{}
	p, _ := load(base)
	for _, r := range table() {
		r.Find(p, &audit.Result{})
	}
	s.Memory.Old, s.Memory.New = s.Memory.New, nil
	s.Memory.Old["custom:/etc/asterisk/extensions_custom.conf"] = s.Memory.Mark([]byte("[from-internal-custom]\n"))
}

// R9, among the rest: releases in which messages may come in a false name.
func TestChecks(t *testing.T) { suite().Run(t) }

// TestMutants is what make mutants runs.
func TestMutants(t *testing.T) {
	if os.Getenv("PBXGUARD_MUTANTS") == "" {
		t.Skip("make mutants runs it")
	}
	suite().Mutants(t)
	suite().Statements(t, "rules_freepbx*.go", "freepbx_*.go", "rules_forward.go", "rules_stale.go", "rules_voicemail.go")
}

// TestFreePBXDump reads what a real MariaDB's mysqldump wrote of FreePBX's
// tables.
func TestFreePBXDump(t *testing.T) {
	text, err := os.ReadFile("testdata/freepbx.sql")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ReadDump("x", text)
	if err != nil {
		t.Fatal(err)
	}
	rows := func(table string) []audit.Row {
		all, err := d.Rows(context.Background(), table)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	for _, table := range tableNames {
		if len(rows(table)) == 0 {
			t.Errorf("got no row of %s", table)
		}
	}
	for _, tt := range []struct{ name, got, want string }{
		{"escapes", rows("userman_users")[1]["displayname"], "Line\nbreak; 'quoted' \\ back"},
		{"a number", rows("trunks")[0]["trunkid"], "1"},
		{"a column whose name is a word of SQL", rows("trunks")[0]["continue"], "off"},
		{"brackets and commas in a text", rows("incoming")[0]["destination"], "app-blackhole,hangup,1"},
		{"JSON", rows("modules")[1]["signature"], `{"status":129}`},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if _, set := rows("devices")[0]["hint_override"]; set {
		t.Error("a NULL is there")
	}
	for name, bad := range map[string]string{
		"no table": "SELECT 1;\n", "half a row": string(text[:bytes.Index(text, []byte("cdr;rec"))]), "no values": "CREATE TABLE `users` (\n`extension` int\n);\nINSERT INTO `users` SELECT 1;",
	} {
		if _, err := ReadDump("x", []byte(bad)); err == nil {
			t.Errorf("got no error for %s", name)
		}
	}
}

func FuzzFreePBXDump(f *testing.F) {
	text, err := os.ReadFile("testdata/freepbx.sql")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text[:6000])
	f.Add([]byte("CREATE TABLE `users` (\n  `extension` int\n);\nINSERT INTO `users` (`extension`) VALUES (0x31),(_binary 'a\\'b''c'),(NULL);"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if d, err := ReadDump("x", text); (d == nil) == (err == nil) {
			t.Errorf("got %v, %v", d, err)
		}
	})
}
