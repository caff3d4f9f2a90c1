package pbxguard

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// may lists, for each package, the packages of this module that it may import.
// Dependencies point inward, to guard and numbering; siblings do not know each
// other. Only the command sees everything.
var may = map[string]string{
	".":                      "",
	"numbering":              "",
	"guard":                  "numbering",
	"adapters/internal/wire": "",
	"adapters/adaptertest":   "guard",
	"firewall":               "",
	"store":                  "guard",
	"audit":                  "numbering",
	"audit/audittest":        "audit numbering",
	"audit/asterisk":         "audit adapters/asterisk/conf numbering",
	"audit/freepbx":          "audit audit/asterisk",
	"audit/freeswitch":       "audit numbering",
	"audit/fusionpbx":        "audit audit/freeswitch",
	"audit/host":             "audit numbering",
	"audit/runs":             "audit",
	"config":                 "guard numbering",
	"gate":                   "guard",
	"atlas":                  "guard",
	"packaging":              "",
	"tabular":                "",
	"tariff":                 "guard tabular",
	"propose":                "config guard history numbering",
	"history":                "guard tabular adapters/asterisk adapters/freeswitch",
	"traffic":                "",
	"eval":                   "config drill guard",
	"drill":                  "guard history numbering tariff traffic",
	"notify":                 "guard",
	"incident":               "guard",
	"control":                "guard incident",
	"report":                 "guard audit store control incident",
	"setup":                  "",
	"manual":                 "config guard",
	"packaging/sbom":         "",
	"sandbox":                "",
	"cmd/pbxguard":           "*",
	"demo":                   "guard report",
	"testbed":                "*",
	"e2e":                    "*",
	"bench":                  "*",

	"adapters/internal/outlet": "guard",
	"adapters/internal/board":  "guard",
	"adapters/internal/pace":   "",
	"adapters/internal/uplink": "adapters/internal/pace",
	"adapters/asterisk/conf":   "",
	"adapters/asterisk":        "guard adapters/asterisk/conf adapters/internal/board adapters/internal/outlet adapters/internal/pace adapters/internal/uplink adapters/internal/wire",
	"adapters/freeswitch":      "guard adapters/internal/board adapters/internal/outlet adapters/internal/pace adapters/internal/uplink adapters/internal/wire",
}

func TestImports(t *testing.T) {
	const module = "pbxguard"
	out, err := exec.Command("go", "list", "-e", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		pkg, ours := within(module, f[0])
		if !ours {
			t.Errorf("go list names %s, which is not of this module", f[0])
			continue
		}
		allowed, known := may[pkg]
		if !known {
			t.Errorf("package %s is not in the map of the module", pkg)
		}
		for _, path := range f[1:] {
			imp, ours := within(module, path)
			if ours && allowed != "*" && !slices.Contains(strings.Fields(allowed), imp) {
				t.Errorf("%s must not import %s", pkg, imp)
			}
		}
	}
}

// within cuts the module's name off a package of it.
func within(module, path string) (pkg string, ours bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// The daemon starts no process, whatever anybody makes it read: the code that
// could is not linked (R1).
func TestNoExec(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./cmd/pbxguard").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range []string{"os/exec", "plugin"} {
		if slices.Contains(strings.Fields(string(out)), pkg) {
			t.Errorf("cmd/pbxguard links %s", pkg)
		}
	}
}
