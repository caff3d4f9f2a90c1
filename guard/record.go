package guard

import (
	"net/netip"
	"time"
)

// Record is something to remember: a [Decision], [CallRecord], [AuthRecord],
// [Standing], [Ban], [Lift], [Bar], [Gap], [Watched], [Hour], [Seen], [Exception]
// or [ForwardOff].
type Record interface{ record() }

func (Decision) record()   {}
func (CallRecord) record() {}
func (AuthRecord) record() {}
func (Standing) record()   {}
func (Ban) record()        {}
func (Lift) record()       {}
func (Bar) record()        {}
func (Gap) record()        {}
func (Watched) record()    {}

// Decision is a verdict with its grounds.
type Decision struct {
	ID       uint64     `json:"id"` // rises; unique in one ledger
	At       time.Time  `json:"at"`
	Rule     string     `json:"rule"` // stable name, such as "destination"
	Reason   string     `json:"reason"`
	Action   Action     `json:"action"`   // what the rule asks for
	Enforced bool       `json:"enforced"` // false: this is what would have been done
	PBX      string     `json:"pbx"`
	Account  Account    `json:"account"` // who pays, or whom it is about
	Call     CallID     `json:"call,omitempty"`
	Leg      LegID      `json:"leg,omitempty"`
	Channel  string     `json:"channel,omitempty"`
	Dialled  string     `json:"dialled,omitempty"`
	Number   string     `json:"number,omitempty"` // E.164
	Country  string     `json:"country,omitempty"`
	Class    string     `json:"class,omitempty"`
	Source   netip.Addr `json:"source,omitzero"`
	By       string     `json:"by,omitempty"` // a person, where one acted
	// Confirmed tells how a kill ended, in a later record of the same ID:
	// "", "confirmed", "unconfirmed", "denied" (by a gate), "emergency".
	Outcome string        `json:"outcome,omitempty"`
	After   time.Duration `json:"after_ns,omitempty"` // from the order to its outcome
}

// CallRecord is one outbound attempt, written when it has ended.
type CallRecord struct {
	Call     CallID        `json:"call"`
	PBX      string        `json:"pbx"`
	Payer    Account       `json:"payer"`
	Trunk    Account       `json:"trunk"`
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration_ns"` // since the start
	Talked   time.Duration `json:"talked_ns"`   // since the answer, 0 if none
	Dialled  string        `json:"dialled"`
	Sent     string        `json:"sent"`
	Number   string        `json:"number"` // E.164
	Country  string        `json:"country"`
	Class    string        `json:"class"`
	Via      string        `json:"via,omitempty"` // "forward", "transfer", "originate", "disa", ...
	Cause    int           `json:"cause"`         // Q.850
	Source   netip.Addr    `json:"source,omitzero"`
	Killed   bool          `json:"killed,omitempty"`
	Cost     Money         `json:"cost,omitzero"` // by the tariff, if there is one
}

// AuthRecord is one failed attempt to authenticate.
type AuthRecord struct {
	At      time.Time      `json:"at"`
	PBX     string         `json:"pbx"`
	Source  netip.AddrPort `json:"source"`
	Account string         `json:"account"`
	Service string         `json:"service"`
	What    string         `json:"what"` // "wrong password", "unknown account", "scan", "access list"
	Proof   Proof          `json:"proof"`
}

// Standing is what makes an address honest: an account that has authenticated
// or is registered from there.
type Standing struct {
	Account    Account    `json:"account"`
	Source     netip.Addr `json:"source"`
	First      time.Time  `json:"first"`
	Last       time.Time  `json:"last"`
	Registered bool       `json:"registered"` // now
	Agent      string     `json:"agent,omitempty"`
}

// Ban keeps a prefix out until a time.
type Ban struct {
	Prefix netip.Prefix `json:"prefix"`
	Since  time.Time    `json:"since"`
	Until  time.Time    `json:"until,omitzero"` // zero: until lifted
	Rule   string       `json:"rule"`
	Reason string       `json:"reason"`
	Times  int          `json:"times"` // how often this prefix was banned, this one included
	Proof  Proof        `json:"proof"`
	By     string       `json:"by,omitempty"`
	// Enforced is false for a ban that would have been made.
	Enforced bool `json:"enforced"`
}

// Lift ends a ban before its time.
type Lift struct {
	Prefix netip.Prefix `json:"prefix"`
	At     time.Time    `json:"at"`
	By     string       `json:"by"`
}

// Bar locks an account out of new outbound calls, or with Off lets it back.
type Bar struct {
	Account Account   `json:"account"`
	At      time.Time `json:"at"`
	Until   time.Time `json:"until,omitzero"`
	Rule    string    `json:"rule"`
	Reason  string    `json:"reason"`
	By      string    `json:"by,omitempty"`
	Scope   Scope     `json:"scope,omitempty"` // what it bars
	Off     bool      `json:"off,omitempty"`
}

// Gap is a time in which the guard did not see a PBX, or not all of it.
type Gap struct {
	PBX    string    `json:"pbx"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason"`
}

// Watched says how long PBXs have been watched, ever. Each one replaces the one
// before.
type Watched struct {
	Total time.Duration `json:"total_ns"`
}

// Memory is what an engine is told of earlier days before it runs.
type Memory struct {
	Bans        []Ban
	Standings   []Standing
	Bars        []Bar
	Usage       []Usage
	Hours       []Hour  // of the latest eight weeks, oldest first
	Seen        []Seen  // of the latest 90 days, oldest first
	Spent       []Spent // this month and the day before
	Exceptions  []Exception
	ForwardsOff []ForwardOff
	NextID      uint64        // for decisions
	Watched     time.Duration // how long PBXs have been watched, ever
}

// Usage is talk time that an account has already used up today.
type Usage struct {
	Account Account
	At      time.Time // when the call ended
	Talked  time.Duration
	Cost    Money
}
