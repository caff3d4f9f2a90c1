package freeswitch

import (
	"slices"

	"pbxguard/audit"
)

type rule = audit.Rule[*model]

type check = audit.Check

// Kind is FreeSWITCH as something that can be audited.
func Kind() audit.Kind { return KindServed(nil) }

// KindServed is Kind for one whose configuration may come from the database of
// a FusionPBX. served writes the document that it gives FreeSWITCH and says
// where it is from; the document is "" if it can't be known.
func KindServed(served func(*audit.Site) (text, from string)) audit.Kind {
	return audit.NewKind("freeswitch", slices.Concat(coreRules(), directoryRules(), profileRules(), dialplanRules(), serviceRules(), liveRules(),
		audit.InventoryRules[*model](audit.InventoryNeeds{
			Extensions: "directory", All: "directory sofia.conf event_socket.conf db", Trunks: "sofia.conf", Calls: "calls",
		})),
		func(s *audit.Site) (*model, bool) { return load(s, served) })
}
