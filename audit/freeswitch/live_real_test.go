package freeswitch

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	esl "pbxguard/adapters/freeswitch"
	"pbxguard/audit"
	"pbxguard/audit/audittest"
	"pbxguard/testbed"
)

// asked audits the files of a real FreeSWITCH together with what it says.
func asked(t *testing.T, f *testbed.FreeSWITCH) (told map[string][]string) {
	t.Helper()
	admin, err := esl.NewAdmin(esl.AdminOptions{Address: f.ESL, Password: "Esl-4711-wq", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	tree := &audit.Tree{}
	defer tree.Close()
	if err := tree.Mount("/etc/freeswitch", f.Conf()); err != nil {
		t.Fatal(err)
	}
	site := &audit.Site{Tree: tree, Now: time.Now(), Live: map[string]audit.Answers{"freeswitch": Ask(t.Context(), admin)}}
	run, err := audit.Perform(t.Context(), site, []audit.Kind{Kind()})
	if err != nil {
		t.Fatal(err)
	}
	told = map[string][]string{}
	for _, f := range run.Findings {
		if strings.HasPrefix(f.ID, "FS-LIVE-") && (f.Status == audit.Fail || f.Status == audit.Incomplete) || f.ID == "FS-DIR-012" && f.Status == audit.Fail {
			told[f.ID] = append(told[f.ID], fmt.Sprintf("%s %s: %s", f.Status, f.Object, f.Evidence))
		}
		if strings.Contains(f.Evidence, "canary") {
			t.Errorf("%s shows a secret", f.ID)
		}
	}
	return told
}

// What a real FreeSWITCH says of itself is what its files say, until somebody
// changes the one or the other.
func TestRealFreeSWITCHIsCompared(t *testing.T) {
	f := testbed.StartFreeSWITCH(t)
	for id, all := range asked(t, f) {
		t.Errorf("unchanged: %s %q", id, all)
	}
	conf := func(name string) string { return filepath.Join(f.Conf(), name) }
	audittest.Edit(t, conf("sip_profiles/internal.xml"), `<param name="context" value="public"/>`, `<param name="context" value="strict"/>`)
	audittest.Edit(t, conf("directory/default/1000.xml"), `<user id="1000">`, `<user id="1900">`)
	audittest.Edit(t, conf("directory/default/1001.xml"), `value="$${default_password}"`, `value="canary-not-loaded"`)
	audittest.Edit(t, conf("dialplan/public.xml"), `<extension name="unloop">`, `<extension name="unloops">`)
	audittest.Edit(t, conf("autoload_configs/switch.conf.xml"), `name="max-sessions" value="1000"`, `name="max-sessions" value="30"`)
	audittest.Edit(t, conf("autoload_configs/modules.conf.xml"), `<load module="mod_expr"/>`, ``)
	audittest.Edit(t, conf("directory/default/example.com.xml"), `<gateway name="$${default_provider}">`, `<gateway name="other.example">`)
	for _, cmd := range []string{"global_setvar use_profile=other", "global_setvar default_password=canary-in-memory", "hash insert/call_forward/1002/00252612345678"} {
		f.CLI(t, cmd)
	}
	told := asked(t, f)
	for _, want := range [][2]string{
		{"FS-LIVE-001", "user 1000@" + f.Domain + ": it is in force and in no file"},
		{"FS-LIVE-002", "user 1900@" + f.Domain + ": it is in the file and not in force"},
		{"FS-LIVE-002", "user 1001@" + f.Domain + ": the value of param password is another in force"},
		{"FS-LIVE-002", `configuration switch.conf: param max-sessions is "30" in the file, and "1000" in force`},
		{"FS-LIVE-003", "extension unloops of context public: it is in the file and not in force"},
		{"FS-LIVE-003", "extension unloop of context public: it is in force and in no file"},
		{"FS-LIVE-004", `profile internal: context is "strict" in the file, and "public" in force`},
		{"FS-LIVE-004", "gateway example.com: it runs and is in no file"},
		{"FS-LIVE-004", "gateway other.example: it is in the file and does not run"},
		{"FS-LIVE-005", "mod_expr: it runs and no file loads it"},
		{"FS-LIVE-006", `variable use_profile: it is "external" in the file, and "other" in force`},
		{"FS-LIVE-006", "variable default_password: it has another value in force"},
		{"FS-DIR-012", "user 1002: call_forward/1002 leads to"},
	} {
		if !strings.Contains(strings.Join(told[want[0]], "\n"), want[1]) {
			t.Errorf("got %s %q, want %q", want[0], told[want[0]], want[1])
		}
	}
	f.CLI(t, "reloadxml")
	if told := asked(t, f); len(told["FS-LIVE-003"]) > 0 || len(told["FS-LIVE-004"]) == 0 {
		t.Errorf("reloaded: got %q, want the profile alone to run on", told)
	}
	f.Stop(t)
	if told := asked(t, f); len(told) < 6 {
		t.Errorf("stopped: got %q, want every comparison incomplete", told)
	}
}
