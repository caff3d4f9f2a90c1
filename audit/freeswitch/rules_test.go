package freeswitch

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
)

var suite = audittest.Suite{Kind: Kind(), Dir: "testdata/checks", Base: "testdata/base", Setup: setup}

// setup tells what no file can: what earlier runs left, and what the guard saw.
func setup(id, variant string, s *audit.Site) {
	day := func(n int) time.Time { return s.Now.AddDate(0, 0, -n) }
	s.Memory = &audit.Memory{Key: make([]byte, 32)}
	s.History = &audit.History{Since: day(100), Accounts: map[string]audit.Seen{}, Trunks: map[string]time.Time{"itsp": day(2)}}
	for _, user := range []string{"1000", "1001", "1002"} {
		s.History.Accounts[user] = audit.Seen{Called: day(2)}
	}
	s.History.Accounts["1002"] = audit.Seen{Registered: day(1)}
	if strings.HasPrefix(id, "FS-LIVE-") {
		s.Live = map[string]audit.Answers{"freeswitch": Ask(context.Background(), runsBase())}
	}
	switch id {
	case "STALE-001":
		if variant == "fail" {
			s.History.Accounts["1002"] = audit.Seen{Registered: day(61)}
		}
	case "STALE-004":
		s.Leavers = map[string]time.Time{"1002": day(10)}
		if variant == "pass" {
			s.Leavers = map[string]time.Time{"1099": day(10)}
		}
	case "STALE-005":
		s.Active = map[string]bool{"1000": true, "1001": true, "1002": variant != "fail"}
	case "STALE-009":
		s.Memory.Old = map[string]string{"account:1000": "", "account:1001": ""}
		if variant == "pass" {
			s.Memory.Old["account:1002"] = ""
		}
	case "PW-009":
		secret := []byte("vB9nQx5Gy7Hl3Pd4Ks8M")
		s.Memory.Old = map[string]string{"secret:extension:1002": s.Memory.Mark(secret)}
		s.Memory.Since = map[string]time.Time{"secret:extension:1002": day(370)}
	case "FWD-007":
		s.History.Forwards = []audit.Forwarded{{Account: "1002", Number: "00252612345678", Last: day(3)}}
		if variant == "pass" {
			s.History.Forwards[0].Number = "1001"
		}
	}
}

// R9, among the rest: profiles that take messages and subscriptions without a login.
func TestChecks(t *testing.T) { suite.Run(t) }

func TestMutants(t *testing.T) { suite.Mutants(t) }

// No configuration, however broken, stops the checks.
func FuzzAudit(f *testing.F) {
	var all []byte
	for _, name := range []string{"dialplan/default.xml", "dialplan/public.xml", "sip_profiles/external.xml", "directory/default/1000.xml", "autoload_configs/acl.conf.xml"} {
		text, err := os.ReadFile("testdata/base/etc/freeswitch/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
		all = append(all, text...)
	}
	f.Add(string(all))
	frame := func(section, text string) string {
		return "<section name=\"" + section + "\">\n" + text + "\n</section>\n"
	}
	site, done, err := audittest.Site(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(done)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 20_000 {
			t.Skip()
		}
		whole := "<document>\n" + frame("configuration", text+"<configuration name=\"sofia.conf\"><profiles>"+text+"</profiles></configuration>") +
			frame("dialplan", text) + frame("directory", text) + "</document>\n"
		doc, err := Read(memFiles{"/c/freeswitch.xml": whole}, "/c")
		if err != nil {
			t.Fatal(err)
		}
		kind := audit.NewKind("fuzz", slices.Concat(coreRules(), directoryRules(), profileRules(), dialplanRules(), serviceRules()), func(s *audit.Site) (*model, bool) {
			m := &model{site: s, dir: "/c", doc: doc}
			m.modules, m.dynamic = m.loaded(), m.handlers()
			m.build()
			return m, true
		})
		if _, err := audit.Perform(context.Background(), site, []audit.Kind{kind}); err != nil {
			t.Fatal(err)
		}
	})
}
