package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// R12: every statement is a constant, and what it is about is bound to it. What
// runs SQL takes a constant, or the parameter query of a function whose callers
// are held to the same.
func TestStatementsAreConstant(t *testing.T) {
	fset := token.NewFileSet()
	var files []*ast.File
	constants := map[string]bool{}
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name.Name(), ".go") || strings.HasSuffix(name.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		noteConstants(file, constants)
	}
	seen := 0
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && spec.Names[0].Name == "tableCopies" {
				for _, text := range textsOf(spec.Values[0]) {
					seen++
					if !constant(text, constants) {
						t.Errorf("%s: a statement is not constant", fset.Position(text.Pos()))
					}
				}
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			// A lone argument with an ellipsis is what is bound to a prepared statement.
			prepared := len(call.Args) == 1 && call.Ellipsis.IsValid()
			if at := statementOf(call); at >= 0 && at < len(call.Args) && !prepared {
				seen++
				if !constant(call.Args[at], constants) {
					t.Errorf("%s: a statement is not constant", fset.Position(call.Pos()))
				}
			}
			return true
		})
	}
	if seen < 40 {
		t.Errorf("statements found: got %d, want 40 or more; does this test still see them?", seen)
	}
}

// textsOf are the values of a literal, however deep.
func textsOf(e ast.Expr) (all []ast.Expr) {
	list, ok := e.(*ast.CompositeLit)
	if !ok {
		return []ast.Expr{e}
	}
	for _, e := range list.Elts {
		all = append(all, textsOf(e)...)
	}
	return all
}

func noteConstants(file *ast.File, constants map[string]bool) {
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			if values, ok := spec.(*ast.ValueSpec); ok && (gen.Tok == token.CONST || values.Names[0].Name == "prunes") {
				for _, name := range values.Names {
					constants[name.Name] = true
				}
			}
		}
	}
}

// statementOf returns which argument of a call is a statement, -1 for none.
func statementOf(call *ast.CallExpr) int {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
	case *ast.Ident:
		name = f.Name
	}
	switch name {
	case "Exec", "Query", "QueryRow", "Prepare", "exec", "each", "one":
		return 0
	case "ExecContext", "QueryContext", "QueryRowContext", "PrepareContext":
		return 1
	case "list", "newest":
		return 2
	case "remove":
		return 3
	}
	return -1
}

func constant(e ast.Expr, constants map[string]bool) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.BinaryExpr:
		return constant(e.X, constants) && constant(e.Y, constants)
	case *ast.Ident:
		return constants[e.Name] || e.Name == "query" || e.Name == "pragma"
	case *ast.CallExpr: // string(migration), of an embedded file
		f, ok := e.Fun.(*ast.Ident)
		arg, ok2 := e.Args[0].(*ast.Ident)
		return ok && ok2 && f.Name == "string" && arg.Name == "migration"
	}
	return false
}
