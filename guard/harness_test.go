package guard

import (
	"fmt"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"pbxguard/numbering"
)

// rig is an engine with hands that only write down what they are told.
type rig struct {
	t       testing.TB
	s       *state
	now     time.Time
	hungUp  []LegID
	bans    []netip.Prefix
	lifted  []netip.Prefix
	resyncs int
	redials int
	records []Record
	serial  int
}

func (r *rig) Hangup(l LegID, _ int) bool               { r.hungUp = append(r.hungUp, l); return true }
func (r *rig) Resync() bool                             { r.resyncs++; return true }
func (r *rig) Redial() bool                             { r.redials++; return true }
func (r *rig) Ban(p netip.Prefix, _ time.Duration) bool { r.bans = append(r.bans, p); return true }
func (r *rig) Unban(p netip.Prefix) bool                { r.lifted = append(r.lifted, p); return true }
func (r *rig) Record(x Record) bool                     { r.records = append(r.records, x); return true }

// wednesday noon in Amsterdam, in winter time.
var wednesday = time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC)

func amsterdam(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func plan(t testing.TB, change func(*numbering.Profile)) *numbering.Plan {
	t.Helper()
	p, err := numbering.DefaultProfile("NL")
	if err != nil {
		t.Fatal(err)
	}
	p.Extensions = `^1\d\d$`
	if change != nil {
		change(&p)
	}
	plan, err := numbering.NewPlan(p)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// enforcing is a policy that enforces and has no rule on.
func enforcing(t testing.TB) *Policy {
	return &Policy{
		CallsMode: Enforce, BansMode: Enforce, HangupCause: 21, Bans: DefaultBans(),
		PBXs: map[string]*Site{"a": {
			Plan: plan(t, nil), Zone: amsterdam(t), Trunks: regexp.MustCompile(`^trunk$`),
		}},
	}
}

func newRig(t testing.TB, p *Policy) *rig {
	r := &rig{t: t, now: wednesday}
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, Memory{}, r.now)
	return r
}

func (r *rig) feed(ev Event) {
	if ev.PBX == "" {
		ev.PBX = "a"
	}
	if ev.At.IsZero() {
		r.now = r.now.Add(time.Millisecond)
		ev.At = r.now
	}
	r.s.handle(&ev)
}

// wait lets d pass, tick by tick.
func (r *rig) wait(d time.Duration) {
	step := 100 * time.Millisecond
	if d > time.Hour {
		step = time.Second
	}
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(step)
		r.s.handle(&Event{Kind: Tick, At: r.now})
	}
}

func ext(name string) Account { return Account{PBX: "a", Name: name} }

// phone starts a call of an extension and returns its leg.
func (r *rig) phone(from, number string) LegID {
	r.serial++
	id := LegID(fmt.Sprintf("1.%d", r.serial))
	r.feed(Event{Kind: LegStarted, Leg: id, Call: CallID(id), Channel: fmt.Sprintf("PJSIP/%s-%08x", from, r.serial),
		Account: ext(from), Context: "internal", Number: number})
	return id
}

// out lets leg dial a number over the trunk and returns the trunk's leg.
func (r *rig) out(leg LegID, sent string) LegID {
	r.serial++
	id := LegID(fmt.Sprintf("1.%d", r.serial))
	call := r.callOf(leg)
	ch := fmt.Sprintf("PJSIP/trunk-%08x", r.serial)
	r.feed(Event{Kind: LegStarted, Leg: id, Call: call, Channel: ch, Account: ext("trunk"), Context: "from-trunk"})
	l := r.s.sites["a"].legs[leg]
	exten := sent
	if l != nil {
		exten = l.exten
	}
	r.feed(Event{Kind: LegDialling, Leg: leg, Call: call, Other: id, OtherCall: call, OtherAccount: ext("trunk"),
		Number: sent, Exten: exten, ToTrunk: true})
	return id
}

func (r *rig) callOf(leg LegID) CallID {
	if l := r.s.sites["a"].legs[leg]; l != nil {
		return l.call
	}
	return CallID(leg)
}

func (r *rig) answer(legs ...LegID) {
	for _, l := range legs {
		r.feed(Event{Kind: LegAnswered, Leg: l})
	}
}

func (r *rig) end(legs ...LegID) {
	for _, l := range legs {
		r.feed(Event{Kind: LegEnded, Leg: l, Cause: 16})
	}
}

// place is a whole call: it starts, goes out, and is left up.
func (r *rig) place(from, number string) (caller, trunk LegID) {
	caller = r.phone(from, number)
	return caller, r.out(caller, number)
}

// decided lists the rules of all decisions so far, outcomes left out.
func (r *rig) decided() []string {
	var ids []string
	for _, rec := range r.records {
		if d, ok := rec.(Decision); ok && d.Outcome == "" {
			ids = append(ids, d.Rule)
		}
	}
	return ids
}

// last is the latest decision of a rule.
func (r *rig) last(rule string) (d Decision, ok bool) {
	for _, rec := range r.records {
		if x, is := rec.(Decision); is && x.Rule == rule {
			d, ok = x, true
		}
	}
	return d, ok
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
