package audittest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pbxguard/audit"
)

// statement is a call that reports a hole, from its first to its last line.
type statement struct {
	file     string
	from, to int
}

// Statements fails for every statement of the package's source files which
// reports a hole and is proved by no fixture: what its fixture must find comes
// from there, and is gone in the tree that passes. So taking the statement away
// turns a test red. The names are patterns of files, as "rules_*.go".
func (s Suite) Statements(t *testing.T, names ...string) {
	reached := map[string]map[int]bool{}
	files, err := filepath.Glob(filepath.Join(s.Dir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := s.load(strings.TrimSuffix(filepath.Base(name), ".txt"))
		if err != nil {
			t.Fatal(err)
		}
		trace := func(one audit.Finding) {
			if one.ID == f.of && one.Status == audit.Fail && f.matches(one) {
				here(reached)
			}
		}
		if err := s.judgeTraced(t, f, "fail", nil, trace); err != nil {
			t.Error(err)
		}
	}
	all := reports(t, names)
	proved := 0
	for _, one := range all {
		lines := reached[one.file]
		hit := false
		for n := one.from; n <= one.to; n++ {
			hit = hit || lines[n]
		}
		if !hit {
			t.Errorf("%s:%d: no fixture proves what is reported here", one.file, one.from)
			continue
		}
		proved++
	}
	t.Logf("%s: %d of %d statements that report a hole are proved", s.Kind.Name, proved, len(all))
}

// here notes the lines of all functions that are being called.
func here(reached map[string]map[int]bool) {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if name := filepath.Base(f.File); strings.Contains(f.Function, "pbxguard/audit/") {
			if reached[name] == nil {
				reached[name] = map[int]bool{}
			}
			reached[name][f.Line] = true
		}
		if !more {
			return
		}
	}
}

// reports finds the calls of Fail and FailAs, and of helpers called fail.
func reports(t *testing.T, patterns []string) (all []statement) {
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v %v", pattern, names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Fail", "FailAs", "fail"}, sel.Sel.Name) {
					all = append(all, statement{filepath.Base(name), set.Position(call.Pos()).Line, set.Position(call.End()).Line})
				}
				return true
			})
		}
	}
	return all
}
