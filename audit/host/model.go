// Package host checks what stands around a PBX: listening sockets, the firewall,
// permissions, processes, versions, logins, retention, time, the guard itself.
// It reads files, those of /proc included, and on this host itself the kernel's
// firewall rules; what only a running kernel or a person knows is incomplete.
package host

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"pbxguard/audit"
)

type rule = audit.Rule[*model]

type check = audit.Check

// Kind is the host as something that can be audited.
func Kind() audit.Kind { return KindLive(nil) }

// KindLive is Kind for this host itself: the firewall is what read says that the
// kernel holds, such as [Kernel], rather than what its files will make of it.
func KindLive(read func() (Ruleset, error)) audit.Kind {
	return audit.NewKind("host", slices.Concat(rules(), audit.InventoryRules[*model](audit.InventoryNeeds{Administrators: "users logins"})),
		func(s *audit.Site) (*model, bool) {
			m, there := load(s)
			if there && read != nil {
				m.readKernel(read)
			}
			return m, there
		})
}

// model is the host as its files show it.
type model struct {
	site    *audit.Site
	states  map[string]state
	sockets []socket
	procs   []process
	users   map[string]string // name by uid
	wall    firewall
	sshd    map[string]setting
	answers map[string]any
	pkgs    map[string]string
	texts   map[string][]text // by source
	copies  []string          // backups in a web root
	files   map[string][]file // those whose permissions matter, by source
	data    *advisories
	shells  []person // who may log in to administer the PBX
}

// state says how much was read of a source.
type state struct {
	how audit.State
	why string
}

// load reads the host. A configuration folder alone is none.
func load(s *audit.Site) (*model, bool) {
	if !s.Tree.Exists("/etc/passwd") {
		return nil, false
	}
	m := &model{site: s, states: map[string]state{}, users: map[string]string{}}
	m.texts, m.files = map[string][]text{}, map[string][]file{}
	m.readUsers()
	m.readPeople()
	m.readTexts()
	m.readFiles()
	m.readCopies()
	m.readSockets()
	m.readProcesses()
	m.readFirewall()
	m.readSSHD()
	m.readAnswers()
	m.readPackages()
	return m, true
}

// Source tells how much was read of what a check needs.
func (m *model) Source(need string) (audit.State, string) {
	s, ok := m.states[need]
	if !ok {
		return audit.Whole, ""
	}
	return s.how, s.why
}

// note keeps the worst that was met with a source; Whole outdoes Absent.
func (m *model) note(need string, how audit.State, why string) {
	old, ok := m.states[need]
	if !ok || how > old.how {
		m.states[need] = state{how, why}
	}
}

// read returns a file of a source, or "" if it is not there or can't be read,
// and notes which.
func (m *model) read(need, name string) string {
	text, err := m.site.Tree.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.note(need, audit.Absent, "")
	case err != nil:
		m.note(need, audit.Partial, err.Error())
	default:
		m.note(need, audit.Whole, "")
	}
	return string(text)
}

// glob lists the files of a pattern, and notes if it can't.
func (m *model) glob(need, pattern string) []string {
	names, err := m.site.Tree.Glob(pattern)
	if err != nil {
		m.note(need, audit.Partial, err.Error())
	}
	return names
}

func (m *model) readUsers() {
	for line := range strings.Lines(m.read("users", "/etc/passwd")) {
		if f := strings.Split(line, ":"); len(f) > 3 {
			m.users[f[2]] = f[0]
		}
	}
}

// at writes a place in a file.
func at(name string, line int) string { return fmt.Sprintf("%s:%d", name, line) }
