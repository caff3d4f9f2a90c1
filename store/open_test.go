package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pbxguard/testbed"
)

// A file that others could have written is not believed.
// It is R14.
func TestOpenRefuses(t *testing.T) {
	file := func(mode os.FileMode, content string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := errors.Join(os.WriteFile(path, []byte(content), 0o600), os.Chmod(path, mode)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"writable by all", file(0o602, ""), "it can be written by others (mode 0602)"},
		{"writable by the group", file(0o660, ""), "it can be written by others (mode 0660)"},
		{"no database", file(0o600, "something else altogether, long enough to have a header of a hundred bytes, which is what SQLite reads first."), "file is not a database"},
		{"link", func(t *testing.T, path string) {
			if err := os.Symlink(path+".other", path); err != nil {
				t.Fatal(err)
			}
		}, "it is not a regular file"},
		{"directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "it is not a regular file"},
		{"directory open to all", func(t *testing.T, path string) {
			if err := os.Chmod(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
		}, "can be written by everybody"},
		{"owner", func(t *testing.T, path string) {
			file(0o600, "")(t, path)
			if err := os.Chown(path, 1, 1); err != nil {
				testbed.Skip(t, "only root can give a file away")
			}
		}, "it belongs to user id 1,"},
		{"in use", func(t *testing.T, path string) { run(t, path, Options{}) }, "another pbxguard is using it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			tt.make(t, path)
			s, err := Open(path, Options{})
			if err == nil {
				s.Close()
			}
			wantError(t, err, tt.want)
		})
	}
	t.Run("missing directory", func(t *testing.T) {
		_, err := Open("/nonexistent/state.db", Options{})
		wantError(t, err, "no such file or directory")
	})
	t.Run("nothing to look at", func(t *testing.T) {
		_, err := Open(filepath.Join(t.TempDir(), "state.db"), Options{ReadOnly: true})
		wantError(t, err, "unable to open database file")
	})
}

func TestCreatedForItsOwnerOnly(t *testing.T) {
	s := openRunning(t, Options{})
	record(t, s, decision(1))
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(s.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("mode of the file%s: got %04o, want 0600", suffix, got)
		}
	}
}
