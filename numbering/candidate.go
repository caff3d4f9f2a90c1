package numbering

import "strings"

// minCandidate is the least number of digits that is searched for a number.
// In fewer there is always some country's.
const minCandidate = 8

// candidate looks for the international number that digits which are no number
// are aimed at: the first end of them that is a valid E.164 number as it
// stands, with or without 00 or 011. In front of it is what a fraudster adds
// who does not know the outside line, or nothing, when the PBX is expected to
// take the number as it is.
func (p *Plan) candidate(s string) (d destination, flags Flags, found bool) {
	s, plus := strings.CutPrefix(s, "+")
	for start := 0; start < len(s); {
		run := s[start:]
		if i := strings.IndexAny(run, "+*#"); i >= 0 {
			run = run[:i]
		}
		if d, offset, ok := p.validEnd(run); ok {
			return d, candidateFlags(start+offset, plus), true
		}
		start += len(run) + 1
	}
	return d, 0, false
}

// candidateFlags says how a candidate was found. A + in front of 00 is junk,
// and so is whatever else stands in front.
func candidateFlags(offset int, plus bool) Flags {
	switch {
	case offset > 0:
		return JunkPrefix
	case plus:
		return AssumedIntl | JunkPrefix
	}
	return AssumedIntl
}

// validEnd returns the longest end of a run of digits that is a valid number.
func (p *Plan) validEnd(run string) (d destination, offset int, found bool) {
	for i := max(0, len(run)-maxDigits-len("011")); i+minCandidate <= len(run); i++ {
		digits := cutAnyIDD(run[i:])
		d, ok := p.lookup(digits)
		if ok && d.valid && d.e164[1:] == digits {
			return d, i, true
		}
	}
	return d, 0, false
}

// cutAnyIDD cuts the two IDD prefixes that cover most of the world, whichever
// the plan has: attackers try them everywhere.
func cutAnyIDD(s string) string {
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		return rest
	}
	return strings.TrimPrefix(s, "011")
}
