package asterisk

import (
	"bytes"
	"strconv"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// call translates an event of class call whose own headers begin at line i.
func (t *translator) call(b *wire.Block, i int) {
	ev, v := &t.ev, ignored
	switch string(b.Value(0)) {
	case "Newchannel":
		ev.Kind = guard.LegStarted
		v = t.started(b, i, ev)
	case "Status":
		if t.nonce == "" {
			return // somebody else's question, in a recording
		}
		ev.Kind = guard.LegListed
		v = t.started(b, i, ev)
	case "Newstate":
		v = t.newstate(b, i, ev)
	case "Hangup":
		v = t.hangup(b, i, ev)
	case "DialBegin":
		v = t.dialBegin(b, i, ev)
	case "DialEnd":
		v = t.dialEnd(b, i, ev)
	case "BlindTransfer":
		v = t.blindTransfer(b, i, ev)
	case "AttendedTransfer":
		v = t.attendedTransfer(b, i, ev)
	case "OriginateResponse":
		v = t.originateResponse(b, ev)
	}
	t.finish(v, b)
}

// leg fills in what an event tells of the leg that it is about.
func (t *translator) leg(ev *guard.Event, c *channel) {
	endpoint, side, pair := named(c.name)
	ev.Leg, ev.Call = t.legIDs(c.id, c.linked)
	ev.Channel, ev.Side, ev.Pair = t.names.Of(c.name), side, t.names.Of(pair)
	ev.Account = t.account(endpoint)
	ev.Context = t.names.Of(c.context)
}

func (t *translator) legIDs(id, linked []byte) (guard.LegID, guard.CallID) {
	leg := t.names.Of(id)
	if string(linked) == leg {
		return guard.LegID(leg), guard.CallID(leg)
	}
	return guard.LegID(leg), guard.CallID(t.names.Of(linked))
}

// account is the account of an endpoint; that of no endpoint is empty.
func (t *translator) account(endpoint []byte) guard.Account {
	if len(endpoint) == 0 {
		return guard.Account{}
	}
	return guard.Account{PBX: t.pbx, Name: t.names.Of(endpoint)}
}

// judge says what an event is worth that tells of these channels.
func judge(b *wire.Block, cs ...*channel) verdict {
	v := whole
	for _, c := range cs {
		if c.again(b) {
			return torn
		}
		if c.odd {
			v = odd
		}
	}
	return v
}

// started: a channel is new, or stands in the list that Status gives.
func (t *translator) started(b *wire.Block, i int, ev *guard.Event) verdict {
	c, ok := plain.read(b, i)
	v := torn
	if ok {
		v = judge(b, &c)
	} else {
		c = plain.partial(b, i)
	}
	if ev.Kind == guard.LegListed {
		ev.Since = seconds(b)
		if !t.own(b) {
			v = torn // its end is missing
		}
	}
	if v == torn {
		// Nothing that an outsider can write stands behind the true Uniqueid,
		// so it is the last one, here or in a piece that follows.
		c.id, c.linked = b.Last(plain[atUniqueid]), b.Last(plain[atLinkedid])
	}
	t.leg(ev, &c)
	ev.Up, ev.Caller = c.up, t.shown(c.caller)
	if string(c.exten) != "s" {
		ev.Number = t.names.Of(c.exten)
	}
	if ev.Kind == guard.LegListed && v == whole {
		t.calling(b, ev)
	}
	t.head = *ev
	if v == torn && ok && (ev.Kind == guard.LegStarted || t.own(b)) {
		v = odd
	}
	return v
}

// shown is the number that a channel shows, "" if it shows none.
func (t *translator) shown(number []byte) string {
	if string(number) == "<unknown>" {
		return ""
	}
	return t.names.Of(number)
}

// calling fills in which trunk a listed leg calls: the first that its Dial has.
func (t *translator) calling(b *wire.Block, ev *guard.Event) {
	if b.Odd() || string(b.Last("Application")) != "Dial" || b.Count("Application") != 1 || b.Count("Data") != 1 {
		return
	}
	targets, _, _ := bytes.Cut(b.Last("Data"), []byte(","))
	for target := range bytes.SplitSeq(targets, []byte("&")) {
		endpoint, number, beyond := called(target)
		if beyond {
			ev.ToTrunk, ev.OtherAccount, ev.Sent = true, t.account(endpoint), t.names.Of(number)
			return
		}
	}
}

// seconds is how long a leg in Status's list has existed, 0 if that is not told.
func seconds(b *wire.Block) time.Duration {
	s, _ := strconv.ParseUint(string(b.Last("Seconds")), 10, 31)
	return time.Duration(s) * time.Second
}

func (t *translator) newstate(b *wire.Block, i int, ev *guard.Event) verdict {
	c, ok := plain.read(b, i)
	switch {
	case !ok:
		return torn
	case !c.up:
		return ignored
	}
	ev.Kind = guard.LegAnswered
	t.leg(ev, &c)
	return judge(b, &c)
}

func (t *translator) hangup(b *wire.Block, i int, ev *guard.Event) verdict {
	c, ok := plain.read(b, i)
	cause := b.Last("Cause")
	if !ok || cause == nil {
		return torn
	}
	ev.Kind = guard.LegEnded
	ev.Cause, _ = strconv.Atoi(string(cause)) // 0: not told
	t.leg(ev, &c)
	return judge(b, &c)
}

// dialBegin: a leg calls another. An originated call has no calling leg.
func (t *translator) dialBegin(b *wire.Block, i int, ev *guard.Event) verdict {
	c, d, ok := t.pair(b, i, ev)
	if !ok || b.Count("DialString") != 1 {
		return torn
	}
	ev.Kind = guard.LegDialling
	s, v := tail(b, "DialString")
	number, beyond := dialled(s, d.name)
	ev.ToTrunk = beyond
	if ev.Number = ev.Exten; string(number) != ev.Exten {
		ev.Number = t.names.Of(number)
	}
	return max(v, judge(b, &c, &d))
}

// tail is the value of the key with which an event ends, line breaks included
// that somebody put into it.
func tail(b *wire.Block, key string) ([]byte, verdict) {
	i := b.Len() - 1
	for i > 0 && !b.Is(i, key) {
		i--
	}
	s, v := b.Value(i), whole
	for i++; i < b.Len(); i++ {
		s, v = bytes.Join([][]byte{s, b.Line(i)}, []byte("\r\n")), odd
	}
	return s, v
}

// pair reads the caller, which may be missing, and the called channel of a
// dial event.
func (t *translator) pair(b *wire.Block, i int, ev *guard.Event) (c, d channel, ok bool) {
	c.keys, c.next = plain, i
	if !b.Is(i, dest[atName]) {
		if c, ok = plain.read(b, i); !ok {
			return c, d, false
		}
		t.leg(ev, &c)
		ev.Exten, ev.Caller = t.names.Of(c.exten), t.shown(c.caller)
	}
	if d, ok = dest.find(b, c.next); ok {
		t.other(ev, &d)
	}
	return c, d, ok
}

// other fills in the leg on the far side.
func (t *translator) other(ev *guard.Event, c *channel) {
	endpoint, _, _ := named(c.name)
	ev.OtherAccount = t.account(endpoint)
	ev.Other = guard.LegID(t.names.Of(c.id))
	if ev.OtherCall = ev.Call; string(c.linked) != string(ev.Call) {
		ev.OtherCall = guard.CallID(t.names.Of(c.linked))
	}
}
