package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// A Summary is a run in figures. Its fields are a contract, as a finding's.
type Summary struct {
	At      time.Time        `json:"at"`
	Root    string           `json:"root"`              // what was read
	Kinds   []string         `json:"kinds"`             // what was found there
	Checks  int              `json:"checks"`            // that were made
	Failed  map[Severity]int `json:"failed"`            // findings by severity, all five always
	Status  map[Status]int   `json:"status"`            // findings by status, all five always
	Since   *time.Time       `json:"since,omitempty"`   // of the run that this one is compared with
	New     int              `json:"new"`               // findings that were not there then
	Fixed   int              `json:"fixed"`             // findings that were there then
	Expired []string         `json:"expired,omitempty"` // suppressions that count no more
	Worst   Severity         `json:"worst,omitempty"`   // of what failed
}

// Summarise counts a run's findings.
func (r *Run) Summarise(root string) Summary {
	s := Summary{At: r.At, Root: root, Kinds: r.Kinds, Failed: map[Severity]int{}, Status: map[Status]int{}}
	for _, sev := range severities {
		s.Failed[sev] = 0
	}
	for _, st := range statuses {
		s.Status[st] = 0
	}
	ids := map[string]bool{}
	for _, f := range r.Findings {
		s.Status[f.Status]++
		ids[f.ID] = true
		if f.Status != Fail {
			continue
		}
		s.Failed[f.Severity]++
		if s.Worst == "" || f.Severity.AtLeast(s.Worst) {
			s.Worst = f.Severity
		}
	}
	s.Checks = len(ids)
	return s
}

// Mark names a finding from run to run: what failed, on which object, and where
// as far as the file goes. A line that moved is the same finding.
func (f *Finding) Mark() string {
	file := f.Location
	for i := len(file) - 1; i > 0 && (file[i] >= '0' && file[i] <= '9' || file[i] == ':'); i-- {
		if file[i] == ':' {
			file = file[:i]
			break
		}
	}
	h := sha256.Sum256([]byte(f.ID + "\x00" + f.Object + "\x00" + file))
	return hex.EncodeToString(h[:12])
}

// Since compares the failed findings of a run with those of an earlier one.
func Since(earlier, now []Finding) (fresh, fixed []Finding) {
	before, after := map[string]bool{}, map[string]bool{}
	for i := range earlier {
		before[earlier[i].Mark()] = true
	}
	for i := range now {
		if now[i].Status == Pass || now[i].Status == NotApplicable {
			continue
		}
		mark := now[i].Mark()
		after[mark] = true
		if now[i].Status == Fail && !before[mark] {
			fresh = append(fresh, now[i])
		}
	}
	seen := map[string]bool{}
	for i := range earlier {
		if mark := earlier[i].Mark(); !after[mark] && !seen[mark] {
			seen[mark] = true
			fixed = append(fixed, earlier[i])
		}
	}
	return fresh, fixed
}
