package fusionpbx

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pbxguard/audit/audittest"
)

// holes turn the sound database into one as careless sites have it.
var holes = strings.NewReplacer(
	"\t100\twK7pRt3Zb9Xc5Vn2Mq8L\t+31205550100\t2\tdomestic", "\t100\t1001\t+31205550100\t5\t",
	"\t100\t482913", "\t100\t100",
	"\tfalse\t0088213000000\tfalse", "\ttrue\t0088213000000\ttrue",
	"g1\t0025263000000\tfalse", "g1\t0025263000000\ttrue",
	"203.0.113.7/32", "203.0.113.0/24",
	"198.51.100.20/32", "198.51.100.0/24",
	"pin_number=739164", "pin_number=",
	`<condition field="${toll_allow}" expression="(^|,)international(,|$)"/>`, "",
	"s1\tlog-auth-failures\ttrue", "s1\tlog-auth-failures\tfalse",
	"JBSWY3DPEHPK3PXPAAAA", "",
	"http_auth_enabled\ttrue", "http_auth_enabled\tfalse",
	"global\tfalse", "global\ttrue",
)

// changed copies the sound tree with its dump and configuration changed.
func changed(t *testing.T, change func(string) string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/base")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(dir, strings.TrimPrefix(baseDump, "testdata/base")), filepath.Join(dir, configFile)} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(change(string(text))), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTrees(t *testing.T) {
	audittest.Golden(t, "testdata/base", "testdata/hardened.golden", Kind(nil))
	audittest.Sound(t, "testdata/base", Kind(nil))
	audittest.Golden(t, changed(t, holes.Replace), "testdata/holed.golden", Kind(nil))
}

var twenty = regexp.MustCompile(`\b[A-Za-z0-9]{20}\b`)

// Canaries stand wherever a secret can; none comes out.
func TestNoSecretInFindings(t *testing.T) {
	for name, tree := range map[string]string{"hardened": "testdata/base", "holed": changed(t, holes.Replace)} {
		t.Run(name, func(t *testing.T) {
			n := 0
			audittest.Silent(t, tree, func(text string) (string, []string) {
				planted := []string{"5309017"}
				text = strings.NewReplacer("\t100\t482913", "\t100\t5309017", "\t100\t1001\t", "\t100\tcan4ry\t").Replace(text)
				return twenty.ReplaceAllStringFunc(text, func(string) string {
					n++
					c := fmt.Sprintf("canary%02d", n)
					planted = append(planted, c, "can4ry")
					return c
				}), planted
			}, Kind(nil))
		})
	}
}
