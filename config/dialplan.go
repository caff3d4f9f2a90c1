package config

import (
	"slices"
	"sync"

	"github.com/nyaruka/phonenumbers"

	"pbxguard/numbering"
)

// country is where the PBX stands, and whether the file says so.
func (p *PBX) country(home string) (country string, said bool) {
	switch {
	case p.DialPlan.Country != "":
		return p.DialPlan.Country, true
	case home != "":
		return home, false
	}
	return fallback, false
}

// plans are how the PBX's phones dial, what its trunks are sent, and what those
// trunks are sent that differ.
func (p *PBX) plans(home string) (phones, trunks *numbering.Plan, single map[string]*numbering.Plan, err error) {
	profile, err := p.profile(home)
	if err != nil {
		return nil, nil, nil, err
	}
	if phones, err = numbering.NewPlan(profile); err != nil {
		return nil, nil, nil, err
	}
	if trunks, err = numbering.NewPlan(onTrunk(profile, p.TrunkFormat, p.TechPrefix)); err != nil {
		return nil, nil, nil, err
	}
	single = map[string]*numbering.Plan{}
	for name, t := range p.Trunk {
		format, prefix := t.Format, t.TechPrefix
		if format == "" {
			format = p.TrunkFormat
		}
		if prefix == "" {
			prefix = p.TechPrefix
		}
		if single[name], err = numbering.NewPlan(onTrunk(profile, format, prefix)); err != nil {
			return nil, nil, nil, err
		}
	}
	return phones, trunks, single, nil
}

// onTrunk is the profile of what a trunk is sent. Extensions mean nothing
// there: to take a number for one of them would be to let it pass.
func onTrunk(p numbering.Profile, format, techPrefix string) numbering.Profile {
	p.TechPrefix = techPrefix
	p.Extensions = ""
	switch format {
	case "e164":
		p.Trunk = true
	case "national":
		p.OutsideLine = ""
	}
	return p
}

// profile is the country's dial plan with what the file says of it.
func (p *PBX) profile(home string) (numbering.Profile, error) {
	country, said := p.country(home)
	profile, err := numbering.DefaultProfile(country)
	if err != nil {
		return profile, err
	}
	if !said {
		profile.Emergency = append(profile.Emergency, emergencyAnywhere()...)
	}
	d := &p.DialPlan
	profile.OutsideLine, profile.Extensions = d.OutsideLine, d.Extensions
	if d.Area != "" || d.LocalLength != 0 {
		profile.Area, profile.LocalLength = d.Area, d.LocalLength
	}
	if d.NationalPrefix != "" {
		profile.NationalPrefix = d.NationalPrefix
	}
	if len(d.IDD) > 0 {
		profile.IDD = d.IDD
	}
	for _, more := range []struct {
		to   *[]string
		from []string
	}{
		{&profile.Emergency, d.Emergency}, {&profile.Protected, d.Protected},
		{&profile.Directory, d.Directory}, {&profile.Short, d.Short},
		{&profile.CarrierSelect, d.CarrierSelect}, {&profile.FeatureCodes, d.FeatureCodes},
	} {
		*more.to = slices.Concat(*more.to, more.from)
	}
	return profile, nil
}

// emergencyAnywhere lists the emergency numbers of all countries. They are
// exempt while it is only guessed where a PBX stands: a call to a wrong one of
// them costs nothing, a call to the right one must not be ended.
var emergencyAnywhere = sync.OnceValue(func() []string {
	var all []string
	for country := range phonenumbers.GetSupportedRegions() {
		if p, err := numbering.DefaultProfile(country); err == nil {
			all = append(all, p.Emergency...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
})
