package asterisk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Bounds of a configuration. FreePBX with a thousand extensions has some 60
// files and 2 MB.
const (
	maxConfSize  = 16 << 20 // bytes in a file
	maxConfLine  = 64 << 10 // bytes in a line; Asterisk itself takes 8 KB
	maxConfFiles = 1000
	maxConfDepth = 10 // of includes, as in Asterisk
)

// A section is one [name] of a configuration file with all its settings, those
// of its templates first.
type section struct {
	name     string
	template bool
	settings []setting
}

type setting struct{ key, value string }

// get is the value of key that counts: the last. Keys have no case.
func (s *section) get(key string) string {
	for i := len(s.settings) - 1; i >= 0; i-- {
		if strings.EqualFold(s.settings[i].key, key) {
			return s.settings[i].value
		}
	}
	return ""
}

// list is all values of key, and of each the parts between commas.
func (s *section) list(key string) (values []string) {
	for _, set := range s.settings {
		if !strings.EqualFold(set.key, key) {
			continue
		}
		for v := range strings.SplitSeq(set.value, ",") {
			if v = strings.TrimSpace(v); v != "" {
				values = append(values, v)
			}
		}
	}
	return values
}

// yes says whether key is switched on, as Asterisk reads it.
func (s *section) yes(key string) bool {
	switch strings.ToLower(s.get(key)) {
	case "yes", "true", "y", "t", "1", "on":
		return true
	}
	return false
}

// tree reads the configuration files below a directory that stands for "/".
type tree struct {
	files    fs.FS
	dir      string // where configuration lies, slash-separated and without a leading slash
	problems []string
	includes []string // what the file being read includes, as written
	opened   int
}

// openTree returns the tree below root and what closes it. Of another root than
// "/" no link leads out.
func openTree(root string) (t *tree, done func(), err error) {
	if root == "/" {
		return &tree{files: os.DirFS("/")}, func() {}, nil
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, nil, err
	}
	return &tree{files: r.FS()}, func() { r.Close() }, nil
}

func (t *tree) problem(format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

// read returns the sections of a file of the configuration directory. One that
// does not exist has none; other troubles are noted as problems.
func (t *tree) read(name string) []section {
	p := parser{tree: t}
	t.includes = nil
	if err := p.file(path.Join(t.dir, name), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.problem("%v", err)
	}
	return p.sections
}

// exists says whether there is a file of this absolute name.
func (t *tree) exists(name string) bool {
	_, err := fs.Stat(t.files, strings.TrimPrefix(name, "/"))
	return err == nil
}
