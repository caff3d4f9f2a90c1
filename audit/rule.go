package audit

import (
	"context"
	"fmt"
	"slices"
)

// State says how much of a source was read.
type State int

const (
	Absent  State = iota // there is no such file or database
	Whole                // all of it was read
	Partial              // some of it could not be read or is made while the PBX runs
	Lost                 // it is there and could not be read
)

// Sources is a model of a PBX that knows what it was read from.
type Sources interface {
	// Source tells how much of a source that a check needs was read, and for
	// Partial and Lost why not more.
	Source(need string) (State, string)
}

// A Rule is a check over a model M, with the function that makes it. Find
// reports what it sees; if it reports nothing the check has passed.
//
// The sources in Needs decide the rest: if none of them is there, the check is
// not applicable and Find is not called; if one is Partial or Lost, what Find
// sees still counts and the check is incomplete besides.
type Rule[M Sources] struct {
	Check
	// About is the source without which the check is not applicable, whatever
	// else it needs; "": any of those in Needs will do.
	About string
	Find  func(M, *Result)
}

// A Result collects what a Rule sees.
type Result struct {
	check    Check
	findings []Finding
	total    int
	spared   string // why the check is not applicable
	moot     bool   // it is not, however much was read
	trace    func(Finding)
}

// maxObjects bounds the findings of one check: thousands of them hide the rest.
const maxObjects = 5000

func (r *Result) add(f Finding) {
	if r.total++; r.total > maxObjects {
		return
	}
	f.ID, f.Title, f.Why, f.Fix, f.Ref = r.check.ID, r.check.Title, r.check.Why, r.check.Fix, r.check.Ref
	if f.Severity == "" {
		f.Severity = r.check.Severity
	}
	r.findings = append(r.findings, f)
	if r.trace != nil {
		r.trace(f)
	}
}

// Fail reports the hole in an object, at file:line, with what was seen.
func (r *Result) Fail(object, at, format string, args ...any) {
	r.FailAs(r.check.Severity, object, at, format, args...)
}

// FailAs is Fail with a severity of its own.
func (r *Result) FailAs(s Severity, object, at, format string, args ...any) {
	r.add(Finding{Status: Fail, Severity: s, Object: object, Location: at, Evidence: fmt.Sprintf(format, args...)})
}

// Incomplete reports that an object could not be judged, and why.
func (r *Result) Incomplete(object, at, format string, args ...any) {
	r.add(Finding{Status: Incomplete, Object: object, Location: at, Evidence: fmt.Sprintf(format, args...)})
}

// NotApplicable says that the PBX does not have what the check is about. It
// counts only if nothing else is reported.
func (r *Result) NotApplicable(why string) { r.spared = why }

// Moot is NotApplicable for a check that nobody asked for: how much was read
// does not matter then.
func (r *Result) Moot(why string) { r.spared, r.moot = why, true }

// outcome is what a run says about the check.
func (r *Result) outcome() []Finding {
	if r.total > maxObjects {
		r.findings = append(r.findings, Finding{
			ID: r.check.ID, Severity: r.check.Severity, Status: Incomplete, Title: r.check.Title, Why: r.check.Why, Fix: r.check.Fix, Ref: r.check.Ref,
			Evidence: fmt.Sprintf("%d more findings of this check are left out", r.total-maxObjects),
		})
	}
	if len(r.findings) > 0 {
		return r.findings
	}
	f := Finding{Status: Pass}
	if r.spared != "" {
		f.Status, f.Evidence = NotApplicable, r.spared
	}
	r.add(f)
	return r.findings
}

// evaluate makes every check of a table.
func evaluate[M Sources](ctx context.Context, table []Rule[M], m M, s *Site) []Finding {
	var all []Finding
	for _, rule := range table {
		if s.Skip[rule.ID] || ctx.Err() != nil {
			continue
		}
		r := &Result{check: rule.Check, trace: s.Trace}
		_, there := needs(m, rule.Needs)
		about := rule.Needs
		if rule.About != "" {
			state, _ := m.Source(rule.About)
			there, about = state != Absent, []string{rule.About}
		}
		if there {
			if !s.Gutted[rule.ID] {
				rule.Find(m, r)
			}
			troubles, _ := needs(m, rule.Needs) // looking may have shown more of them
			for _, t := range troubles {
				if r.moot {
					break
				}
				r.Incomplete("", "", "%s", t)
			}
		} else {
			r.NotApplicable("there is no " + list(about))
		}
		all = append(all, r.outcome()...)
	}
	return all
}

// needs tells what is amiss with the sources of a check, and whether any of
// them is there.
func needs(m Sources, names []string) (troubles []string, there bool) {
	there = len(names) == 0
	for _, name := range names {
		state, why := m.Source(name)
		there = there || state != Absent
		if (state == Partial || state == Lost) && !slices.Contains(troubles, why) {
			troubles = append(troubles, why)
		}
	}
	return troubles, there
}

// list writes "a, b or c".
func list(names []string) string {
	s := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			s += " or "
		default:
			s += ", "
		}
		s += n
	}
	return s
}
