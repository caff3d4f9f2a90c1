package freeswitch

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

// memFiles is a file system for tests.
type memFiles map[string]string

func (m memFiles) ReadFile(name string) ([]byte, error) {
	text, ok := m[path.Clean(name)]
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case text == unreadable:
		return nil, errors.New("permission denied")
	}
	return []byte(text), nil
}

const unreadable = "<unreadable>"

func (m memFiles) Glob(pattern string) ([]string, error) {
	var names []string
	for name := range m {
		if ok, err := path.Match(path.Clean(pattern), name); err != nil {
			return nil, err
		} else if ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// The wanted texts are what preprocess() of FreeSWITCH 1.10's switch_xml.c
// makes of the same files.
var compiled = []struct {
	name  string
	files memFiles // below /c; without a name: freeswitch.xml
	want  string
}{
	{"a comment does not stop a directive", memFiles{"": "<!-- <X-PRE-PROCESS cmd=\"set\" data=\"a=1\"/> -->\n<b c=\"$${a}\"/>\n"}, "<b c=\"1\"/>\n"},
	{"any case, any blanks", memFiles{"": "<x-Pre-Process CMD = \"SET\" DATA= \"a =  1 \"/>\n$${A}.\n"}, "1 .\n"},
	{"another name disables", memFiles{"": "<Z-PRE-PROCESS cmd=\"set\" data=\"a=1\"/>\n<X-NO-PRE-PROCESS cmd=\"set\" data=\"a=1\"/>\n$${a}.\n"},
		"<Z-PRE-PROCESS cmd=\"set\" data=\"a=1\"/>\n<X-NO-PRE-PROCESS cmd=\"set\" data=\"a=1\"/>\n.\n"},
	{"the word alone drops its line", memFiles{"": "<p/> see XX-PRE-PROCESS <q/>\nkept\n"}, "kept\n"},
	{"only the first directive of a line", memFiles{"": "<X-PRE-PROCESS cmd=\"set\" data=\"a=1\"/><X-PRE-PROCESS cmd=\"set\" data=\"b=2\"/><p/>\n$${a}$${b}\n"}, "1\n"},
	{"a line with include is dropped whole", memFiles{"": "<include><param name=\"password\" value=\"x\"/>\n<p/></include>\n<?xml?><q/>\n<r/>\n"}, "<r/>\n"},
	{"but not behind a variable", memFiles{"": "<p v=\"$${a}\"/></include>\n"}, "<p v=\"\"/></include>\n"},
	{"order matters", memFiles{"": "$${a}1\n<X-PRE-PROCESS cmd=\"set\" data=\"a=x\"/>\n$${a}2\n<X-PRE-PROCESS cmd=\"set\" data=\"a=y\"/>\n$${a}3\n"}, "1\nx2\ny3\n"},
	{"single quotes are not understood", memFiles{"": "<X-PRE-PROCESS cmd='set' data='a=1'/>\n$${a}.\n"}, ".\n"},
	{"a directive of two lines", memFiles{"": "<X-PRE-PROCESS cmd=\"set\"\n data=\"a=1\"/>\n$${a}.\n"}, " data=\"a=1\"/>\n.\n"},
	{"runtime variables stay, and are defused in globals", memFiles{"": "<X-PRE-PROCESS cmd=\"set\" data=\"a=${b}$\\{c}\"/>\n$${a} ${a}\n"}, "%{b}%\\{c} ${a}\n"},
	{"an unclosed variable stays", memFiles{"": "$${a $${b}\n"}, "$${a \n"},
	{"legacy set and its line", memFiles{"": "x<!--#set \"a=1\"-->y$${a}\n$${a}\n"}, "xy\n1\n"},
	{"a legacy comment of several lines", memFiles{"": "a<!--#comment\n<X-PRE-PROCESS cmd=\"set\" data=\"a=1\"/>\nmore --> rest\n$${a}.\n"}, "a rest\n.\n"},
	{"a multi-line XML comment is not one", memFiles{"": "<!--\n<X-PRE-PROCESS cmd=\"set\" data=\"a=1\"/>\n-->$${a}\n"}, "<!--\n-->1\n"},
	{"a NUL ends the line", memFiles{"": "a\x00<X-PRE-PROCESS cmd=\"set\" data=\"a=1\"/>\nb$${a}\n"}, "ab\n"},
	{"a carriage return ends a line", memFiles{"": "<include>\r<p/>\r\n<q/>"}, "<p/>\r\n<q/>"},
	{"includes are sorted, from the folder of the file", memFiles{
		"freeswitch.xml": "<X-PRE-PROCESS cmd=\"include\" data=\"d/*.xml\"/>\n$${a}\n",
		"d/2.xml":        "<X-PRE-PROCESS cmd=\"set\" data=\"a=2\"/>\n<X-PRE-PROCESS cmd=\"include\" data=\"e/x.xml\"/>\n",
		"d/1.xml":        "<X-PRE-PROCESS cmd=\"set\" data=\"a=1\"/>\none\n",
		"d/e/x.xml":      "x",
		"d/.hidden":      "no",
	}, "one\nx2\n"},
	{"nothing to include", memFiles{"": "<X-PRE-PROCESS cmd=\"include\" data=\"none/*.xml\"/>\na\n"}, "a\n"},
}

func TestCompile(t *testing.T) {
	for _, tt := range compiled {
		t.Run(tt.name, func(t *testing.T) {
			p, err := compile(below(tt.files), "/c", map[string]variable{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.out.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(p.doc.Problems) > 0 {
				t.Errorf("got %v, want no problem", p.doc.Problems)
			}
		})
	}
}

func below(files memFiles) memFiles {
	all := memFiles{}
	for name, text := range files {
		if name == "" {
			name = "freeswitch.xml"
		}
		all["/c/"+name] = text
	}
	return all
}

// What is not known must never look as if it were.
func TestProblems(t *testing.T) {
	tests := []struct {
		name  string
		files memFiles
		want  string // of the first problem
		at    string
	}{
		{"exec", memFiles{"": "<d>\n<X-PRE-PROCESS cmd=\"exec\" data=\"cat /etc/shadow\"/>\n</d>\n"}, "output of a command", "/c/freeswitch.xml:2"},
		{"legacy exec", memFiles{"": "<d>\n\n<!--#exec \"x\"-->\n</d>\n"}, "output of a command", "/c/freeswitch.xml:3"},
		{"unreadable include", memFiles{"": "<d>\n<X-PRE-PROCESS cmd=\"include\" data=\"x.xml\"/>\n</d>\n", "x.xml": unreadable}, "cannot read", "/c/freeswitch.xml:2"},
		{"include of itself", memFiles{"": "<d>\n<X-PRE-PROCESS cmd=\"include\" data=\"*.xml\"/>\n</d>\n"}, "includes itself", "/c/freeswitch.xml:2"},
		{"include that depends on the machine", memFiles{"": "<d>\n<X-PRE-PROCESS cmd=\"include\" data=\"$${hostname}.xml\"/>\n</d>\n"}, "only the running", "/c/freeswitch.xml:2"},
		{"billion laughs", memFiles{"": "<d>\n<X-PRE-PROCESS cmd=\"set\" data=\"a=" + strings.Repeat("x", 900) + "\"/>\n" + strings.Repeat("<X-PRE-PROCESS cmd=\"set\" data=\"a=$${a}$${a}$${a}\"/>\n", 100) + "</d>\n"}, "longer than", "/c/freeswitch.xml:3"},
		{"a line without end", memFiles{"": "<d>" + strings.Repeat(" ", 2<<20) + "</d>"}, "longer than", "/c/freeswitch.xml:1"},
		{"two dashes in a comment", memFiles{"": "<d>\n<!-- a -- b -->\n</d>\n"}, "refuses", "/c/freeswitch.xml:2"},
		{"crossed tags", memFiles{"": "<d>\n<a>\n</d>\n"}, "refuses", "/c/freeswitch.xml:3"},
		{"an open tag", memFiles{"": "<d>\n<a>\n"}, "never closed", "/c/freeswitch.xml:2"},
		{"a document type", memFiles{"": "<!DOCTYPE d [<!ENTITY a \"aaaa\">]><d/>"}, "document type", "/c/freeswitch.xml:1"},
		{"deep nesting", memFiles{"": strings.Repeat("<a>", 100_000)}, "nested", "/c/freeswitch.xml:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Read(below(tt.files), "/c")
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Problems) == 0 || !strings.Contains(d.Problems[0].Text, tt.want) || d.Problems[0].Pos.String() != tt.at {
				t.Errorf("got %v, want %q at %s", d.Problems, tt.want, tt.at)
			}
		})
	}
}

func TestCommandsAreNotKept(t *testing.T) {
	d, err := Read(below(memFiles{"": "<d a=\"$${ip}\">\n<X-PRE-PROCESS cmd=\"exec-set\" data=\"ip=curl -u me:canary x\"/>\n<p v=\"$${ip}!\"/></d>\n"}), "/c")
	if err != nil {
		t.Fatal(err)
	}
	if v := d.Root.Child("p").Attr("v"); !Unknown(v) || Show(v) != "$${ip}!" {
		t.Errorf("got %q, want it unknown", Show(v))
	}
	if got := d.Directives[0]; got.Cmd != "exec-set" || got.Name != "ip" || got.Value != "" {
		t.Errorf("got %+v, want no command", got)
	}
}

func TestCommentedAndLate(t *testing.T) {
	d, err := Read(below(memFiles{
		"":      "<d>\n<X-PRE-PROCESS cmd=\"set\" data=\"auth=false\"/>\n<X-PRE-PROCESS cmd=\"include\" data=\"p.xml\"/>\n<!--\n  <X-PRE-PROCESS cmd=\"set\" data=\"auth=true\"/>\n-->\n</d>\n",
		"p.xml": "<p auth=\"$${auth}\"/>\n",
	}), "/c")
	if err != nil {
		t.Fatal(err)
	}
	late := d.Late()
	if len(late) != 1 || late[0].Used.String() != "/c/p.xml:1" || !late[0].Set.Commented || late[0].Set.Pos.String() != "/c/freeswitch.xml:5" {
		t.Errorf("got %+v, want the set of line 5, commented and late", late)
	}
	if p := d.Root.Child("p"); p.Attr("auth") != "false" || p.Pos.String() != "/c/p.xml:1" {
		t.Errorf("got %+v, want auth=false from p.xml", p)
	}
}

func TestXML(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"entities", `<a b="&lt;&quot;&amp;amp;&#65;&#x42;&nope;&#0;"/>`, `<"&amp;AB&nope;&#0;`},
		{"white space in an attribute", "<a b='x\r\n\ty'/>", "x  y"},
		{"no quotes, no value", `<a b=x c="y"/>`, ""},
		{"junk before the root", `junk <a b="1"/>`, "1"},
		{"the first of two", `<a b="1" b="2"/>`, "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, err := parseXML(tt.text, func(int) Pos { return Pos{} })
			if err != nil {
				t.Fatal(err.text)
			}
			if got := root.Attr("b"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, tt := range compiled {
		if text, ok := tt.files[""]; ok {
			f.Add(text)
		}
	}
	f.Add(`<document><section name="directory"><domain name="d"><user id="1"/></domain></section></document>`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Read(memFiles{"/c/freeswitch.xml": text, "/c/x.xml": text}, "/c")
		if err != nil {
			t.Fatal(err)
		}
		if d.Root == nil && d.Complete() {
			t.Error("got no document and no problem")
		}
	})
}
