package config_test

import (
	"os"
	"testing"

	"pbxguard/config"
	"pbxguard/guard"
	"pbxguard/manual"
)

// TestDocsAreCurrent holds the documents that are made against what they are
// made from.
func TestDocsAreCurrent(t *testing.T) {
	for path, want := range map[string]string{
		"../docs/configuration.md": manual.Markdown(config.Reference()),
		"../docs/rules.md":         manual.Rules(guard.Catalogue()),
	} {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what it is made from: make docs", path)
		}
	}
}
