// Package audit reads the configuration of a PBX and lists its holes.
//
// This package holds what every kind of PBX shares: what a check and a finding
// are, the bounded file [Tree], and how a run is put together. Each kind lives
// in a package of its own (audit/asterisk, audit/freeswitch, audit/host), which
// reads the files into a model of the values in force and brings a table of
// [Rule]s over that model. Nothing here runs a program, opens a connection or
// writes a file.
//
// What could not be read is [Incomplete], never [Pass].
package audit

import (
	"fmt"
	"slices"
)

// Severity says how bad it is if a check fails.
type Severity string

const (
	Critical Severity = "critical" // a stranger gets paid calls or the host without a secret, or with a published one
	High     Severity = "high"     // one weak factor away from that
	Medium   Severity = "medium"   // widens or hides an attack
	Low      Severity = "low"      // hygiene
	Info     Severity = "info"     // good to know
)

// severities are in order, the worst first.
var severities = []Severity{Critical, High, Medium, Low, Info}

// Severities returns them all, the worst first.
func Severities() []Severity { return slices.Clone(severities) }

// ParseSeverity reads one by its name.
func ParseSeverity(name string) (Severity, error) {
	if s := Severity(name); slices.Contains(severities, s) {
		return s, nil
	}
	return "", fmt.Errorf("cannot understand severity %q: want critical, high, medium, low or info", name)
}

// AtLeast tells whether s is as bad as other, or worse.
func (s Severity) AtLeast(other Severity) bool {
	return slices.Index(severities, s) <= slices.Index(severities, other)
}

// Status is the outcome of a check for one object.
type Status string

const (
	Fail          Status = "fail"           // the hole is there
	Pass          Status = "pass"           // all that the check needs was read, and the hole is not there
	Incomplete    Status = "incomplete"     // something that the check needs could not be read or resolved
	NotApplicable Status = "not_applicable" // the PBX does not have what the check is about
	Suppressed    Status = "suppressed"     // the hole is there, and somebody answers for it until a date
)

// A Check is what is known about a hole, whoever has it. Its text is for the
// person who must mend it.
type Check struct {
	ID       string   `json:"id"` // as in "AST-PJSIP-001"; never changes its meaning
	Title    string   `json:"title"`
	Severity Severity `json:"severity"` // a finding may be worse or better than this
	Needs    []string `json:"needs"`    // the sources that it reads, as the kind's model names them
	Why      string   `json:"why"`      // how it is attacked
	Fix      string   `json:"fix"`      // what to change, exactly
	Ref      string   `json:"ref"`      // where the facts are from
}

// A Finding is the outcome of a check. These fields are a contract with whoever
// reads the JSON. No field ever holds a secret.
type Finding struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Status   Status   `json:"status"`
	Object   string   `json:"object"`   // what it is about, as "endpoint 100"; "" for the PBX as a whole
	Location string   `json:"location"` // file:line, or the file, or ""
	Title    string   `json:"title"`
	Evidence string   `json:"evidence"` // what was seen, without the secret
	Why      string   `json:"why"`
	Fix      string   `json:"fix"`
	Ref      string   `json:"ref"`
}
