package asterisk

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"pbxguard/adapters/asterisk/conf"
)

// maxConfSize bounds a configuration file, in bytes. FreePBX with a thousand
// extensions has 2 MB in all.
const maxConfSize = 16 << 20

// tree reads the configuration files below a directory that stands for "/".
type tree struct {
	files    fs.FS
	dir      string // where configuration lies, slash-separated and without a leading slash
	problems []string
	includes []string // what the file read last includes, as written
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
func (t *tree) read(name string) []*conf.Section {
	r := conf.Reader{Files: conf.FS(t.files, maxConfSize), Dir: path.Join("/", t.dir), Exec: true}
	f := r.Read(path.Join("/", t.dir, name))
	t.includes = f.Includes
	for _, p := range f.Problems {
		t.problem("%s", p.What)
	}
	if f.Found && f.Invalid != "" {
		t.problem("%s", f.Invalid)
	}
	return f.Sections
}

// exists says whether there is a file of this absolute name.
func (t *tree) exists(name string) bool {
	_, err := fs.Stat(t.files, strings.TrimPrefix(name, "/"))
	return err == nil
}
