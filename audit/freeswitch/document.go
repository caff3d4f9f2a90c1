// Package freeswitch reads a FreeSWITCH configuration tree as FreeSWITCH reads
// it, and checks it.
//
// FreeSWITCH compiles its files to one XML document before it parses anything:
// switch_xml.c reads line by line, runs the X-PRE-PROCESS directives it finds
// (inside XML comments too), drops whole lines, and replaces $${name} by the
// value the variable has at that moment. Reading the files with an ordinary XML
// parser shows what the administrator wrote; reading them like this shows what
// is in force.
package freeswitch

import (
	"fmt"
	"sort"
	"strings"
)

// Files is the file system a configuration is read from. Names are absolute
// and clean, as FreeSWITCH sees them; whoever implements it decides which
// folder stands for the root and refuses what leads out of it.
type Files interface {
	// ReadFile returns the whole of one file. It refuses files that are too large.
	ReadFile(name string) ([]byte, error)
	// Glob returns the files that match a pattern, sorted.
	Glob(pattern string) ([]string, error)
}

// Pos is a place in a file of the configuration.
type Pos struct {
	File string
	Line int // from 1
}

func (p Pos) String() string {
	if p.Line == 0 { // not from a file with lines
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Problem is something that keeps the document from being known in full:
// what FreeSWITCH runs has, or may have, more or other than what was read.
type Problem struct {
	Pos  Pos
	Text string
	// Section is the section of the document that lacks something, "" for all.
	Section string
	// File is the included file that could not be read, if that is it.
	File string
}

// Directive is one preprocessor directive that is live: FreeSWITCH obeys it.
type Directive struct {
	Pos Pos
	Cmd string // lower case: set, include, exec, exec-set, stun-set, env-set
	// Name is the variable that is set, or the pattern that is included. The
	// command line of exec and exec-set is not kept: it may hold a secret.
	Name string
	// Commented is set when the directive stands inside an XML comment of its
	// file, where a reader of the file believes it to be off.
	Commented bool
	Value     string // of set: the value, with the variables in it replaced

	seq int
}

// Document is a configuration after preprocessing and parsing.
type Document struct {
	Root       *Element // nil when there is nothing to parse
	Directives []Directive
	Problems   []Problem
	Read       []string // the files that were read, each once, in order

	uses map[string][]use
	vars map[string]variable
}

type use struct {
	pos   Pos
	seq   int
	value string
}

// Var returns the value a variable has once all files are read, and whether it
// is set. Names are compared without case, as FreeSWITCH does.
func (d *Document) Var(name string) (value string, at Pos, ok bool) {
	v, ok := d.vars[strings.ToLower(name)]
	return v.value, v.pos, ok
}

// Complete reports whether all of the document is known.
func (d *Document) Complete() bool { return len(d.Problems) == 0 }

// Late lists the set directives that came too late: the variable had been used
// before with another value, and is used nowhere after.
func (d *Document) Late() []Late {
	var late []Late
	for _, dir := range d.Directives {
		if dir.Cmd != "set" {
			continue
		}
		uses := d.uses[strings.ToLower(dir.Name)]
		var before *use
		after := false
		for i := range uses {
			u := &uses[i]
			switch {
			case u.pos == dir.Pos: // data="x=$${x}-more" refers to itself
			case u.seq > dir.seq:
				after = true
			case u.value != dir.Value:
				before = u
			}
		}
		if before != nil && !after {
			late = append(late, Late{Set: dir, Used: before.pos})
		}
	}
	return late
}

// Late is a set directive without effect on the use before it.
type Late struct {
	Set  Directive
	Used Pos
}

// Read reads the configuration whose top file, freeswitch.xml, is in the
// folder confDir. It never runs a command that the configuration names. What
// keeps it from knowing the whole is in Document.Problems; there is an error
// only when the top file itself can't be read.
func Read(files Files, confDir string) (*Document, error) { return readWith(files, confDir, nil) }

// readWith is Read with the global variables of the running FreeSWITCH, of which
// those are taken that no file can tell.
func readWith(files Files, confDir string, now map[string]string) (*Document, error) {
	vars := builtin(confDir)
	for name := range vars {
		// What it calls its folder of files may be another than where they are
		// read, and vanilla sets sound_prefix by itself.
		if value, told := now[name]; told && name != "conf_dir" && name != "sound_prefix" {
			vars[name] = variable{value: value}
		}
	}
	p, err := compile(files, confDir, vars, now)
	if err != nil {
		return nil, err
	}
	d := p.doc
	d.vars = p.vars
	root, refused := parseXML(p.out.String(), p.position)
	d.Root = root
	if refused != nil && !p.stopped {
		d.problem(Problem{Pos: refused.pos, Text: "FreeSWITCH refuses the document: " + refused.text})
	}
	return d, nil
}

// compile makes one text of the files.
func compile(files Files, confDir string, vars map[string]variable, now map[string]string) (*preprocessor, error) {
	top := confDir + "/freeswitch.xml"
	text, err := files.ReadFile(top)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", top, err)
	}
	p := &preprocessor{files: files, doc: &Document{uses: map[string][]use{}}, vars: vars, now: now, capacity: lineBlock}
	p.file(top, confDir, text, 0)
	return p, nil
}

// ReadFragment parses one file by itself, without its includes; the FusionPBX
// dialplan cache holds such files.
func ReadFragment(name string, text []byte) (*Document, error) {
	d := &Document{uses: map[string][]use{}}
	root, perr := parseXML(string(text), func(off int) Pos {
		return Pos{File: name, Line: 1 + strings.Count(string(text[:min(off, len(text))]), "\n")}
	})
	d.Root = root
	if perr != nil {
		return nil, fmt.Errorf("cannot parse %s: %s", perr.pos, perr.text)
	}
	return d, nil
}

const maxProblems = 200

func (d *Document) problem(p Problem) {
	if len(d.Problems) < maxProblems {
		d.Problems = append(d.Problems, p)
	}
}

// variable is a global variable. Its value is unknown when only the running
// switch has it.
type variable struct {
	value   string
	pos     Pos
	unknown bool
}

// builtin returns the variables that FreeSWITCH sets before it reads a file
// (switch_core.c). Those that depend on the machine are unknown here.
func builtin(confDir string) map[string]variable {
	vars := map[string]variable{}
	for _, name := range []string{"hostname", "local_ip_v4", "local_mask_v4", "local_ip_v6", "core_uuid", "switch_serial",
		"nat_public_addr", "nat_private_addr", "nat_type", "zrtp_enabled"} {
		vars[name] = variable{unknown: true}
	}
	dirs := packaged
	if prefix, ok := strings.CutSuffix(confDir, "/conf"); ok {
		dirs = prefixed(prefix)
	}
	for name, dir := range dirs {
		vars[name] = variable{value: dir}
	}
	vars["conf_dir"] = variable{value: confDir}
	return vars
}

// packaged are the folders of the Debian packages.
var packaged = map[string]string{
	"base_dir": "/usr", "sounds_dir": "/usr/share/freeswitch/sounds", "sound_prefix": "/usr/share/freeswitch/sounds",
	"log_dir": "/var/log/freeswitch", "run_dir": "/run/freeswitch", "db_dir": "/var/lib/freeswitch/db",
	"mod_dir": "/usr/lib/freeswitch/mod", "htdocs_dir": "/usr/share/freeswitch/htdocs",
	"script_dir": "/usr/share/freeswitch/scripts", "temp_dir": "/tmp", "grammar_dir": "/usr/share/freeswitch/grammar",
	"fonts_dir": "/usr/share/freeswitch/fonts", "images_dir": "/var/lib/freeswitch/images",
	"certs_dir": "/etc/freeswitch/tls", "storage_dir": "/var/lib/freeswitch/storage",
	"recordings_dir": "/var/lib/freeswitch/recordings", "cache_dir": "/var/cache/freeswitch",
	"data_dir": "/usr/share/freeswitch", "localstate_dir": "/var/lib/freeswitch",
}

// prefixed are the folders of a FreeSWITCH built from source.
func prefixed(prefix string) map[string]string {
	dirs := map[string]string{"base_dir": prefix, "temp_dir": "/tmp", "data_dir": prefix, "localstate_dir": prefix,
		"sound_prefix": prefix + "/sounds", "storage_dir": prefix + "/storage", "script_dir": prefix + "/scripts"}
	for _, name := range []string{"sounds", "log", "run", "db", "mod", "htdocs", "grammar", "fonts", "images", "certs", "recordings", "cache"} {
		dirs[name+"_dir"] = prefix + "/" + name
	}
	return dirs
}

// chunk says from which line of which file a piece of the output comes.
type chunk struct {
	off  int
	file int
	line int
}

func (p *preprocessor) position(off int) Pos {
	i := sort.Search(len(p.chunks), func(i int) bool { return p.chunks[i].off > off }) - 1
	if i < 0 {
		return Pos{}
	}
	return Pos{File: p.doc.Read[p.chunks[i].file], Line: p.chunks[i].line}
}
