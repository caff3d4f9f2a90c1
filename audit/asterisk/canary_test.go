package asterisk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
	"pbxguard/audit/runs"
	"pbxguard/report"
)

// canaries are files with a secret, written CANARY, in every place where one
// can stand. Half of the copies make the secret weak, so that findings quote
// all that they may.
var canaries = map[string]string{
	"etc/freepbx.conf":           "<?php\n$amp_conf['AMPDBPASS'] = 'CANARY';\n$amp_conf['AMPMGRPASS'] = \"CANARY\";\n",
	"etc/amportal.conf":          "FOPPASSWORD=CANARY\nARI_ADMIN_PASSWORD=CANARY\n",
	"etc/asterisk/asterisk.conf": "[options]\nrunuser=root\n",
	"etc/asterisk/modules.conf":  "[modules]\nautoload=yes\n",
	"etc/asterisk/pjsip.conf":    "[CANARY\n",
	"etc/asterisk/pjsip_wizard.conf": "[w](!)\ntype=wizard\n[301](w)\naccepts_auth=yes\naccepts_registrations=yes\ninbound_auth/username=301\ninbound_auth/password=CANARY\n" +
		"[trunk]\ntype=wizard\nsends_auth=yes\nsends_registrations=yes\nremote_hosts=203.0.113.1\noutbound_auth/username=x\noutbound_auth/password=CANARY\n",
	"etc/asterisk/sip.conf":        "[general]\nregister => user:CANARY@203.0.113.1/1\nauth=x:CANARY@y\n[302]\ntype=friend\nhost=dynamic\nsecret=CANARY\nremotesecret=CANARY\n[303]\ntype=friend\nhost=dynamic\nsecret=CANARY\n",
	"etc/asterisk/users.conf":      "[304]\nhassip=yes\nsecret=CANARY\nvmsecret=CANARY\n",
	"etc/asterisk/iax.conf":        "[general]\nregister => u:CANARY@h\n[branch]\ntype=friend\nauth=plaintext\nsecret=CANARY\nsecret=CANARY2\n",
	"etc/asterisk/manager.conf":    "[general]\nenabled=yes\n[boss]\nsecret=CANARY\nwrite=all\n#include manager_more.conf\n",
	"etc/asterisk/ari.conf":        "[general]\nenabled=yes\n[x]\ntype=user\npassword=CANARY\n",
	"etc/asterisk/prometheus.conf": "[general]\nenabled=yes\nauth_password=CANARY\n",
	"etc/asterisk/http.conf":       "[general]\nenabled=yes\n",
	"etc/asterisk/voicemail.conf":  "[general]\nimapsecret=CANARY\n[default]\n301 => CANARY,Anna\n302 => -CANARY,Bert,,,dialout=phones\n",
	"etc/asterisk/extensions.conf": "[globals]\nIAXINFO=me:CANARY\nPIN=CANARY\n[phones]\nexten => _X.,1,Authenticate(CANARY)\n same => n,Dial(IAX2/me:CANARY@branch/${EXTEN})\n same => n,Dial(IAX2/${IAXINFO}@branch/${EXTEN})\n" +
		" same => n,DISA(CANARY,phones)\n same => n,DISA(${PIN},phones)\n same => n,System(curl -u x:CANARY ${CALLERID(name)})\n same => n,AGI(agi://h/x?pw=CANARY)\n same => n,Set(CURLOPT(userpwd)=x:CANARY)\n[default]\ninclude => phones\n",
	"etc/asterisk/confbridge.conf":                         "[default_user]\ntype=user\npin=CANARY\n",
	"etc/asterisk/extconfig.conf":                          "[settings]\nps_endpoints => odbc,asterisk\n",
	"etc/asterisk/res_odbc.conf":                           "[asterisk]\npassword=>CANARY\n",
	"etc/asterisk/logger.conf":                             "[logfiles]\nfull=debug\n",
	"var/spool/asterisk/voicemail/default/301/secret.conf": "[general]\npassword = CANARY\n",
}

// TestNoSecretIsEverWritten plants secrets and looks for them in whatever the
// audit writes: reports of every form, and the file of runs.
func TestNoSecretIsEverWritten(t *testing.T) {
	for i, secret := range []string{"canary-8Secret!xQ", "301canary", "passw0rdcanary", "83920174", "canary\\;x"} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range canaries {
				full := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
					t.Fatal(err)
				}
				if name == "etc/asterisk/pjsip.conf" {
					text = "[305]\ntype=endpoint\nauth=305\ncontext=phones\n[305]\ntype=auth\nusername=305\npassword=CANARY\n[306]\ntype=auth\nmd5_cred=CANARY\n[306]\ntype=endpoint\nauth=306,305\n"
				}
				if err := os.WriteFile(full, []byte(strings.ReplaceAll(text, "CANARY", secret)), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			written := everything(t, dir)
			look := strings.ReplaceAll(secret, `\;`, ";")
			for i, text := range written {
				if at := strings.Index(text, look); at >= 0 {
					t.Errorf("output %d: …%q…", i, text[max(0, at-80):min(len(text), at+40)])
				}
			}
		})
	}
}

// everything audits a folder and returns all that is written of it.
func everything(t *testing.T, dir string) (written []string) {
	t.Helper()
	ctx := context.Background()
	site, done, err := audittest.Site(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	state := filepath.Join(t.TempDir(), "runs.db")
	db, err := runs.Open(ctx, state)
	if err != nil {
		t.Fatal(err)
	}
	if site.Memory, err = db.Memory(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	run, err := audit.Perform(ctx, site, []audit.Kind{Kind()})
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, f := range run.Findings {
		if f.Status == audit.Fail {
			failed++
		}
	}
	if failed < 20 {
		t.Fatalf("only %d findings: the secrets are not where they are looked at", failed)
	}
	if err := db.Add(ctx, "x", run, site.Memory); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	a := report.Audit{Summary: run.Summarise(dir), Findings: run.Findings}
	doc, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	written = []string{string(kept), string(doc), fmt.Sprintf("%+v", run)}
	var b bytes.Buffer
	page := report.Page{W: &b, Now: audittest.Now}
	for _, err := range []error{
		page.Audit(a), report.AuditSARIF(&b, a, Kind().Checks, "x"), report.AuditJUnit(&b, a, audit.Low), report.AuditHTML(&b, a),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return append(written, b.String())
}
