// Command sbom writes what a built pbxguard consists of, as CycloneDX 1.5: the
// modules that are linked into the program, as the program itself says, with the
// compiler and the SQLite that comes within one of them.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: sbom PROGRAM VERSION")
		os.Exit(2)
	}
	if err := run(os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, program, version string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return fmt.Errorf("cannot read what %s is made of: %w", program, err)
	}
	sqlite, _, _ := sqlite3.Version()
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(bill(info, version, sqlite))
}

// document is a CycloneDX 1.5 bill of materials. It carries neither a serial
// number nor a time: the same program has the same bill.
type document struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// bill lists what info tells.
func bill(info *debug.BuildInfo, version, sqlite string) document {
	doc := document{Format: "CycloneDX", Spec: "1.5", Version: 1}
	doc.Metadata.Component = component{Type: "application", Name: "pbxguard", Version: version, PURL: "pkg:deb/pbxguard/pbxguard@" + version}
	for _, s := range info.Settings {
		if slices.Contains([]string{"GOOS", "GOARCH", "CGO_ENABLED", "-tags", "-buildmode"}, s.Key) {
			doc.Metadata.Component.Properties = append(doc.Metadata.Component.Properties, property{"build:" + s.Key, s.Value})
		}
	}
	compiler := strings.TrimPrefix(info.GoVersion, "go")
	doc.Components = append(doc.Components, component{Type: "library", Name: "stdlib", Version: compiler, PURL: "pkg:golang/stdlib@" + compiler})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		doc.Components = append(doc.Components, component{
			Type: "library", Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version,
			Properties: []property{{"go:sum", m.Sum}},
		})
		if m.Path == "github.com/mattn/go-sqlite3" {
			doc.Components = append(doc.Components, component{Type: "library", Name: "sqlite", Version: sqlite, PURL: "pkg:generic/sqlite@" + sqlite})
		}
	}
	return doc
}
