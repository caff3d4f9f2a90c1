package freeswitch

import (
	"slices"

	"pbxguard/audit"
)

type rule = audit.Rule[*model]

type check = audit.Check

// Kind is FreeSWITCH as something that can be audited.
func Kind() audit.Kind {
	return audit.NewKind("freeswitch", slices.Concat(coreRules(), directoryRules(), profileRules(), dialplanRules(), serviceRules()), load)
}
