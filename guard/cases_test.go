package guard

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/numbering"
)

// ruleCase is a stream of events and whether a rule is hit by it. Each rule has
// one that hits it and, with the smallest change, one that does not.
type ruleCase struct {
	rule   string
	name   string
	want   Action // of the gravest decision of the rule; Allow: none
	policy func(*Policy)
	memory Memory
	do     func(*rig)
}

// only switches one rule on, as it is by default.
func only(t testing.TB, id string) *Policy {
	p := enforcing(t)
	p.Bans.Learn = 0
	normal := DefaultSettings()
	if set := p.Default.Set.Of(id); set != nil {
		*set = *normal.Of(id)
	}
	switch id {
	case "destination":
		p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill, numbering.Satellite: Kill, numbering.Unknown: Kill}
	case "country":
		p.Default.Countries, p.Default.CountryAction = map[string]bool{"BE": true}, Kill
	case "hours":
		p.Default.Hours.Action = Kill
	case "weekend":
		p.Default.Weekend = Kill
	case "holiday":
		p.Default.Holiday = Kill
	case "machine", "machine-silent":
		p.Default.Role, p.Default.Reaches, p.Default.TestCall = RoleMachine, regexp.MustCompile(`^\+3120\d+$`), 25*time.Hour
	case "concurrent":
		p.Default.Concurrent = CountLimit{3, Kill}
	case "concurrent-country":
		p.Default.ConcurrentCountry = CountLimit{3, Kill}
	case "attempts":
		p.Default.Attempts = CountLimit{20, Lock}
	case "sequential":
		p.Default.Sequential = CountLimit{5, Kill}
	case "duration":
		p.Default.Duration = SpanLimit{4 * time.Hour, Kill}
	case "minutes-hour":
		p.Default.MinutesHour = SpanLimit{90 * time.Minute, Kill}
	case "minutes-day":
		p.Default.MinutesDay = SpanLimit{10 * time.Hour, Alert}
	}
	p.Default.Hours.From, p.Default.Hours.To = 7*time.Hour, 19*time.Hour
	return p
}

var update = flag.Bool("update", false, "write reasons.tsv anew")

func ruleCases() []ruleCase {
	return slices.Concat(numberCases(), volumeCases(), moneyCases(), takeoverCases(), diversionCases(), callerCases(), guardCases())
}

// play runs a case and returns the gravest decision of its rule.
func (c *ruleCase) play(t testing.TB) (d Decision, ok bool) {
	p := only(t, c.rule)
	if c.policy != nil {
		c.policy(p)
	}
	r := &rig{t: t, now: wednesday}
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, c.memory, r.now)
	r.feed(Event{Kind: Connected})
	c.do(r)
	for _, rec := range r.records {
		if x, is := rec.(Decision); is && x.Rule == c.rule && x.Outcome == "" && (!ok || x.Action > d.Action) {
			d, ok = x, true
		}
	}
	return d, ok
}

func TestRules(t *testing.T) {
	reasons := map[string]string{}
	for _, c := range ruleCases() {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			d, _ := c.play(t)
			if d.Action != c.want {
				t.Fatalf("got %s (%s), want %s", d.Action, d.Reason, c.want)
			}
			if d.Action != Allow && reasons[c.rule] == "" {
				reasons[c.rule] = d.Reason
			}
		})
	}
	checkReasons(t, reasons)
}

// checkReasons holds reasons.tsv, of which docs/rules.md is made, against what
// the rules really say.
func checkReasons(t *testing.T, reasons map[string]string) {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&b, "%s\t%s\n", id, reasons[id])
	}
	const file = "reasons.tsv"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) && !t.Failed() {
		t.Errorf("%s is not what the rules say; run make docs", file)
	}
}

// TestEveryRuleIsTried: each rule of the catalogue has a stream that hits it and
// one that does not.
func TestEveryRuleIsTried(t *testing.T) {
	hit, missed := map[string]bool{}, map[string]bool{}
	for _, c := range ruleCases() {
		if c.want == Allow {
			missed[c.rule] = true
		} else {
			hit[c.rule] = true
		}
	}
	ids := map[string]bool{}
	for _, info := range Catalogue() {
		if ids[info.ID] {
			t.Errorf("two rules are called %s", info.ID)
		}
		ids[info.ID] = true
		if !hit[info.ID] || !missed[info.ID] {
			t.Errorf("%s %s: hit %v, missed %v, want both", info.Number, info.ID, hit[info.ID], missed[info.ID])
		}
		if info.Title == "" || info.Why == "" || info.Number == "" {
			t.Errorf("%s is not documented: %+v", info.ID, info)
		}
	}
	if len(rules) > 64*len(ruleSet{}) || len(arrivalRules) > 64 {
		t.Errorf("%d rules and %d about arrivals are more than fit into their sets", len(rules), len(arrivalRules))
	}
}

// TestCatalogueIsWhole: every number of the catalogue has a rule.
func TestCatalogueIsWhole(t *testing.T) {
	have := map[string]bool{}
	for _, info := range Catalogue() {
		have[info.Number] = true
	}
	n := 0
	for _, span := range [][2]int{{1, 13}, {20, 32}, {40, 50}, {60, 67}, {70, 82}, {90, 92}} {
		for i := span[0]; i <= span[1]; i++ {
			n++
			if number := fmt.Sprintf("R-%03d", i); !have[number] {
				t.Errorf("%s has no rule", number)
			}
		}
	}
	if n != 61 {
		t.Errorf("got %d numbers, want 61", n)
	}
}

// TestMutantsElsewhere takes away the bodies of the rules that are judged elsewhere,
// each function of them by itself, in a build of its own: a test of the rule must
// then fail. It takes some seconds a function; see "make mutants".
func TestMutantsElsewhere(t *testing.T) {
	if os.Getenv("PBXGUARD_MUTANTS") == "" {
		t.Skip("builds the package once for each function: PBXGUARD_MUTANTS=1")
	}
	for i := range others {
		d := &others[i]
		if len(d.body) == 0 {
			t.Errorf("nobody knows what judges %s", d.id)
		}
		for _, name := range d.body {
			t.Run(d.id+"/"+name, func(t *testing.T) {
				overlay := without(t, name)
				out, err := exec.Command("go", "test", "-tags", "sqlite_omit_load_extension", "-overlay", overlay, "-count=1",
					"-run", "^TestRules$/^"+d.id+"$", ".").CombinedOutput()
				if err == nil || !strings.Contains(string(out), "--- FAIL: TestRules/"+d.id+"/") {
					t.Errorf("%s is taken away, and no test of %s fails: %v\n%s", name, d.id, err, out)
				}
			})
		}
	}
}

// without writes an overlay for the build in which a function does nothing.
func without(t *testing.T, name string) (overlay string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, file, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range tree.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != name {
				continue
			}
			at := set.Position(f.Body.Lbrace).Offset + 1
			text = slices.Concat(text[:at], []byte(" if true { "+nothing(set, text, f)+" }\n"), text[at:])
			dir := t.TempDir()
			mutant, overlay := filepath.Join(dir, file), filepath.Join(dir, "overlay.json")
			here, err := filepath.Abs(file)
			if err == nil {
				err = os.WriteFile(mutant, text, 0o644)
			}
			if err == nil {
				err = os.WriteFile(overlay, fmt.Appendf(nil, `{"Replace": {%q: %q}}`, here, mutant), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			return overlay
		}
	}
	t.Fatalf("there is no function %s", name)
	return ""
}

// nothing returns the zero values of a function's results.
func nothing(set *token.FileSet, text []byte, f *ast.FuncDecl) string {
	if f.Type.Results == nil || len(f.Type.Results.List[0].Names) > 0 {
		return "return"
	}
	var zeros, names []string
	for i, r := range f.Type.Results.List {
		kind := text[set.Position(r.Type.Pos()).Offset:set.Position(r.Type.End()).Offset]
		zeros, names = append(zeros, fmt.Sprintf("var zero%d %s", i, kind)), append(names, fmt.Sprint("zero", i))
	}
	return strings.Join(zeros, "; ") + "; return " + strings.Join(names, ", ")
}

// TestMutants takes the body of each rule away, one after the other: the streams
// that hit it must no longer do so, or its test cannot fail.
func TestMutants(t *testing.T) {
	for i := range rules {
		r := &rules[i]
		whole := r.hit
		r.hit = func(*state, *Limits, *attempt) bool { return false }
		near := r.near
		r.near = nil
		survives(t, r.id)
		r.hit, r.near = whole, near
	}
	for i := range arrivalRules {
		r := &arrivalRules[i]
		whole := r.hit
		r.hit = func(*state, *Limits, *arrival) bool { return false }
		survives(t, r.id)
		r.hit = whole
	}
	for i := range others {
		if others[i].about != aboutTakeover && !others[i].settable() {
			continue // nothing switches it off; see TestMutantsElsewhere
		}
		off := func(p *Policy) {
			if set := p.Default.Set.Of(others[i].id); set != nil {
				set.Action = Allow
			} else {
				p.Bans.Actions = map[string]Action{others[i].id: Allow}
			}
		}
		for _, c := range ruleCases() {
			if c.rule != others[i].id || c.want == Allow {
				continue
			}
			first := c.policy
			c.policy = func(p *Policy) {
				if first != nil {
					first(p)
				}
				off(p)
			}
			if d, ok := c.play(t); ok && d.Action != Allow {
				t.Errorf("%s is switched off, and its test %q still passes", c.rule, c.name)
			}
		}
	}
}

func survives(t *testing.T, id string) {
	t.Helper()
	for _, c := range ruleCases() {
		if c.rule != id || c.want == Allow {
			continue
		}
		if d, _ := c.play(t); d.Action == c.want {
			t.Errorf("%s is taken away, and its test %q still passes: %s", id, c.name, d.Reason)
		}
	}
}
