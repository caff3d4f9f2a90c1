package numbering

import (
	"math"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// program is all patterns of one country code, compiled one behind the other.
type program []instruction

type instruction struct {
	syntax.Inst
	extent extent
	start  bool // of its pattern
}

// extent is what a pattern says something of.
type extent uint8

const (
	// whole: all digits behind the country code.
	whole extent = iota
	// beginning: the first digits. Once it has matched nothing undoes that.
	beginning
	// cutOff: first digits too, which libphonenumber cuts off.
	cutOff
)

// compile compiles every pattern that anybody asks of the numbers of a country
// code: libphonenumber, for the regions that share the code, and this package.
func compile(code int) (p program, ok bool) {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil, false
	}
	main := phonenumbers.GetRegionCodeForCountryCode(code)
	ok = true
	known := map[string]bool{}
	add := func(pattern string, of extent) {
		key := pattern + string(rune('0'+of))
		if pattern != "" && !known[key] {
			known[key] = true
			ok = p.add(pattern, of) && ok
		}
	}
	for _, m := range all.GetMetadata() {
		if int(m.GetCountryCode()) != code {
			continue
		}
		if m.GetId() == main {
			add(m.GetNationalPrefixForParsing(), cutOff)
		}
		add(m.GetLeadingDigits(), beginning)
		for _, d := range []*phonenumbers.PhoneNumberDesc{
			m.GetGeneralDesc(), m.GetPremiumRate(), m.GetTollFree(), m.GetSharedCost(), m.GetVoip(), m.GetPersonalNumber(),
			m.GetPager(), m.GetUan(), m.GetVoicemail(), m.GetFixedLine(), m.GetMobile(),
		} {
			add(d.GetNationalNumberPattern(), whole)
		}
	}
	for _, first := range ownPrefixes(code) {
		add(first, beginning)
	}
	return p, ok && len(p) < math.MaxUint16
}

// add compiles a pattern. It is not ok when an automaton of digits cannot stand
// for it.
func (p *program) add(pattern string, of extent) (ok bool) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return false
	}
	made, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return false
	}
	base := uint32(len(*p))
	for i, in := range made.Inst {
		in.Out += base
		switch in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			in.Arg += base
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg) != syntax.EmptyEndText {
				return false
			}
		}
		*p = append(*p, instruction{Inst: in, extent: of, start: i == made.Start})
	}
	return true
}

// starts is where all patterns are before the first digit.
func (p program) starts() []uint16 {
	var r reach
	for pc := range p {
		if p[pc].start {
			r.visit(p, uint16(pc))
		}
	}
	return r.sorted()
}

// step is where a digit leads from some instructions.
func (p program) step(at []uint16, digit byte) []uint16 {
	var r reach
	for _, pc := range at {
		switch in := &p[pc]; {
		case in.Op == syntax.InstEmptyWidth:
		case in.Op != syntax.InstMatch:
			if in.MatchRune(rune('0' + digit)) {
				r.visit(p, uint16(in.Out))
			}
		case in.extent != whole:
			r.visit(p, pc)
		}
	}
	return r.sorted()
}

// cuts says whether something may be cut off of a number that ends here.
func (p program) cuts(at []uint16) bool {
	return slices.ContainsFunc(at, func(pc uint16) bool {
		op := p[pc].Op
		return p[pc].extent == cutOff && (op == syntax.InstMatch || op == syntax.InstEmptyWidth)
	})
}

// reach collects instructions that wait for a digit or for the end.
type reach struct {
	seen map[uint16]bool
	at   []uint16
}

// visit follows a program to where it cannot go on without a digit.
func (r *reach) visit(p program, pc uint16) {
	if r.seen[pc] {
		return
	}
	if r.seen == nil {
		r.seen = map[uint16]bool{}
	}
	r.seen[pc] = true
	switch in := &p[pc]; in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		r.visit(p, uint16(in.Out))
		r.visit(p, uint16(in.Arg))
	case syntax.InstCapture, syntax.InstNop:
		r.visit(p, uint16(in.Out))
	case syntax.InstFail:
	default:
		r.at = append(r.at, pc)
	}
}

func (r *reach) sorted() []uint16 {
	slices.Sort(r.at)
	return slices.Clip(r.at)
}

// ownPrefixes are the first digits behind a country code by which this package
// tells numbers apart.
func ownPrefixes(code int) (list []string) {
	cc := strconv.Itoa(code)
	for prefix := range specials {
		if rest, found := strings.CutPrefix(prefix, cc); found {
			list = append(list, rest)
		}
	}
	for _, prefix := range crownPrefixes {
		if rest, found := strings.CutPrefix(prefix, cc); found {
			list = append(list, rest)
		}
	}
	if cc == nanpCode {
		list = append(list, `\d{3}976`)
	}
	return list
}
