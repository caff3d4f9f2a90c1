package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pbxguard/guard"
)

func TestSetMode(t *testing.T) {
	tests := []struct {
		name, section, mode, before, after string
	}{
		{"value", "calls", "enforce",
			"# head\n[calls]  # about calls\n  mode   =   'observe'   # the mode\nhangup_cause = 21\n",
			"# head\n[calls]  # about calls\n  mode   =   \"enforce\"   # the mode\nhangup_cause = 21\n"},
		{"right section", "bans", "enforce",
			"[calls]\nmode = \"observe\"\n[bans]\nmode = \"observe\" # bans\n",
			"[calls]\nmode = \"observe\"\n[bans]\nmode = \"enforce\" # bans\n"},
		{"not the comment", "calls", "enforce",
			"[calls]\n# mode = \"observe\"\nmode = \"observe\"",
			"[calls]\n# mode = \"observe\"\nmode = \"enforce\""},
		{"unchanged", "calls", "observe", "[calls]\nmode = 'observe'\n", "[calls]\nmode = 'observe'\n"},
		{"no key", "calls", "enforce",
			"[calls] # x\nhangup_cause = 17\n", "[calls] # x\nmode = \"enforce\"\nhangup_cause = 17\n"},
		{"no key, no line end", "calls", "enforce", "[calls]", "[calls]\nmode = \"enforce\"\n"},
		{"no table", "bans", "enforce",
			"[calls]\nmode = \"observe\"", "[calls]\nmode = \"observe\"\n\n[bans]\nmode = \"enforce\"\n"},
		{"empty", "calls", "enforce", "", "\n[calls]\nmode = \"enforce\"\n"},
		{"dotted", "calls", "enforce", "calls.mode = \"observe\"\n", "calls.mode = \"enforce\"\n"},
		{"inline", "bans", "observe",
			"bans = { failures = 7, mode = \"enforce\" }\n", "bans = { failures = 7, mode = \"observe\" }\n"},
		{"crlf", "calls", "enforce", "# a\r\n[calls]\r\n", "# a\r\n[calls]\r\nmode = \"enforce\"\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "pbxguard.toml", tt.before, 0o640)
			if err := SetMode(path, tt.section, tt.mode); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.after {
				t.Errorf("got\n%q, want\n%q", got, tt.after)
			}
			c, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			mode := c.Calls.Mode
			if tt.section == "bans" {
				mode = c.Bans.Mode
			}
			if mode.String() != tt.mode {
				t.Errorf("got mode %v, want %s", mode, tt.mode)
			}
			alone(t, path)
		})
	}
}

// alone checks that nothing but the file is left in its directory.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("got %v beside the file, want nothing", entries)
	}
}

func TestSetModeRefuses(t *testing.T) {
	tests := []struct{ name, section, mode, text, want string }{
		{"section", "rules", "enforce", "", `"calls" or "bans"`},
		{"mode", "calls", "on", "", `must be "observe" or "enforce"`},
		{"bad syntax", "calls", "enforce", "[calls\n", ":1:7: expected ']'"},
		{"bad elsewhere", "calls", "enforce", "[bans]\nfailures = 0\n", ":2: bans.failures: "},
		{"no table", "calls", "enforce", "calls = 1\n", "calls is not a table"},
		{"no text", "calls", "enforce", "[calls]\nmode = [1]\n", "calls.mode must be"},
		{"nowhere to put it", "calls", "enforce", "calls = { hangup_cause = 21 }\n", `write calls.mode = "enforce" there by hand`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "pbxguard.toml", tt.text, 0o640)
			err := SetMode(path, tt.section, tt.mode)
			if err == nil || !says(err, tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != tt.text {
				t.Errorf("got %q, %v; want the file as it was", got, err)
			}
			alone(t, path)
		})
	}
	open := write(t, "pbxguard.toml", "", 0o666)
	if err := SetMode(open, "calls", "enforce"); !says(err, "can be written by others") {
		t.Errorf("got %v, want a file refused that others write", err)
	}
}

func TestSetModeKeeps(t *testing.T) {
	path := write(t, "real.toml", "[calls]\nmode = \"observe\"\n", 0o640)
	asRoot := os.Chown(path, 12, 34) == nil && os.Geteuid() == 0
	if asRoot { // only then may the owner be somebody else, and only root
		if err := os.Chown(path, 0, 34); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "pbxguard.toml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := SetMode(link, "calls", "enforce"); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link); err != nil || target != path {
		t.Errorf("got link %q, %v; want it left alone", target, err)
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if after.Mode() != before.Mode() || owners(after) != owners(before) {
		t.Errorf("got %v %v, want %v %v", after.Mode(), owners(after), before.Mode(), owners(before))
	}
	if c, err := Load(link); err != nil || c.Calls.Mode != guard.Enforce {
		t.Errorf("got %v, want enforce", err)
	}
}

// TestSetModeShipped switches the shipped file there and back, to the byte.
func TestSetModeShipped(t *testing.T) {
	shipped, err := os.ReadFile("../packaging/pbxguard.toml")
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "pbxguard.toml", string(shipped), 0o640)
	for _, section := range []string{"calls", "bans"} {
		if err := SetMode(path, section, "enforce"); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Calls.Mode != guard.Enforce || c.Bans.Mode != guard.Enforce {
		t.Errorf("got %v and %v, want both to enforce", c.Calls.Mode, c.Bans.Mode)
	}
	for _, section := range []string{"calls", "bans"} {
		if err := SetMode(path, section, "observe"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(shipped) {
		t.Errorf("got another file than before; it differs after %q", common(string(got), string(shipped)))
	}
}

func common(a, b string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[strings.LastIndexByte(a[:i], '\n')+1 : i]
		}
	}
	return ""
}

func owners(info os.FileInfo) [2]uint32 {
	s := info.Sys().(*syscall.Stat_t)
	return [2]uint32{s.Uid, s.Gid}
}
