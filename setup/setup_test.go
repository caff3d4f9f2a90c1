package setup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const conf, secret = "/etc/asterisk/manager_custom.conf", "/etc/pbxguard/ami.secret"

// host returns a host with an Asterisk configuration file on it.
func host(t *testing.T, contents string) Host {
	t.Helper()
	h := Host{Root: t.TempDir(), Journal: "/var/lib/pbxguard"}
	if err := os.MkdirAll(filepath.Dir(h.at(conf)), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, h, conf, contents, 0o604)
	return h
}

func write(t *testing.T, h Host, path, contents string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(h.at(path), []byte(contents), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(h.at(path), mode); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, h Host, path, want string, mode fs.FileMode) {
	t.Helper()
	got, err := os.ReadFile(h.at(path))
	if err != nil || string(got) != want {
		t.Errorf("%s: got %q, %v, want %q", path, got, err, want)
	}
	if info, err := os.Stat(h.at(path)); err == nil && info.Mode().Perm() != mode {
		t.Errorf("%s: got mode %o, want %o", path, info.Mode().Perm(), mode)
	}
}

func wantNone(t *testing.T, h Host, path string) {
	t.Helper()
	if _, err := os.Lstat(h.at(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: got %v, want no file", path, err)
	}
}

func changes() []Change {
	return []Change{
		{Path: secret, Text: "sesame\n", Mode: 0o640, Like: conf},
		{Path: conf, Text: "[pbxguard]\n", Append: true, Mode: 0o640},
	}
}

func TestApplyAndUndo(t *testing.T) {
	tests := []struct{ name, before, after string }{
		{"whole lines", "[general]\n", "[general]\n[pbxguard]\n"},
		{"last line unended", "[general]", "[general]\n[pbxguard]\n"},
		{"empty file", "", "[pbxguard]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := host(t, tt.before)
			if err := h.Apply(changes()); err != nil {
				t.Fatal(err)
			}
			wantFile(t, h, conf, tt.after, 0o604)
			wantFile(t, h, secret, "sesame\n", 0o640)
			wantFile(t, h, h.journal(), read(t, h, h.journal()), 0o600)

			paths, err := h.Undo()
			if err != nil || !slices.Equal(paths, []string{secret, conf}) {
				t.Errorf("undo: got %v, %v", paths, err)
			}
			wantFile(t, h, conf, tt.before, 0o604)
			wantNone(t, h, secret)
			if _, err := h.Undo(); !errors.Is(err, ErrNothing) {
				t.Errorf("second undo: got %v, want ErrNothing", err)
			}
		})
	}
}

func read(t *testing.T, h Host, path string) string {
	t.Helper()
	b, err := os.ReadFile(h.at(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAppendMakesAMissingFile(t *testing.T) {
	h := Host{Root: t.TempDir(), Journal: "/var/lib/pbxguard"}
	if err := h.Apply(changes()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, h, conf, "[pbxguard]\n", 0o640)
	if _, err := h.Undo(); err != nil {
		t.Fatal(err)
	}
	wantNone(t, h, conf)
}

func TestRelativeRoot(t *testing.T) {
	t.Chdir(t.TempDir())
	h := Host{Root: "host", Journal: "/var/lib/pbxguard"}
	if err := h.Apply(changes()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("host" + secret); err != nil || string(got) != "sesame\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// What cannot be done whole is not begun, or is taken back.
func TestApplyIsAllOrNothing(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*testing.T, Host)
		want    string
	}{
		{"a file that exists", func(t *testing.T, h Host) {
			os.Mkdir(h.at("/etc/pbxguard"), 0o755)
			write(t, h, secret, "other\n", 0o600)
		}, "not overwritten"},
		{"a symbolic link", func(t *testing.T, h Host) {
			os.Remove(h.at(conf))
			if err := os.Symlink("/etc/hostname", h.at(conf)); err != nil {
				t.Fatal(err)
			}
		}, "not an ordinary file"},
		{"a directory that is a link", func(t *testing.T, h Host) {
			if err := os.Symlink(t.TempDir(), h.at("/etc/pbxguard")); err != nil {
				t.Fatal(err)
			}
		}, "not a directory"},
		{"a directory that is a file", func(t *testing.T, h Host) { write(t, h, "/etc/pbxguard", "", 0o600) }, "not a directory"},
		{"earlier changes", func(t *testing.T, h Host) {
			if err := h.Apply([]Change{{Path: "/etc/x", Mode: 0o600}}); err != nil {
				t.Fatal(err)
			}
		}, "undo them first"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := host(t, "[general]\n")
			tt.prepare(t, h)
			order := changes()
			slices.Reverse(order) // the one that fails comes last
			err := h.Apply(order)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if got, _ := os.ReadFile(h.at(conf)); strings.Contains(string(got), "pbxguard") {
				t.Errorf("%s was changed to %q", conf, got)
			}
		})
	}
}

func TestUndoLeavesWhatOthersChanged(t *testing.T) {
	h := host(t, "[general]\n")
	if err := h.Apply(changes()); err != nil {
		t.Fatal(err)
	}
	write(t, h, conf, "mine now\n", 0o600)
	paths, err := h.Undo()
	if err == nil || !strings.Contains(err.Error(), "changed since") || !slices.Equal(paths, []string{secret}) {
		t.Errorf("got %v, %v, want %s alone and an error", paths, err, secret)
	}
	wantFile(t, h, conf, "mine now\n", 0o600)

	write(t, h, conf, "[general]\n", 0o604)
	if _, err := h.Undo(); err != nil {
		t.Errorf("after the file was put right by hand: %v", err)
	}
}

// A crash may come between any two changes.
func TestUndoAfterACrash(t *testing.T) {
	for done := range 3 {
		h := host(t, "[general]\n")
		var entries []entry
		for _, c := range changes() {
			e, err := h.plan(c)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
		}
		if err := h.writeJournal(entries); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries[:done] {
			if err := h.put(e.Path, e.After, e); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.Undo(); err != nil {
			t.Errorf("after %d changes: %v", done, err)
		}
		wantFile(t, h, conf, "[general]\n", 0o604)
		wantNone(t, h, secret)
		wantNone(t, h, h.journal())
	}
}
