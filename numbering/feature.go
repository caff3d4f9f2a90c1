package numbering

import "strings"

// maxParameter is the most digits behind a code written with x that are taken
// for a mailbox, a slot or the rest of a longer code.
const maxParameter = 4

// feature judges a feature code with what it acts on. Activating a forward to
// a number is as good as calling it, so the number is reported.
func (p *Plan) feature(s string) (Number, bool) {
	code, rest, ok := cutLongest(p.features, s)
	if !ok {
		return Number{}, false
	}
	rest = trimParameters(rest)
	if rest == "" {
		return Number{Kind: Feature}, true
	}
	n := p.number(rest)
	if n.Kind == Unparseable && !code.literal() && len(rest) <= maxParameter {
		return Number{Kind: Feature}, true
	}
	n.Kind = Feature
	n.Flags |= Embedded
	return n, true
}

// trimParameters reduces what stands behind a feature code to the number:
// GSM-style codes add service and timer, *61*number*11*20#.
func trimParameters(s string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "*"), "#")
	number, parameters, found := strings.Cut(s, "*")
	if !found {
		return s
	}
	service, timer, _ := strings.Cut(parameters, "*")
	if len(service) > 2 || len(timer) > 2 {
		return s // no parameters: let all of it be searched for a number
	}
	return number
}
