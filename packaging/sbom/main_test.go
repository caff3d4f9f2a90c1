package main

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

func TestBill(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.0",
		Settings:  []debug.BuildSetting{{Key: "GOARCH", Value: "arm64"}, {Key: "vcs.time", Value: "now"}},
		Deps: []*debug.Module{
			{Path: "github.com/mattn/go-sqlite3", Version: "v1.14.53", Sum: "h1:x="},
			{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/new", Version: "v2.0.0"}},
		},
	}
	got := bill(info, "1.2.3", "3.50.4")
	var names []string
	for _, c := range got.Components {
		names = append(names, c.PURL)
	}
	want := "pkg:golang/stdlib@1.26.0 pkg:golang/github.com/mattn/go-sqlite3@v1.14.53 pkg:generic/sqlite@3.50.4 pkg:golang/example.org/new@v2.0.0"
	if strings.Join(names, " ") != want {
		t.Errorf("got %q, want %q", names, want)
	}
	if p := got.Metadata.Component.Properties; len(p) != 1 || p[0].Value != "arm64" {
		t.Errorf("got properties %v, want the architecture", p)
	}
}

// The test itself is a program of this module, SQLite included.
func TestRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := run(&b, self, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Format != "CycloneDX" || !strings.Contains(b.String(), "pkg:generic/sqlite@3.") {
		t.Errorf("got %s, want a bill with SQLite", b.String())
	}
	if err := run(&b, "main.go", "1.2.3"); err == nil {
		t.Error("got no error of a file that is no program")
	}
}
