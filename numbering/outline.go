package numbering

import (
	"maps"
	"slices"
)

// EmergencyForms lists every string for which [Plan.Emergency] is true, sorted.
func (p *Plan) EmergencyForms() []string { return slices.Sorted(maps.Keys(p.exempt)) }

// ForeignPrefixes tells by how a string begins whether it leads abroad, for a
// place that knows no more, such as a dial plan while nobody can be asked: it
// does if it begins with one of abroad and with none of home. Countries that
// share a calling code, as in North America, cannot be told apart like this.
func (p *Plan) ForeignPrefixes() (abroad, home []string) {
	heads := []string{""}
	for _, head := range []string{p.tech, p.outside, p.tech + p.outside} {
		if !slices.Contains(heads, head) {
			heads = append(heads, head)
		}
	}
	for _, head := range heads {
		home = append(home, head+"+"+p.cc)
		if p.trunk {
			abroad, home = append(abroad, head), append(home, head+p.cc)
			continue
		}
		abroad = append(abroad, head+"+")
		for _, idd := range p.idd {
			abroad, home = append(abroad, head+idd), append(home, head+idd+p.cc)
		}
	}
	return abroad, home
}
