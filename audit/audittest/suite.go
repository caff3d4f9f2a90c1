package audittest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pbxguard/audit"
	"pbxguard/numbering"
)

// Now is the time of every fixture.
var Now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A Suite is the fixtures of a kind.
type Suite struct {
	Kind audit.Kind
	Dir  string // of ID.txt
	Base string // the sound tree below every fixture; "": none
	// Setup tells the site what no file can, such as history; nil: nothing.
	// The variant is "fail", "pass" or "unreadable".
	Setup func(id, variant string, s *audit.Site)
}

// variants of a fixture, with the status that its check must give.
var variants = map[string]audit.Status{"fail": audit.Fail, "pass": audit.Pass, "unreadable": audit.Incomplete}

// Run fails for a check that lacks a fixture, a fixture that lacks its check,
// and every fixture of which a variant is not judged as it must be.
func (s Suite) Run(t *testing.T) {
	known := map[string]bool{}
	for _, c := range s.Kind.Checks {
		known[c.ID] = true
		t.Run(c.ID, func(t *testing.T) {
			if c.Title == "" || c.Severity == "" || c.Why == "" || c.Fix == "" || c.Ref == "" {
				t.Error("want a title, severity, why, fix and ref")
			}
			f, err := s.load(c.ID)
			if err != nil {
				t.Fatalf("want a fixture that fails, the edit that passes and a file to lose: %v", err)
			}
			for variant := range variants {
				if err := s.judge(t, f, variant, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	s.further(t, known)
}

// further runs the fixtures that prove a part of a check, as PW-002.txt with
// "of: AST-PJSIP-005" does.
func (s Suite) further(t *testing.T, known map[string]bool) {
	names, err := filepath.Glob(filepath.Join(s.Dir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		id := strings.TrimSuffix(filepath.Base(name), ".txt")
		if known[id] {
			continue
		}
		t.Run(id, func(t *testing.T) {
			f, err := s.load(id)
			if err != nil {
				t.Fatal(err)
			}
			if !known[f.of] {
				t.Fatalf("there is no check %s", f.of)
			}
			for variant := range variants {
				if err := s.judge(t, f, variant, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Mutants leaves out the body of one check after the other, all around it as it
// is, and fails if the check's own fixture still passes. A body left out reports
// nothing: what its sources lack is still said.
func (s Suite) Mutants(t *testing.T) {
	caught := 0
	for _, c := range s.Kind.Checks {
		f, err := s.load(c.ID)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := s.judge(t, f, "fail", nil); err != nil {
			t.Errorf("%s: the fixture fails before anything is left out: %v", c.ID, err)
			continue
		}
		if s.judge(t, f, "fail", map[string]bool{c.ID: true}) == nil {
			t.Errorf("%s: nothing notices that the body of the check is gone", c.ID)
			continue
		}
		caught++
	}
	t.Logf("%s: %d of %d checks are missed when their body is gone", s.Kind.Name, caught, len(s.Kind.Checks))
}

func (s Suite) load(id string) (*fixture, error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, id+".txt"))
	if err != nil {
		return nil, err
	}
	return parse(id, string(text))
}

// judge audits one variant and compares what its check says with what it must.
func (s Suite) judge(t *testing.T, f *fixture, variant string, gutted map[string]bool) error {
	return s.judgeTraced(t, f, variant, gutted, nil)
}

// judgeTraced is judge that tells of each finding where it is reported.
func (s Suite) judgeTraced(t *testing.T, f *fixture, variant string, gutted map[string]bool, trace func(audit.Finding)) error {
	dir := t.TempDir()
	if err := f.build(dir, s.Base, variant); err != nil {
		return fmt.Errorf("%s: cannot build: %w", variant, err)
	}
	site, done, err := Site(dir)
	if err != nil {
		return err
	}
	defer done()
	site.Gutted, site.Trace = gutted, trace
	for k, v := range f.facts {
		site.Facts[k] = v
	}
	if s.Setup != nil {
		s.Setup(f.id, variant, site)
	}
	run, err := audit.Perform(context.Background(), site, []audit.Kind{s.Kind})
	if err != nil {
		return fmt.Errorf("%s: %w", variant, err)
	}
	return f.compare(run.Findings, variant)
}

// compare looks for what the variant must give. One that passes must not have
// the failure any more: it passes altogether, unless the base does not.
func (f *fixture) compare(fs []audit.Finding, variant string) error {
	want := variants[variant]
	var got []string
	met := false
	for _, one := range fs {
		if one.ID != f.of {
			continue
		}
		got = append(got, fmt.Sprintf("%s %s %q at %q: %s", one.Status, one.Severity, one.Object, one.Location, one.Evidence))
		met = met || one.Status == want && (want != audit.Fail || f.matches(one))
		met = met || want == audit.Pass && one.Status == audit.NotApplicable // what it was about is gone
		if want == audit.Pass && one.Status == audit.Fail && f.matches(one) {
			return fmt.Errorf("%s: still got\n\t%s", variant, got[len(got)-1])
		}
	}
	if want == audit.Pass && f.of != f.id { // other parts of the check may fail
		return nil
	}
	if !met {
		return fmt.Errorf("%s: got\n\t%s\nwant %s %s %q %q %q", variant, strings.Join(got, "\n\t"), want, f.severity, f.object, f.evidence, f.location)
	}
	return nil
}

func (f *fixture) matches(one audit.Finding) bool {
	return (f.object == "" || one.Object == f.object) && strings.Contains(one.Evidence, f.evidence) &&
		(f.severity == "" || string(one.Severity) == f.severity) && (f.location == "" || one.Location == f.location)
}

// Site returns a site in the Netherlands over the tree in dir, with extensions
// of three and four digits, and what closes it.
func Site(dir string) (s *audit.Site, done func(), err error) {
	tree, err := audit.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	profile, err := numbering.DefaultProfile("NL")
	if err != nil {
		return nil, nil, err
	}
	profile.Extensions = `\d{3,4}`
	plan, err := numbering.NewPlan(profile)
	if err != nil {
		return nil, nil, err
	}
	return &audit.Site{Tree: tree, Now: Now, Plan: plan, Facts: map[string]string{}}, func() { tree.Close() }, nil
}
