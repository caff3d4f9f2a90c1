package guard

import (
	"time"

	"pbxguard/numbering"
)

// slips is how many numbers that cannot be somebody may dial in a day before it
// stops looking like a slip of a finger.
const slips = 2

// oddNumber says whether a number cannot be reached, as far as its plan is known.
func oddNumber(n numbering.Number) bool {
	return n.Kind == numbering.Unparseable || n.Class == numbering.Unknown || n.Flags.Has(numbering.Invalid)
}

// slip says whether a number that no plan has was dialled by mistake, rather
// than by somebody who looks for a way out. One of the own country is: nobody
// shares its price, whether the plan is newer than our copy of it or not. Of the
// others a few a day are, if they are no further from a number that makes sense
// than one digit, or nothing but noise, or in a country that the office calls.
func (s *state) slip(a *attempt) bool {
	if s.policy.Learn == 0 || smuggled(a.dialled) || !oddNumber(a.number) {
		return false
	}
	if a.number.Kind == numbering.National {
		return true
	}
	odd := a.payer.trail.count(s.now, 24*time.Hour, isOdd, forever)
	if odd > slips {
		return false
	}
	switch {
	case a.number.Kind == numbering.Unparseable && !a.number.Candidate:
		return true
	case a.number.Kind == numbering.International && !s.off(s.limitsOf(a.payer), a) && (s.young(a.site) || s.called(a.site, a.number.Region)):
		return true
	}
	if a.nearFor != a.dialled { // hundreds of numbers are looked up, and several rules ask
		a.near, a.nearFor = s.nearMiss(a), a.dialled
	}
	return a.near
}

// called says whether a PBX has called a country before.
func (s *state) called(st *site, region string) bool {
	_, ok := s.met(Account{PBX: st.name}, seenAbroad, region, seenFor)
	return ok
}

// nearMiss says whether one digit too many, too few or another one makes what
// was dialled a number at home, or one in a country that the PBX has called.
func (s *state) nearMiss(a *attempt) bool {
	const most = 20 // digits; nobody's number is longer
	d := a.dialled
	if len(d) > most {
		return false
	}
	var b [most + 1]byte
	for i := 0; i <= len(d); i++ {
		if i < len(d) && s.sense(a, append(append(b[:0], d[:i]...), d[i+1:]...)) {
			return true
		}
		for c := byte('0'); c <= '9'; c++ {
			if i < len(d) && s.sense(a, append(append(append(b[:0], d[:i]...), c), d[i+1:]...)) {
				return true
			}
			if s.sense(a, append(append(append(b[:0], d[:i]...), c), d[i:]...)) {
				return true
			}
		}
	}
	return false
}

// sense says whether somebody here may have meant a number.
func (s *state) sense(a *attempt, digits []byte) bool {
	n := a.site.Plan.Normalise(string(digits))
	switch {
	case oddNumber(n) || dear(n.Class):
		return false
	case n.Kind == numbering.National:
		return !n.Flags.Has(numbering.OwnCountryIDD)
	case n.Kind != numbering.International:
		return false
	}
	return s.called(a.site, n.Region)
}
