// Package packaging holds what is installed beside the program. Its tests read
// it as the program will.
package packaging

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"pbxguard/tariff"
)

var example = regexp.MustCompile(`(?m)^#(\+[0-9])`)

// TestLists: the shipped lists are empty and say what they are, and the examples
// in them work when they are no longer comments.
func TestLists(t *testing.T) {
	dir := t.TempDir()
	shipped, err := filepath.Glob("lists/*.list")
	if err != nil || len(shipped) != 2 {
		t.Fatalf("got %q, %v, want two lists", shipped, err)
	}
	for _, path := range shipped {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		for file, text := range map[string][]byte{name: text, "example-" + name: example.ReplaceAll(text, []byte("$1"))} {
			if err := os.WriteFile(filepath.Join(dir, file), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	lists, wrong := tariff.LoadLists(dir)
	if len(wrong) > 0 || len(lists.All()) != 4 {
		t.Fatalf("got %v and %d lists, want 4", wrong, len(lists.All()))
	}
	for _, l := range lists.All() {
		isExample := l.Name[:3] == "exa"
		if isExample != (l.Len() > 0) || l.Source == "" || l.Expired(time.Now()) {
			t.Errorf("%s: got %d numbers of %q", l.Name, l.Len(), l.Source)
		}
	}
}
