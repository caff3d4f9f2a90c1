package freeswitch

import (
	"context"
	"os"
	"slices"
	"testing"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
)

var suite = audittest.Suite{Kind: Kind(), Dir: "testdata/checks", Base: "testdata/base"}

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
