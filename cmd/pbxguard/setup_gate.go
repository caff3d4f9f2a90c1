package main

import (
	"fmt"
	"slices"

	"pbxguard/adapters/asterisk"
	"pbxguard/config"
	"pbxguard/gate"
	"pbxguard/guard"
	"pbxguard/numbering"
	"pbxguard/report"
)

// gateKinds are the dial plans that can be printed.
var gateKinds = []string{"asterisk", "freepbx", "freeswitch", "fusionpbx"}

// foundKind stands for that of the PBX which is found.
const foundKind = "found"

// printGate prints the dial plan that asks before a call leaves.
func (o *setupOrder) printGate(conf *config.Config, pbx config.PBX) error {
	kind := o.gate
	if kind == foundKind {
		kind = o.gateKind(pbx)
	}
	policy, err := conf.Policy(nil)
	if err != nil {
		return invalid{err}
	}
	plan := gatePlan(conf, pbx, policy.PBXs[pbx.Name], kind)
	w := o.cli.stdout
	if !conf.Gate.Enabled {
		fmt.Fprintf(w, "Into %s, under [gate]:\n    enabled = true\nand put it in force:\n    systemctl restart pbxguard\n\n", report.Safe(o.config))
	}
	switch kind {
	case "asterisk":
		fmt.Fprintf(w, asteriskGate, indent(plan.Asterisk()))
	case "freepbx":
		fmt.Fprintf(w, freePBXGate, indent(plan.Asterisk()), indent(plan.FreePBX()))
	case "freeswitch":
		fmt.Fprintf(w, freeSWITCHGate, indent(plan.FreeSWITCH("")))
	case "fusionpbx":
		fmt.Fprintf(w, fusionPBXGate, indent(plan.FreeSWITCH(`<condition field="${user_exists}" expression="^false$"/>`)))
	}
	fmt.Fprint(w, "\nCalls to emergency numbers never ask. Then see whether it is asked: pbxguard status\n")
	return nil
}

// gateKind is the dial plan of the PBX that is there.
func (o *setupOrder) gateKind(pbx config.PBX) string {
	if pbx.Type == freeSWITCH {
		return freeSWITCH
	}
	if f, err := asterisk.Discover(o.root); err == nil && f.FreePBX {
		return "freepbx"
	}
	return "asterisk"
}

// gatePlan says in the words of a dial plan what the configuration says. Where
// the trunk is known the number is as it is sent, else as it was dialled.
func gatePlan(conf *config.Config, pbx config.PBX, site *guard.Site, kind string) gate.DialPlan {
	d := gate.DialPlan{
		PBX: pbx.Name, Address: conf.Gate.FastAGI, Cause: conf.Calls.HangupCause,
		Closed: conf.Gate.WhenDown == config.GateClosedAbroad, Announcement: conf.Gate.Announcement,
	}
	sent := site.TrunkPlan
	if kind == freeSWITCH || kind == "fusionpbx" {
		d.Address, sent = conf.Gate.Socket, site.Plan
	}
	plans := []*numbering.Plan{site.Plan, site.TrunkPlan}
	for _, p := range site.TrunkPlans {
		plans = append(plans, p)
	}
	for _, p := range plans {
		d.Emergency = append(d.Emergency, p.EmergencyForms()...)
	}
	slices.Sort(d.Emergency)
	d.Emergency = slices.Compact(d.Emergency)
	o := sent.Outline()
	d.Abroad, d.Home, d.Heads, d.Areas = o.Abroad, o.Home, o.Heads, o.Areas
	return d
}

const asteriskGate = `Into extensions.conf, as a context of its own:
%s
and before each Dial to a trunk, with the trunk's endpoint and what it is sent:
     same => n,Gosub(pbxguard-gate,s,1(TRUNK,${EXTEN}))
     same => n,Dial(PJSIP/${EXTEN}@TRUNK,60)

Put it in force, which drops no call:
    asterisk -rx 'dialplan reload'
`

const freePBXGate = `Into /etc/asterisk/extensions_custom.conf, which FreePBX leaves alone:
%s%s
If that file has [macro-dialout-trunk-predial-hook] already, put the line with
pbxguard-gate behind its own first line instead.

Put it in force, which drops no call:
    asterisk -rx 'dialplan reload'
`

const freeSWITCHGate = `Into the dial plan, such as /etc/freeswitch/dialplan/default/00_pbxguard.xml within
<include> and </include>. It must come before whatever bridges calls to a gateway:
%s
It needs mod_hash and mod_event_socket. Put it in force, which drops no call:
    fs_cli -x reloadxml

A dial plan that knows what the gateway is sent may say so before the socket:
    <action application="set" data="pbxguard_number=..."/>
    <action application="set" data="pbxguard_trunk=GATEWAY"/>
`

const fusionPBXGate = `In FusionPBX, under Dialplan > Dialplan Manager > Add, each <extension> as an entry
of its own, in this order, with an order below 100, which outbound routes have at
least, "continue" as it is here, and the domain "Global":
%s
It needs mod_hash and mod_event_socket, and [gate] must name the user that
FreeSWITCH runs as, which is www-data on many hosts:
    users = ["www-data"]
`
