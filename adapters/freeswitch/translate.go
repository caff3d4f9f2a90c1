package freeswitch

import (
	"bytes"
	"strconv"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// subscription is what the event connection asks for. Words behind CUSTOM are
// subclasses, so it stands last. A call costs eight of these events and 51 KB;
// ALL would be 66 events and 329 KB. register_failure is left out: it tells of
// each failure again, without the account.
const subscription = "event plain " + EventsNeeded

// pinSubscription is asked for on its own, as it may be refused.
const pinSubscription = "event plain CUSTOM " + PINEvents

// What a user of the directory must be allowed for the guard to work, in the
// words of esl-allowed-events and esl-allowed-api.
const (
	EventsNeeded = "CHANNEL_CREATE CHANNEL_ANSWER CHANNEL_HANGUP_COMPLETE RELOADXML " +
		"CUSTOM sofia::pre_register sofia::register_attempt sofia::register sofia::unregister sofia::expire sofia::wrong_call_state"
	// PINEvents tell of wrong PINs of mailboxes. The guard works without.
	PINEvents = "vm::maintenance"
	APINeeded = "uuid_kill uuid_dump show"
)

// translator turns FreeSWITCH's events into the guard's. It does no I/O and has
// no clock. Events overtake each other, also those of one leg, so an answer that
// comes first tells of a start too, and nothing counts that comes behind an end.
//
// Values arrive URL-encoded, so that no line break in them makes another line;
// names do not. An authenticated user of mod_verto chooses names, so a header
// that says who pays counts only if it is there once.
type translator struct {
	pbx  string
	book *book
	emit func(*guard.Event) // must not keep the event
	// reloaded, if set, is told that FreeSWITCH has read its configuration again.
	reloaded func()

	names   wire.Names
	block   *wire.Block // being translated
	at      time.Time
	scratch []byte // decoded values of block
	ev      guard.Event
	doubt   bool // a leg may have started or ended unseen
}

// event translates one event that came at a time.
func (t *translator) event(b *wire.Block, at time.Time) {
	t.block, t.at, t.scratch = b, at, t.scratch[:0]
	if b.Odd() {
		t.emit(&guard.Event{Kind: guard.Forged, PBX: t.pbx, At: at, Number: "an event with a line that is no header"})
	}
	switch name := b.Get("Event-Name"); string(name) {
	case "CHANNEL_CREATE":
		t.created()
	case "CHANNEL_ANSWER":
		t.answered()
	case "CHANNEL_HANGUP_COMPLETE":
		t.ended()
	case "CUSTOM":
		t.custom(t.get("Event-Subclass"))
	case "RELOADXML":
		if t.reloaded != nil {
			t.reloaded()
		}
	}
}

func (t *translator) created() {
	l, ok := t.describe()
	if !ok || !t.begin(&l) {
		return
	}
	if l.proved {
		t.placed(&l)
	}
	l.up = false
	t.start(&l)
}

func (t *translator) answered() {
	l, ok := t.describe()
	if !ok {
		return
	}
	if _, gone := t.book.has(l.id); gone {
		return
	}
	if t.begin(&l) {
		t.start(&l)
	}
	t.book.answered(l.id)
	t.send(guard.LegAnswered, &l)
}

func (t *translator) ended() {
	l, ok := t.describe()
	if !ok {
		return // nobody was let in
	}
	if !t.book.end(l.id) {
		return
	}
	if l.outbound && t.has("variable_sip_redirected_to") {
		t.ev = guard.Event{Kind: guard.LegForwarded, PBX: t.pbx, At: t.at, Leg: l.by, Other: l.id, OtherAccount: l.account,
			Number: uriUser(t.get("variable_sip_redirected_to"))}
		t.emit(&t.ev)
	}
	t.ev = guard.Event{Kind: guard.LegEnded, PBX: t.pbx, At: t.at, Leg: l.id}
	t.ev.Cause, _ = strconv.Atoi(string(t.get("variable_hangup_cause_q850"))) // 0: not told
	t.emit(&t.ev)
}

// begin notes that a leg is up, and says whether that is news.
func (t *translator) begin(l *leg) bool {
	fresh, full := t.book.begin(l)
	t.doubt = t.doubt || full
	return fresh
}

// send passes on what has happened to a leg.
func (t *translator) send(kind guard.Kind, l *leg) {
	t.ev = guard.Event{Kind: kind, PBX: t.pbx, At: t.at, Leg: l.id}
	t.emit(&t.ev)
}

// start tells of a leg and of who calls it.
func (t *translator) start(l *leg) {
	if l.outbound && t.transferred(l) {
		l.rdnis = "" // it says where the caller stood before, and no longer who pays
	}
	t.ev = guard.Event{
		Kind: guard.LegStarted, PBX: t.pbx, At: t.at, Leg: l.id, Call: l.call, Channel: l.name,
		Side: l.side, Pair: l.pair, Account: l.account, ToTrunk: l.trunk, Up: l.up, Open: l.open,
		Caller: l.caller, Verified: l.verified, Context: t.name("Caller-Context"),
	}
	if !l.outbound {
		t.ev.Number = l.number
	}
	t.emit(&t.ev)
	if !l.outbound {
		return
	}
	t.ev = guard.Event{
		Kind: guard.LegDialling, PBX: t.pbx, At: t.at, Leg: l.by, Other: l.id, OtherCall: l.call,
		OtherAccount: l.account, ToTrunk: l.trunk, Number: l.number, Exten: l.rdnis, Domain: l.domain, Caller: l.caller,
	}
	if l.by != "" {
		t.ev.Call = l.call
	}
	t.emit(&t.ev)
	if _, gone := t.book.has(l.by); gone {
		// What it has called is told of late, and must not bring it back to life.
		t.ev = guard.Event{Kind: guard.LegEnded, PBX: t.pbx, At: t.at, Leg: l.by}
		t.emit(&t.ev)
	}
}

// transferred tells that the caller of a leg was sent to call it by somebody
// who was talking to it, if that is so. A leg that was called does not call by
// itself: who called it has sent it on. One that called somebody, and now calls
// elsewhere because of a REFER, was sent by the phone that had answered it.
func (t *translator) transferred(l *leg) bool {
	by, ok := t.book.of(l.by)
	if !ok || !l.trunk && l.side == guard.Endpoint {
		return false // between phones it costs nothing
	}
	from := by.callee
	switch {
	case by.outbound:
		from = by.cause
	case !l.referred:
		return false
	}
	if from.Name == "" {
		return false
	}
	t.ev = guard.Event{Kind: guard.LegTransferred, PBX: t.pbx, At: t.at, Leg: l.by, Call: l.call, Account: from, Number: l.number}
	t.emit(&t.ev)
	return true
}

// get is the first value of a key, decoded. It is valid until the next event.
func (t *translator) get(key string) []byte {
	v := t.block.Get(key)
	if len(v) == 0 || string(v) == "_undef_" {
		return nil
	}
	if bytes.IndexByte(v, '%') < 0 {
		return v
	}
	start := len(t.scratch)
	t.scratch = wire.Unescape(t.scratch, v)
	return t.scratch[start:len(t.scratch):len(t.scratch)]
}

// name is the value of a key as a string of bounded length.
func (t *translator) name(key string) string { return t.names.Of(t.get(key)) }

func (t *translator) has(key string) bool { return len(t.block.Get(key)) > 0 }

// sole is the value of a key that says who somebody is: two such headers are
// somebody's attempt to be another, and count as none.
func (t *translator) sole(key string) string {
	v := t.get(key)
	if len(v) == 0 || t.block.Count(key) == 1 {
		return t.names.Of(v)
	}
	t.emit(&guard.Event{Kind: guard.Forged, PBX: t.pbx, At: t.at, Number: "an event with the header " + key + " twice"})
	return ""
}

// uriUser is the user of a SIP URI in angle brackets or without.
func uriUser(uri []byte) string {
	if i := bytes.IndexByte(uri, '<'); i >= 0 {
		uri = uri[i+1:]
	}
	_, rest, _ := bytes.Cut(uri, []byte(":"))
	user, _, ok := bytes.Cut(rest, []byte("@"))
	if !ok {
		return ""
	}
	return wire.Clip(user)
}
