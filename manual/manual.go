// Package manual writes the manual from what the program itself goes by: the
// table of its commands, from which --help comes too, and the reference of the
// configuration, from which the file is read. So it cannot tell anything else.
package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pbxguard/config"
)

// Pbxguard is pbxguard(8): every command with its options.
func Pbxguard(root *cobra.Command, version string) string {
	r := new(roff)
	r.header("PBXGUARD", "8", version, "System administration")
	r.section("NAME")
	r.line(`pbxguard \- %s`, escape(lower(root.Short)))
	r.section("SYNOPSIS")
	r.line(`%s [\fB\-\-config\fR \fIfile\fR] [\fB\-\-socket\fR \fIsocket\fR] \fIcommand\fR [\fIargument\fR...]`, bold("pbxguard"))
	r.section("DESCRIPTION")
	r.text(root.Long)
	r.section("COMMANDS")
	for _, g := range root.Groups() {
		r.subsection(strings.TrimSuffix(g.Title, ":"))
		r.commands(root, g.ID)
	}
	r.subsection("Other")
	r.commands(root, "")
	r.section("OPTIONS")
	r.line("These go with every command; %s tells those of each.", bold("pbxguard help")+" "+italic("command"))
	r.flags(root.PersistentFlags())
	r.section("FILES")
	r.item(italic(config.Path), "The configuration, see pbxguard.toml(5).")
	r.item(italic("/var/lib/pbxguard/pbxguard.db"), "Decisions, calls, bans and registrations.")
	r.item(italic("/run/pbxguard/control.sock"), "Where the daemon answers the other commands.")
	r.section("SEE ALSO")
	r.line(`\fBpbxguard.toml\fR(5), \fBsystemctl\fR(1), \fBjournalctl\fR(1), \fBnft\fR(8), \fBasterisk\fR(8)`)
	return r.String()
}

// commands writes the commands of a group.
func (r *roff) commands(root *cobra.Command, group string) {
	for _, c := range root.Commands() {
		if c.GroupID != group || c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		r.command(c)
	}
}

func (r *roff) command(c *cobra.Command) {
	name, args, _ := strings.Cut(c.Use, " ")
	if parent := c.Parent(); parent != nil && parent.HasParent() {
		name = parent.Name() + " " + name
	}
	term := bold(name)
	if args != "" {
		term += " " + italic(args)
	}
	about := c.Long
	if about == "" {
		about = c.Short
	}
	r.item(term, sentence(about))
	r.line(".RS")
	r.flags(c.LocalNonPersistentFlags())
	if c.Example != "" {
		r.text(c.Example)
	}
	r.line(".RE")
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			r.command(sub)
		}
	}
}

func (r *roff) flags(set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		term := bold("--" + f.Name)
		if f.Shorthand != "" {
			term = bold("-"+f.Shorthand) + ", " + term
		}
		if value != "" {
			term += " " + italic(value)
		}
		if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "[]" {
			usage += fmt.Sprintf(" (default %s)", d)
		}
		r.item(term, sentence(usage))
	})
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if last := s[len(s)-1]; last != '.' && last != ')' {
		s += "."
	}
	return s
}

// lower is s as it stands within a sentence.
func lower(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
