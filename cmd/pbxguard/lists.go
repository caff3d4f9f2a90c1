package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/config"
	"pbxguard/guard"
	"pbxguard/numbering"
	"pbxguard/report"
	"pbxguard/tariff"
)

func (c *cli) listsCommand() *cobra.Command {
	cmd := c.jsonFlag(&cobra.Command{
		Use: "lists", Short: "Show the lists of numbers; import and remove them", Args: cobra.NoArgs,
		Long: `Show the lists of numbers that calls are held against: how many numbers each
has, of what kind it is, where it comes from, how old it is. The exit code is 3
if a list is not as it should be or has expired.`,
		RunE: func(*cobra.Command, []string) error {
			conf, err := config.Load(c.config)
			if err != nil {
				return invalid{err}
			}
			return c.showLists(conf.Lists.Dir)
		},
	})
	cmd.AddCommand(c.listsImportCommand(), c.listsRemoveCommand(), c.listsFindCommand())
	return cmd
}

// listLine is a list for people and machines.
type listLine struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Numbers  int       `json:"numbers"`
	Source   string    `json:"source"`
	Imported time.Time `json:"imported"`
	Expires  time.Time `json:"expires,omitzero"`
	Expired  bool      `json:"expired"`
}

func (c *cli) showLists(dir string) error {
	lists, wrong := tariff.LoadLists(dir)
	for _, err := range wrong {
		c.note("%s", err)
	}
	expired := false
	var lines []listLine
	for _, l := range lists.All() {
		line := listLine{l.Name, l.Kind.String(), l.Len(), l.Source, l.Imported, l.Expires, l.Expired(time.Now())}
		expired = expired || line.Expired
		lines = append(lines, line)
	}
	err := list(c, lines, "no lists in "+dir, func(p *report.Page, lines []listLine) error {
		rows := make([][]string, len(lines))
		for i, l := range lines {
			until := "-"
			if !l.Expires.IsZero() {
				until = l.Expires.Format(time.DateOnly)
			}
			if l.Expired {
				until += " (expired)"
			}
			rows[i] = []string{l.Name, l.Kind, fmt.Sprint(l.Numbers), l.Imported.Format(time.DateOnly), until, report.Safe(l.Source)}
		}
		return p.Table([]string{"LIST", "KIND", "NUMBERS", "IMPORTED", "EXPIRES", "SOURCE"}, rows)
	})
	if err == nil && (len(wrong) > 0 || expired) {
		return errFound
	}
	return err
}

func (c *cli) listsImportCommand() *cobra.Command {
	about := tariff.About{Imported: time.Now().Truncate(time.Second)}
	var kind, expires string
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Make a list of the numbers in a file",
		Args: cobra.MatchAll(cobra.ExactArgs(1), func(*cobra.Command, []string) error {
			if about.Name == "" {
				return errors.New("the list needs a name: --name NAME")
			}
			return nil
		}),
		Long: `Make a list of the numbers in FILE, or of standard input with "-". It holds one
number a line, or CSV with a column "number" and perhaps a column "expires".
"+31906*" stands for all numbers that begin so; a number without + is read as it
would be dialled here. A list of the same name is replaced in one step.

Kinds: "denied" (not to be called), "withdrawn" (taken back by a regulator),
"silent" (never originates calls: a caller who shows it is somebody else),
"own" (that this site may show), "payment" (banks and payment services).`,
		Example: "  pbxguard lists import revoked.csv --name acm --kind withdrawn --source https://www.acm.nl/… --expires 90d",
		RunE: func(_ *cobra.Command, args []string) error {
			var ok bool
			if about.Kind, ok = guard.ParseListKind(kind); !ok {
				return fmt.Errorf("there is no kind of list called %q: it is denied, withdrawn, silent, own or payment", kind)
			}
			if !tariff.ValidName(about.Name) {
				return fmt.Errorf("a list's name must be small letters, digits, - and _, not %q", about.Name)
			}
			if expires != "" {
				d, err := config.ParseDuration(expires)
				if err != nil {
					return fmt.Errorf("cannot read --expires: %w", err)
				}
				about.Expires = about.Imported.Add(d)
			}
			if about.Source == "" {
				about.Source = args[0]
			}
			return c.importList(about, args[0])
		},
	}
	cmd.Flags().StringVar(&about.Name, "name", "", "what the list is called")
	cmd.Flags().StringVar(&kind, "kind", "denied", "what it means")
	cmd.Flags().StringVar(&about.Source, "source", "", "where it comes from: a URL, a letter, a person")
	cmd.Flags().StringVar(&expires, "expires", "", "after what `time` it is no longer believed, such as 90d (default never)")
	return cmd
}

func (c *cli) importList(about tariff.About, path string) error {
	conf, err := config.Load(c.config)
	if err != nil {
		return invalid{err}
	}
	policy, err := conf.Policy(nil)
	if err != nil {
		return invalid{err}
	}
	var in io.Reader = os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("cannot import: %w", err)
		}
		defer f.Close()
		in = f
	}
	l, faults, err := tariff.ImportList(about, filepath.Base(path), in, dialledHere(policy.PBXs[conf.PBX[0].Name].Plan))
	if err != nil {
		return err
	}
	for _, fault := range faults.Kept {
		c.note("%s", fault)
	}
	if l.Len() == 0 && faults.Total > 0 {
		return fmt.Errorf("%s has no number that can be used; nothing is changed", path)
	}
	if err := os.MkdirAll(conf.Lists.Dir, 0o755); err != nil {
		return fmt.Errorf("cannot import: %w", err)
	}
	if err := l.Save(conf.Lists.Dir); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "list %s: %d numbers\n", l.Name, l.Len())
	c.note("to put it in force: systemctl reload pbxguard")
	if faults.Total > 0 {
		c.note("%d rows are left out", faults.Total)
		return errFound
	}
	return nil
}

// dialledHere reads numbers as a dial plan does.
func dialledHere(plan *numbering.Plan) func(string) (string, bool) {
	return func(s string) (string, bool) {
		if plan.Emergency(s) {
			return "", false // no list may name it
		}
		n := plan.Normalise(s)
		return n.E164, n.E164 != "" && !n.Candidate
	}
}

func (c *cli) listsRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a list", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			conf, err := config.Load(c.config)
			if err != nil {
				return invalid{err}
			}
			if err := tariff.RemoveList(conf.Lists.Dir, args[0]); err != nil {
				return err
			}
			c.note("to put it in force: systemctl reload pbxguard")
			return nil
		},
	}
}

func (c *cli) listsFindCommand() *cobra.Command {
	return &cobra.Command{
		Use: "find NUMBER", Short: "Say which lists hold a number", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			conf, err := config.Load(c.config)
			if err != nil {
				return invalid{err}
			}
			policy, err := conf.Policy(nil)
			if err != nil {
				return invalid{err}
			}
			number := args[0]
			if !strings.HasPrefix(number, "+") {
				full, ok := dialledHere(policy.PBXs[conf.PBX[0].Name].Plan)(number)
				if !ok {
					return fmt.Errorf("%q is no number that can be called from here", number)
				}
				number = full
			}
			lists, wrong := tariff.LoadLists(conf.Lists.Dir)
			for _, err := range wrong {
				c.note("%s", err)
			}
			found := false
			for _, l := range lists.All() {
				if l.Has(number, time.Now()) {
					found = true
					fmt.Fprintf(c.stdout, "%s (%s): %s\n", l.Name, l.Kind, report.Safe(l.Source))
				}
			}
			if found {
				return errFound
			}
			c.note("%s is on no list", number)
			return nil
		},
	}
}
