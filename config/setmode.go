package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/pelletier/go-toml/v2/unstable"
)

// SetMode sets the key mode of the table section, which is "calls" or "bans",
// to mode, which is "observe" or "enforce", in the file at path. All other
// bytes of the file stay as they are, and so do its owner and mode. The file is
// replaced at once or not at all, and not by one that [Load] would refuse.
func SetMode(path, section, mode string) error {
	if section != "calls" && section != "bans" {
		return fmt.Errorf("cannot set the mode of %q: it is \"calls\" or \"bans\"", section)
	}
	if _, err := readMode(mode); err != nil {
		return fmt.Errorf("cannot set the mode of %s: it %w", section, err)
	}
	path, err := filepath.EvalSymlinks(path) // a link stays one
	if err != nil {
		return fmt.Errorf("cannot find the configuration: %w", err)
	}
	data, info, err := readTrusted(path, maxSize)
	if err != nil {
		return fmt.Errorf("cannot edit the configuration: %s %w", path, err)
	}
	edited, err := editMode(path, data, section, mode)
	if err != nil {
		return err
	}
	if bytes.Equal(edited, data) {
		return nil
	}
	return replace(path, edited, info)
}

// editMode returns data with the mode set.
func editMode(path string, data []byte, section, mode string) ([]byte, error) {
	if fault := plainText(path, data); fault != nil {
		return nil, fault
	}
	root, errs := parseTree(path, data)
	if e := lastWord(path, data); e != nil && len(errs) == 0 {
		errs = append(errs, e)
	}
	if len(errs) > 0 {
		return nil, join(path, errs)
	}
	line := fmt.Sprintf("mode = %q", mode)
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		line += "\r"
	}
	line += "\n"
	t := root.fields[section]
	switch {
	case t == nil:
		if len(data) > 0 && data[len(data)-1] != '\n' {
			data = append(bytes.Clone(data), '\n')
		}
		return splice(data, len(data), len(data), "\n["+section+"]\n"+line), nil
	case t.kind != unstable.Table:
		return nil, fmt.Errorf("cannot edit %s:%d: %s is not a table", path, t.line, section)
	}
	if m := t.fields["mode"]; m != nil {
		if m.kind == unstable.String && m.text == mode {
			return data, nil
		}
		if m.end == 0 {
			return nil, fmt.Errorf("cannot edit %s:%d: %s.mode must be %s", path, m.line, section, wantMode)
		}
		return splice(data, m.start, m.end, strconv.Quote(mode)), nil
	}
	if t.header == 0 {
		return nil, fmt.Errorf("cannot edit %s:%d: write %s.mode = %q there by hand", path, t.line, section, mode)
	}
	if data[t.header-1] != '\n' {
		line = "\n" + line
	}
	return splice(data, t.header, t.header, line), nil
}

func splice(data []byte, from, to int, text string) []byte {
	var b bytes.Buffer
	b.Write(data[:from])
	b.WriteString(text)
	b.Write(data[to:])
	return b.Bytes()
}

// replace puts data in the place of the file at path, if it is a configuration
// that [Load] takes. Whoever reads path meanwhile sees the old or the new file,
// whole.
func replace(path string, data []byte, like fs.FileInfo) (err error) {
	dir := filepath.Dir(path)
	// CreateTemp opens with O_EXCL, so nobody can have laid a link there.
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("cannot write beside the configuration: %w", err)
	}
	renamed := false
	defer func() {
		if !renamed {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	owner := like.Sys().(*syscall.Stat_t)
	_, err = f.Write(data)
	// Chown clears bits that chmod sets, and so comes first.
	err = errors.Join(err, f.Chown(int(owner.Uid), int(owner.Gid)), f.Chmod(like.Mode().Perm()), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("cannot write the new configuration: %w", err)
	}
	if _, err := loadAs(f.Name(), path); err != nil {
		return fmt.Errorf("cannot change the configuration, which would not be valid then: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("cannot replace the configuration: %w", err)
	}
	renamed = true
	return syncDir(dir)
}

// syncDir makes a rename outlive a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot make the new configuration durable: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("cannot make the new configuration durable: %w", err)
	}
	return nil
}
