// Package guard decides which calls may live and which addresses may speak.
//
// An [Engine] owns all live state and runs in one goroutine. It has no clock:
// time is the time of the event it is given, and a [Tick] arrives while nothing
// else does. It does no I/O: what it decides leaves through [PBX], [Firewall]
// and [Ledger], each of which queues and returns at once. So the same code
// judges a live call, a recorded stream and a question "what if".
package guard

import (
	"net/netip"
	"time"
)

// A PBX ends calls. Its methods queue the order and return at once; false says
// that the order could not be queued, which the engine treats as a kill that
// was not confirmed.
type PBX interface {
	// Hangup ends one leg with a Q.850 cause, or 0 for the PBX's own choice.
	Hangup(leg LegID, cause int) bool
	// Resync asks for the list of live legs, to be delivered as
	// [ResyncStarted], one [LegListed] each, and [ResyncEnded].
	Resync() bool
	// Redial drops the connection that carries calls and makes a fresh one.
	Redial() bool
}

// A Firewall keeps addresses out. Its methods queue and return at once; false
// says that the order was not queued.
type Firewall interface {
	Ban(netip.Prefix, time.Duration) bool
	Unban(netip.Prefix) bool
}

// A Ledger remembers. Record queues and returns at once; false says that the
// record is lost to it, which the engine counts and shows.
type Ledger interface {
	Record(Record) bool
}

// Account names who pays for a call, as the PBX knows them. Two tenants' 100
// are two accounts; the SIP and PJSIP endpoint 100 of one PBX are one.
type Account struct {
	PBX    string `json:"pbx"`
	Domain string `json:"domain,omitempty"`
	Name   string `json:"name"`
}

// String writes the account as PBX/DOMAIN/NAME, without an empty domain.
func (a Account) String() string {
	if a.Domain == "" {
		return a.PBX + "/" + a.Name
	}
	return a.PBX + "/" + a.Domain + "/" + a.Name
}

// Mode says whether a verdict is carried out or only written down.
type Mode uint8

const (
	Observe Mode = iota // judge, record what would have been done
	Enforce             // do it
)

var modes = [...]string{"observe", "enforce"}

func (m Mode) String() string               { return modes[m] }
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// Action is what a rule asks for when it is hit. A greater one includes the
// lesser ones.
type Action uint8

const (
	Allow Action = iota // the rule is off
	Note                // write it down
	Alert               // tell somebody
	Kill                // end the call
	Lock                // end the call and bar the account from further ones
)

var actions = [...]string{"allow", "observe", "alert", "kill", "lock"}

func (a Action) String() string               { return actions[a] }
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// ParseAction reads the name of an action, as a configuration writes it.
func ParseAction(s string) (Action, bool) {
	for i, name := range actions {
		if s == name {
			return Action(i), true
		}
	}
	return Allow, false
}
