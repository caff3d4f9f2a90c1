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

// Whatever makes objects elsewhere than in the usual files is read, or named and
// incomplete.
func TestOtherSources(t *testing.T) {
	const more = "[301]\ntype=endpoint\nauth=301\ncontext=phones\n[301]\ntype=auth\nusername=301\npassword=301\n"
	for _, tt := range []struct {
		name, file, text string
		id               string
		want             audit.Status
		evidence         string
	}{
		{"another file", "sorcery.conf", "[res_pjsip]\nendpoint=config,pjsip.conf,criteria=type=endpoint\nauth=config,pjsip_more.conf,criteria=type=auth\n", "AST-PJSIP-005", audit.Fail, ""},
		{"another file that is not there", "sorcery.conf", "[res_pjsip]\nauth=config,none.conf\n", "AST-PJSIP-005", audit.Pass, ""},
		{"memory", "sorcery.conf", "[res_pjsip]\nauth=memory\n", "AST-PJSIP-005", audit.Incomplete, "sorcery.conf:2: auth comes from memory"},
		{"AstDB", "sorcery.conf", "[res_pjsip]\nauth=astdb,x\n", "AST-PJSIP-005", audit.Incomplete, "sorcery.conf:2: auth comes from a database"},
		{"a table", "extconfig.conf", "[settings]\nps_auths => odbc,x\n", "AST-PJSIP-005", audit.Incomplete, "extconfig.conf:2: ps_auths"},
		{"a whole file", "extconfig.conf", "[settings]\npjsip.conf => odbc,x\n", "AST-PJSIP-005", audit.Incomplete, "extconfig.conf:2: pjsip.conf"},
		{"the whole dialplan", "extconfig.conf", "[settings]\nextensions.conf => odbc,x\n", "AST-DP-001", audit.Incomplete, "extensions.conf comes from a database"},
		{"the manager's accounts", "extconfig.conf", "[settings]\nmanager.conf => odbc,x\n", "AST-AMI-005", audit.Incomplete, "manager.conf comes from a database"},
		{"mailboxes", "extconfig.conf", "[settings]\nvoicemail => odbc,x\n", "AST-VM-001", audit.Incomplete, "voicemail comes from a database"},
		{"a switch", "extensions.conf", "[phones]\nswitch => Realtime/@\n", "AST-DP-001", audit.Incomplete, "goes on in Realtime/@"},
		{"a program's output", "asterisk.conf", "[options]\nexecincludes=yes\n", "AST-PJSIP-005", audit.Incomplete, "the output of #exec is not read"},
		{"AEL", "extensions.ael", "context phones {\n _X. => Hangup();\n}\n", "AST-DP-001", audit.Incomplete, "extensions.ael"},
		{"Lua", "extensions.lua", "extensions = { phones = { [\"_X.\"] = f } }\n", "AST-DP-001", audit.Incomplete, "extensions.lua"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := copied(t, "testdata/base")
			etc := filepath.Join(dir, "etc/asterisk")
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.RemoveAll(filepath.Join(etc, "modules.conf")); err != nil { // it keeps AEL and Lua out
				t.Fatal(err)
			}
			write("pjsip_more.conf", more)
			write(tt.file, tt.text)
			if tt.file == "asterisk.conf" {
				write("pjsip_wizard.conf", "#exec \"/usr/local/bin/phones\"\n")
			}
			tree, err := audit.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			run, err := audit.Perform(t.Context(), &audit.Site{Tree: tree, Now: time.Now()}, []audit.Kind{Kind()})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range run.Findings {
				if f.ID == tt.id && f.Status == tt.want && strings.Contains(f.Evidence, tt.evidence) {
					return
				}
				if f.ID == tt.id {
					got = append(got, fmt.Sprintf("%s %s", f.Status, f.Evidence))
				}
			}
			t.Errorf("got %q, want %s %q", got, tt.want, tt.evidence)
		})
	}
}

// Whatever a running Asterisk says, the comparison ends.
func FuzzAnswers(f *testing.F) {
	f.Add("PJSIPShowEndpoints\nObjectName: 201\n\nPJSIPShowEndpoint 201\nEvent: EndpointDetail\nObjectType: endpoint\nObjectName: 201\nContext: x\n\nShowDialPlan\nContext: a\nExtension: _[1-\nApplication: x\nPriority: 1\nRegistrar: pbx_config\n")
	f.Add("ShowDialPlan\nContext: phones\nIncludeContext: |\nSwitch: ${\n\nVoicemailUsersList\nVMContext: default\n\nDBGetTree CF\nKey: /CF/1\nVal: 0900\n\nSIPpeers\nObjectName: \n\nSIPshowpeer x\nContext: y\n")
	tree, err := audit.Open("testdata/base")
	if err != nil {
		f.Fatal(err)
	}
	defer tree.Close()
	f.Fuzz(func(t *testing.T, said string) {
		answers := audit.Answers{"CoreSettings": {Records: []map[string]string{{"AsteriskVersion": said}}}}
		for block := range strings.SplitSeq(said, "\n\n") {
			question, rest, _ := strings.Cut(block, "\n")
			rec := map[string]string{}
			for line := range strings.SplitSeq(rest, "\n") {
				key, value, _ := strings.Cut(line, ": ")
				rec[key] = value
			}
			a := answers[question]
			a.Records = append(a.Records, rec)
			answers[question] = a
		}
		p, _ := load(&audit.Site{Tree: tree, Now: time.Now(), Live: map[string]audit.Answers{"asterisk": answers}})
		for _, r := range liveRules() {
			r.Find(p, &audit.Result{})
		}
		p.merge()
	})
}
