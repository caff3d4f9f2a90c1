package asterisk

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// R6: what is not in this list cannot be asked of Asterisk, on either account:
// no Originate, no Command, no file of the configuration.
func TestR6ClosedActions(t *testing.T) {
	want := strings.Fields("Challenge DBDel DBGet DBGetTree DBPut Hangup Login Logoff PJSIPShowContacts Ping Setvar Status" +
		// what an audit asks, which changes nothing
		" CoreSettings ModuleCheck PJSIPShowAors PJSIPShowAuths PJSIPShowEndpoint PJSIPShowEndpoints SIPpeers SIPshowpeer ShowDialPlan VoicemailUsersList")
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if name, at := actionOf(n); at != nil {
				text, ok := name.(*ast.BasicLit)
				if !ok {
					t.Errorf("%s: the name of an action is not constant", fset.Position(at.Pos()))
					return true
				}
				action, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				found[action] = true
			}
			return true
		})
	}
	for name := range found {
		if !slices.Contains(want, name) {
			t.Errorf("%s can be sent, which is not in the list", name)
		}
	}
	if len(found) < 11 {
		t.Errorf("found only %v; does this test still see them?", slices.Sorted(maps.Keys(found)))
	}
}

// actionOf returns what names an action where one is written or sent by amigo.
func actionOf(n ast.Node) (name ast.Expr, at ast.Node) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) < 2 {
		return nil, nil
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		if f.Name == "action" {
			return call.Args[1], call
		}
	case *ast.SelectorExpr:
		if of, ok := f.X.(*ast.Ident); ok && of.Name == "a" && f.Sel.Name == "do" {
			return call.Args[1], call
		}
	}
	return nil, nil
}
