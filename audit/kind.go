package audit

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"pbxguard/numbering"
)

// A Site is what is audited and what is known about it from elsewhere.
type Site struct {
	Tree    *Tree
	Now     time.Time
	Plan    *numbering.Plan   // judges numbers; nil: none was configured, and what a number costs is not known
	Owned   []string          // numbers of the site in E.164, which callers may show; nil: not known
	Words   []string          // of the company, as its name and city, which make bad passwords
	History *History          // what the guard saw; nil: nothing
	Memory  *Memory           // of the last run; nil: none is kept
	Facts   map[string]string // what was told on the command line or by a live PBX, such as "asterisk.version"
	Skip    map[string]bool   // ids of checks that are not made
	Gutted  map[string]bool   // ids of checks of which the body is left out, to prove that it matters
	Trace   func(Finding)     // is called where a finding is reported; nil: nothing is
	// Live is what the running PBX said of itself, by the name of its kind; one
	// that is missing was not asked.
	Live map[string]Answers
	// Leavers are the last days of those who left, and Active what there should
	// be: by extension, or an administrator as "admin:anna"; nil: not told.
	Leavers map[string]time.Time
	Active  map[string]bool
	secrets []string
}

// Secret notes a secret that was read, so that it can be kept out of whatever
// is written, should a check quote it by mistake.
func (s *Site) Secret(value string) {
	if len(value) >= minScrub {
		s.secrets = append(s.secrets, value)
	}
}

// minScrub is the length from which a secret is looked for in evidence. Shorter
// ones are PINs, which are also line numbers, counts and extensions.
const minScrub = 8

// A Kind is a sort of PBX, or the host, that can be audited.
type Kind struct {
	Name   string // "asterisk"
	Checks []Check
	audit  func(context.Context, *Site) (findings []Finding, there bool)
}

// NewKind makes a Kind of a table of rules and the function that reads the
// model. load says whether there is such a PBX at all; it does not fail, for
// what it cannot read is a matter of the model's sources.
func NewKind[M Sources](name string, table []Rule[M], load func(*Site) (m M, there bool)) Kind {
	k := Kind{Name: name}
	for _, r := range table {
		k.Checks = append(k.Checks, r.Check)
	}
	k.audit = func(ctx context.Context, s *Site) ([]Finding, bool) {
		m, there := load(s)
		if !there {
			return nil, false
		}
		return evaluate(ctx, table, m, s), true
	}
	return k
}

// A Run is the outcome of an audit.
type Run struct {
	At       time.Time
	Kinds    []string // what was there to audit
	Findings []Finding
}

// Perform audits a site as every kind that is there. It fails only when none
// is, or ctx ends.
func Perform(ctx context.Context, s *Site, kinds []Kind) (Run, error) {
	run := Run{At: s.Now}
	if s.Memory != nil {
		s.Memory.Now = s.Now
	}
	for _, k := range kinds {
		fs, there := k.audit(ctx, s)
		if err := ctx.Err(); err != nil {
			return Run{}, fmt.Errorf("cannot finish the audit: %w", err)
		}
		if there {
			run.Kinds = append(run.Kinds, k.Name)
			run.Findings = append(run.Findings, fs...)
		}
	}
	if len(run.Kinds) == 0 {
		return Run{}, fmt.Errorf("cannot find anything to audit in %s", s.Tree)
	}
	s.scrub(run.Findings)
	Sort(run.Findings)
	return run, nil
}

// assigned is a secret in what ought to be a name: a section's header that
// holds the whole section, as generators write it by mistake.
var assigned = regexp.MustCompile(`(?i)\b(secret|password|passwd|passwort|pin)(=>?)[^\s,;"'\]]{4,}`)

// scrub takes secrets out of what a person or a file is going to get.
func (s *Site) scrub(fs []Finding) {
	for i := range fs {
		fs[i].Object = assigned.ReplaceAllString(fs[i].Object, "$1$2[secret]")
		fs[i].Evidence = assigned.ReplaceAllString(fs[i].Evidence, "$1$2[secret]")
	}
	if len(s.secrets) == 0 {
		return
	}
	pairs := make([]string, 0, 2*len(s.secrets))
	slices.SortFunc(s.secrets, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	for _, secret := range slices.Compact(s.secrets) {
		pairs = append(pairs, secret, "[secret]")
	}
	r := strings.NewReplacer(pairs...)
	for i := range fs {
		fs[i].Evidence = r.Replace(fs[i].Evidence)
	}
}

// statuses are in the order of a report.
var statuses = []Status{Fail, Incomplete, Suppressed, NotApplicable, Pass}

// Sort puts findings in the order of a report: what failed first, the worst of
// it first, then by id, object and place.
func Sort(fs []Finding) {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(statuses, a.Status), slices.Index(statuses, b.Status)),
			cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)),
			strings.Compare(a.ID, b.ID),
			natural(a.Object, b.Object),
			natural(a.Location, b.Location),
			strings.Compare(a.Evidence, b.Evidence),
		)
	})
}

// natural compares so that "endpoint 99" stands before "endpoint 100".
func natural(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
