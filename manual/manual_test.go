package manual

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/guard"
)

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "end this call", "end this call"},
		{"option", "--json", `\-\-json`},
		{"regular expression", `'^\d$'`, `\(aq\(ha\ed$\(aq`},
		{"a request at the start", ".SH x", `\&.SH x`},
		{"home", "~/x", `\(ti/x`},
	} {
		if got := escape(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestText(t *testing.T) {
	r := new(roff)
	r.text("one\ntwo\n\n    copy me\n      so\nthree")
	want := "one\ntwo\n.PP\n.PP\n.nf\n.RS 4\ncopy me\nso\n.RE\n.fi\nthree\n"
	if got := r.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPbxguard(t *testing.T) {
	root := &cobra.Command{Use: "pbxguard", Short: "Ends calls", Long: "It ends calls."}
	root.AddGroup(&cobra.Group{ID: "Act:", Title: "Act:"})
	ban := &cobra.Command{Use: "ban ADDRESS", GroupID: "Act:", Short: "Ban an address", Example: "  pbxguard ban 192.0.2.1", Run: func(*cobra.Command, []string) {}}
	ban.Flags().String("for", "24h", "for this `duration`")
	ban.Flags().BoolP("force", "f", false, "do it")
	lists := &cobra.Command{Use: "lists", Short: "Number lists"}
	lists.AddCommand(&cobra.Command{Use: "add FILE", Short: "Add a list", Run: func(*cobra.Command, []string) {}})
	hidden := &cobra.Command{Use: "manual", Short: "unseen", Hidden: true, Run: func(*cobra.Command, []string) {}}
	root.AddCommand(ban, lists, hidden)
	got := Pbxguard(root, "1.2")
	for _, want := range []string{
		"\"pbxguard 1.2\"", `pbxguard \- ends calls`, ".SS Act\n", `\fBban\fR \fIADDRESS\fR` + "\nBan an address.\n",
		`\fB\-\-for\fR \fIduration\fR` + "\nFor this duration (default 24h)", `\fB\-f\fR, \fB\-\-force\fR` + "\nDo it.\n",
		"pbxguard ban 192.0.2.1\n", `\fBlists add\fR \fIFILE\fR` + "\nAdd a list.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %q in it", got, want)
		}
	}
	if strings.Contains(got, "unseen") {
		t.Error("a hidden command is in the manual")
	}
}

// Both forms tell of every key.
func TestReference(t *testing.T) {
	keys := config.Reference()
	page, doc := TOML(keys, "1.2"), Markdown(keys)
	for _, k := range keys {
		if table := heading(k); table != "" {
			if !strings.Contains(page, ".SS "+escape(table)+"\n") || !strings.Contains(doc, "## `"+table+"`\n") {
				t.Errorf("the table %s is missing", table)
			}
			continue
		}
		if !strings.Contains(page, ".TP\n"+bold(last(k.Name))+" = ") || !strings.Contains(doc, "\n| `"+last(k.Name)+"` | ") {
			t.Errorf("the key %s is missing", k.Name)
		}
		if k.Default != "" && (!strings.Contains(page, escape("Default: "+k.Default)) || !strings.Contains(doc, cell("`"+k.Default+"`"))) {
			t.Errorf("the default of %s is missing: %s", k.Name, k.Default)
		}
	}
	for line := range strings.Lines(doc) {
		if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); n != 0 && n != 5 && n != 7 {
			t.Errorf("got %d bars, want a row of four cells: %s", n, line)
		}
	}
}

// Every rule stands in its topic's table, with what it does by default.
func TestRules(t *testing.T) {
	got := Rules([]guard.RuleInfo{
		{ID: "premium_rate", Number: "R-001", Example: "it did", Topic: "Destination", Title: "a|b", Why: "it costs", Star: true, Set: true,
			Default: guard.Setting{Action: guard.Kill, Max: 3, Within: time.Hour}, Keys: []guard.Key{{Name: "max"}, {Name: "within"}}},
		{ID: "locked", Topic: "The guard itself", Title: "barred", Why: "it is", Fixed: "kill"},
	})
	for _, want := range []string{
		"\n## Destination\n", "| `premium_rate` ★ | R-001 | a\\|b | it costs | kill, max 3, within 1h | it did |\n",
		"\n## The guard itself\n", "| `locked` |  | barred | it is | kill |  |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %q in it", got, want)
		}
	}
	for _, r := range guard.Catalogue() {
		if !strings.Contains(Rules(guard.Catalogue()), "\n| `"+r.ID+"` ") {
			t.Errorf("the rule %s is missing", r.ID)
		}
	}
}
