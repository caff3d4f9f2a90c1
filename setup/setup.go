// Package setup changes files of a host so that every byte can be put back.
//
// Before the first file is touched, what is there now is copied into a journal
// directory. [Host.Undo] restores it, unless somebody has changed a file since:
// such a file is left to its owner. It starts no process and asks nothing.
package setup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Host is the host to be changed.
type Host struct {
	Root    string // the directory that stands for "/"; "" is "/"
	Journal string // directory for what Undo needs, as the host names it
}

// Change is a file to be made or made longer.
type Change struct {
	Path   string // as the host names it
	Text   string
	Append bool        // add Text to a file that exists; without it one that exists is an error
	Mode   fs.FileMode // of a file that is made
	Like   string      // a file made gets the group of this one, if that exists
}

// ErrNothing says that there is nothing to undo.
var ErrNothing = errors.New("nothing to undo")

// entry is what the journal knows of one change.
type entry struct {
	Path    string      `json:"path"`
	Existed bool        `json:"existed"`
	Mode    fs.FileMode `json:"mode,omitempty"`
	UID     int         `json:"uid,omitempty"`
	GID     int         `json:"gid,omitempty"`
	Before  []byte      `json:"before,omitempty"`
	After   []byte      `json:"after"`
}

// Apply makes all changes or, when it returns an error, none.
func (h Host) Apply(changes []Change) error {
	if _, err := os.Lstat(h.at(h.journal())); err == nil {
		return fmt.Errorf("%s tells of earlier changes: undo them first", h.journal())
	}
	entries := make([]entry, len(changes))
	for i, c := range changes {
		e, err := h.plan(c)
		if err != nil {
			return err
		}
		entries[i] = e
	}
	if err := h.writeJournal(entries); err != nil {
		return err
	}
	for i, e := range entries {
		if err := h.put(e.Path, e.After, e); err != nil {
			return errors.Join(err, h.revert(entries[:i]), os.Remove(h.at(h.journal())))
		}
	}
	return nil
}

// plan reads what c will change.
func (h Host) plan(c Change) (e entry, err error) {
	e = entry{Path: c.Path, Mode: c.Mode, UID: -1, GID: -1, After: []byte(c.Text)}
	info, err := os.Lstat(h.at(c.Path))
	if errors.Is(err, fs.ErrNotExist) {
		if like, err := os.Stat(h.at(c.Like)); err == nil && c.Like != "" {
			_, e.GID = owner(like)
		}
		return e, nil
	}
	switch {
	case err != nil:
		return e, err
	case !info.Mode().IsRegular():
		return e, fmt.Errorf("%s is not an ordinary file", c.Path)
	case !c.Append:
		return e, fmt.Errorf("%s exists; it is not overwritten", c.Path)
	}
	e.Existed, e.Mode = true, info.Mode().Perm()
	e.UID, e.GID = owner(info)
	e.Before, err = os.ReadFile(h.at(c.Path))
	e.After = joined(e.Before, c.Text)
	return e, err
}

// joined adds text to a file's contents, on a line of its own.
func joined(before []byte, text string) []byte {
	after := bytes.Clone(before)
	if n := len(after); n > 0 && after[n-1] != '\n' {
		after = append(after, '\n')
	}
	return append(after, text...)
}

// Undo takes back what Apply did and returns the files that it restored or
// removed. Files that were changed since are left alone and reported as an
// error; the journal then stays.
func (h Host) Undo() ([]string, error) {
	doc, err := os.ReadFile(h.at(h.journal()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNothing
	}
	if err != nil {
		return nil, err
	}
	var entries []entry
	if err := json.Unmarshal(doc, &entries); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", h.journal(), err)
	}
	var errs []error
	var paths []string
	for _, e := range entries {
		now, err := os.ReadFile(h.at(e.Path))
		switch {
		case errors.Is(err, fs.ErrNotExist) && !e.Existed, err == nil && e.Existed && bytes.Equal(now, e.Before):
		case err != nil:
			errs = append(errs, err)
		case !bytes.Equal(now, e.After):
			errs = append(errs, fmt.Errorf("%s was changed since; it is left as it is", e.Path))
		default:
			errs = append(errs, h.revert([]entry{e}))
			paths = append(paths, e.Path)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return paths, err
	}
	return paths, os.Remove(h.at(h.journal()))
}

// revert puts back what was there before.
func (h Host) revert(entries []entry) error {
	var errs []error
	for _, e := range entries {
		if e.Existed {
			errs = append(errs, h.put(e.Path, e.Before, e))
		} else {
			errs = append(errs, os.Remove(h.at(e.Path)))
		}
	}
	return errors.Join(errs...)
}

// put writes a file whole or not at all, following no symbolic link: the
// directories of a PBX often belong to an account that serves the network.
func (h Host) put(path string, text []byte, e entry) error {
	dir := filepath.Dir(h.at(path))
	if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory", filepath.Dir(path))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".pbxguard-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, own(f, e), f.Chmod(e.Mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), h.at(path))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// own gives f the owner and group that e asks for, where it has others.
func own(f *os.File, e entry) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	uid, gid := owner(info)
	if (e.UID < 0 || e.UID == uid) && (e.GID < 0 || e.GID == gid) {
		return nil
	}
	return f.Chown(e.UID, e.GID)
}

func owner(info fs.FileInfo) (uid, gid int) {
	st := info.Sys().(*syscall.Stat_t)
	return int(st.Uid), int(st.Gid)
}

// writeJournal makes sure that what is about to change can be put back. It
// holds secrets, so nobody else may read it.
func (h Host) writeJournal(entries []entry) error {
	doc, err := json.MarshalIndent(entries, "", "\t")
	if err != nil {
		return err
	}
	return h.put(h.journal(), doc, entry{Mode: 0o600, UID: -1, GID: -1})
}

func (h Host) journal() string { return filepath.Join(h.Journal, "setup.json") }

// at is where this process finds what the host calls path.
func (h Host) at(path string) string {
	if h.Root == "" {
		return path
	}
	return filepath.Join(h.Root, path)
}
