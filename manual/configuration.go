package manual

import (
	"fmt"
	"strings"

	"pbxguard/config"
)

// about is what both forms of the reference say first; paragraphs, plain text.
var about = []string{
	"The file is TOML. What it does not say is as the default says, so an empty file is a good one. A key that does not exist, a value of the wrong kind and one out of its range are errors, and all of them are told at once with their lines.",
	"\"pbxguard check\" examines the file and changes nothing; \"systemctl reload pbxguard\" puts it in force, and calls go on. A file with an error is refused, and the old one stays in force. What is under [store], [control] and [firewall], and another [[pbx]], needs a restart.",
	"Durations are \"90s\", \"10m\", \"12h\" or \"7d\". An action is \"allow\", \"observe\" (write it down), \"alert\", \"kill\" (end the call) or \"lock\" (end it and bar the extension). Tables in double brackets, as [[pbx]], may be repeated. NAME stands for a name that you choose.",
	"The file must belong to root or to the user that pbxguard runs as, and nobody else may be able to write it. Secrets are best kept in files of their own, which others cannot read.",
}

// TOML is pbxguard.toml(5).
func TOML(keys []config.Key, version string) string {
	r := new(roff)
	r.header("PBXGUARD.TOML", "5", version, "File formats")
	r.section("NAME")
	r.line(`pbxguard.toml \- configuration of pbxguard`)
	r.section("SYNOPSIS")
	r.line("%s", italic(config.Path))
	r.section("DESCRIPTION")
	r.text(strings.Join(about, "\n\n"))
	r.section("KEYS")
	for _, k := range keys {
		if table := heading(k); table != "" {
			r.subsection(table)
			r.text(sentence(k.Doc))
			continue
		}
		r.item(bold(last(k.Name))+" = "+italic(k.Type), sentence(k.Doc))
		if facts := facts(k); facts != "" {
			r.line(".br\n%s", escape(facts))
		}
	}
	r.section("SEE ALSO")
	r.line(`\fBpbxguard\fR(8)`)
	return r.String()
}

// Markdown is the same reference for docs/configuration.md.
func Markdown(keys []config.Key) string {
	var b strings.Builder
	b.WriteString("# Configuration\n\n<!-- Made by \"make docs\" from the reference that the program reads the file by. -->\n\n")
	fmt.Fprintf(&b, "`%s`, also pbxguard.toml(5).\n\n", config.Path)
	for _, p := range about {
		b.WriteString(wrap(plainMarkdown(p), 80) + "\n\n")
	}
	for i, k := range keys {
		if table := heading(k); table != "" {
			fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", table, sentence(plainMarkdown(k.Doc)))
			if i+1 < len(keys) && heading(keys[i+1]) == "" {
				b.WriteString("\n| key | value | default | meaning |\n|---|---|---|---|\n")
			}
			continue
		}
		value := k.Type
		if k.Range != "" {
			value += ", " + k.Range
		}
		def := "–"
		if k.Default != "" {
			def = "`" + k.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", last(k.Name), cell(value), cell(def), cell(plainMarkdown(k.Doc)))
	}
	return b.String()
}

// heading is the line that opens a table in the file; "" for what is no table.
func heading(k config.Key) string {
	switch k.Type {
	case "table":
		return "[" + k.Name + "]"
	case "tables":
		return "[[" + k.Name + "]]"
	}
	return ""
}

// facts are the default and the range of a key, where there are any.
func facts(k config.Key) string {
	var parts []string
	if k.Default != "" {
		parts = append(parts, "Default: "+k.Default)
	}
	if k.Range != "" {
		parts = append(parts, "Range: "+k.Range)
	}
	return strings.Join(parts, ". ")
}

func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

var markdown = strings.NewReplacer("*", `\*`, "_", `\_`, "<", "&lt;")

// plainMarkdown makes of plain text what Markdown shows as it stands.
func plainMarkdown(s string) string { return markdown.Replace(s) }

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// wrap breaks a paragraph into lines of at most width bytes.
func wrap(s string, width int) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(s) {
		switch {
		case i == 0:
		case n+1+len(word) > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}
