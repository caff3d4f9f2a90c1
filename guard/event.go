package guard

import (
	"net/netip"
	"time"
)

// LegID names one leg of a call for as long as the PBX runs: Asterisk's
// Uniqueid, FreeSWITCH's Unique-ID. Channel names are reused and will not do.
type LegID string

// CallID names the call that a leg is part of: Asterisk's Linkedid.
type CallID string

// Kind says what happened.
type Kind uint8

const (
	// Tick says only that time has passed.
	Tick Kind = iota

	// Connected and Disconnected tell of the connection that carries calls.
	// Between them nothing is known: a resync follows.
	Connected
	Disconnected
	// ResyncStarted, LegListed and ResyncEnded carry the PBX's own list of
	// live legs. A leg that is not listed has ended. Number is what a listed leg
	// wants, and Exten where it stands in the dial plan if that is another
	// number; one that calls a trunk is listed with ToTrunk, OtherAccount and
	// Sent, the number sent to it.
	ResyncStarted
	LegListed
	ResyncEnded

	// LegStarted: a leg exists. Number is what its owner dialled, if anything.
	// ToTrunk says that its endpoint leads outside.
	LegStarted
	// LegDialling: Leg calls Other, with Number sent to it. Exten is where the
	// calling leg stands in the dial plan, which may be another number than
	// the one it dialled. Without Leg, the PBX itself calls. It may come before
	// the LegStarted of Leg.
	LegDialling
	// LegForwarded: Other, called by Leg, answered with "call Number instead".
	LegForwarded
	// LegAnswered: Leg is up.
	LegAnswered
	// LegEnded: Leg is gone.
	LegEnded
	// LegTransferred: Other, who was talking to Leg, sends Leg to Number.
	LegTransferred
	// LegsJoined: the party of Leg now talks to the party of Other (an attended
	// transfer; Account is the endpoint that transferred).
	LegsJoined
	// LegOriginated: the PBX itself was told to make Leg call Number.
	LegOriginated

	// LegAsking: Leg would send Number to the trunk OtherAccount, or to a trunk
	// that is not named, and waits to be told whether it may; see [Engine.Ask].
	LegAsking

	// HangupRefused answers a Hangup of Leg: the PBX knows no such leg.
	HangupRefused

	// ForwardSet: calls to Account now go to Number, or with Number "" to the
	// phone again. Exten names how, as the PBX does: an AstDB key, a feature code.
	// Up says that it was so before anybody looked.
	ForwardSet
	// PINFailed: somebody gave a wrong PIN for the mailbox or dial-through
	// service that Account names. Caller and Leg say who, as far as is known.
	PINFailed
	// PBXChanged: the PBX has started again, or read its configuration. Number
	// says which, for people.
	PBXChanged

	// AuthChallenged: the PBX asked Source for credentials.
	AuthChallenged
	// AuthOK: Source proved that it knows Account's password.
	AuthOK
	// AuthFailed: Source gave wrong credentials for Account, or named an
	// account that does not exist (Unknown).
	AuthFailed
	// AuthRefused: Source was turned away by an access list.
	AuthRefused
	// Registered and Unregistered: Account is, or is no longer, reachable at Source.
	Registered
	Unregistered

	// Forged: a block on the wire contradicts itself, as one does into which
	// somebody has smuggled a line break. Number says what was wrong. Source is
	// the address that the PBX itself vouches for, if there is one.
	Forged
	// Shed: the adapter had to drop Count events of little worth.
	Shed
	kinds
)

var kindNames = [kinds]string{
	"tick", "connected", "disconnected", "resync started", "leg listed", "resync ended",
	"leg started", "leg dialling", "leg forwarded", "leg answered", "leg ended",
	"leg transferred", "legs joined", "leg originated", "leg asking", "hangup refused", "forward set", "pin failed", "pbx changed",
	"auth challenged", "auth ok", "auth failed", "auth refused", "registered", "unregistered",
	"forged", "shed",
}

func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "unknown"
}

// Side says what a leg leads to, as far as its name shows.
type Side uint8

const (
	Endpoint Side = iota // a phone or a trunk: Account tells which
	LocalOne             // the first half of a channel that loops back into the dial plan
	LocalTwo             // its second half, which goes on dialling
)

// Proof says how far an address can be believed.
type Proof uint8

const (
	// Unproven: a UDP datagram, whose source anybody can write. Neither
	// Asterisk channel driver binds a failed answer to the address it challenged.
	Unproven Proof = iota
	// Path: the address answered us (TCP, TLS, WebSocket).
	Path
)

// Event is one thing that happened on a PBX. Its strings come from the network
// and may hold anything; none is ever sent back unchecked.
type Event struct {
	Kind Kind
	PBX  string
	// At is when the guard's own host saw the event, with its monotonic
	// reading. Live, it is never taken from the PBX.
	At time.Time

	Leg     LegID
	Call    CallID
	Channel string // the leg's name, for people
	Side    Side
	Pair    string  // what the two halves of a Local channel have in common
	Account Account // the endpoint of Leg, or who authenticates
	Context string  // where in the dial plan
	Number  string
	Exten   string
	Domain  string // of Exten, where Account does not tell it
	Up      bool   // LegStarted, LegListed: already answered
	// Caller is the number that the leg's party shows, which anybody can write:
	// of a leg from a trunk what the network passed on, in LegDialling what the
	// called side is shown. It never says who pays.
	Caller string
	// Verified is the network's word on Caller: "", or as STIR/SHAKEN gives it,
	// "A", "B", "C", "failed".
	Verified string
	// Open: LegStarted was let in without a password, by its address or not at all.
	Open bool

	Other        LegID
	OtherCall    CallID
	OtherAccount Account
	// ToTrunk: the dial string names a number beyond the endpoint, as one does
	// for a trunk and never for a phone.
	ToTrunk bool

	Cause int           // LegEnded: Q.850
	Since time.Duration // LegListed: how long the leg has existed
	Sent  string        // LegListed

	Source  netip.AddrPort
	Proof   Proof
	Service string // "SIP", "PJSIP", "AMI", ...
	Session string // groups the events of one attempt
	Unknown bool   // AuthFailed: the account does not exist
	Agent   string // the user agent, where the PBX tells

	Count int // Shed
}
