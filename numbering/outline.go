package numbering

import (
	"fmt"
	"maps"
	"slices"
)

// EmergencyForms lists every string for which [Plan.Emergency] is true, sorted.
func (p *Plan) EmergencyForms() []string { return slices.Sorted(maps.Keys(p.exempt)) }

// An Outline tells by how a string begins whether it leads abroad, for a place
// that knows no more, such as a dial plan while nobody can be asked.
type Outline struct {
	// Abroad begins what leads abroad, unless one of Home begins it too.
	Abroad, Home []string
	// Heads begin, with one of Areas behind them and seven digits or more behind
	// that, what leads to another country behind the calling code of one's own:
	// from the United States to Canada and to Jamaica.
	Heads, Areas []string
}

// Outline returns what tells a foreign number by its beginning. Countries behind
// one calling code are told apart where the first three digits do that: in North
// America, and of Russia and Kazakhstan. The Channel Islands behind +44 are home.
func (p *Plan) Outline() (o Outline) {
	for _, head := range p.heads() {
		o.Home = append(o.Home, head+"+"+p.cc)
		if p.trunk {
			o.Abroad, o.Home = append(o.Abroad, head), append(o.Home, head+p.cc)
			continue
		}
		o.Abroad = append(o.Abroad, head+"+")
		for _, idd := range p.idd {
			o.Abroad, o.Home = append(o.Abroad, head+idd), append(o.Home, head+idd+p.cc)
		}
	}
	if o.Areas = p.neighbours(); len(o.Areas) == 0 {
		return o
	}
	o.Heads = slices.Clone(o.Home)
	if p.trunk {
		return o
	}
	for _, head := range p.heads() {
		for _, prefix := range []string{p.nationalPrefix, ""} {
			if p.abroadBehind(head+prefix, o.Areas[0]) && !slices.Contains(o.Heads, head+prefix) {
				o.Heads = append(o.Heads, head+prefix)
			}
		}
	}
	return o
}

// heads are what may stand in front of any number.
func (p *Plan) heads() []string {
	heads := []string{""}
	for _, head := range []string{p.tech, p.outside, p.tech + p.outside} {
		if !slices.Contains(heads, head) {
			heads = append(heads, head)
		}
	}
	return heads
}

// shared are the calling codes of several countries with numbers of ten digits
// of which the first three say where they are.
var shared = []string{"1", "7"}

// subscriber is what stands behind those three, for a number that can exist.
const subscriber = "2345678"

// neighbours are the area codes of other countries behind the plan's own calling
// code.
func (p *Plan) neighbours() (areas []string) {
	if !slices.Contains(shared, p.cc) {
		return nil
	}
	for area := 200; area < 1000; area++ {
		if d, ok := p.lookup(fmt.Sprint(p.cc, area, subscriber)); ok && d.region != p.country {
			areas = append(areas, fmt.Sprint(area))
		}
	}
	return areas
}

// abroadBehind says whether an area code behind head leads abroad.
func (p *Plan) abroadBehind(head, area string) bool {
	return p.Normalise(head+area+subscriber).Kind == International
}
