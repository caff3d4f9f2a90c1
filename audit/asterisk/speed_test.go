package asterisk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/audit"
)

// large writes a PBX of n extensions in the style of FreePBX.
func large(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	var pjsip, local, voicemail strings.Builder
	for i := range n {
		ext := 1000 + i
		fmt.Fprintf(&pjsip, "[%d]\ntype=endpoint\naors=%d\nauth=%d-auth\ncontext=from-internal\ncallerid=User %d <%d>\nmailboxes=%d@default\n", ext, ext, ext, ext, ext, ext)
		for k := range 30 {
			fmt.Fprintf(&pjsip, "option_%d=value\n", k)
		}
		fmt.Fprintf(&pjsip, "[%d-auth]\ntype=auth\nauth_type=userpass\nusername=%d\npassword=%08x%08x%08x%08x\n[%d]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n",
			ext, ext, i*2654435761, i*40503+77, i*69069+1, i*1103515245+12345, ext)
		fmt.Fprintf(&local, "exten => %d,1,Set(__RINGTIMER=15)\n same => n,Macro(exten-vm,%d,%d,0,0,0)\n same => n,Goto(vmret,1)\nexten => %d,hint,PJSIP/%d\n", ext, ext, ext, ext, ext)
		fmt.Fprintf(&voicemail, "%d => %06d,User %d\n", ext, 130017+i*37, ext)
	}
	extensions, err := os.ReadFile("testdata/trees/freepbx-hardened/etc/asterisk/extensions.conf")
	if err != nil {
		t.Fatal(err)
	}
	additional, err := os.ReadFile("testdata/trees/freepbx-hardened/etc/asterisk/extensions_additional.conf")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"pjsip.conf": pjsip.String(), "extensions.conf": string(extensions), "globals_custom.conf": "\n", "extensions_override_freepbx.conf": "\n", "extensions_custom.conf": "\n",
		"extensions_additional.conf": strings.Replace(string(additional), "[ext-local]\n", "[ext-local]\n"+local.String(), 1),
		"voicemail.conf":             "[default]\n" + voicemail.String(),
	} {
		full := filepath.Join(dir, "etc/asterisk", name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A large PBX is audited, all of it.
func TestLargeTree(t *testing.T) {
	run := perform(t, large(t, 2000), "GB")
	for _, f := range run.Findings {
		if f.Status == audit.Incomplete && strings.Contains(f.Evidence, "could be followed") {
			t.Errorf("%s %s", f.ID, f.Evidence)
		}
	}
}

func BenchmarkLargeTree(b *testing.B) {
	dir := large(b, 2000)
	for b.Loop() {
		perform(b, dir, "GB")
	}
}

// Trees made to keep the audit busy end.
func TestHostileTrees(t *testing.T) {
	many := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
		}
		return b.String()
	}
	tests := []struct{ name, file, text string }{
		{"contexts that include all others", "extensions.conf", many(300, func(i int) string {
			return fmt.Sprintf("[c%d]\nexten => _X.,1,Goto(c%d,${EXTEN}${EXTEN},1)\n", i, (i*7+1)%300) + many(300, func(k int) string { return fmt.Sprintf("include => c%d\n", k) })
		})},
		{"variables that double", "extensions.conf", "[globals]\n" + many(60, func(i int) string { return fmt.Sprintf("V%d=${V%d}${V%d}\n", i+1, i, i) }) + "V0=xxxxxxxxxx\n[phones]\nexten => _X.,1,Dial(${V60}/${EXTEN}@t)\n"},
		{"an extension that grows", "extensions.conf", "[default]\nexten => _X.,1,Goto(default,${EXTEN}0,1)\nexten => _X.,2,Macro(x,${EXTEN}1)\n[macro-x]\nexten => s,1,Goto(default,${ARG1},1)\n"},
		{"brackets without end", "extensions.conf", "[default]\nexten => _" + strings.Repeat("[", 4000) + ",1,Dial(" + strings.Repeat("${", 3000) + ")\n"},
		{"one line", "pjsip.conf", "[a]\npassword=" + strings.Repeat("x", 8<<20)},
		{"a file that includes itself", "pjsip.conf", "[a]\n" + strings.Repeat("#tryinclude pjsip.conf\n", 50)},
		{"many endpoints of one auth", "pjsip.conf", many(3000, func(i int) string { return fmt.Sprintf("[%d]\ntype=endpoint\nauth=a\naors=a\n", i) }) + "[a]\ntype=auth\npassword=a\n[a]\ntype=aor\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"asterisk.conf", "extensions.conf", "pjsip.conf"} {
				text := "[general]\n[phone]\ntype=endpoint\ncontext=default\n[anonymous]\ntype=endpoint\n"
				if name == tt.file {
					text = tt.text
				}
				full := filepath.Join(dir, "etc/asterisk", name)
				if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(full, []byte(text), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			start := time.Now()
			if run := perform(t, dir, "GB"); len(run.Findings) == 0 {
				t.Error("got no findings at all")
			}
			t.Logf("%s", time.Since(start).Round(time.Millisecond))
		})
	}
}

// FuzzDialplan follows whatever stands in a dialplan, and ends.
func FuzzDialplan(f *testing.F) {
	f.Add("[default]\nexten => _X.,1,Dial(PJSIP/${EXTEN}@t,30,tT)\n same => n,GotoIf($[\"${X}\"=\"\"]?a,b,1:c)\ninclude => d|9:00-17:00|*|*|*\n[globals]\nX=${X}\n")
	f.Add("[a]\nexten => s,1,Gosub(a,${EXTEN:-3:1},1(x,${FILTER(0-9,${EXTEN})}))\nexten => _[1-9X!,n(l),ExecIf(a?Dial(b&c/d):Macro(x,y))\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		etc := filepath.Join(dir, "etc/asterisk")
		if err := os.MkdirAll(etc, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(etc, "extensions.conf"), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		perform(t, dir, "NL")
	})
}

// What was not followed to its end is said, and no check that needed it passes.
func TestCutOff(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etc/asterisk"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "[default]\nexten => _X.,1,Goto(default,${EXTEN}0,1)\nexten => _X.,2,Goto(default,0${EXTEN},1)\nexten => _X.,3,Goto(default,5${EXTEN},1)\n"
	if err := os.WriteFile(filepath.Join(dir, "etc/asterisk/extensions.conf"), []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	told := false
	for _, f := range perform(t, dir, "GB").Findings {
		told = told || f.ID == "AST-DP-016" && f.Status == audit.Incomplete && strings.Contains(f.Evidence, "more than could be followed")
		if f.ID == "AST-DP-003" && f.Status == audit.Pass {
			t.Errorf("got a pass of %s", f.ID)
		}
	}
	if !told {
		t.Error("want an incomplete check that says why")
	}
}
