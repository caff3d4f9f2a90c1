package config_test

import (
	"os"
	"testing"

	"pbxguard/config"
	"pbxguard/manual"
)

// TestDocsAreCurrent holds docs/configuration.md against the reference.
func TestDocsAreCurrent(t *testing.T) {
	const path = "../docs/configuration.md"
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != manual.Markdown(config.Reference()) {
		t.Errorf("%s is not what the configuration is now: make docs", path)
	}
}
