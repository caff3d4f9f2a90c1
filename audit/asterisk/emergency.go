package asterisk

import (
	"slices"
	"strings"

	"pbxguard/audit"
)

// emergency is the number that people dial for help in the site's country.
func (p *PBX) emergency() string {
	country := p.site.Plan.Country()
	for number, countries := range map[string]string{
		"911": "US CA PR DO MX JM BS BB TT PH", "999": "GB IE HK SG MY KE BD", "000": "AU", "111": "NZ", "10111": "ZA", "110": "CN", "119": "JP",
	} {
		if slices.Contains(strings.Fields(countries), country) {
			return number
		}
	}
	return "112"
}

func emergencyNumbers(p *PBX, r *audit.Result) {
	phones := p.phones()
	if len(phones) == 0 {
		r.NotApplicable("there is no phone")
		return
	}
	if p.site.Plan == nil {
		r.Incomplete("", "", "the country, and so its emergency number, is not known")
		return
	}
	done := map[string]bool{}
	for _, ep := range phones {
		context := contextOf(ep)
		if done[context] || p.plan.contexts[context] == nil {
			continue
		}
		done[context] = true
		if len(p.plan.from(context).exits) == 0 {
			continue // a phone that only rings inside
		}
		n := p.emergency()
		e, _ := p.plan.best(context, n)
		if e == nil {
			r.Fail("context "+context, p.plan.contexts[context].at.String(), "nothing there takes %s", n)
			continue
		}
		for i := range e.steps {
			if s := &e.steps[i]; s.is("Authenticate", "VMAuthenticate", "GotoIfTime") {
				r.Fail("extension "+e.text+"@"+context, s.at.String(), "%s stands in the way of %s", s.app, n)
			}
		}
	}
}
