package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/guard"
	"pbxguard/manual"
	"pbxguard/report"
)

// manualCommand writes what a package ships beside the program.
func (c *cli) manualCommand() *cobra.Command {
	return &cobra.Command{
		Use: "manual DIRECTORY", Short: "Write the manual pages and the shells' completions", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return writeManual(cmd.Root(), args[0]) },
	}
}

func writeManual(root *cobra.Command, dir string) error {
	files := map[string]string{
		"pbxguard.8":       manual.Pbxguard(root, programVersion()),
		"pbxguard.toml.5":  manual.TOML(config.Reference(), programVersion()),
		"configuration.md": manual.Markdown(config.Reference()),
		"rules.md":         manual.Rules(guard.Catalogue()),
		"checks.md":        report.AuditMarkdown(allChecks()),
	}
	for name, generate := range map[string]func(io.Writer) error{
		"completion/bash/pbxguard":      func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"completion/zsh/_pbxguard":      root.GenZshCompletion,
		"completion/fish/pbxguard.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
	} {
		var b bytes.Buffer
		if err := generate(&b); err != nil {
			return err
		}
		files[name] = b.String()
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
