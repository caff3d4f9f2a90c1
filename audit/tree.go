package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Bounds of a tree. FreePBX with a thousand extensions has some 60 files and
// 2 MB, its AstDB 10 MB.
const (
	maxFile  = 64 << 20 // bytes of a file
	maxRead  = 1 << 30  // bytes of all files together
	maxFiles = 50_000   // files opened
	maxNames = 100_000  // entries of a directory
	maxLinks = 40       // symbolic links on the way to a file, as in Linux
)

// A Tree reads files of a host that may be another than this one: a copy below
// a directory, or single configuration folders. Names are absolute paths of that
// host. Symbolic links are followed as that host would, so that a copy's link to
// /var/www leads into the copy, and nothing ever leads out of it. A Tree belongs
// to one goroutine.
type Tree struct {
	mounts []mount
	read   int64
	opened int
}

// mount shows the folder dir of this host at the name at.
type mount struct {
	at  string
	dir string
	os  *os.Root
}

// Open returns the tree whose "/" is the directory root.
func Open(root string) (*Tree, error) {
	t := &Tree{}
	if err := t.Mount("/", root); err != nil {
		return nil, err
	}
	return t, nil
}

// Mount shows a directory of this host as the folder at of the tree, in front of
// what is there.
func (t *Tree) Mount(at, dir string) error {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", dir, bare(err))
	}
	t.mounts = append(t.mounts, mount{path.Clean("/" + at), dir, r})
	// The longest comes first, the newest before its equals.
	slices.Reverse(t.mounts)
	slices.SortStableFunc(t.mounts, func(a, b mount) int { return len(b.at) - len(a.at) })
	return nil
}

// Close frees what the tree holds open.
func (t *Tree) Close() error {
	var errs []error
	for _, m := range t.mounts {
		errs = append(errs, m.os.Close())
	}
	return errors.Join(errs...)
}

// String names the directories that the tree reads.
func (t *Tree) String() string {
	var dirs []string
	for _, m := range t.mounts {
		dirs = append(dirs, m.dir)
	}
	return list(dirs)
}

// Holds tells whether the tree shows the folder dir at all. A run over a
// configuration folder alone, for example, has no /proc.
func (t *Tree) Holds(dir string) bool {
	_, _, ok := t.mounted(path.Clean("/" + dir))
	return ok
}

func (t *Tree) mounted(name string) (m mount, rel string, ok bool) {
	for _, m := range t.mounts {
		if name == m.at {
			return m, ".", true
		}
		if rest, in := strings.CutPrefix(name, strings.TrimSuffix(m.at, "/")+"/"); in {
			return m, rest, true
		}
	}
	return mount{}, "", false
}

// errOut is what a link or name that leads out of the tree gives.
var errOut = errors.New("it is outside of what is audited")

// errDangling is what a link to nothing gives. The file is there in name, so
// this is no fs.ErrNotExist: who asked for it has not been answered.
var errDangling = errors.New("its target does not exist")

// resolve follows all links of name, whose every part but the last must exist.
func (t *Tree) resolve(name string) (string, error) {
	todo := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	at, links := "/", 0
	behind := 0 // of todo, how many parts are a link's target rather than the name
	for len(todo) > 0 {
		part, target := todo[0], behind > 0
		todo, behind = todo[1:], max(0, behind-1)
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		m, rel, ok := t.mounted(next)
		if !ok {
			if at = next; t.above(next) {
				continue
			}
			return "", t.missing(target, links, errOut)
		}
		if t.above(next) || t.mountedAt(next) { // shown there, whatever lies below
			at = next
			continue
		}
		info, err := m.os.Lstat(rel)
		if err != nil {
			return "", t.missing(target, links, bare(err))
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", errors.New("too many symbolic links")
		}
		to, err := m.os.Readlink(rel)
		if err != nil {
			return "", bare(err)
		}
		if path.IsAbs(to) {
			at = "/"
		}
		parts := strings.Split(to, "/")
		todo, behind = append(parts, todo...), behind+len(parts)
	}
	return at, nil
}

// above tells whether a mount lies below dir.
func (t *Tree) above(dir string) bool {
	return slices.ContainsFunc(t.mounts, func(m mount) bool { return strings.HasPrefix(m.at, dir+"/") })
}

// mountedAt tells whether a mount is shown as dir.
func (t *Tree) mountedAt(dir string) bool {
	return slices.ContainsFunc(t.mounts, func(m mount) bool { return m.at == dir })
}

// missing is the error for what is not there: the target of a link makes that a
// dangling one. What is not there in a folder that a link leads to is just that.
func (t *Tree) missing(target bool, links int, err error) error {
	switch {
	case target && errors.Is(err, fs.ErrNotExist):
		return errDangling
	case links == 0 && err == errOut:
		return fmt.Errorf("%w: %w", errOut, fs.ErrNotExist)
	}
	return err
}

// bare takes the path of this host off an error.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Stat describes a file, at the end of its links.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	real, err := t.resolve(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	m, rel, ok := t.mounted(real)
	if !ok {
		return nil, fmt.Errorf("cannot read %s: %w: %w", name, errOut, fs.ErrNotExist)
	}
	info, err := m.os.Lstat(rel)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, bare(err))
	}
	return info, nil
}

// Exists tells whether there is a file of this name, readable or not.
func (t *Tree) Exists(name string) bool {
	_, err := t.Stat(name)
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}

// open opens a regular file or a directory.
func (t *Tree) open(name string, dir bool) (*os.File, fs.FileInfo, error) {
	if t.opened++; t.opened > maxFiles {
		return nil, nil, fmt.Errorf("cannot read %s: more than %d files", name, maxFiles)
	}
	info, err := t.Stat(name)
	switch {
	case err != nil:
		return nil, nil, err
	case dir && !info.IsDir():
		return nil, nil, fmt.Errorf("cannot read %s: it is no directory", name)
	case !dir && !info.Mode().IsRegular(): // a pipe would wait for ever
		return nil, nil, fmt.Errorf("cannot read %s: it is no regular file", name)
	}
	real, err := t.resolve(name)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	m, rel, _ := t.mounted(real)
	f, err := m.os.Open(rel)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read %s: %w", name, bare(err))
	}
	return f, info, nil
}

// ReadFile returns all of a file, of at most 64 MiB. What is not there gives
// fs.ErrNotExist; a link that leads nowhere does not.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	f, info, err := t.open(name, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > maxFile {
		return nil, fmt.Errorf("cannot read %s: it is larger than %d MiB", name, maxFile>>20)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1)) // files of /proc say that they are empty
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, bare(err))
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("cannot read %s: it is larger than %d MiB", name, maxFile>>20)
	}
	if t.read += int64(len(data)); t.read > maxRead {
		return nil, fmt.Errorf("cannot read %s: more than %d MiB in all", name, maxRead>>20)
	}
	return data, nil
}

// ReadDir returns the names in a directory, sorted.
func (t *Tree) ReadDir(name string) ([]string, error) {
	f, _, err := t.open(name, true)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(maxNames)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("cannot read %s: %w", name, bare(err))
	}
	slices.Sort(names)
	return names, nil
}

// Glob returns the names that match a pattern of [path.Match], sorted, hidden
// ones only if the pattern says so. A directory that cannot be read is an
// error, one that is not there has nothing in it.
func (t *Tree) Glob(pattern string) ([]string, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("cannot understand pattern %q: %w", pattern, err)
	}
	found := []string{"/"}
	parts := strings.Split(strings.Trim(path.Clean("/"+pattern), "/"), "/")
	for _, part := range parts {
		var next []string
		for _, dir := range found {
			names, err := t.matches(dir, part)
			if err != nil {
				return nil, err
			}
			next = append(next, names...)
		}
		if found = next; len(found) > maxNames {
			return nil, fmt.Errorf("cannot list %s: more than %d files", pattern, maxNames)
		}
	}
	return found, nil
}

func (t *Tree) matches(dir, part string) (found []string, err error) {
	if !strings.ContainsAny(part, `*?[\`) {
		if name := path.Join(dir, part); t.Exists(name) || t.above(name) {
			return []string{name}, nil
		}
		return nil, nil
	}
	if info, err := t.Stat(dir); err == nil && !info.IsDir() || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	names, err := t.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if ok, _ := path.Match(part, n); ok && (n[0] != '.' || part[0] == '.') {
			found = append(found, path.Join(dir, n))
		}
	}
	return found, nil
}
