package manual

import (
	"fmt"
	"strings"

	"pbxguard/config"
	"pbxguard/guard"
)

// Rules is docs/rules.md: every rule there is, what it looks for and why, and
// how it is set by default.
func Rules(rules []guard.RuleInfo) string {
	var b strings.Builder
	b.WriteString("# Rules\n\n<!-- Made by \"make docs\" from the table that the rules are asked from. -->\n\n")
	b.WriteString(wrap("Every call is held against these, in this order of topics, except an emergency call, "+
		"which is exempt from all of them. \"pbxguard explain\" tells what each makes of a number, \"pbxguard log --rule NAME\" "+
		"what it has found, and [configuration.md](configuration.md) how it is set, under `[rules.NAME]` with _ for each -. "+
		"A rule with a star has few false alarms: enforce those first. "+
		"The number is the rule's in the catalogue of detection; what it says is what its test made it say.", 80))
	b.WriteString("\n")
	topic := ""
	for _, r := range rules {
		if r.Topic != topic {
			topic = r.Topic
			fmt.Fprintf(&b, "\n## %s\n\n| rule | no. | looks for | why | default | says |\n|---|---|---|---|---|---|\n", topic)
		}
		name := "`" + r.ID + "`"
		if r.Star {
			name += " ★"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", name, r.Number, cell(plainMarkdown(r.Title)), cell(plainMarkdown(r.Why)),
			cell(usual(r)), cell(plainMarkdown(r.Example)))
	}
	return b.String()
}

// usual is how a rule is set by default, in words.
func usual(r guard.RuleInfo) string {
	switch {
	case r.Fixed != "":
		return plainMarkdown(r.Fixed)
	case !r.Set:
		return "[its table](configuration.md)"
	}
	words := []string{r.Default.Action.String()}
	for _, k := range r.Keys {
		switch k.Name {
		case "max":
			words = append(words, fmt.Sprintf("max %d", r.Default.Max))
		case "within":
			words = append(words, "within "+config.FormatDuration(r.Default.Within))
		case "span":
			words = append(words, "span "+config.FormatDuration(r.Default.Span))
		}
	}
	return strings.Join(words, ", ")
}
