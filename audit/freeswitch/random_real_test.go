package freeswitch

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// fragments are what lines of generated files are made of.
var fragments = []string{
	`<X-PRE-PROCESS cmd="set" data="a=1"/>`, `<X-PRE-PROCESS cmd="set" data="b=$${a}2"/>`, `<X-PRE-PROCESS cmd="set" data="a = x y "/>`, `<x-pre-process CMD = "SET" DATA= "c=$${b}"/>`,
	`<!-- <X-PRE-PROCESS cmd="set" data="a=commented"/> -->`, `<Z-PRE-PROCESS cmd="set" data="a=z"/>`, `<X-NO-PRE-PROCESS cmd="set" data="a=n"/>`, `X-PRE-PROCESS`, `<X-PRE-PROCESS cmd='set' data='a=s'/>`,
	`<X-PRE-PROCESS cmd="set" data="$${a}=v"/>`, `<X-PRE-PROCESS data="a=2" cmd="set"/>`, `<X-PRE-PROCESS cmd="set" data="a"/>`, `<X-PRE-PROCESS cmd="set"`, `<X-PRE-PROCESS cmd="odd" data="a=o"/>`, `<X-PRE-PROCESS cmd="set" data="d=${e}$\{f}"/>`,
	`<X-PRE-PROCESS cmd="include" data="one.xml"/>`, `<X-PRE-PROCESS cmd="include" data="t*.xml"/>`, `<X-PRE-PROCESS cmd="include" data="none/*.xml"/>`, `<X-PRE-PROCESS cmd="include" data="$${which}.xml"/>`, `<X-PRE-PROCESS cmd="set" data="which=one"/>`,
	`<!--#set "a=legacy"-->`, `<!--#include "one.xml"-->`, `<!--#comment`, `-->`, `<!--`, `<!-- in -->`, `<!-- $${a} -->`,
	`<include>`, `</include>`, `<?xml version="1.0"?>`, `<p v="$${a}"/>`, `<q>$${b}-$${c}-${d}</q>`, `$${a`, `$$`, `$${}`, `$${nosuch}`, `$${$${a}}`, `$\{a}`, `$${d}`, `text`, ` `, "\t", `$${a}$${a}`, "\r", `"`, `\`,
}

// draw makes the text of a file. One that is included includes nothing: of files
// that include themselves the reader says so instead of following them.
func draw(r *rand.Rand, most int, included bool) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		for range 1 + r.IntN(3) {
			one := fragments[r.IntN(len(fragments))]
			for included && strings.Contains(one, "include") {
				one = fragments[r.IntN(len(fragments))]
			}
			b.WriteString(one)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// What the reader compiles of whatever lines is, to the byte, what a real
// FreeSWITCH compiles of them.
func TestRealFreeSWITCHCompilesRandomTreesTheSame(t *testing.T) {
	prefix := testbed.FreeSWITCHPrefix(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	top := "<document type=\"freeswitch/xml\">\n"
	for i := range 500 {
		in := filepath.Join(conf, fmt.Sprintf("case%03d", i))
		write(t, filepath.Join(in, "freeswitch.xml"), fmt.Sprintf("[case %d]\n", i)+draw(r, 8, false))
		write(t, filepath.Join(in, "one.xml"), draw(r, 3, true))
		write(t, filepath.Join(in, "t1.xml"), draw(r, 2, true))
		write(t, filepath.Join(in, "t2.xml"), draw(r, 2, true))
		top += fmt.Sprintf("<X-PRE-PROCESS cmd=\"include\" data=\"case%03d/freeswitch.xml\"/>\n", i)
	}
	write(t, filepath.Join(conf, "freeswitch.xml"), top+"</document>\n")
	want := realCompiled(t, prefix, dir)
	p, err := compile(diskFiles{}, conf, map[string]variable{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs := strings.Split(want, "[case ")
	for i, ours := range strings.Split(p.out.String(), "[case ") {
		if i >= len(theirs) {
			t.Fatalf("they end at case %d", i)
		}
		if ours != theirs[i] {
			text, err := os.ReadFile(filepath.Join(conf, fmt.Sprintf("case%03d/freeswitch.xml", i-1)))
			if err != nil {
				t.Fatal(err)
			}
			t.Fatalf("case %d: %q\ngot  %q\nwant %q", i-1, text, ours, theirs[i])
		}
	}
}
