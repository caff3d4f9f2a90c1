package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// plant makes files and, for a value that begins with "->", links.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		err := error(nil)
		if target, ok := strings.CutPrefix(text, "->"); ok {
			err = os.Symlink(target, full)
		} else {
			err = os.WriteFile(full, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// R7: links lead where they do on the host, and never out of its tree.
func TestTreeFollowsLinksAsTheHostWould(t *testing.T) {
	outside := plant(t, map[string]string{"secret": "host"})
	dir := plant(t, map[string]string{
		"etc/asterisk/plain":     "plain",
		"etc/asterisk/absolute":  "->/var/www/core",
		"etc/asterisk/relative":  "->../../var/www/core",
		"etc/asterisk/above":     "->../../../../../../var/www/core",
		"etc/asterisk/out":       "->" + outside + "/secret",
		"etc/asterisk/loop":      "->loop",
		"etc/asterisk/dangling":  "->/nowhere",
		"var/www/core":           "core",
		"opt/etc":                "->/etc/asterisk",
		"opt/nowhere":            "->/etc/nowhere",
		"etc/asterisk/directory": "->/var",
	})
	tree, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	tests := []struct {
		name string
		want string // content, or "error", or "absent"
	}{
		{"/etc/asterisk/plain", "plain"},
		{"/etc/asterisk/absolute", "core"},
		{"/etc/asterisk/relative", "core"},
		{"/etc/asterisk/above", "core"},
		{"/opt/etc/relative", "core"},
		{"/etc/../etc/asterisk/plain", "plain"},
		{"/etc/asterisk/out", "error"},
		{"/etc/asterisk/loop", "error"},
		{"/etc/asterisk/dangling", "error"},
		{"/etc/asterisk/directory", "error"},
		{"/etc/asterisk", "error"},
		{"/etc/asterisk/nothing", "absent"},
		{"/no/such/folder", "absent"},
		{"/opt/etc/nothing", "absent"},
		{"/opt/etc/dangling", "error"},
		{"/opt/nowhere/file", "error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := tree.ReadFile(tt.name)
			got := string(data)
			if err != nil {
				got = "error"
			}
			if errors.Is(err, fs.ErrNotExist) {
				got = "absent"
			}
			if got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestTreeOfMounts(t *testing.T) {
	conf := plant(t, map[string]string{"pjsip.conf": "x", "up": "->../pjsip.conf", "self": "->/etc/asterisk/pjsip.conf", "d/a.conf": "a", "d/b.conf": "b", "d/.hidden.conf": "h"})
	tree := &Tree{}
	if err := tree.Mount("/etc/asterisk", conf); err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if data, err := tree.ReadFile("/etc/asterisk/self"); err != nil || string(data) != "x" {
		t.Errorf("got %q, %v, want the link within the mount to be followed", data, err)
	}
	if _, err := tree.ReadFile("/etc/asterisk/up"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want a refusal to leave the mount", err)
	}
	if _, err := tree.ReadFile("/etc/passwd"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want what is not mounted not to exist", err)
	}
	if tree.Holds("/proc") || !tree.Holds("/etc/asterisk/keys") {
		t.Error("the tree does not know what it holds")
	}
	got, err := tree.Glob("/etc/*/d/*.conf")
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v; a pattern cannot see above a mount", got, err)
	}
	got, err = tree.Glob("/etc/asterisk/d/*.conf")
	if want := []string{"/etc/asterisk/d/a.conf", "/etc/asterisk/d/b.conf"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestTreeRefusesHugeFiles(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "huge"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(1 << 30); err != nil {
		t.Fatal(err)
	}
	f.Close()
	tree, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if _, err := tree.ReadFile("/huge"); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// R7: no name leads out of the tree, and what is no file is not waited for.
func TestR7NoWayOutOfTheTree(t *testing.T) {
	outside := plant(t, map[string]string{"secret": "host"})
	dir := plant(t, map[string]string{
		"etc/a":       "a",
		"etc/up":      "->../../../../../../../../" + outside + "/secret",
		"etc/folder":  "->" + outside,
		"etc/process": "->/proc/self/environ",
	})
	if err := syscall.Mkfifo(filepath.Join(dir, "etc/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	tree, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	for _, name := range []string{
		"/etc/up", "/etc/folder/secret", "/etc/process", "/etc/fifo", "/../../etc/passwd", "../../../../../../etc/passwd",
		"/etc/../../../../.." + outside + "/secret", "/etc/a\x00", outside + "/secret", "/etc/folder/../secret",
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			if data, err := tree.ReadFile(name); err == nil {
				t.Errorf("%q: got %q, want nothing", name, data)
			}
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%q: reading waits for something", name)
		}
	}
	if names, err := tree.Glob("/etc/folder/*"); len(names) > 0 {
		t.Errorf("got %v, %v; want no pattern to see what lies outside", names, err)
	}
}
