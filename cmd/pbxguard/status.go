package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pbxguard/adapters/asterisk"
	"pbxguard/adapters/freeswitch"
	"pbxguard/control"
	"pbxguard/guard"
	"pbxguard/store"
)

// counted is how many decisions of a day are counted for status; beyond that
// the counts are of the newest so many.
const counted = 20_000

// Status implements [control.Handler].
func (h handler) Status(ctx context.Context) (control.Status, error) {
	st := control.Status{Version: programVersion(), Problems: []control.Check{}, Gaps: []guard.Gap{}}
	var err error
	if st.Engine, err = h.engine.Status(ctx); err != nil {
		return st, err
	}
	h.mu.Lock()
	conf, trouble := h.conf, maps.Clone(h.trouble)
	h.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(h.ports)) {
		pbx, problems := h.ports[name].status()
		st.PBXs = append(st.PBXs, pbx)
		st.Problems = append(st.Problems, problems...)
	}
	var problems []control.Check
	st.Gate, problems = h.gateStatus()
	st.Problems = append(st.Problems, problems...)
	st.Firewall = h.firewallStatus(conf.Firewall.Mode)
	st.Store = h.storeStatus()
	for _, name := range slices.Sorted(maps.Keys(trouble)) {
		st.Problems = append(st.Problems, trouble[name])
	}
	st.Problems = append(st.Problems, degraded(st)...)
	return st, h.today(ctx, &st)
}

func (h handler) firewallStatus(mode string) control.Firewall {
	s := h.wall.Stats()
	return control.Firewall{Mode: mode, Bans: s.Elements, Active: s.Active, Error: s.LastError}
}

func (h handler) storeStatus() control.Store {
	s := h.store.Stats()
	return control.Store{Path: s.Path, Lost: s.Lost, Error: s.Reason, Aside: s.Aside}
}

// today adds what happened in the last 24 hours. A store that cannot be read is
// a problem of its own, not one of the whole answer.
func (h handler) today(ctx context.Context, st *control.Status) error {
	since := time.Now().Add(-day)
	ds, err := h.store.Decisions(ctx, store.Query{Since: since, Limit: counted})
	if err == nil {
		st.Day = totals(ds)
		var gaps []guard.Gap
		gaps, err = h.store.Gaps(ctx, store.Query{Since: since})
		slices.Reverse(gaps)
		st.Gaps = append(st.Gaps, gaps...)
	}
	if err != nil {
		st.Problems = append(st.Problems, control.Check{Name: "store", Result: control.Failed, Detail: err.Error(), Fix: "pbxguard check"})
	}
	return nil
}

// totals counts the calls and addresses that decisions are about: one call may
// break several rules.
func totals(ds []guard.Decision) control.Totals {
	type subject struct {
		pbx, id  string
		enforced bool
	}
	calls, addresses := map[subject]bool{}, map[subject]bool{}
	for _, d := range ds {
		switch {
		case d.Action < guard.Kill:
		case d.Call != "":
			calls[subject{d.PBX, string(d.Call), d.Enforced}] = true
		case d.Source.IsValid():
			addresses[subject{"", d.Source.String(), d.Enforced}] = true
		}
	}
	count := func(set map[subject]bool, enforced bool) (n int) {
		for s := range set {
			if s.enforced == enforced {
				n++
			}
		}
		return n
	}
	return control.Totals{
		Killed: count(calls, true), WouldKill: count(calls, false),
		Banned: count(addresses, true), WouldBan: count(addresses, false),
	}
}

// degraded tells what the parts of a status say is wrong.
func degraded(st control.Status) (problems []control.Check) {
	if st.Store.Error != "" {
		problems = append(problems, control.Check{
			Name: "store", Result: control.Failed,
			Detail: "decisions are kept in memory only: " + st.Store.Error, Fix: "df " + st.Store.Path,
		})
	}
	if n := len(st.Store.Aside); n > 0 {
		problems = append(problems, setAside(st.Store.Aside[n-1]))
	}
	if st.Firewall.Mode == "nftables" && !st.Firewall.Active {
		problems = append(problems, control.Check{
			Name: "firewall", Result: control.Failed, Detail: "the kernel does not hold the bans: " + st.Firewall.Error, Fix: "journalctl -u pbxguard",
		})
	}
	if n := st.Store.Lost + st.Engine.Lost; n > 0 {
		problems = append(problems, control.Check{
			Name: "store", Result: control.Warning, Detail: fmt.Sprintf("%d records are lost to it", n), Fix: "journalctl -u pbxguard",
		})
	}
	if n := st.Engine.Forged; n > 0 {
		problems = append(problems, control.Check{
			Name: "forgery", Result: control.Warning,
			Detail: fmt.Sprintf("%d blocks with smuggled line breaks since the start: somebody tries to deceive the guard", n),
			Fix:    "pbxguard log --rule forged",
		})
	}
	return problems
}

// setAside says that a damaged file lies beside the one in use.
func setAside(path string) control.Check {
	return control.Check{
		Name: "store", Result: control.Warning,
		Detail: "the file was damaged and has been begun anew with what could be read of it; the damaged one is " + path,
		Fix:    "journalctl -k -p err",
	}
}

// status tells how a PBX is connected, and what to do if it is not.
func (p *port) status() (control.PBX, []control.Check) {
	st := control.PBX{Name: p.name, Type: p.kind, Links: []control.Link{}}
	failed := func(detail, fix string) []control.Check {
		return []control.Check{{Name: "pbx " + p.name, Result: control.Failed, Detail: detail, Fix: fix}}
	}
	pbx := p.current.Load()
	if why := p.broken.Load(); why != nil {
		return st, failed(*why, "pbxguard setup --write")
	}
	if pbx == nil {
		return st, failed("not connected yet", "pbxguard status")
	}
	var problems []control.Check
	connections(pbx.adapter, &st)
	for _, l := range st.Links {
		if l.State != control.Connected && l.Error != "" {
			problems = append(problems, failed(l.Purpose+": "+l.Error, fixFor(l.State))...)
		}
	}
	if f, ok := pbx.adapter.(*freeswitch.PBX); ok {
		if why := f.Status().ListError; why != "" {
			problems = append(problems, failed("the calls from before the connection are not known: "+why, "pbxguard setup")...)
		}
	}
	return st, problems
}

// connections fills in how an adapter's connections do.
func connections(a adapter, st *control.PBX) {
	switch a := a.(type) {
	case *asterisk.PBX:
		s := a.Status()
		st.Version, st.Shed, st.Waiting = strings.Replace(s.Calls.Banner, "Asterisk Call Manager/", "AMI ", 1), s.Shed, s.Waiting
		st.Links = []control.Link{link(s.Calls), link(s.Security)}
	case *freeswitch.PBX:
		s := a.Status()
		st.Shed, st.Waiting = s.Shed, s.Waiting
		for _, l := range s.Links {
			st.Links = append(st.Links, link(l))
		}
	}
}

// fixFor is the command to begin with when a link does not work.
func fixFor(state string) string {
	if state == "refused" {
		return "pbxguard setup"
	}
	return "pbxguard check"
}

// link says how a connection does in the words of the control socket.
func link(l asterisk.LinkStatus) control.Link {
	return control.Link{
		Purpose: l.Purpose, State: l.State, Since: l.Since, Error: l.Error,
		Events: l.Events, Forged: l.Forged, Reconnects: l.Reconnects,
	}
}
