package guard

import (
	"fmt"
	"time"

	"pbxguard/numbering"
)

// prefixGuessing finds out that somebody tries how to get a line: digits in front of
// a number abroad, or a number abroad without what makes it one.
var prefixGuessing = rule{
	doc: doc{
		id: "guessing", number: "R-005", star: true,
		title: "digits tried in front of an international number",
		why:   "who has a password but not the dial plan guesses its prefixes: 000972…, 9011966…",
		set:   setGuessing, normal: Setting{Action: Kill, Max: 2, Within: 10 * time.Minute},
		keys: []Key{maxKey("how many are ended before the extension is locked"), withinKey("within what time")},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		set := &l.Set[setGuessing]
		switch {
		case set.Action == Kill && s.guesses(a.payer, set.Within) > set.Max:
			return Lock
		case set.Action >= Kill && guessed(a.number) && s.slip(a):
			return Alert
		}
		return set.Action
	},
	hit: func(_ *state, _ *Limits, a *attempt) bool { return guessed(a.number) },
	say: func(s *state, l *Limits, a *attempt) string {
		if !guessed(a.number) {
			return "nothing was tried in front of the number"
		}
		return fmt.Sprintf("%s dialled %s, in which %s%s hides; try %d within %s",
			a.who(), a.dialled, a.number.E164, in(a.number.Region),
			s.guesses(a.payer, l.Set[setGuessing].Within), short(l.Set[setGuessing].Within))
	},
}

func (s *state) guesses(acc *account, within time.Duration) int {
	return acc.trail.count(s.now, within, isGuess, forever)
}

// carrierSelect is a phone that chooses its own way out.
var carrierSelect = rule{
	doc: doc{
		id: "carrier-select", number: "R-007",
		title: "a carrier or a technical prefix chosen by the phone",
		why:   "it gets around the route, the price and the limits that the PBX sets",
		set:   setCarrierSelect, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	hit: func(_ *state, _ *Limits, a *attempt) bool {
		return a.chosen != 0
	},
	say: func(_ *state, _ *Limits, a *attempt) string {
		if a.chosen == 0 {
			return "no carrier was chosen"
		}
		return fmt.Sprintf("%s dialled %s, which chooses a carrier for %s", a.who(), a.dialled, a.shown())
	},
}

// homeDetour is a dear number of one's own country dialled as if from abroad.
var homeDetour = rule{
	doc: doc{
		id: "home-detour", number: "R-006", star: true,
		title: "a premium number of one's own country dialled as an international one",
		why:   "a pattern that bars 0900 does not see 0031900",
		set:   setHomeDetour, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	hit:  func(_ *state, _ *Limits, a *attempt) bool { return detour(a) },
	say: func(_ *state, _ *Limits, a *attempt) string {
		if !detour(a) {
			return "not a dear number of the own country by way of abroad"
		}
		return fmt.Sprintf("%s dialled %s: %s, a %s number of this country", a.who(), a.dialled, a.shown(), a.class())
	},
}

func detour(a *attempt) bool {
	if a.number.Kind != numbering.National || !a.dear() && a.class() != numbering.SharedCost {
		return false
	}
	return a.number.Flags.Has(numbering.OwnCountryIDD) || len(a.dialled) > 0 && a.dialled[0] == '+'
}

// offshore is a foreign number that looks like one of the own country.
var offshore = rule{
	doc: doc{
		id: "offshore", number: "R-008", star: true,
		title: "islands behind +1 dialled like a national number",
		why:   "1 809 and 876 look like any other area code and cost like a satellite",
		set:   setOffshore, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		return s.byHabit(a, l.Set[setOffshore].Action, !s.strange(a))
	},
	hit: func(_ *state, l *Limits, a *attempt) bool {
		return island(a) && !l.Countries[a.number.Region]
	},
	say: func(_ *state, _ *Limits, a *attempt) string {
		if !island(a) {
			return "not an island behind the own country code"
		}
		return fmt.Sprintf("%s dialled %s, which looks national and is in %s", a.who(), a.dialled, countryName(a.number.Region))
	},
}

// island says whether a number abroad was dialled without what goes abroad.
func island(a *attempt) bool {
	if !a.number.Flags.Has(numbering.NANPOffshore) || a.number.E164 == "" {
		return false
	}
	national := a.number.E164[1:]
	return a.dialled == national || a.dialled == national[1:]
}

// unallocated is a number that its country does not have.
var unallocated = rule{
	doc: doc{
		id: "unallocated", number: "R-009",
		title: "numbers abroad that no operator was given",
		why:   "fraud rents ranges that nobody uses: a carrier on the way answers for them",
		set:   setUnallocated, normal: Setting{Action: Kill},
	},
	when: whenPlaced,
	action: func(s *state, l *Limits, a *attempt) Action {
		act := l.Set[setUnallocated].Action
		if act >= Kill && s.nowhere(a) && s.slip(a) {
			return Alert
		}
		return act
	},
	hit: func(s *state, _ *Limits, a *attempt) bool { return s.nowhere(a) },
	say: func(s *state, _ *Limits, a *attempt) string {
		if !s.nowhere(a) {
			return "a number that can exist"
		}
		return fmt.Sprintf("%s dialled %s, which is in no plan of %s", a.who(), a.shown(), countryName(a.number.Region))
	},
}

func (s *state) nowhere(a *attempt) bool {
	return a.number.Kind == numbering.International &&
		(a.number.Flags.Has(numbering.Invalid) || a.number.Class == numbering.Unknown)
}
