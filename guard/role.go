package guard

import "fmt"

// Role is what uses an account, where that is not somebody at a desk.
type Role string

const (
	RoleMachine   Role = "machine"   // a fax, an alarm or a lift: it calls its own numbers and no others
	RoleDialler   Role = "dialler"   // agents of a queue and programs that place calls, many and fast
	RoleGuest     Role = "guest"     // of a hotel: somebody else every week, without habits
	RoleReception Role = "reception" // several calls at once
)

// freeOf are the rules that say nothing about a role. Of rules about destinations
// and money none is ever among them.
var freeOf = map[Role]map[string]bool{
	RoleDialler: {
		"concurrent": true, "attempts": true, "attempts-pbx": true, "sequential": true, "block": true, "short-calls": true,
		"failing": true, "habits": true, "habits-pbx": true, "manager-call": true,
	},
	RoleGuest: {"hours": true, "weekend": true, "holiday": true, "first-country": true, "habits": true},
}

// frees says whether a rule says nothing about accounts of the group.
func (l *Limits) frees(id string) bool { return l.Role != "" && freeOf[l.Role][id] }

// own says whether a number is one of those that a machine calls.
func (l *Limits) own(a *attempt) bool {
	return l.Role == RoleMachine && l.Reaches != nil && a.number.E164 != "" && l.Reaches.MatchString(a.number.E164)
}

// machineCall is a machine that calls somebody else.
var machineCall = rule{
	doc: doc{
		id: "machine", number: "R-003", fixed: "kill",
		title: "calls of a fax, an alarm or a lift to anywhere but its own numbers",
		why:   "nobody dials on it: who does has found its password",
	},
	when:   whenPlaced,
	action: func(*state, *Limits, *attempt) Action { return Kill },
	hit: func(_ *state, l *Limits, a *attempt) bool {
		return l.Role == RoleMachine && l.Reaches != nil && !l.own(a)
	},
	say: func(_ *state, l *Limits, a *attempt) string {
		if l.Role != RoleMachine || l.Reaches == nil || l.own(a) {
			return "not a machine's call to a stranger"
		}
		return fmt.Sprintf("%s, a machine, calls %s%s, which is none of its numbers", a.who(), a.shown(), in(a.number.Region))
	},
}

// tested notes that a machine has called one of its own numbers.
func (s *state) tested(a *attempt) {
	if l := s.limitsOf(a.payer); l.TestCall > 0 && l.own(a) {
		a.payer.tested, a.payer.overdue = s.now, false
	}
}

// watchMachines tells of machines that have not called for longer than they should.
// One that was never seen to call is not known to be there.
func (s *state) watchMachines() {
	for _, acc := range s.accounts {
		if acc.tested.IsZero() || acc.overdue {
			continue
		}
		l := s.limitsOf(acc)
		if l.TestCall <= 0 || s.now.Sub(acc.tested) <= l.TestCall {
			continue
		}
		acc.overdue = true
		s.decide(Decision{Rule: "machine-silent", Action: Alert, Enforced: true, PBX: acc.PBX, Account: acc.Account,
			Reason: fmt.Sprintf("extension %s, a machine, has placed no call for %s; its test call is due every %s",
				acc.Name, short(s.now.Sub(acc.tested)), short(l.TestCall))})
	}
}
