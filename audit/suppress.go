package audit

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// A Suppression is somebody's word that a finding may stand until a date.
type Suppression struct {
	ID     string `toml:"id"`     // of the check
	Object string `toml:"object"` // of the finding; * and ? stand for other characters; "": any
	Reason string `toml:"reason"`
	Owner  string `toml:"owner"` // who answers for it
	Until  string `toml:"until"` // the last day, as 2027-03-31
	last   time.Time
}

// ParseSuppressions reads "[[suppress]]" tables in TOML. Each needs an id of
// known, a reason, an owner and a date.
func ParseSuppressions(data []byte, known map[string]bool) ([]Suppression, error) {
	var file struct {
		Suppress []Suppression `toml:"suppress"`
	}
	d := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("cannot read suppressions: %w", err)
	}
	var errs []error
	for i := range file.Suppress {
		s := &file.Suppress[i]
		wrong := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("suppression %d: %s", i+1, fmt.Sprintf(format, args...)))
		}
		if !known[s.ID] {
			wrong("there is no check %q", s.ID)
		}
		if s.Reason == "" {
			wrong("reason is missing")
		}
		if s.Owner == "" {
			wrong("owner is missing")
		}
		if _, err := path.Match(s.Object, ""); err != nil {
			wrong("object %q is no pattern", s.Object)
		}
		day, err := time.Parse(time.DateOnly, s.Until)
		if err != nil {
			wrong("until is %q; want a date as 2027-03-31", s.Until)
		}
		s.last = day.AddDate(0, 0, 1)
	}
	return file.Suppress, errors.Join(errs...)
}

// Suppress marks the failed findings that somebody answers for. It returns the
// suppressions whose day has passed, which count no more.
func Suppress(fs []Finding, all []Suppression, now time.Time) (expired []Suppression) {
	for _, s := range all {
		if !now.Before(s.last) {
			expired = append(expired, s)
			continue
		}
		for i := range fs {
			f := &fs[i]
			match, _ := path.Match(s.Object, f.Object)
			if f.Status == Fail && f.ID == s.ID && (match || s.Object == "") {
				f.Status = Suppressed
				f.Evidence += fmt.Sprintf(" [until %s, %s: %s]", s.Until, s.Owner, s.Reason)
			}
		}
	}
	Sort(fs)
	return expired
}
