package conf

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// A tricky tree: its files, of which the first is read, and what is in force
// according to Asterisk itself (see real_test.go). "invalid" is a file that
// Asterisk refuses.
type tricky struct {
	name  string
	files [][2]string
	want  string
}

// one is a tree of one file.
func one(text string) [][2]string { return [][2]string{{"", text}} }

var trickies = []tricky{
	{"plain", one("[a]\nk = v\n"), "[a] k=v"},
	{"arrow", one("[a]\nk => v\nl=>w\nm =v=w\n"), "[a] k=v l=w m=v=w"},
	{"append without blanks", one("[a]\ncontext=default\ncontext+=x\n"), "[a] context=defaultx"},
	{"append with blanks", one("[a]\ncontext = default\ncontext += x\n"), "[a] context=default x"},
	{"append minds case", one("[a]\nk=v\nK+=w\n"), "[a] k=v K=w"},
	{"append to the last", one("[a]\nk=1\nk=2\nk+=3\n"), "[a] k=1 k=23"},
	{"append to the first with the value of the last", one("[a]\nK=v\nl=w\nk=V\nk+=x\n"), "[a] k=Vx l=w k=V"},
	{"append to nothing", one("[a]\nk+=v\n"), "[a] k=v"},
	{"append to what is inherited", one("[t](!)\nk=v\n[a](t)\nk+=w\n[b](t)\n"), "[a] k=vw | [b] k=v"},
	{"append an arrow", one("[a]\nk=1\nk+=>2\n"), "[a] k=1>2"},
	{"no blank is needed", one("[a]\nk=v+=w\nl+m=x\n"), "[a] k=v+=w l+m=x"},
	{"comment", one("[a]\nk=v;w\n;l=w\n"), "[a] k=v"},
	{"escaped semicolon", one("[a]\nk=sip:x\\;lr ; y\nl=\\;\\;\n"), "[a] k=sip:x;lr l=;;"},
	{"backslash elsewhere", one("[a]\nk=a\\b\\\\;c\n"), "[a] k=a\\b\\;c"},
	{"block comment in a line", one("[a]\nk=v;-- no --;w\n"), "[a] k=vw"},
	{"block comment over lines", one("[a]\nk=v\n;-- \nk=w\n--;\nl=x\n"), "[a] k=v l=x"},
	{"text before and behind a block comment", one("[a]\nk=v;-- \nl=w\n--;m=x\nn=y\n"), "[a] k=v m=x n=y"},
	{"nested block comment", one("[a]\n;-- \n;-- x --;\nk=w\n--;\nl=x\n"), "[a] l=x"},
	{"two in a line", one("[a]\nk=1;-- a --;2;-- b --;3\n"), "[a] k=123"},
	{"a line of dashes begins no block", one("[a]\n;-----\nk=v\n;---x--;\nl=w\n"), "[a] k=v l=w"},
	{"block that does not end", one("[a]\nk=v\n;--\nl=w\n"), "[a] k=v"},
	{"escape within a block", one("[a]\nk=v;-- \\;-- --;w\n"), "[a] k=vw"},
	{"template", one("[t](!)\nk=v\n[a](t)\nl=w\n"), "[a] k=v l=w"},
	{"template is a snapshot", one("[t](!)\nk=v\n[a](t)\n[t](+TEMPLATES=include)\nl=w\n[b](t)\n"), "[a] k=v | [b] k=v l=w"},
	{"template of templates", one("[t](!)\nk=v\n[u](!,t)\nl=w\n[a](u)\n"), "[a] k=v l=w"},
	{"two templates", one("[t](!)\nk=1\n[u](!)\nk=2\n[a](t,u)\n[b](u,t)\n"), "[a] k=1 k=2 | [b] k=2 k=1"},
	{"any section lends", one("[x]\nk=v\n[a](x)\n"), "[x] k=v | [a] k=v"},
	{"the first of a name lends", one("[x]\nk=1\n[x]\nk=2\n[a](x)\n"), "[x] k=1 | [x] k=2 | [a] k=1"},
	{"names have no case", one("[Tmpl](!)\nk=v\n[a](tMPL)\n[A](+)\nl=w\n"), "[a] k=v l=w"},
	{"a blank before a template", one("[t](!)\nk=v\n[u](!)\n[a](t, u)\n"), "invalid"},
	{"a blank before the parenthesis", one("[t](!)\nk=v\n[a] (t)\nl=w\n"), "[a] l=w"},
	{"empty parentheses", one("[x]\nk=v\n[a]()\nl=w\n"), "[x] k=v | [a] k=v l=w"},
	{"no such template", one("[a]\nk=v\n[b](t)\n"), "invalid"},
	{"added later", one("[a]\nk=v\n[b]\nl=w\n[a](+)\nm=x\n"), "[a] k=v m=x | [b] l=w"},
	{"added to the first", one("[a]\nk=1\n[a]\nk=2\n[a](+)\nk=3\n"), "[a] k=1 k=3 | [a] k=2"},
	{"added by field", one("[a]\ntype=x\n[a]\ntype=y\n[a](+type=y)\nk=v\n"), "[a] type=x | [a] type=y k=v"},
	{"added by two fields", one("[a]\ntype=y\n[a]\ntype=y\nz=1\n[a](+type=y&z=1)\nk=v\n"), "[a] type=y | [a] type=y z=1 k=v"},
	{"added to a template", one("[t](!)\nk=v\n[t](+)\nl=w\n"), "invalid"},
	{"added with a template", one("[t](!)\nm=1\n[a]\nk=v\n[a](+,t)\n[a](t,+)\n"), "[a] k=v m=1 m=1"},
	{"added to nothing", one("[a](+)\nk=v\n"), "invalid"},
	{"same name twice", one("[a]\ntype=endpoint\n[a]\ntype=auth\n"), "[a] type=endpoint | [a] type=auth"},
	{"name with blanks", one("[ a b ]\nk=v\n"), "[ a b ] k=v"},
	{"no closing bracket", one("[a\nk=v\n"), "invalid"},
	{"no closing parenthesis", one("[a](!\nk=v\n"), "invalid"},
	{"before any section", one("k=v\n[a]\n"), "invalid"},
	{"no equals sign", one("[a]\nk\nl=w\n"), "[a] l=w"},
	{"no name", one("[a]\n=v\nl=w\n"), "[a] l=w"},
	{"empty value", one("[a]\nk=\nl =   \n"), "[a] k= l="},
	{"CR LF and tabs", one("[a]\r\n\tk\t=\tv\t\r\n"), "[a] k=v"},
	{"unknown directive", one("[a]\n#wrong x\nk=v\n"), "[a] k=v"},
	{"exec is off", one("[a]\n#exec \"/bin/echo l=w\"\nk=v\n"), "[a] k=v"},
	{"a long line is skipped", one("[a]\nk=v\nl=" + strings.Repeat("x", 9000) + "\nm=w\n"), "[a] k=v m=w"},
	{"a line of 8190 with its end", one("[a]\nl=" + strings.Repeat("x", 8187) + "\nm=w\n"), "[a] l=" + strings.Repeat("x", 8187) + " m=w"},
	{"a line of 8191 with its end", one("[a]\nl=" + strings.Repeat("x", 8188) + "\nm=w\n"), "[a] l=" + strings.Repeat("x", 8188) + " m=w"},
	{"a line of 8191 without its end", one("[a]\nl=" + strings.Repeat("x", 8189) + "\nm=w\n"), "[a] m=w"},
	{"a long line of whole chunks takes the next along", one("[a]\nl=" + strings.Repeat("x", 2*8191-2) + "\nm=w\nn=y\n"), "[a] m=w n=y"},
	{"a NUL ends a line", one("[a]\nk=v\x00w\nl=x\n"), "[a] k=v l=x"},
	{"include", [][2]string{{"", "[a]\nk=v\n#include \"@b.conf\"\nm=x\n"}, {"b", "l=w\n[c]\nn=y\n"}}, "[a] k=v l=w m=x | [c] n=y"},
	{"the second include begins where the first ended", [][2]string{{"", "[a]\nk=v\n#include @b.conf\n#include <@c.conf>\nm=x\n"}, {"b", "[c]\nn=y\n"}, {"c", "o=z\n"}}, "[a] k=v m=x | [c] n=y o=z"},
	{"include of a pattern", [][2]string{{"", "[a]\n#include @b*.conf\n"}, {"b2", "k=2\n[c]\n"}, {"b1", "k=1\n"}, {"b3", "k=3\n"}}, "[a] k=1 k=2 | [c] k=3"},
	{"include with braces", [][2]string{{"", "[a]\n#include @{c,b}.conf\n"}, {"b", "k=b\n"}, {"c", "k=c\n"}}, "[a] k=c k=b"},
	{"include of nothing", one("[a]\nk=v\n#include @none.conf\nl=w\n"), "invalid"},
	{"include of an empty pattern", one("[a]\nk=v\n#include @none*.conf\nl=w\n"), "invalid"},
	{"tryinclude of nothing", one("[a]\nk=v\n#tryinclude @none.conf\nl=w\n"), "[a] k=v l=w"},
	{"include of a broken file", [][2]string{{"", "[a]\nk=v\n#include @b.conf\nl=w\n"}, {"b", "m=x\n[broken\nn=y\n"}}, "[a] k=v m=x l=w"},
	{"include of a file that lacks one", [][2]string{{"", "[a]\nk=v\n#include @b.conf\nl=w\n"}, {"b", "m=x\n#include @none.conf\nn=y\n"}}, "[a] k=v m=x l=w"},
	{"a file that includes itself", one("[a]\nk=v\n#tryinclude @.conf\n"), "[a] k=v" + strings.Repeat(" | [a] k=v", 10)},
	{"template from an include", [][2]string{{"", "#include @b.conf\n[a](t)\n"}, {"b", "[t](!)\nk=v\n"}}, "[a] k=v"},
	{"block comment ends with its file", [][2]string{{"", "[a]\n#include @b.conf\nk=v\n"}, {"b", "l=w\n;--\n"}}, "[a] l=w k=v"},
	{"block comment over the files of a pattern", [][2]string{{"", "[a]\n#include @b*.conf\nk=v\n"}, {"b1", "l=w\n;--\n"}, {"b2", "m=x\n--;\nn=y\n"}}, "[a] l=w n=y k=v"},
	{"end of a block that did not begin", one("[a]\nk=v --; x\nl=w\n[b]\nm=x\n"), "[a] k=v --; x"},
}

// named gives the files of a tree names that begin with prefix, and puts the
// prefix for @ in them. The first is prefix.conf.
func (tr tricky) named(prefix string) map[string]string {
	files := map[string]string{}
	for _, f := range tr.files {
		files[prefix+f[0]+".conf"] = strings.ReplaceAll(f[1], "@", prefix)
	}
	return files
}

// dump writes what is in force in a file.
func dump(f *File) string {
	if f.Invalid != "" {
		return "invalid"
	}
	var all []string
	for _, s := range f.Sections {
		if s.Template {
			continue
		}
		text := "[" + s.Name + "]"
		for _, set := range s.Settings {
			text += " " + set.Key + "=" + set.Value
		}
		all = append(all, text)
	}
	return strings.Join(all, " | ")
}

func TestTrickyTrees(t *testing.T) {
	for i, tr := range trickies {
		t.Run(tr.name, func(t *testing.T) {
			prefix := fmt.Sprintf("t%d", i)
			fsys := fstest.MapFS{}
			for name, text := range tr.named(prefix) {
				fsys["etc/asterisk/"+name] = &fstest.MapFile{Data: []byte(text)}
			}
			r := Reader{Files: FS(fsys, 1<<20), Dir: "/etc/asterisk"}
			f := r.Read(prefix + ".conf")
			if got := dump(f); got != tr.want {
				t.Errorf("got  %.300s\nwant %.300s\n(%s, %v)", got, tr.want, f.Invalid, f.Problems)
			}
		})
	}
}

// Whatever the files hold, reading them ends, and what stands in a section has
// a name without blanks around it.
func FuzzRead(f *testing.F) {
	for _, tr := range trickies {
		f.Add(tr.files[0][1], "[b]\nk=v\n")
	}
	f.Add("[a](!)\nk=v\n[b](a,a)\n[c](b,b,b)\n[d](c,c,c)\n#include *.conf\n", "#include @.conf\n#include /etc/*\n")
	f.Fuzz(func(t *testing.T, first, second string) {
		fsys := fstest.MapFS{"etc/x.conf": {Data: []byte(first)}, "etc/y.conf": {Data: []byte(second)}}
		r := Reader{Files: FS(fsys, 1<<20), Dir: "/etc"}
		for _, s := range r.Read("x.conf").Sections {
			for _, set := range s.Settings {
				if set.Key == "" || strip(set.Key) != set.Key || strip(set.Value) != set.Value {
					t.Fatalf("got setting %+v", set)
				}
			}
		}
	})
}

// Includes and templates that multiply are cut off.
func TestHostileTrees(t *testing.T) {
	double := "[s0](!)\nk=v\n"
	for i := range 40 {
		double += fmt.Sprintf("[s%d](!,s%d,s%d)\n", i+1, i, i)
	}
	tests := []struct{ name, text, want string }{
		{"templates that double", double, "more than 1000000 settings"},
		{"includes that multiply", "[a]\n" + strings.Repeat("#tryinclude x.conf\n", 10), "more than 5000 files"},
		{"a value that grows", "[a]\n" + strings.Repeat("k+="+strings.Repeat("x", 1000)+"\n", 100), "longer than 65536 bytes"},
		{"braces that multiply", "[a]\n#include " + strings.Repeat("{a,b,c,d,e,f,g,h}", 60) + "\n", "more than 5000 files"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Reader{Files: FS(fstest.MapFS{"etc/x.conf": {Data: []byte(tt.text)}}, 1<<20), Dir: "/etc"}
			f := r.Read("x.conf")
			what := f.Invalid
			for _, p := range f.Problems {
				what += " " + p.What
			}
			if !strings.Contains(what, tt.want) {
				t.Errorf("got %.200q, want %q", what, tt.want)
			}
		})
	}
}

// Where a copy lacks an included file, the rest may be read all the same.
func TestGoOnBehindAMissingFile(t *testing.T) {
	tree := fstest.MapFS{"c/x.conf": {Data: []byte("[a]\nk=1\n#include gone.conf\nl=2\n#include y.conf\n[b]\nm=3\n")}, "c/y.conf": {Data: []byte("#include gone.conf\nn=4\n")}}
	for _, goOn := range []bool{false, true} {
		r := Reader{Files: FS(tree, 1<<20), Dir: "/c", GoOn: goOn}
		f := r.Read("x.conf")
		if !strings.Contains(f.Invalid, "/c/x.conf:3: it includes gone.conf") {
			t.Errorf("go on %v: got %q, want the first include", goOn, f.Invalid)
		}
		got := f.Section("a").Get("l") + f.Section("a").Get("n") + f.Section("b").Get("m")
		if want := map[bool]string{false: "", true: "243"}[goOn]; got != want {
			t.Errorf("go on %v: got %q, want %q", goOn, got, want)
		}
	}
}
