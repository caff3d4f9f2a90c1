package asterisk

import (
	"bytes"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// class is a set of AMI's classes of events.
type class uint8

const (
	securityClass class = 1 << iota
	callClass
	systemClass
)

// privileges are the beginnings of the Privilege header by class. All of it is
// "call,all"; the answer to Status says "Call".
var privileges = []struct {
	prefix string
	class  class
}{
	{"security,", securityClass},
	{"call,", callClass},
	{"Call", callClass},
	{"system,", systemClass},
}

// stamps are the headers that may stand between Privilege and the event's own,
// by settings of manager.conf (timestampevents, debug) and asterisk.conf (systemname).
var stamps = []string{"Timestamp", "SequenceNumber", "File", "Line", "Func", "SystemName"}

// translator turns AMI's events into the guard's. It does no I/O and has no
// clock. Its memory is bounded and serves only what one block cannot tell:
//
//   - A caller id or an extension may hold a line break, even an empty line, and
//     then cuts its event into several blocks of which none, or each, may look
//     whole. Asterisk keeps 79 characters of either, so an event counts as whole
//     only if it has all its headers in Asterisk's order, which takes more. The
//     name of a channel stands before everything that an outsider can write and
//     is believed; a Uniqueid stands behind it and may be false, so each one
//     that comes in a later piece of the same event is passed on as well. The
//     caller should ask for a list of the legs whenever doubt is set: it tells
//     which have gone.
//   - chan_sip names the account only in the first event of a login.
type translator struct {
	pbx   string
	trust class              // what this connection delivers; anything else on it is forged
	nonce string             // begins each of our ActionIDs; nobody else knows it
	emit  func(*guard.Event) // must not keep the event
	// notice, if set, is told of FullyBooted, Reload and Shutdown, which
	// anybody who can place a call could forge.
	notice func(event string, b *wire.Block)

	at      time.Time
	ev      guard.Event // being made
	names   wire.Names
	doubt   bool // a leg may have started or ended unseen
	listing bool // an answer to Status is on its way

	class   class       // of the newest block that began as an event does
	head    guard.Event // what that event says, if it tells of a leg; else a Tick
	suspect int         // how many blocks are still not believed, see security.go
	logins  logins
}

// verdict says what a block is worth.
type verdict uint8

const (
	ignored verdict = iota
	whole
	odd  // usable, though somebody put a line break into it
	torn // not usable
)

// block translates one block that came at a time.
func (t *translator) block(b *wire.Block, at time.Time) {
	t.at = at
	if b.Is(0, "Response") {
		return
	}
	if !b.Is(0, "Event") || !b.Is(1, "Privilege") {
		if t.nonce != "" || !b.Is(0, "Event") || !b.Is(1, "ActionID") {
			t.piece(b)
		}
		return
	}
	is := classOf(b.Value(1))
	if is&t.trust == 0 {
		if t.nonce != "" || is != 0 {
			t.piece(b)
		}
		return
	}
	t.class = is
	t.head.Kind = guard.Tick
	t.ev = guard.Event{PBX: t.pbx, At: at}
	i := 2
	for i < b.Len() && isStamp(b, i) {
		i++
	}
	switch is {
	case securityClass:
		t.security(b, i)
	case callClass:
		t.call(b, i)
	case systemClass:
		t.system(b, i)
	}
}

func classOf(privilege []byte) class {
	for _, p := range privileges {
		if len(privilege) >= len(p.prefix) && string(privilege[:len(p.prefix)]) == p.prefix {
			return p.class
		}
	}
	return 0
}

func isStamp(b *wire.Block, i int) bool {
	for _, s := range stamps {
		if b.Is(i, s) {
			return true
		}
	}
	return false
}

// piece takes a block that does not begin as an event does that is sent here:
// it is a piece of one that was cut in two.
func (t *translator) piece(b *wire.Block) {
	const what = "a block that does not begin as an event does"
	if t.class == securityClass {
		t.cut(b, what)
		return
	}
	t.forged(what, b)
	t.doubt = true
	if t.head.Kind == guard.Tick || t.head.Kind == guard.LegListed && !t.listing {
		return
	}
	t.complete(b)
	// Any of the ids in here may be the true one.
	for i := range b.Len() {
		if id := b.Value(i); b.Is(i, plain[atUniqueid]) && b.Is(i+1, plain[atLinkedid]) && len(id) > 0 && len(id) <= maxID {
			ev := t.head
			ev.Leg, ev.Call = t.legIDs(id, b.Value(i+1))
			t.emit(&ev)
		}
	}
}

// complete adds what a later piece tells of a leg to what was told before.
func (t *translator) complete(b *wire.Block) {
	ev, c := &t.head, plain.partial(b, 0)
	ev.At = t.at
	if ev.Context == "" {
		ev.Context = t.names.Of(c.context)
	}
	switch exten := wire.Clip(c.exten); {
	case ev.Number != "":
		// It is known not to be all of what was dialled, and must not pass for
		// a harmless number.
		ev.Number = wire.Limit(ev.Number + "\r\n" + exten)
	case exten != "s":
		ev.Number = exten
	}
	if ev.Kind == guard.LegListed {
		ev.Since = seconds(b)
	}
}

// own says whether a block answers an action of this connection.
func (t *translator) own(b *wire.Block) bool {
	return t.nonce != "" && bytes.HasPrefix(b.Last("ActionID"), []byte(t.nonce))
}

// forged reports a block that contradicts itself. Its source is told only where
// the PBX vouches for it.
func (t *translator) forged(what string, b *wire.Block) {
	ev := guard.Event{Kind: guard.Forged, PBX: t.pbx, At: t.at, Number: what}
	if t.class == securityClass {
		ev.Source, ev.Proof, _ = vouched(b)
	}
	t.emit(&ev)
}

// finish passes an event on as its verdict deserves.
func (t *translator) finish(v verdict, b *wire.Block) {
	if v == whole && b.Odd() {
		v = odd
	}
	switch v {
	case odd:
		t.forged("an event with a line break in a value", b)
	case torn:
		t.forged("an event with a header missing or twice", b)
		t.doubt = true
	}
	if v == whole || v == odd {
		t.emit(&t.ev)
	}
}

// system translates an event about the PBX itself or who is registered on it.
func (t *translator) system(b *wire.Block, i int) {
	switch name := b.Value(0); string(name) {
	case "ContactStatus":
		t.finish(t.contactStatus(b, i, &t.ev), b)
	case "PeerStatus":
		t.finish(t.peerStatus(b, i, &t.ev), b)
	case "FullyBooted", "Reload", "Shutdown":
		if t.notice != nil {
			t.notice(string(name), b)
		}
	}
}
