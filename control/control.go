// Package control is the unix socket between the daemon and its command line:
// HTTP with JSON bodies, both ends of it.
//
// The server knows each caller by the kernel's word (SO_PEERCRED), never by
// what the caller says. Looking is for root, the daemon's own user and the
// members of one group; acting is for root and the daemon's own user, and every
// act carries the name of who asked for it.
package control

import (
	"context"
	"net/netip"
	"time"

	"pbxguard/guard"
	"pbxguard/incident"
)

// DefaultPath is where the daemon listens unless it is told otherwise.
const DefaultPath = "/run/pbxguard/control.sock"

// A Handler does what callers ask. Its methods are called from many goroutines
// at once and should heed ctx, which ends when the caller has waited enough.
// An [Error] it returns reaches the caller as it is.
type Handler interface {
	Status(ctx context.Context) (Status, error)
	Calls(ctx context.Context) ([]guard.LiveCall, error)
	Bans(ctx context.Context) ([]guard.Ban, error)
	Decisions(ctx context.Context, q Query) ([]guard.Decision, error)
	Explain(ctx context.Context, q Question) (guard.Answer, error)
	// Incidents lists incidents, oldest first, or the one with all about it.
	Incidents(ctx context.Context, q IncidentQuery) ([]*incident.Incident, error)

	Ban(ctx context.Context, o BanOrder, by string) error
	Unban(ctx context.Context, prefix netip.Prefix, by string) error
	Hangup(ctx context.Context, id, by string) error
	Lock(ctx context.Context, o LockOrder, by string) error
	Unlock(ctx context.Context, o LockOrder, by string) error
	// Allow lets an account do for a time what rules object to, and returns the
	// exception's number.
	Allow(ctx context.Context, o AllowOrder, by string) (Done, error)
	// Undo takes back what has a number.
	Undo(ctx context.Context, id uint64, by string) (Done, error)
	SetModes(ctx context.Context, m Modes, by string) error
	// Panic lifts every ban and lock and has the guard only observe.
	Panic(ctx context.Context, by string) (Done, error)
}

// Status is what the daemon is doing and what is wrong with it.
type Status struct {
	Version  string       `json:"version"`
	Engine   guard.Status `json:"engine"`
	PBXs     []PBX        `json:"pbx"`
	Gate     *Gate        `json:"gate,omitempty"` // missing: the PBX does not ask
	Firewall Firewall     `json:"firewall"`
	Store    Store        `json:"store"`
	Day      Totals       `json:"last_24h"`
	Gaps     []guard.Gap  `json:"gaps"` // of the last 24 hours, newest first
	Problems []Check      `json:"problems"`
}

// PBX is the daemon's view of its connections to one PBX.
type PBX struct {
	Name    string `json:"name"`
	Type    string `json:"type"` // "asterisk", "freeswitch"
	Version string `json:"version,omitempty"`
	Links   []Link `json:"links"`
	Shed    uint64 `json:"shed"`    // events lost because the guard was behind
	Waiting int    `json:"waiting"` // events that wait for the guard
}

// Link is one connection to a PBX.
type Link struct {
	Purpose    string    `json:"purpose"` // "calls", "security"; of a FreeSWITCH "events", "kills", "log"
	State      string    `json:"state"`   // "connected", "connecting", "refused", "down"
	Since      time.Time `json:"since,omitzero"`
	Error      string    `json:"error,omitempty"`
	Events     uint64    `json:"events"`
	Forged     uint64    `json:"forged"`
	Reconnects uint64    `json:"reconnects"`
}

// Connected is the state of a link that works.
const Connected = "connected"

// Gate is what was asked before calls left, since the start.
type Gate struct {
	Asked     uint64         `json:"asked"`
	Allowed   uint64         `json:"allowed"`
	Denied    uint64         `json:"denied"`
	Emergency uint64         `json:"emergency"` // of those allowed
	Default   uint64         `json:"default"`   // of which the rules could not be asked in time
	Garbled   uint64         `json:"garbled"`   // connections that asked nothing understandable
	Strangers uint64         `json:"strangers"` // connections of users who may not ask
	Slowest   time.Duration  `json:"slowest_ns"`
	Last      time.Time      `json:"last,omitzero"`
	Listeners []GateListener `json:"listeners"`
	Hearts    []GateHeart    `json:"hearts"`
}

// GateListener is where PBXs ask.
type GateListener struct {
	Name      string `json:"name"` // "fastagi" or "socket"
	Address   string `json:"address"`
	Listening bool   `json:"listening"`
	Error     string `json:"error,omitempty"`
}

// GateHeart tells whether a PBX knows that it may ask.
type GateHeart struct {
	PBX     string    `json:"pbx"`
	Beating bool      `json:"beating"`
	Last    time.Time `json:"last,omitzero"`
}

// Firewall is what the kernel's side of the bans looks like.
type Firewall struct {
	Mode   string `json:"mode"`            // "nftables", "dry", "off"
	Bans   int    `json:"bans"`            // elements in the kernel
	Active bool   `json:"active"`          // the kernel holds what it should
	Error  string `json:"error,omitempty"` // the last one
}

// Store is what the daemon's memory on disk looks like.
type Store struct {
	Path  string `json:"path"`
	Lost  uint64 `json:"lost"` // records that never reached the disk
	Error string `json:"error,omitempty"`
	// Aside are damaged files that were replaced and have not been taken away.
	Aside []string `json:"aside,omitempty"`
}

// Totals counts verdicts.
type Totals struct {
	Killed    int `json:"killed"`
	WouldKill int `json:"would_kill"`
	Banned    int `json:"banned"`
	WouldBan  int `json:"would_ban"`
}

// Result says how a check went.
type Result string

const (
	OK      Result = "ok"
	Skipped Result = "skipped" // could not be looked at, and need not be
	Warning Result = "warning" // works, but should not be left so
	Failed  Result = "failed"
)

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // the one command or change that mends it
}

// Query chooses decisions, newest last.
type Query struct {
	Since   time.Time // zero: no limit
	After   uint64    // only greater IDs
	Rule    string    // "": every rule
	Account string    // the name of an account; "": every account
	Limit   int       // the newest so many; 0: the server's own limit
}

// IncidentQuery chooses incidents.
type IncidentQuery struct {
	ID      uint64    // that one, or the one that this verdict belongs to; 0: all
	Since   time.Time // zero: no limit
	Account string    // the name of an account; "": every account
}

// Question asks what the guard would do with a call.
type Question struct {
	PBX     string // "": the only one there is
	Account string
	Number  string
	// At is a time with an offset (RFC 3339), or without one
	// (2026-12-25T03:00) a time on the PBX's own clock; "" is now.
	At string
}

// BanOrder asks for a ban.
type BanOrder struct {
	Prefix netip.Prefix  `json:"prefix"`
	For    time.Duration `json:"for_ns"` // 0: until lifted
	Reason string        `json:"reason"`
}

// LockOrder names an account to lock or unlock.
type LockOrder struct {
	PBX    string        `json:"pbx,omitempty"` // "": the only one there is
	Domain string        `json:"domain,omitempty"`
	Name   string        `json:"name"`
	For    time.Duration `json:"for_ns,omitempty"` // 0: until unlocked
	Reason string        `json:"reason,omitempty"`
}

// AllowOrder names an account that may call what rules object to.
type AllowOrder struct {
	PBX       string        `json:"pbx,omitempty"` // "": the only one there is
	Domain    string        `json:"domain,omitempty"`
	Name      string        `json:"name"`
	Countries []string      `json:"countries,omitempty"`
	Number    string        `json:"number,omitempty"` // E.164
	For       time.Duration `json:"for_ns"`
	Reason    string        `json:"reason,omitempty"`
}

// Done says what was done, for people.
type Done struct {
	ID   uint64 `json:"id,omitempty"` // by which it can be undone
	Text string `json:"text"`
}

// Modes says which modes to change and to what; nil leaves a mode as it is.
type Modes struct {
	Calls *guard.Mode `json:"calls,omitempty"`
	Bans  *guard.Mode `json:"bans,omitempty"`
}

// Error is a refusal in words meant for the person who asked.
type Error struct {
	Code int    `json:"-"` // an HTTP status
	Text string `json:"error"`
	Hint string `json:"hint,omitempty"`
}

func (e *Error) Error() string { return e.Text }
