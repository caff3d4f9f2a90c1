package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pbxguard/audit"
	"pbxguard/audit/asterisk"
	"pbxguard/audit/freepbx"
	"pbxguard/audit/freeswitch"
	"pbxguard/audit/fusionpbx"
	"pbxguard/audit/host"
	"pbxguard/audit/runs"
	"pbxguard/report"
)

// auditKinds are what can be audited. The databases of a FreePBX and a FusionPBX
// are read only where their host is audited, not a copy of it, and so is the
// kernel's firewall.
func auditKinds(live bool) []audit.Kind {
	var free, open func(*audit.Site) (audit.Tables, error)
	var rules func() (host.Ruleset, error)
	if live {
		free, open, rules = freepbx.Open, fusionpbx.Open, host.Kernel
	}
	return []audit.Kind{asterisk.KindReading(free), freeswitch.KindServed(fusionpbx.Served(open)), fusionpbx.Kind(open), host.KindLive(rules)}
}

// auditFlags are those of pbxguard audit.
type auditFlags struct {
	root, asterisk, freeswitch string
	format, output             string
	failOn, since              string
	suppress, state, country   string
	history, leavers, active   string
	words, owned, skip         []string
	version, running           string
	all                        bool
}

// auditState and auditSuppress are where runs and suppressions are kept unless
// something else is said.
const (
	auditState    = "/var/lib/pbxguard/audit.db"
	auditSuppress = "/etc/pbxguard/audit.toml"
)

func (c *cli) auditCommand() *cobra.Command {
	var f auditFlags
	cmd := c.jsonFlag(&cobra.Command{
		Use: "audit", Short: "List the holes in the PBX's configuration", Args: cobra.NoArgs,
		Long: `Read the configuration of the PBX as the PBX reads it, and list its holes: the
worst first, each with how it is attacked and what mends it. It needs no
daemon, starts nothing and changes nothing. What could not be read is
"incomplete", never passed.

Where the configuration has an account that may ask (admin_username, or the
event socket's secret), the running PBX is asked as well: what runs otherwise
than the files say is a finding.

The exit code is 3 if something of the severity of --fail-on or worse failed.`,
		Example: `  pbxguard audit
  pbxguard audit --root /srv/backup/pbx1 --country NL
  pbxguard audit --asterisk ./etc/asterisk --format sarif --output audit.sarif
  pbxguard audit explain AST-PJSIP-001`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.audit(cmd.Context(), &f) },
	})
	flags := cmd.Flags()
	flags.StringVar(&f.root, "root", "", "the `dir`ectory that stands for / of the host (default this host's)")
	flags.StringVar(&f.asterisk, "asterisk", "", "a `dir`ectory that holds Asterisk's configuration, and nothing else")
	flags.StringVar(&f.freeswitch, "freeswitch", "", "a `dir`ectory that holds FreeSWITCH's configuration, and nothing else")
	flags.StringVar(&f.format, "format", "text", "text, json, sarif, junit or html")
	flags.StringVarP(&f.output, "output", "o", "", "write to this `file`")
	flags.StringVar(&f.failOn, "fail-on", "medium", "the least `severity` that makes the exit code 3: critical, high, medium, low, info or none")
	flags.StringVar(&f.since, "since", "", "\"last\": show only what is new or fixed since the run before")
	flags.StringVar(&f.suppress, "suppress", "", "the `file` of findings that somebody answers for (default "+auditSuppress+")")
	flags.StringVar(&f.state, "state", "", "the `file` in which runs are kept, or \"none\" (default "+auditState+")")
	flags.StringVar(&f.history, "history", "", "the guard's database `file`, which tells what is unused (default as configured)")
	flags.StringVar(&f.leavers, "leavers", "", "a CSV `file` of who left: extension, name, mail address or admin:NAME, and the last day as 2026-12-31")
	flags.StringVar(&f.active, "active", "", "a `file` of the extensions that there should be, and of administrators as admin:NAME, one a line")
	flags.StringVar(&f.country, "country", "", "the `country` of the PBX, as NL (default as configured)")
	flags.StringSliceVar(&f.words, "word", nil, "a `word` of the company that bad passwords are made of")
	flags.StringSliceVar(&f.owned, "number", nil, "a `number` of the company, as +31201234567")
	flags.StringSliceVar(&f.skip, "skip", nil, "an `id` of a check not to make")
	flags.StringVar(&f.version, "asterisk-version", "", "the `version` of Asterisk, if its package is not in the tree")
	flags.StringVar(&f.running, "live", "", "compare the files with what the running PBX of this `name` in the configuration says, or \"none\" (default that of this host, if there is an account)")
	flags.BoolVar(&f.all, "all", false, "in JSON as in text, leave nothing out")
	cmd.AddCommand(c.auditExplainCommand())
	return cmd
}

func (c *cli) auditExplainCommand() *cobra.Command {
	return c.jsonFlag(&cobra.Command{
		Use: "explain [ID...]", Short: "Say what checks look for, why, and what mends it; without ids, all of them",
		RunE: func(_ *cobra.Command, args []string) error {
			var checks []audit.Check
			for _, check := range allChecks() {
				if len(args) == 0 || slices.ContainsFunc(args, func(id string) bool { return strings.EqualFold(id, check.ID) }) {
					checks = append(checks, check)
				}
			}
			if len(checks) < len(args) {
				return hinted{fmt.Errorf("cannot explain %s: there is no such check", strings.Join(args, " ")), "pbxguard audit explain lists them all"}
			}
			return c.write(checks, func(p *report.Page) error { return p.AuditChecks(checks) })
		},
	})
}

// allChecks are those of every kind. One that several kinds make, as of
// extensions that nobody uses, is there once.
func allChecks() (checks []audit.Check) {
	known := map[string]bool{}
	add := func(all []audit.Check) {
		for _, check := range all {
			if !known[check.ID] {
				checks = append(checks, check)
			}
			known[check.ID] = true
		}
	}
	for _, k := range auditKinds(false) {
		add(k.Checks)
	}
	add(audit.PasswordChecks())
	return checks
}

func (c *cli) audit(ctx context.Context, f *auditFlags) error {
	threshold, err := f.check()
	if err != nil {
		return usage{err}
	}
	suppressions, err := f.suppressions()
	if err != nil {
		return invalid{err}
	}
	tree, root, err := f.tree()
	if err != nil {
		return err
	}
	defer tree.Close()
	site := &audit.Site{
		Tree: tree, Now: time.Now(), Plan: c.auditPlan(f), Owned: f.owned, Words: f.words,
		Facts: map[string]string{}, Skip: map[string]bool{},
	}
	site.History = c.auditHistory(ctx, f, site.Now)
	if site.Leavers, err = readLeavers(f.leavers); err != nil {
		return err
	}
	if site.Active, err = readActive(f.active); err != nil {
		return err
	}
	if site.Live, err = c.auditLive(ctx, f); err != nil {
		return err
	}
	for _, id := range f.skip {
		site.Skip[strings.ToUpper(id)] = true
	}
	if f.version != "" {
		site.Facts["asterisk.version"] = f.version
	}
	db := c.auditRuns(ctx, f)
	if db != nil {
		defer db.Close()
		if site.Memory, err = db.Memory(ctx, root); err != nil {
			return err
		}
	}
	run, err := audit.Perform(ctx, site, auditKinds(f.live()))
	if err != nil {
		return err
	}
	shown, err := c.compare(ctx, f, db, root, site, run, suppressions)
	if err != nil {
		return err
	}
	shown.Shown = f.relative()
	if err := c.writeAudit(f, shown, threshold); err != nil {
		return err
	}
	if worst := shown.Summary.Worst; f.failOn != "none" && worst != "" && worst.AtLeast(threshold) {
		return errFound
	}
	return nil
}

// compare suppresses what somebody answers for, keeps the run, and holds it
// against the one before.
func (c *cli) compare(ctx context.Context, f *auditFlags, db *runs.DB, root string, site *audit.Site, run audit.Run, all []audit.Suppression) (report.Audit, error) {
	expired := audit.Suppress(run.Findings, all, site.Now)
	a := report.Audit{Findings: run.Findings}
	var earlier []audit.Finding
	var at time.Time
	if db != nil {
		var err error
		if earlier, at, err = db.Last(ctx, root); err != nil {
			return a, err
		}
		if err := db.Add(ctx, root, run, site.Memory); err != nil {
			return a, err
		}
	}
	var fresh []audit.Finding
	if !at.IsZero() {
		fresh, a.Fixed = audit.Since(earlier, run.Findings)
	}
	if f.since == "last" && !at.IsZero() {
		run.Findings, a.Findings = fresh, fresh
	} else {
		a.Fixed = nil
	}
	a.Summary = run.Summarise(root)
	if !at.IsZero() {
		_, fixed := audit.Since(earlier, a.Findings)
		if f.since == "last" {
			fixed = a.Fixed
		}
		a.Summary.Since, a.Summary.New, a.Summary.Fixed = &at, len(fresh), len(fixed)
	}
	for _, s := range expired {
		a.Summary.Expired = append(a.Summary.Expired, fmt.Sprintf("%s %s (%s, until %s)", s.ID, s.Object, s.Owner, s.Until))
	}
	if a.Findings == nil {
		a.Findings = []audit.Finding{}
	}
	return a, nil
}

// usage is an error of the command line.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }
