package asterisk

import (
	"os"
	"path/filepath"
	"testing"

	"pbxguard/audit"
)

// What the samples of AEL and Lua, and a switch, could add to the dialplan
// counts only where calls may get there.
func TestUnknown(t *testing.T) {
	const modules = "[modules]\nautoload=yes\n"
	tests := []struct {
		name, file, text, context string
		want                      bool
	}{
		{"no call gets to AEL", "extensions.ael", "context ael-demo {\n s => NoOp();\n}\n", "phones", false},
		{"phones begin in AEL", "extensions.ael", "// context other {\nabstract context phones {\n s => NoOp();\n}\n", "phones", true},
		{"AEL takes in what is not read", "extensions.ael", "#include \"more.ael\"\n", "phones", true},
		{"no call gets to Lua", "extensions.lua", "--[[ phones ]]\nextensions = { demo = { [\"s\"] = f } } -- phones\n", "phones", false},
		{"phones begin in Lua", "extensions.lua", "extensions = { phones = {} }\n", "phones", true},
		{"Lua makes names up", "extensions.lua", "extensions[\"ph\" .. \"ones\"] = {}\n", "phones", true},
		{"no call gets to a switch", "extensions.conf", "[phones]\nexten => 1,1,NoOp()\n[dundi]\nswitch => DUNDi/e164\n", "phones", false},
		{"phones include a switch", "extensions.conf", "[phones]\ninclude => dundi\n[dundi]\nswitch => DUNDi/e164\n", "phones", true},
		{"the whole file is in a database", "extconfig.conf", "[settings]\nextensions.conf => odbc,asterisk\n", "phones", true},
		{"a table that no switch asks", "extconfig.conf", "[settings]\nextensions => odbc,asterisk\n", "phones", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			etc := filepath.Join(t.TempDir(), "etc/asterisk")
			files := map[string]string{
				"modules.conf": modules, "extensions.conf": "[phones]\nexten => 1,1,NoOp()\n",
				"pjsip.conf": "[1]\ntype=endpoint\ncontext=" + tt.context + "\n",
			}
			files[tt.file] = tt.text
			if err := os.MkdirAll(etc, 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			tree, err := audit.Open(filepath.Dir(filepath.Dir(etc)))
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			p, ok := load(&audit.Site{Tree: tree})
			if !ok {
				t.Fatal("there is no Asterisk")
			}
			if got := p.plan.unknown(); (got != "") != tt.want {
				t.Errorf("got %q, want a reason: %v", got, tt.want)
			}
		})
	}
}
