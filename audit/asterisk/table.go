package asterisk

import (
	"fmt"
	"slices"
	"strings"

	"pbxguard/adapters/asterisk/conf"
	"pbxguard/audit"
)

// table is every check of Asterisk and FreePBX, in the order of the catalogue.
func table() []audit.Rule[*PBX] {
	return slices.Concat(
		pjsipRules(), pjsipObjectRules(), pjsipServiceRules(), sipRules(), iaxRules(), managerRules(), coreRules(), logRules(),
		voicemailRules(), dialplanRules(), dialplanStepRules(), forwardRules(), freePBXRules(), freePBXFileRules(), freePBXDatabaseRules(), staleRules(), liveRules(),
		audit.InventoryRules[*PBX](audit.InventoryNeeds{
			Extensions: "pjsip chan_sip", All: "asterisk pjsip chan_sip voicemail astdb", Trunks: "pjsip chan_sip iax", Calls: "calls", Administrators: "manager.conf",
		}),
	)
}

// rule makes a row of the table. The needs are names of sources with blanks
// between them.
func rule(id string, s audit.Severity, needs, title, why, fix, ref string, find func(*PBX, *audit.Result)) audit.Rule[*PBX] {
	return audit.Rule[*PBX]{
		Check: audit.Check{ID: id, Severity: s, Needs: strings.Fields(needs), Title: title, Why: why, Fix: fix, Ref: ref},
		About: strings.Fields(needs)[0],
		Find:  find,
	}
}

// many is one finding about several objects of the same sort.
type many struct {
	names []string
	at    string
}

func (m *many) add(name string, at conf.Pos) {
	if len(m.names) == 0 {
		m.at = at.String()
	}
	m.names = append(m.names, name)
}

// fail reports them, if there are any, as "3 endpoints: 100, 101, 102".
func (m *many) fail(r *audit.Result, s audit.Severity, sort, format string, args ...any) {
	switch n := len(m.names); {
	case n == 0:
		return
	case n == 1:
		r.FailAs(s, sort+" "+m.names[0], m.at, format, args...)
	default:
		shown, more := m.names, ""
		if n > 8 {
			shown, more = m.names[:8], ", …"
		}
		r.FailAs(s, fmt.Sprintf("%d %ss", n, sort), m.at, "%s: %s%s", fmt.Sprintf(format, args...), strings.Join(shown, ", "), more)
	}
}

// at is where a key of a section is set, or the section if it is not.
func at(s *conf.Section, key string) string { return s.Pos(key).String() }

// off tells whether a setting that is on by default is switched off.
func off(s *conf.Section, key string) bool { return conf.False(s.Get(key)) }
