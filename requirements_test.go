package pbxguard

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// testName is a test of a package.
type testName struct{ name, doc string }

// testsOf lists the tests, fuzz targets included, in a folder.
func testsOf(t *testing.T, dir string) (names []testName) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				names = append(names, testName{f.Name.Name, f.Doc.Text()})
			}
		}
	}
	return names
}

var (
	requirementRow = regexp.MustCompile(`(?m)^\| R(\d+) \|[^|]*\|([^|]*)\|$`)
	testInTable    = regexp.MustCompile("`([a-z0-9/.]*)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`")
	numbered       = regexp.MustCompile(`^TestR(\d+)[A-Z]`)
)

// requirements is how many there are.
const requirements = 18

// TestRequirements holds the table of SECURITY.md against the tests that there
// are: every requirement has one that names it, every test named exists, and
// every test that bears the number of a requirement is named.
func TestRequirements(t *testing.T) {
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{} // requirement by "dir.Test"
	rows := map[int]bool{}
	for _, row := range requirementRow.FindAllStringSubmatch(string(text), -1) {
		r, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		if rows[r] {
			t.Errorf("R%d stands twice in the table", r)
		}
		rows[r] = true
		names := testInTable.FindAllStringSubmatch(row[2], -1)
		if len(names) == 0 {
			t.Errorf("R%d: the table names no test", r)
		}
		for _, m := range names {
			listed[place(m[1])+"."+m[2]] = r
			if err := namesIt(testsOf(t, place(m[1])), m[2], r); err != nil {
				t.Errorf("R%d: %s.%s: %v", r, m[1], m[2], err)
			}
		}
	}
	for r := 1; r <= requirements; r++ {
		if !rows[r] {
			t.Errorf("R%d is not in the table", r)
		}
	}
	for dir := range may {
		for _, test := range testsOf(t, dir) {
			m := numbered.FindStringSubmatch(test.name)
			if m != nil && fmt.Sprint(listed[dir+"."+test.name]) != m[1] {
				t.Errorf("%s.%s bears the number of R%s and is not in its row of the table", dir, test.name, m[1])
			}
		}
	}
}

// place is the folder of a package as the table writes it: nothing is the top.
func place(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// namesIt is nil if a test is among those of a folder and says by its name or its
// comment which requirement it is about.
func namesIt(tests []testName, name string, r int) error {
	for _, test := range tests {
		if test.name != name {
			continue
		}
		said := regexp.MustCompile(fmt.Sprintf(`\bR%d\b`, r))
		if m := numbered.FindStringSubmatch(name); m != nil && m[1] == strconv.Itoa(r) || said.MatchString(test.doc) {
			return nil
		}
		return fmt.Errorf("neither its name nor its comment names R%d", r)
	}
	return fmt.Errorf("there is no such test")
}
