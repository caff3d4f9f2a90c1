package freeswitch

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pbxguard/audit"
	"pbxguard/audit/audittest"
)

func TestTrees(t *testing.T) {
	for tree, golden := range map[string]string{
		"testdata/base":                     "testdata/vanilla-hardened.golden",
		"testdata/trees/vanilla-holed":      "testdata/vanilla-holed.golden",
		"testdata/trees/fusionpbx-hardened": "testdata/fusionpbx-hardened.golden",
		"testdata/trees/fusionpbx-holed":    "testdata/fusionpbx-holed.golden",
	} {
		audittest.Golden(t, tree, golden, Kind())
	}
	audittest.Sound(t, "testdata/base", Kind())
	audittest.Sound(t, "testdata/trees/fusionpbx-hardened", Kind())
}

// What the vanilla configuration ships must be found.
func TestVanillaHoles(t *testing.T) {
	failed := map[string]bool{}
	for _, f := range audittest.Findings(t, "testdata/trees/vanilla-holed", Kind()) {
		failed[f.ID] = failed[f.ID] || f.Status == audit.Fail
	}
	for _, id := range strings.Fields("FS-CORE-001 FS-DIR-002 FS-DIR-004 FS-DIR-005 FS-ESL-001 FS-ESL-002 FS-SIP-005 FS-SIP-009 FS-VM-001 FS-VM-002 FS-CDR-001 FS-DIR-009 FS-DP-001 FS-SIP-003") {
		if !failed[id] {
			t.Errorf("%s: got no failure", id)
		}
	}
}

var secretParam = regexp.MustCompile(`(name="(?:password|vm-password|auth-pass|a1-hash)" value=")[^"$]*"`)

// Canaries stand wherever a secret can; none comes out.
func TestNoSecretInFindings(t *testing.T) {
	n := 0
	plant := func(text string) (string, []string) {
		var planted []string
		text = secretParam.ReplaceAllStringFunc(text, func(s string) string {
			n++
			c := fmt.Sprintf("canary%dqZx", n)
			if strings.Contains(s, "vm-password") {
				c = fmt.Sprint(5309000 + n)
			}
			planted = append(planted, c)
			return secretParam.ReplaceAllString(s, "${1}"+c+`"`)
		})
		for _, old := range []string{"_password=1234", "_password=password", "_password=qS8wMn4Kx6Tz2Rb9Vd3G"} {
			if strings.Contains(text, old) {
				n++
				c := fmt.Sprintf("canary%dWv", n)
				planted = append(planted, c)
				text = strings.ReplaceAll(text, old, "_password="+c)
			}
		}
		if strings.Contains(text, "<X-PRE-PROCESS cmd=\"stun-set\"") {
			planted = append(planted, "canaryExec")
			text = strings.Replace(text, "<include>\n", "<include>\n  <X-PRE-PROCESS cmd=\"exec-set\" data=\"x=curl -u a:canaryExec h\"/>\n  <X-PRE-PROCESS cmd=\"exec\" data=\"echo canaryExec\"/>\n", 1)
		}
		return text, planted
	}
	for _, tree := range []string{"testdata/base", "testdata/trees/vanilla-holed", "testdata/trees/fusionpbx-holed"} {
		audittest.Silent(t, tree, plant, Kind())
	}
}
