package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pbxguard/testbed"
)

// written are what generated files are made of: what each means depends on those
// before it.
var written = []string{
	"[a]", "[b]", "[A]", "[t](!)", "[u](!,t)", "[a](t)", "[b](u,t)", "[c](a)", "[a](+)", "[A](+)", "[b](+k=v)", "[b](+k=v&l=w)", "[t](+TEMPLATES=include)",
	"[c](!,a)", "[c]()", "[ d ]", "[d](t", "[e", "[c] (t)", "[b](+,t)", "[a](t,+)", "[b](t, u)",
	"k=v", "k=w", "K = x", "l => w", "m=> a=b", "k+=x", "k += y", "K+=z", "l+=> q", "n=", " = z", "o", "p\t=\tq\t", "q==r", "r=>=s", "s= =>", "k+ = v",
	"k=v;w", "k=a\\;b", "k=a\\\\;b", "; only", "k=v ;-- in --; w", ";-- begin", "end --; l=x", ";--", "--;", "k=1;--", "--;m=2", ";---", ";--- x --;", "--; ;--", "k=x\\;--y--;z",
	"#include \"@b.conf\"", "#include @b.conf ; said", "#tryinclude @none.conf", "#include <@c*.conf>", "#tryinclude @{b,c1}.conf", "#TryInclude @b.conf", "#include", "#odd x", "#exec /bin/true",
	"", "   ", "\t[a]", "\\k=v", "\\[x]", "k=\"v\"", "k=<v>", "k=v\r", "\r",
}

// tree draws a file and those that it may include.
func tree(t *rapid.T) tricky {
	text := func(label string, most int) string {
		drawn := rapid.SliceOfN(rapid.SampledFrom(written), 0, most).Draw(t, label)
		end := rapid.SampledFrom([]string{"\n", "\n", "\n", "\r\n", ""}).Draw(t, label+" ends")
		return strings.Join(drawn, "\n") + end
	}
	first := text("file", 14)
	if rapid.IntRange(0, 3).Draw(t, "begins") > 0 { // else most are refused
		first = "[t](!)\nk=t\n[u](!)\nl=u\n[a]\nk=v\n[b]\nk=v\nl=w\n" + first
	}
	return tricky{files: [][2]string{{"", first}, {"b", text("b", 5)}, {"c1", text("c1", 4)}, {"c2", text("c2", 4)}}}
}

// What this package reads of whatever lines is what real servers read of them.
func TestRealAsteriskReadsRandomTreesTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real Asterisk")
	}
	for _, version := range []int{16, 22} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			a := testbed.Start(t, version)
			etc := filepath.Join(a.Root, "etc")
			ami := login(t, a.AMI)
			invalid, n := 0, 0
			rapid.Check(t, func(rt *rapid.T) {
				tr := tree(rt)
				n++
				name := fmt.Sprintf("r%d", n) // Asterisk may keep what it has read
				files := tr.named(name)
				for file, text := range files {
					if err := os.WriteFile(filepath.Join(etc, file), []byte(text), 0o644); err != nil {
						rt.Fatal(err)
					}
				}
				r := Reader{Files: FS(os.DirFS(etc), 1<<20), Dir: "/"}
				got, theirs := dump(r.Read(name+".conf")), ami.config(t, name+".conf")
				if got != theirs {
					rt.Errorf("%q\ngot       %.600q\nAsterisk  %.600q", tr.files, got, theirs)
				}
				if theirs == "invalid" {
					invalid++
				}
				for file := range files {
					if err := os.Remove(filepath.Join(etc, file)); err != nil {
						rt.Fatal(err)
					}
				}
			})
			if n-invalid < n/5 {
				t.Errorf("only %d of %d trees are ones that Asterisk takes", n-invalid, n)
			}
			t.Logf("%d trees, of which Asterisk refuses %d", n, invalid)
		})
	}
}
