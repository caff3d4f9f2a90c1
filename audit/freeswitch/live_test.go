package freeswitch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/audit"
)

// console is a FreeSWITCH that runs what a tree says.
type console struct {
	answers map[string]string
	refuse  []string
}

func (c console) Ask(_ context.Context, question string) (string, error) {
	if slices.Contains(c.refuse, question) {
		return "", errors.New("cannot ask FreeSWITCH for " + question + ": permission denied")
	}
	return c.answers[question], nil
}

// runsBase runs the sound tree.
func runsBase() console {
	tree, err := audit.Open("testdata/base")
	if err != nil {
		panic(err)
	}
	defer tree.Close()
	m, _ := load(&audit.Site{Tree: tree, Now: time.Now()}, nil)
	p, err := compile(tree, m.dir, builtin(m.dir), nil)
	if err != nil {
		panic(err)
	}
	vars, profiles, gateways := "", "", ""
	for name, v := range p.vars {
		if !v.unknown {
			vars += name + "=" + v.value + "\n"
		}
	}
	c := console{answers: map[string]string{askVersion: "FreeSWITCH Version 1.10.12", askDocument: p.out.String(), askVariables: vars, askRegistrations: `{"row_count": 0}`}}
	for _, p := range m.profiles {
		profiles += "<profile><name>" + p.name + "</name><type>profile</type></profile>"
		c.answers[askProfile+p.name] = "<profile><profile-info><name>" + p.name + "</name><context>" + p.context() + "</context><challenge-realm>" + p.set.value("challenge-realm") + "</challenge-realm></profile-info></profile>"
	}
	for _, g := range m.gateways {
		gateways += "<gateway><name>" + g.name + "</name><context>" + g.set.value("context") + "</context></gateway>"
	}
	var list struct {
		Rows []map[string]string `json:"rows"`
	}
	for name := range m.modules {
		list.Rows = append(list.Rows, map[string]string{"type": "api", "ikey": name})
	}
	mods, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	c.answers[askProfiles], c.answers[askGateways], c.answers[askModules] = "<profiles>"+profiles+"</profiles>", "<gateways>"+gateways+"</gateways>", string(mods)
	return c
}

// live audits the sound tree with what a console says.
func live(t *testing.T, c console) (told map[string]string) {
	t.Helper()
	tree, err := audit.Open("testdata/base")
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	site := &audit.Site{Tree: tree, Now: time.Now(), Live: map[string]audit.Answers{"freeswitch": Ask(t.Context(), c)}}
	run, err := audit.Perform(t.Context(), site, []audit.Kind{Kind()})
	if err != nil {
		t.Fatal(err)
	}
	told = map[string]string{}
	for _, f := range run.Findings {
		if strings.HasPrefix(f.ID, "FS-LIVE-") && f.Status != audit.Pass {
			told[f.ID] += fmt.Sprintf("%s %s: %s\n", f.Status, f.Object, f.Evidence)
		}
	}
	return told
}

// A FreeSWITCH that may not be asked, or says what nobody understands, passes
// nothing.
func TestAskedInVain(t *testing.T) {
	if told := live(t, runsBase()); len(told) > 0 {
		t.Errorf("unchanged: got %q", told)
	}
	for _, tt := range []struct{ question, incomplete string }{
		{askVersion, "FS-LIVE-001 FS-LIVE-002 FS-LIVE-003 FS-LIVE-004 FS-LIVE-005 FS-LIVE-006"},
		{askDocument, "FS-LIVE-001 FS-LIVE-002 FS-LIVE-003"},
		{askProfiles, "FS-LIVE-004"},
		{askGateways, "FS-LIVE-004"},
		{askProfile + "internal", "FS-LIVE-004"},
		{askModules, "FS-LIVE-005"},
		{askVariables, "FS-LIVE-006"},
		{askRegistrations, "FS-LIVE-001"},
	} {
		t.Run(tt.question, func(t *testing.T) {
			c := runsBase()
			c.refuse = []string{tt.question}
			told := live(t, c)
			for id := range strings.FieldsSeq(tt.incomplete) {
				if !strings.Contains(told[id], "incomplete") || !strings.Contains(told[id], "permission denied") {
					t.Errorf("%s: got %q, want it incomplete", id, told[id])
				}
			}
		})
	}
	for _, question := range []string{askDocument, askModules, askRegistrations} {
		c := runsBase()
		c.answers[question] = "<a><b\x00{"
		if told := live(t, c); !strings.Contains(fmt.Sprint(told), "incomplete") {
			t.Errorf("%s: got %q for nonsense", question, told)
		}
	}
}

func TestStrangerIsRegistered(t *testing.T) {
	c := runsBase()
	c.answers[askRegistrations] = `{"row_count":2,"rows":[{"reg_user":"1000","realm":"pbx.example.net"},{"reg_user":"9999","realm":"pbx.example.net"}]}`
	if told := live(t, c); !strings.Contains(told["FS-LIVE-001"], "fail user 9999") || strings.Contains(told["FS-LIVE-001"], "1000") {
		t.Errorf("got %q, want the user that no file has", told)
	}
}

// Whatever a running FreeSWITCH says, the comparison ends.
func FuzzAnswers(f *testing.F) {
	c := runsBase()
	f.Add(c.answers[askDocument], c.answers[askVariables], c.answers[askProfiles], c.answers[askProfile+"internal"], c.answers[askModules])
	f.Add("<document><section name=\"directory\"><domain name=\"x\"><user/><user id=\"\"/></domain></section></document>", "conf_dir=/\n=\nx", "<profiles><profile/></profiles>", "", `{"rows":[null,{"ikey":1}]}`)
	tree, err := audit.Open("testdata/base")
	if err != nil {
		f.Fatal(err)
	}
	defer tree.Close()
	site := &audit.Site{Tree: tree, Now: time.Now()}
	m, _ := load(site, nil) // once: it takes long
	f.Fuzz(func(t *testing.T, document, variables, profiles, profile, list string) {
		a := audit.Answers{askVersion: {Text: "1"}, askDocument: {Text: document}, askVariables: {Text: variables}, askProfiles: {Text: profiles},
			askProfile + "internal": {Text: profile}, askGateways: {Text: profiles}, askModules: {Text: list}, askRegistrations: {Text: list}, askHash: {Text: variables}}
		site.Live = map[string]audit.Answers{"freeswitch": a}
		for _, r := range liveRules() {
			r.Find(m, &audit.Result{})
		}
		m.Forwards()
	})
}
