package numbering

import "strings"

// Normalise says what a dialled string is in this plan. Any string has an
// answer, and the work is bounded whatever its length.
func (p *Plan) Normalise(dialled string) Number {
	if len(dialled) > maxDialled {
		return unparseable(0)
	}
	t, ok := p.clean(dialled)
	if !ok {
		return unparseable(t.flags)
	}
	n := p.judge(t.s)
	if t.zero >= 0 && (n.Kind == Unparseable || n.Flags.Has(Invalid)) {
		// Italy dials the 0 of "+39 (0)6" from abroad too.
		if kept := p.judge(t.s[:t.zero] + "0" + t.s[t.zero:]); !kept.Flags.Has(Invalid) && kept.Kind != Unparseable {
			n = kept
		}
	}
	n.Flags |= t.flags
	return n
}

func unparseable(flags Flags) Number {
	return Number{Kind: Unparseable, Class: Unknown, Flags: flags}
}

// judge takes away what stands around the number: tech prefix, feature code
// and the # that ends dialling.
func (p *Plan) judge(s string) Number {
	var flags Flags
	if rest, found := strings.CutPrefix(s, p.tech); found && p.tech != "" {
		s, flags = rest, TechPrefix
	}
	n, ok := p.feature(s)
	if !ok {
		n = p.number(strings.TrimSuffix(s, "#"))
	}
	n.Flags |= flags
	return n
}

// number judges what was dialled on the PBX or sent to the trunk. The lists
// and the extensions come first: they need no outside line. Emergency numbers
// come before extensions with an outside line too.
func (p *Plan) number(s string) Number {
	if n, ok := p.listed(s); ok {
		return n
	}
	rest, outside := strings.CutPrefix(s, p.outside)
	outside = outside && p.outside != ""
	if n, ok := p.exact[rest]; ok && outside {
		n.Flags |= OutsidePrefix
		return n
	}
	switch {
	case p.Internal(s):
		return Number{Kind: Internal}
	case p.outside == "":
		return p.outbound(s)
	case !outside:
		n := p.outbound(s)
		n.Flags |= NoOutsidePrefix
		return n
	}
	n, ok := p.listed(rest)
	if !ok {
		n = p.outbound(rest)
	}
	n.Flags |= OutsidePrefix
	return n
}

// outbound judges what the network is given to dial.
func (p *Plan) outbound(s string) Number {
	_, rest, found := cutLongest(p.carriers, s)
	n := p.place(rest)
	if found {
		n.Flags |= CarrierSelect
	}
	return n
}

// place finds the number's place in the world. One that cannot exist may hide
// another, so then the digits are searched.
func (p *Plan) place(s string) Number {
	d, ok := p.destination(s)
	if ok && d.possible {
		return p.numberAt(d)
	}
	if c, flags, found := p.candidate(s); found {
		return Number{
			Kind: Unparseable, E164: c.e164, Region: c.region, Class: c.class,
			Flags: c.flags | flags, Candidate: true,
		}
	}
	if ok {
		return p.numberAt(d)
	}
	return unparseable(0)
}

// numberAt names the kind of a destination.
func (p *Plan) numberAt(d destination) Number {
	n := Number{Kind: International, E164: d.e164, Region: d.region, Class: d.class, Flags: d.flags}
	switch d.region {
	case p.country:
		n.Kind = National
	case worldRegion:
		n.Kind = IntlNetwork
	}
	if _, ok := p.protected[d.e164]; ok {
		n.Flags |= Protected
	}
	return n
}

// destination reads s in the ways of the plan, in the order of how telling its
// prefix is.
func (p *Plan) destination(s string) (d destination, ok bool) {
	digits, plus := strings.CutPrefix(s, "+")
	if !isDigits(digits) {
		return d, false
	}
	if plus || p.trunk {
		return p.lookup(digits)
	}
	if d, ok, found := p.abroad(s); found {
		return d, ok
	}
	if rest, found := cutNonEmpty(s, p.nationalPrefix); found {
		return p.domestic(s, rest)
	}
	switch {
	case matchesAny(p.national, s), p.cc == nanpCode && len(s) == nanpLength:
		return p.lookup(p.cc + s)
	case len(s) == p.localLength:
		d, ok = p.lookup(p.cc + p.area + s)
		d.flags |= LocalCompleted
		return d, ok
	case p.nationalPrefix == "":
		d, ok = p.lookup(p.cc + s)
		return d, ok && d.possible
	}
	return d, false
}

// North America dials ten digits with or without its national prefix.
const (
	nanpCode   = "1"
	nanpLength = 10
)

// abroad reads s as a call through an IDD prefix. Where one prefix begins
// another (00 and 001 in Hong Kong), the first that leaves a valid number is
// meant, or else the longest.
func (p *Plan) abroad(s string) (d destination, ok, found bool) {
	for _, idd := range p.idd {
		rest, cut := strings.CutPrefix(s, idd)
		if !cut {
			continue
		}
		e, parsed := p.lookup(rest)
		if !found || e.valid {
			d, ok, found = e, parsed, true
		}
		if e.valid {
			break
		}
	}
	if ok && strings.HasPrefix(d.e164[1:], p.cc) {
		d.flags |= OwnCountryIDD
	}
	return d, ok, found
}

// domestic reads a number behind the national prefix. Some countries let a
// carrier code follow that prefix (Brazil) or rewrite what follows it
// (Argentina); libphonenumber knows, when it is given the prefix too.
func (p *Plan) domestic(s, rest string) (d destination, ok bool) {
	d, ok = p.lookup(p.cc + rest)
	if ok && d.valid {
		return d, ok
	}
	if whole, parsed := p.lookup(p.cc + s); parsed && whole.valid {
		return whole, true
	}
	return d, ok
}

// cutNonEmpty cuts a prefix that is not empty and leaves something.
func cutNonEmpty(s, prefix string) (rest string, found bool) {
	rest, found = strings.CutPrefix(s, prefix)
	return rest, found && prefix != "" && rest != ""
}
