package asterisk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// manager is an Asterisk that runs what a tree says, as far as it shows that.
type manager struct {
	pbx     *PBX
	version string
	refuse  string // actions that the account may not use
}

// runsBase runs the sound tree, and one endpoint that is in no file.
func runsBase() *manager {
	tree, err := audit.Open("testdata/base")
	if err != nil {
		panic(err)
	}
	defer tree.Close()
	p, _ := load(&audit.Site{Tree: tree, Now: time.Now()})
	for _, name := range []string{"modules.conf", "voicemail.conf"} {
		p.file(name)
	}
	p.objects["endpoint"] = append(p.objects["endpoint"], &conf.Section{Name: "299", Settings: []conf.Setting{{Key: "context", Value: "phones"}}})
	return &manager{pbx: p, version: "22.10.1"}
}

func (m *manager) Ask(_ context.Context, action string, headers ...string) (map[string]string, []map[string]string, error) {
	if slices.Contains(strings.Fields(m.refuse), action) {
		return nil, nil, errors.New("cannot ask Asterisk for " + action + ": Permission denied")
	}
	switch action {
	case "CoreSettings":
		return map[string]string{"AsteriskVersion": m.version}, nil, nil
	case "ModuleCheck":
		if m.pbx.moduleInFile(headers[1]+".so") == unloaded {
			return nil, nil, errors.New("Module not loaded")
		}
		return map[string]string{}, nil, nil
	case "PJSIPShowEndpoints":
		return nil, m.records("endpoint", ""), nil
	case "PJSIPShowEndpoint":
		return nil, append(m.records("endpoint", headers[1]), m.records("identify", headers[1])...), nil
	case "PJSIPShowAuths":
		return nil, m.records("auth", ""), nil
	case "PJSIPShowAors":
		return nil, m.records("aor", ""), nil
	case "ShowDialPlan":
		return nil, m.plan(), nil
	case "VoicemailUsersList":
		return nil, []map[string]string{{"VMContext": "default", "VoiceMailbox": "201"}}, nil
	case "DBGetTree":
		return nil, nil, nil
	}
	return nil, nil, errors.New("Invalid/unknown command: " + action)
}

// records are objects of chan_pjsip as AMI shows them.
func (m *manager) records(kind, only string) (all []map[string]string) {
	for _, s := range m.pbx.objects[kind] {
		if only != "" && s.Name != only {
			continue
		}
		rec := map[string]string{"Event": strings.ToUpper(kind[:1]) + kind[1:] + "Detail", "ObjectType": kind, "ObjectName": s.Name}
		if kind == "identify" {
			rec["Endpoint"] = s.Get("endpoint")
		}
		for _, c := range compared[kind] {
			header := ""
			for word := range strings.SplitSeq(c[0], "_") {
				header += strings.ToUpper(word[:1]) + word[1:]
			}
			rec[header] = or(s.Get(c[0]), c[1])
			if rec[header] == "yes" || rec[header] == "no" {
				rec[header] = strconv.FormatBool(rec[header] == "yes")
			}
		}
		all = append(all, rec)
	}
	return all
}

func (m *manager) plan() (all []map[string]string) {
	for _, name := range m.pbx.plan.names {
		c := m.pbx.plan.contexts[name]
		for _, e := range c.all {
			for i, s := range e.steps {
				all = append(all, map[string]string{"Context": name, "Extension": e.text, "Priority": fmt.Sprint(i + 1), "Application": s.app, "AppData": s.args, "Registrar": "pbx_config"})
			}
		}
		for _, inc := range c.includes {
			all = append(all, map[string]string{"Context": name, "IncludeContext": inc.name, "Registrar": "pbx_config"})
		}
	}
	return append(all, map[string]string{"Context": "parkedcalls", "Extension": "701", "Priority": "1", "Application": "ParkedCall", "Registrar": "res_parking"})
}

// An Asterisk that may not be asked, or not for all, passes nothing.
func TestAskedInVain(t *testing.T) {
	for _, tt := range []struct{ refuse, incomplete string }{
		{"CoreSettings", "AST-LIVE-001 AST-LIVE-002 AST-LIVE-003 AST-LIVE-004 AST-LIVE-005 AST-LIVE-006 AST-LIVE-007"},
		{"ShowDialPlan VoicemailUsersList", "AST-LIVE-004 AST-LIVE-006"},
		{"PJSIPShowEndpoints", "AST-LIVE-001 AST-LIVE-002 AST-LIVE-003"},
		{"PJSIPShowEndpoint", "AST-LIVE-002"},
		{"PJSIPShowAuths", "AST-LIVE-002"},
		{"ModuleCheck", "AST-LIVE-005"},
	} {
		t.Run(tt.refuse, func(t *testing.T) {
			m := runsBase()
			m.refuse = tt.refuse
			tree, err := audit.Open("testdata/base")
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			site := &audit.Site{Tree: tree, Now: time.Now(), Live: map[string]audit.Answers{"asterisk": Ask(t.Context(), m)}}
			run, err := audit.Perform(t.Context(), site, []audit.Kind{Kind()})
			if err != nil {
				t.Fatal(err)
			}
			told := map[string]bool{}
			for _, f := range run.Findings {
				if f.Status == audit.Incomplete && strings.Contains(f.Evidence, "Permission denied") {
					told[f.ID] = true
				}
			}
			for id := range strings.FieldsSeq(tt.incomplete) {
				if !told[id] {
					t.Errorf("%s is not incomplete", id)
				}
			}
		})
	}
}

// What a database holds is judged where the running Asterisk shows it, and is
// incomplete where it doesn't.
func TestDatabaseIsAsked(t *testing.T) {
	m := runsBase()
	last := m.pbx.objects["endpoint"][len(m.pbx.objects["endpoint"])-1]
	last.Settings = append(last.Settings, conf.Setting{Key: "auth", Value: "299"})
	m.pbx.objects["auth"] = append(m.pbx.objects["auth"], &conf.Section{Name: "299", Settings: []conf.Setting{{Key: "username", Value: "299"}, {Key: "password", Value: "299"}}})
	for _, tt := range []struct {
		name string
		live map[string]audit.Answers
		want audit.Status
	}{
		{"asked", map[string]audit.Answers{"asterisk": Ask(t.Context(), m)}, audit.Fail},
		{"not asked", nil, audit.Incomplete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := copied(t, "testdata/base")
			if err := os.WriteFile(filepath.Join(dir, "etc/asterisk/extconfig.conf"), []byte("[settings]\nps_endpoints => odbc,asterisk\nps_auths => odbc,asterisk\n"), 0o640); err != nil {
				t.Fatal(err)
			}
			tree, err := audit.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			site := &audit.Site{Tree: tree, Now: time.Now(), Live: tt.live}
			run, err := audit.Perform(t.Context(), site, []audit.Kind{Kind()})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range run.Findings {
				if f.ID == "AST-PJSIP-005" && f.Status != audit.Pass {
					if f.Status != tt.want {
						t.Errorf("got %s %s: %s", f.Status, f.Object, f.Evidence)
					}
					return
				}
			}
			t.Errorf("want %s", tt.want)
		})
	}
}
