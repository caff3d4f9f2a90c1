package pbxguard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// R12: outside of the store, too, whose own test is stricter, every statement
// is written here and what it is about is bound to it.
func TestR12StatementsAreConstant(t *testing.T) {
	fset := token.NewFileSet()
	constants := map[string]map[string]bool{} // by folder
	var speaking []*ast.File
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		// Fixtures of tests; and what the store's own test holds.
		if dir := filepath.Dir(path); dir == "audit/audittest" || dir == "store" {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		if constants[filepath.Dir(path)] == nil {
			constants[filepath.Dir(path)] = map[string]bool{}
		}
		noteTop(file, constants[filepath.Dir(path)])
		if speaksSQL(file) || callsSQLite(file) {
			speaking = append(speaking, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range speaking {
		known := constants[filepath.Dir(fset.Position(file.Pos()).Filename)]
		noteElements(file, known)
		ast.Inspect(file, func(n ast.Node) bool {
			if statement := statementIn(n); statement != nil {
				seen++
				if !isConstant(statement, known) {
					t.Errorf("%s: a statement is put together", fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
	if seen < 8 {
		t.Errorf("statements found: got %d, want 8 or more; does this test still see them?", seen)
	}
}

// noteTop notes what is declared outside of functions.
func noteTop(file *ast.File, names map[string]bool) {
	for _, decl := range file.Decls {
		if gen, ok := decl.(*ast.GenDecl); ok {
			for _, spec := range gen.Specs {
				if values, ok := spec.(*ast.ValueSpec); ok {
					for _, name := range values.Names {
						names[name.Name] = true
					}
				}
			}
		}
	}
}

// noteElements notes what goes over the elements of what is declared there.
func noteElements(file *ast.File, names map[string]bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		loop, ok := n.(*ast.RangeStmt)
		if !ok {
			return true
		}
		over := loop.X
		if part, ok := over.(*ast.SliceExpr); ok {
			over = part.X
		}
		all, ok := over.(*ast.Ident)
		each, ok2 := loop.Value.(*ast.Ident)
		if ok && ok2 && names[all.Name] {
			names[each.Name] = true
		}
		return true
	})
}

func speaksSQL(file *ast.File) bool {
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err == nil && (path == "database/sql" || strings.HasPrefix(path, "github.com/jackc/pgx/")) {
			return true
		}
	}
	return false
}

// callsSQLite says whether the file has somebody else run its statements.
func callsSQLite(file *ast.File) (calls bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		f, ok := n.(*ast.SelectorExpr)
		calls = calls || ok && f.Sel.Name == "SQLite"
		return true
	})
	return calls
}

// statementIn is the statement in a call that has one.
func statementIn(n ast.Node) ast.Expr {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	at := -1
	switch f.Sel.Name {
	case "Exec", "Query", "QueryRow", "Prepare":
		at = 0
		if first, ok := call.Args[0].(*ast.Ident); ok && first.Name == "ctx" {
			at = 1 // pgx
		}
	case "ExecContext", "QueryContext", "QueryRowContext", "PrepareContext", "SQLite":
		at = 1
	}
	if at < 0 || at >= len(call.Args) {
		return nil
	}
	return call.Args[at]
}

// isConstant says whether an expression holds nothing but what was written here,
// and names that are quoted for SQL.
func isConstant(e ast.Expr, known map[string]bool) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.BinaryExpr:
		return isConstant(e.X, known) && isConstant(e.Y, known)
	case *ast.Ident:
		return known[e.Name] || e.Name == "query" // the parameter of SQLite
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok {
			if f.Sel.Name == "Sanitize" {
				return true
			}
			return f.Sel.Name == "Itoa" && isConstant(e.Args[0], known)
		}
	}
	return false
}

// R11: nothing writes what a spreadsheet would run: no rows are written at all,
// and no page but by html/template.
func TestR11NoSpreadsheets(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if f, ok := n.(*ast.SelectorExpr); ok {
				if of, ok := f.X.(*ast.Ident); ok && of.Name == "csv" && f.Sel.Name == "NewWriter" {
					t.Errorf("%s writes rows of separated values", path)
				}
			}
			return true
		})
		for _, spec := range file.Imports {
			if spec.Path.Value == `"text/template"` {
				t.Errorf("%s imports text/template, which escapes nothing", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// R13: whatever reads bytes of others is fuzzed, in CI by .ci/fuzz.
func TestR13DecodersAreFuzzed(t *testing.T) {
	for _, tt := range []struct{ reads, dir string }{
		{"blocks of AMI and ESL", "adapters/internal/wire"},
		{"events of Asterisk", "adapters/asterisk"},
		{"configuration of Asterisk", "adapters/asterisk/conf"},
		{"events of FreeSWITCH", "adapters/freeswitch"},
		{"questions to the gate, FastAGI and outbound socket", "gate"},
		{"our own configuration", "config"},
		{"decks and lists of numbers", "tariff"},
		{"rows of separated values", "tabular"},
		{"call records", "history"},
		{"dial plans of Asterisk", "audit/asterisk"},
		{"XML of FreeSWITCH", "audit/freeswitch"},
		{"dumps of FusionPBX", "audit/fusionpbx"},
		{"files of the host", "audit/host"},
		{"answers of the kernel", "firewall"},
		{"dialled numbers", "numbering"},
		{"countries and networks of addresses, MMDB", "atlas"},
		{"text for people", "report"},
	} {
		if !slices.ContainsFunc(testsOf(t, tt.dir), func(name testName) bool { return strings.HasPrefix(name.name, "Fuzz") }) {
			t.Errorf("%s: nothing in %s is fuzzed", tt.reads, tt.dir)
		}
	}
}
