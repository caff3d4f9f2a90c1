// Package history reads what PBXs wrote about calls in the past, and plays it
// to a guard as if it happened now.
//
// Call records of Asterisk and FreeSWITCH become a [Call] each; [Player] turns
// calls into events in the order of their time, ticks included, and lets the
// guard end them. Recorded AMI and ESL streams are events already.
package history

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"strconv"
	"time"

	"pbxguard/guard"
)

// Call is one call as somebody placed it: a record of it, or an invented one.
type Call struct {
	ID       string // what the PBX calls it, for people
	File     string // where it is told
	Line     int    // in it; 0: it is the file
	Start    time.Time
	Answer   time.Duration // after Start; 0: never
	End      time.Duration // after Start
	Cause    int           // Q.850
	From     Party
	To       Party  // zero: the PBX itself, such as a mailbox
	Dialled  string // by From
	Sent     string // to a trunk; "": as dialled
	Context  string
	Caller   string // the number that From showed
	Shown    string // the number that To was shown
	Out      bool   // To is beyond the PBX
	Verified string // as guard.Event
	Open     bool   // as guard.Event
	// Source and Agent are where From called from, if that is known.
	Source netip.Addr
	Agent  string
	// Forward is the number that To answered with instead of taking the call.
	Forward string
	// Refer is the number that To in the end sent From to: a blind transfer.
	Refer string
	// Joined names a leg that this call was joined with, and which another one
	// may have called: an attended transfer.
	Joined string
	// Group names calls that belong together: legs of one call that have
	// records of their own.
	Group string
}

// Party is one end of a call.
type Party struct {
	Account guard.Account
	Leg     string // the leg's own name; "" makes it one of this call only
	Side    guard.Side
	Pair    string // as guard.Event
	Outside bool   // it is a trunk, of whatever name
}

// Talked is how long the call was up.
func (c *Call) Talked() time.Duration {
	if c.Answer <= 0 || c.End < c.Answer {
		return 0
	}
	return c.End - c.Answer
}

// Place is where the call is told: FILE:LINE.
func (c *Call) Place() string {
	if c.Line == 0 {
		return c.File
	}
	return c.File + ":" + strconv.Itoa(c.Line)
}

// key tells a record that has an id from every other one.
func (c *Call) key(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, s := range []string{c.ID, c.From.Leg, c.To.Leg, c.Dialled, c.Sent} {
		_, _ = h.WriteString(s) // a hash takes everything
		_ = h.WriteByte(0)
	}
	for _, n := range []int64{c.Start.Unix(), int64(c.End / time.Second), int64(c.Talked() / time.Second)} {
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	}
	return h.Sum64()
}

// words keeps one string for each text that comes again, so that a million
// records do not hold a million copies of one extension.
type words map[string]string

func (w words) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := w[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(w) < 1<<13 { // more are found more slowly than made
		w[s] = s
	}
	return s
}
