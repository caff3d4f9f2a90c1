package notify

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// recipe is a block of code of docs/notifications.md.
func recipe(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```"+language+"\n")
	code, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatalf("docs/notifications.md has no %s", language)
	}
	return code
}

// TestRecipes runs what the documentation tells receivers to check.
func TestRecipes(t *testing.T) {
	const secret = "s'cret"
	body := []byte("{\"text\":\"ü\\n\"}")
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	good := Sign(secret, now, body)
	_, mac, _ := strings.Cut(good, "v1=")
	for _, tool := range []struct {
		name, needs string
		argv        func(code string) []string
	}{
		{"python", "python3", func(code string) []string {
			return []string{"python3", "-c", code + "\nimport sys\nsys.exit(0 if is_ours(sys.argv[1], sys.argv[2], open(sys.argv[3], 'rb').read()) else 1)"}
		}},
		{"sh", "openssl", func(code string) []string {
			return []string{"sh", "-c", code + "\nis_ours \"$@\"", "sh"}
		}},
	} {
		t.Run(tool.name, func(t *testing.T) {
			if _, err := exec.LookPath(tool.needs); err != nil {
				t.Skipf("needs %s", tool.needs)
			}
			argv := tool.argv(recipe(t, tool.name))
			for _, tt := range []struct {
				name, secret, header string
				want                 bool
			}{
				{"ours", secret, good, true},
				{"another secret", "other", good, false},
				{"another body", secret, Sign(secret, now, append(body, ' ')), false},
				{"an old one", secret, Sign(secret, now.Add(-time.Hour), body), false},
				{"one of tomorrow", secret, Sign(secret, now.Add(24*time.Hour), body), false},
				{"its time changed", secret, "t=" + strings.TrimLeft(now.Add(time.Second).Format("20060102150405"), "0") + ",v1=" + mac, false},
				{"no time", secret, "v1=" + mac, false},
				{"none", secret, "", false},
			} {
				cmd := exec.Command(argv[0], append(argv[1:len(argv):len(argv)], tt.secret, tt.header, file)...)
				out, err := cmd.CombinedOutput()
				if got := err == nil; got != tt.want || strings.Contains(string(out), "Traceback") {
					t.Errorf("%s: got %v, want %v: %s", tt.name, got, tt.want, out)
				}
			}
		})
	}
}
