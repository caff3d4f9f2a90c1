package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pbxguard/testbed"
)

// write puts text into a fresh file of that mode.
func write(t *testing.T, name, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask says
		t.Fatal(err)
	}
	return path
}

// TestR14Trusted: no file is taken that another could have written.
func TestR14Trusted(t *testing.T) {
	const self, other = 1000, 1001
	for _, owner := range []uint32{0, self, other} {
		for mode := fs.FileMode(0); mode <= 0o777; mode++ {
			want := owner != other && mode&0o022 == 0
			if got := trusted(mode, owner, self) == nil; got != want {
				t.Errorf("owner %d, mode %04o: got trusted %t, want %t", owner, mode, got, want)
			}
		}
	}
	for _, kind := range []fs.FileMode{fs.ModeDir, fs.ModeNamedPipe, fs.ModeSocket, fs.ModeDevice, fs.ModeCharDevice | fs.ModeDevice} {
		if trusted(kind|0o600, 0, self) == nil {
			t.Errorf("%v: got trusted, want refused", kind)
		}
	}
}

func TestR14Load(t *testing.T) {
	tests := []struct {
		mode fs.FileMode
		want string // part of the error; "" for none
	}{
		{0o600, ""}, {0o640, ""}, {0o644, ""}, {0o400, ""},
		{0o620, "can be written by others (mode 0620)"},
		{0o660, "can be written by others"},
		{0o602, "can be written by others"},
		{0o666, "can be written by others"},
	}
	for _, tt := range tests {
		path := write(t, "pbxguard.toml", "[log]\nlevel = \"warn\"\n", tt.mode)
		_, err := Load(path)
		if !says(err, tt.want) {
			t.Errorf("mode %04o: got %v, want %q", tt.mode, err, tt.want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("mode %04o: got %v, want it to begin with the path", tt.mode, err)
		}
	}
}

// says holds an error against a part of what it should say; "" wants no error.
func says(err error, want string) bool {
	if want == "" || err == nil {
		return want == "" && err == nil
	}
	return strings.Contains(err.Error(), want)
}

func TestLoadOtherOwner(t *testing.T) {
	path := write(t, "pbxguard.toml", "", 0o600)
	if err := os.Chown(path, 12345, -1); err != nil {
		testbed.Skip(t, fmt.Sprintf("only root can give a file away: %v", err))
	}
	if _, err := Load(path); !says(err, "belongs to user 12345") {
		t.Errorf("got %v, want the owner refused", err)
	}
}

func TestLoadNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	huge := write(t, "huge.toml", strings.Repeat("# a line\n", maxSize/9+1), 0o600)
	tests := []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none.toml"), "cannot be opened: no such file or directory"},
		{"directory", dir, "is not a regular file"},
		{"fifo", fifo, "is not a regular file"}, // and does not wait for a writer
		{"huge", huge, "is larger than 262144 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(tt.path)
			if !says(err, tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if len(Errors(err)) != 1 {
				t.Errorf("got %d errors, want 1", len(Errors(err)))
			}
		})
	}
	if _, err := Parse(asName, []byte(strings.Repeat("\n", maxSize+1)), nil); !says(err, "is larger than") {
		t.Errorf("got %v, want too large", err)
	}
}

func TestLoadSecrets(t *testing.T) {
	tests := []struct {
		name   string
		config string
		mode   fs.FileMode // of the configuration
		secret fs.FileMode // of asterisk.secret beside it; 0: there is none
		want   string
	}{
		{"beside", "", 0o640, 0o640, ""},
		{"none yet", "", 0o644, 0, ""},
		{"beside, open", "", 0o640, 0o644, "asterisk.secret: can be read by everybody (mode 0644)"},
		{"beside, writable", "", 0o640, 0o660, "asterisk.secret: can be written by others"},
		{"named", "[[pbx]]\nsecret_file = \"asterisk.secret\"\n", 0o640, 0o600, ""},
		{"named, missing", "[[pbx]]\nsecret_file = \"asterisk.secret\"\n", 0o640, 0, ":2: pbx.secret_file: "},
		{"within", "[[pbx]]\nsecret = \"canary\"\n", 0o640, 0, ""},
		{"within, open", "[[pbx]]\nsecret = \"canary\"\n", 0o644, 0, ":2: pbx.secret: can be read by everybody"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "pbxguard.toml", tt.config, tt.mode)
			if tt.secret != 0 {
				file := filepath.Join(filepath.Dir(path), "asterisk.secret")
				if err := os.WriteFile(file, []byte("canary\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(file, tt.secret); err != nil {
					t.Fatal(err)
				}
			}
			c, err := Load(path)
			if !says(err, tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err != nil {
				if strings.Contains(err.Error(), "canary") {
					t.Errorf("got the secret in %v", err)
				}
				return
			}
			want := ""
			if tt.secret != 0 || tt.config != "" {
				want = "canary"
			}
			if got := c.PBX[0].Secret.Reveal(); got != want {
				t.Errorf("got secret %q, want %q", got, want)
			}
		})
	}
}

func TestLoadCredential(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ami"), []byte("canary"), 0o400); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	c, err := Load(write(t, "pbxguard.toml", "[[pbx]]\ncredential = \"ami\"\n", 0o640))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.PBX[0].Secret.Reveal(); got != "canary" {
		t.Errorf("got secret %q, want that of the credential", got)
	}
	_, err = Load(write(t, "pbxguard.toml", "[[pbx]]\ncredential = \"esl\"\n", 0o640))
	if want := ":2: pbx.credential: " + dir + "/esl: cannot be opened: no such file or directory"; !says(err, want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestHostCountry(t *testing.T) {
	const table = "# comment\nBE\t+5050+00420\tEurope/Brussels\nNL\t+5222+00454\tEurope/Amsterdam\tremark\n"
	tests := []struct{ name, link, timezone, want string }{
		{"link", "/usr/share/zoneinfo/Europe/Amsterdam", "", "NL"},
		{"relative link", "../usr/share/zoneinfo/Europe/Brussels", "", "BE"},
		{"link before file", "/usr/share/zoneinfo/Europe/Brussels", "Europe/Amsterdam\n", "BE"},
		{"file", "", "Europe/Amsterdam\n", "NL"},
		{"UTC", "/usr/share/zoneinfo/Etc/UTC", "", ""},
		{"nothing", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			etc, zones := t.TempDir(), t.TempDir()
			if err := os.WriteFile(filepath.Join(zones, "zone.tab"), []byte(table), 0o644); err != nil {
				t.Fatal(err)
			}
			if tt.link != "" {
				if err := os.Symlink(tt.link, filepath.Join(etc, "localtime")); err != nil {
					t.Fatal(err)
				}
			}
			if tt.timezone != "" {
				if err := os.WriteFile(filepath.Join(etc, "timezone"), []byte(tt.timezone), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := hostCountry(etc, zones); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestLargeFiles: what is absurd is refused without filling memory or taking
// long; each of these once did.
func TestLargeFiles(t *testing.T) {
	fill := func(s string) string { return strings.Repeat(s, (maxSize-100)/len(s)) }
	wide := strings.Builder{}
	for i := 0; wide.Len() < maxSize-20; i++ {
		fmt.Fprintf(&wide, "k%d = 1\n", i)
	}
	tests := []struct{ name, text, want string }{
		{"dotted key", "x = 1\n" + fill("a.") + "b = 1\n", "is too deep"},
		{"dotted header", "[" + fill("a.") + "b]\n", "is too deep"},
		{"inline tables", "x = " + strings.Repeat("{a = ", 5000) + "1" + strings.Repeat("}", 5000), "is too deep"},
		{"arrays", "x = " + fill("["), "nested more than"},
		{"keys", wide.String(), "and "},
		{"broken lines", fill("a b\n"), "expected '=' after key"},
		{"open texts", fill("a = \"\"\"\\q\n"), "invalid escape character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse(asName, []byte(tt.text), nil)
			if err == nil || !says(err, tt.want) {
				t.Errorf("got %.200v, want %q", err, tt.want)
			}
			if n := len(Errors(err)); n > maxErrors+1 {
				t.Errorf("got %d errors, want %d at most", n, maxErrors+1)
			}
			// The longest takes a tenth of a second; two cores may be busy.
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
