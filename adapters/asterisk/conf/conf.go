// Package conf reads Asterisk's configuration files the way Asterisk reads them
// (main/config.c), so that what a section says here is what is in force there:
// includes with patterns, templates as they stood when they were used, sections
// that are added to, block comments, and the odd corners of each. It never runs
// what #exec names.
package conf

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Files is where configuration lies. Names are absolute.
type Files interface {
	// ReadFile returns a whole file; what is not there gives fs.ErrNotExist.
	ReadFile(name string) ([]byte, error)
	// Glob returns the files that match a pattern of path.Match, sorted.
	Glob(pattern string) ([]string, error)
}

// A Pos is a place in a file.
type Pos struct {
	File string
	Line int
}

// String writes "/etc/asterisk/pjsip.conf:12".
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// A Setting is one "key = value".
type Setting struct {
	Key, Value string
	At         Pos  // where it is written; of an inherited one, in the template
	Inherited  bool // it comes from a template
}

// A Section is one [name] with its settings, those of its templates first.
// Several sections may share a name.
type Section struct {
	Name     string
	Template bool // it only lends its settings to others
	At       Pos
	Settings []Setting
}

// Find returns the setting of key that counts, which is the last, or nil. Keys
// have no case.
func (s *Section) Find(key string) *Setting {
	for i := len(s.Settings) - 1; i >= 0; i-- {
		if strings.EqualFold(s.Settings[i].Key, key) {
			return &s.Settings[i]
		}
	}
	return nil
}

// Get is the value of key that counts, or "".
func (s *Section) Get(key string) string {
	if set := s.Find(key); set != nil {
		return set.Value
	}
	return ""
}

// Has tells whether key is set at all.
func (s *Section) Has(key string) bool { return s.Find(key) != nil }

// All returns the settings of key in order.
func (s *Section) All(key string) (all []Setting) {
	for _, set := range s.Settings {
		if strings.EqualFold(set.Key, key) {
			all = append(all, set)
		}
	}
	return all
}

// List is all values of key, and of each the parts between commas.
func (s *Section) List(key string) (values []string) {
	for _, set := range s.All(key) {
		for v := range strings.SplitSeq(set.Value, ",") {
			if v = strings.TrimSpace(v); v != "" {
				values = append(values, v)
			}
		}
	}
	return values
}

// Yes says whether key is switched on.
func (s *Section) Yes(key string) bool { return True(s.Get(key)) }

// Pos is where key is set, or where the section begins if it is not.
func (s *Section) Pos(key string) Pos {
	if set := s.Find(key); set != nil {
		return set.At
	}
	return s.At
}

// True tells whether Asterisk takes a value for "yes" (ast_true).
func True(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}

// False tells whether Asterisk takes a value for "no" (ast_false). What is
// neither true nor false leaves a setting at its default.
func False(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "no", "false", "n", "f", "0", "off":
		return true
	}
	return false
}

// A Problem is something in a file that was not read, or that Asterisk does not
// take as its author meant it.
type Problem struct {
	At   Pos
	What string
	// Lost says that settings in force may be missing here: the file cannot be
	// read by us, or is written by a program.
	Lost bool
}

// A File is a configuration file with all that it includes.
type File struct {
	Name     string // absolute
	Found    bool
	Sections []*Section
	Problems []Problem
	// Invalid says why Asterisk refuses the whole file, so that its module does
	// not load or keeps what it had. The sections are those before that place.
	Invalid string
	// Execs are the places of #exec.
	Execs []Pos
	// Read are the files that were read, in order, and Includes what the file
	// itself includes, as written.
	Read, Includes []string
}

// Section returns the first section of a name that is no template, or an empty
// one. Names have no case.
func (f *File) Section(name string) *Section {
	for _, s := range f.Sections {
		if !s.Template && strings.EqualFold(s.Name, name) {
			return s
		}
	}
	return &Section{Name: name, At: Pos{File: f.Name}}
}

// Lost tells why settings in force may be missing here, or "".
func (f *File) Lost() string {
	for _, p := range f.Problems {
		if p.Lost {
			return p.What
		}
	}
	return ""
}

// A Reader reads configuration files below Dir, Asterisk's astetcdir.
type Reader struct {
	Files Files
	Dir   string
	Exec  bool // execincludes is on, so #exec writes settings that are not seen here

	// GoOn reads on behind an #include of a file that is not there, where Asterisk
	// gives the file up: somebody's copy may lack it, and not the host.
	GoOn bool
}

// Bounds of a file with its includes. FreePBX with a thousand extensions has 60
// files, 2 MB and 60,000 settings.
const (
	maxFiles    = 5000
	maxSettings = 1_000_000
	maxValue    = 64 << 10 // bytes of what several lines add to
	maxProblems = 1000
	maxLevel    = 11   // files within one another, as in Asterisk
	maxLine     = 8191 // bytes, as in Asterisk
	maxNested   = 128  // block comments, as in Asterisk
)

// Read reads the file of this name, relative to Dir. It always returns a File;
// what is wrong stands in it.
func (r *Reader) Read(name string) *File {
	if !path.IsAbs(name) {
		name = path.Join(r.Dir, name)
	}
	p := parser{reader: r, file: &File{Name: name}}
	err := p.load(name, Pos{})
	if err != nil {
		p.file.Invalid = err.Error()
	}
	return p.file
}

// FS makes Files of a file system whose root stands for "/". A file larger than
// most is refused.
func FS(fsys fs.FS, most int64) Files { return fsFiles{fsys, most} }

type fsFiles struct {
	fs.FS
	most int64
}

func (f fsFiles) ReadFile(name string) ([]byte, error) {
	rel := strings.TrimPrefix(path.Clean(name), "/")
	info, err := fs.Stat(f.FS, rel)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("cannot read %s: it is no regular file", name)
	case info.Size() > f.most:
		return nil, fmt.Errorf("cannot read %s: it is larger than %d bytes", name, f.most)
	}
	data, err := fs.ReadFile(f.FS, rel)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return data, nil
}

func (f fsFiles) Glob(pattern string) ([]string, error) {
	names, err := fs.Glob(f.FS, strings.TrimPrefix(path.Clean(pattern), "/"))
	if err != nil {
		return nil, fmt.Errorf("cannot understand pattern %q: %w", pattern, err)
	}
	for i := range names {
		names[i] = "/" + names[i]
	}
	return names, nil
}
