package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"pbxguard/audit"
)

// Audit is an audit as it is shown: the JSON document has these fields.
type Audit struct {
	Summary  audit.Summary   `json:"summary"`
	Findings []audit.Finding `json:"findings"`
	Fixed    []audit.Finding `json:"fixed,omitempty"` // what was there in the run compared with
	// Shown are the folders of this host that stand for folders of the one
	// audited, by the name there, if they are given as relative ones.
	Shown map[string]string `json:"-"`
}

// auditWidth is how many columns the report takes.
const auditWidth = 80

// Audit writes an audit for a person: the figures first, then what failed, the
// worst first and each check once, then what could not be judged.
func (p *Page) Audit(a Audit) error {
	return p.text(func(b *bytes.Buffer) {
		p.auditHead(b, &a.Summary)
		for _, g := range grouped(a.Findings, audit.Fail) {
			p.auditGroup(b, g)
		}
		if gaps := grouped(a.Findings, audit.Incomplete); len(gaps) > 0 {
			fmt.Fprintf(b, "\nNOT JUDGED, for something could not be read:\n")
			auditGaps(b, gaps)
		}
		for _, g := range grouped(a.Findings, audit.Suppressed) {
			for _, f := range g {
				wrap(b, "", "    ", fmt.Sprintf("suppressed  %s  %s  %s", f.ID, Safe(f.Object), Safe(f.Evidence)))
			}
		}
		for _, f := range a.Fixed {
			wrap(b, "", "    ", fmt.Sprintf("fixed  %s  %s  %s", f.ID, Safe(f.Object), Safe(f.Title)))
		}
	})
}

func (p *Page) auditHead(b *bytes.Buffer, s *audit.Summary) {
	fmt.Fprintf(b, "Audit of %s: %s, %s\n", Safe(s.Root), Safe(strings.Join(s.Kinds, ", ")), count(s.Checks, "check", "checks"))
	var parts []string
	for _, sev := range audit.Severities() {
		if n := s.Failed[sev]; n > 0 {
			parts = append(parts, p.word(fmt.Sprintf("%d %s", n, sev), auditShade(sev), 0))
		}
	}
	if len(parts) == 0 {
		parts = []string{p.word("nothing found", green, 0)}
	}
	fmt.Fprintf(b, "%s; %d passed, %d incomplete, %d suppressed, %d not applicable\n", strings.Join(parts, ", "),
		s.Status[audit.Pass], s.Status[audit.Incomplete], s.Status[audit.Suppressed], s.Status[audit.NotApplicable])
	if s.Since != nil {
		fmt.Fprintf(b, "since %s: %d new, %d fixed\n", s.Since.Format(time.DateOnly), s.New, s.Fixed)
	}
	for _, e := range s.Expired {
		wrap(b, "", "  ", "a suppression has expired: "+Safe(e))
	}
}

func auditShade(s audit.Severity) shade {
	switch s {
	case audit.Critical, audit.High:
		return red
	case audit.Medium:
		return yellow
	}
	return plainly
}

// grouped are the findings of a status by check and severity, in their order.
func grouped(fs []audit.Finding, status audit.Status) (groups [][]audit.Finding) {
	for _, f := range fs {
		if f.Status != status {
			continue
		}
		if n := len(groups); n > 0 && groups[n-1][0].ID == f.ID && groups[n-1][0].Severity == f.Severity {
			groups[n-1] = append(groups[n-1], f)
			continue
		}
		groups = append(groups, []audit.Finding{f})
	}
	return groups
}

// shownObjects is how many findings of one check are written out.
const shownObjects = 12

func (p *Page) auditGroup(b *bytes.Buffer, g []audit.Finding) {
	first := g[0]
	word := strings.ToUpper(string(first.Severity))
	var title bytes.Buffer
	wrap(&title, fmt.Sprintf("%-8s %s  ", word, first.ID), "         ", Safe(first.Title))
	fmt.Fprintf(b, "\n%s%s", p.word(word, auditShade(first.Severity), 0), strings.TrimPrefix(title.String(), word))
	shown := 0
	for i, same := range alike(g) {
		if i == shownObjects {
			fmt.Fprintf(b, "  and %d more\n", len(g)-shown)
			break
		}
		shown += len(same)
		line := Safe(same[0].Object) + "  " + Safe(same[0].Location)
		if len(same) > 1 {
			line = several(same)
		}
		if line = strings.TrimSpace(line); line != "" {
			wrap(b, "  ", "    ", line)
		}
		wrap(b, "    ", "    ", Safe(same[0].Evidence))
	}
	wrap(b, "  why: ", "       ", first.Why)
	wrap(b, "  fix: ", "       ", first.Fix)
}

// fewAlike is up to how many findings that say the same stand each for itself.
const fewAlike = 3

// alike puts findings together that say the same of objects of one sort, where
// there are more than a few: three hundred extensions have one cause.
func alike(g []audit.Finding) (all [][]audit.Finding) {
	at := map[string]int{}
	count := map[string]int{}
	key := func(f audit.Finding) string {
		sort, _, _ := strings.Cut(f.Object, " ")
		return sort + "\x00" + f.Evidence
	}
	for _, f := range g {
		count[key(f)]++
	}
	for _, f := range g {
		k := key(f)
		i, begun := at[k]
		if _, name, _ := strings.Cut(f.Object, " "); begun && count[k] > fewAlike && name != "" {
			all[i] = append(all[i], f)
			continue
		}
		at[k] = len(all)
		all = append(all, []audit.Finding{f})
	}
	return all
}

// namedAlike is how many of them are named.
const namedAlike = 8

// several names findings that say the same: "300 peers: 100, 101, …  file:1".
func several(same []audit.Finding) string {
	var names []string
	sort, _, _ := strings.Cut(same[0].Object, " ")
	for _, f := range same[:min(len(same), namedAlike)] {
		_, name, _ := strings.Cut(f.Object, " ")
		names = append(names, Safe(name))
	}
	if len(same) > namedAlike {
		names = append(names, "…")
	}
	return fmt.Sprintf("%d times %s %s  %s", len(same), Safe(sort), strings.Join(names, ", "), Safe(same[0].Location))
}

// auditGaps writes each reason once, with the checks that it spoils.
func auditGaps(b *bytes.Buffer, gaps [][]audit.Finding) {
	ids := map[string][]string{}
	var order []string
	for _, g := range gaps {
		for _, f := range g {
			why := f.Evidence
			if ids[why] == nil {
				order = append(order, why)
			}
			if n := len(ids[why]); n == 0 || ids[why][n-1] != f.ID {
				ids[why] = append(ids[why], f.ID)
			}
		}
	}
	for _, why := range order {
		wrap(b, "  ", "    ", Safe(why))
		wrap(b, "    ", "    ", strings.Join(ids[why], " "))
	}
}

// wrap writes words in lines of at most auditWidth columns.
func wrap(b *bytes.Buffer, first, rest, text string) {
	line, lead := first, true
	for word := range strings.FieldsSeq(text) {
		if !lead && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > auditWidth {
			fmt.Fprintln(b, line)
			line, lead = rest, true
		}
		if !lead {
			line += " "
		}
		line, lead = line+word, false
	}
	if !lead {
		fmt.Fprintln(b, line)
	}
}

// AuditChecks writes what is known about checks.
func (p *Page) AuditChecks(checks []audit.Check) error {
	return p.text(func(b *bytes.Buffer) {
		for i, c := range checks {
			if i > 0 {
				fmt.Fprintln(b)
			}
			fmt.Fprintf(b, "%s  %s\n%s\n", c.ID, p.word(string(c.Severity), auditShade(c.Severity), 0), c.Title)
			wrap(b, "  why:   ", "         ", c.Why)
			wrap(b, "  fix:   ", "         ", c.Fix)
			wrap(b, "  reads: ", "         ", strings.Join(c.Needs, ", "))
			wrap(b, "  ref:   ", "         ", c.Ref)
		}
	})
}

// AuditMarkdown writes the reference of checks.
func AuditMarkdown(checks []audit.Check) string {
	var b strings.Builder
	b.WriteString(`# Checks of the audit

Made from the code by "make docs". "pbxguard audit explain ID" shows the same.
A finding may be worse or better than its check where something makes it so, and
then says what. The rules PW-001 to PW-008 are applied by the checks of
passwords and PINs, whose findings name them.

`)
	for _, c := range checks {
		fmt.Fprintf(&b, "## %s\n\n**%s** (%s)\n\n%s\n\nFix: %s\n\n", c.ID, c.Title, c.Severity, c.Why, c.Fix)
		if len(c.Needs) > 0 {
			fmt.Fprintf(&b, "Reads %s. ", strings.Join(c.Needs, ", "))
		}
		fmt.Fprintf(&b, "Source: %s.\n\n", strings.TrimSuffix(c.Ref, "."))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
