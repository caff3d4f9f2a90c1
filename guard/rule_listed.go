package guard

import "fmt"

// denied asks the site's lists of numbers that must not be called.
var denied = rule{
	doc: doc{
		id: "listed", number: "R-010",
		title: "numbers on a list of those that must not be called",
		why:   "test numbers of fraud are known before they are used, for who has such a list",
		set:   setListed, normal: Setting{Action: Kill},
	},
	when: whenPlaced | whenSet,
	hit:  func(s *state, _ *Limits, a *attempt) bool { return s.onList(DeniedNumbers, a.number.E164) != "" },
	say: func(s *state, _ *Limits, a *attempt) string {
		return listSays(a, s.onList(DeniedNumbers, a.number.E164), "which must not be called")
	},
}

// withdrawnOut is a call to a number that a regulator has taken back.
var withdrawnOut = rule{
	doc: doc{
		id: "withdrawn", number: "R-078", about: aboutCallers,
		title: "calls to numbers that a regulator has withdrawn",
		why:   "they were withdrawn because a fraud was run on them",
		set:   setWithdrawn, normal: Setting{Action: Kill},
	},
	when: whenPlaced | whenSet,
	hit:  func(s *state, _ *Limits, a *attempt) bool { return s.onList(WithdrawnNumbers, a.number.E164) != "" },
	say: func(s *state, _ *Limits, a *attempt) string {
		return listSays(a, s.onList(WithdrawnNumbers, a.number.E164), "whose numbers a regulator has withdrawn")
	},
}

func listSays(a *attempt, list, what string) string {
	if list == "" {
		return "on no such list"
	}
	return fmt.Sprintf("%s called %s, on the list %s, %s", a.who(), a.shown(), list, what)
}

// onList is the name of a list of a kind that has a number, or "".
func (s *state) onList(k ListKind, number string) string {
	if s.policy.Lists == nil || number == "" {
		return ""
	}
	name, ok := s.policy.Lists.Lookup(k, number, s.now)
	if ok && name == "" {
		return k.String()
	}
	return name
}
