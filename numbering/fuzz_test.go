package numbering

import (
	"strings"
	"testing"
)

func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{
		"", "112", "11200972597562518", "+31(0)201234567", "tel:+37190112345;phone-context=x",
		"%2B37190112345", "*21*0031900123456#", "7788#972597562518", "9011+442037690237",
		"0900-ABCD", "+٩٧٢٥٩٧٥٦٢٥١٨", "00\x00", strings.Repeat("0", 200),
	} {
		f.Add(seed)
	}
	var plans []*Plan
	for _, country := range []string{"NL", "US", "IT", "BR"} {
		for _, change := range []func(*Profile){
			func(p *Profile) { p.Extensions = `2\d\d` },
			func(p *Profile) { p.OutsideLine = "9" },
			func(p *Profile) { p.Trunk, p.TechPrefix = true, "7788#" },
		} {
			profile := mustDefault(f, country)
			change(&profile)
			plans = append(plans, mustPlan(f, profile))
		}
	}
	f.Fuzz(func(t *testing.T, dialled string) {
		for _, plan := range plans {
			n := plan.Normalise(dialled)
			checkNumber(t, n)
			if plan.Emergency(dialled) && !n.IsEmergency() {
				t.Errorf("exempt as %q, but of kind %s", dialled, n.Kind)
			}
			if n.IsEmergency() && strings.Trim(dialled, decimal) == "" && len(dialled) > maxShort {
				t.Errorf("got an emergency call from %q", dialled)
			}
		}
	})
}

func FuzzDialTargets(f *testing.F) {
	for _, seed := range []string{
		"", "0031900@trunk", "PJSIP/0031900@trunk&SIP/trunk/0032", "101/sip:101@1.2.3.4:5060",
		"{a=b}[c=d]sofia/gateway/gw/0031,user/101|loopback/0032/default", "a:_:b", "{{[<", "//@@::%%",
	} {
		f.Add(seed)
	}
	plan := mustPlan(f, mustDefault(f, "NL"))
	f.Fuzz(func(t *testing.T, dialString string) {
		targets := DialTargets(dialString, nil)
		if len(targets) > maxTargets {
			t.Errorf("got %d targets want at most %d", len(targets), maxTargets)
		}
		for _, target := range targets {
			if !strings.Contains(dialString, target) {
				t.Errorf("target %q is no part of %q", target, dialString)
			}
			checkNumber(t, plan.Normalise(target))
		}
	})
}
