package asterisk

import (
	"bytes"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// dialEnd matters only when the phone that was called answered with another number.
func (t *translator) dialEnd(b *wire.Block, i int, ev *guard.Event) verdict {
	forward := b.Get("Forward")
	if forward == nil || b.Is(i, dest[atName]) {
		return ignored
	}
	c, d, ok := t.pair(b, i, ev)
	if !ok || b.Count("Forward") > 1 {
		return torn
	}
	ev.Kind = guard.LegForwarded
	// "0031900123456", or with a context, or all of "Local/0031900123456@ctx".
	if slash := bytes.LastIndexByte(forward, '/'); slash >= 0 {
		forward = forward[slash+1:]
	}
	forward, _, _ = bytes.Cut(forward, []byte("@"))
	ev.Number = wire.Clip(forward)
	return judge(b, &c, &d)
}

func (t *translator) blindTransfer(b *wire.Block, i int, ev *guard.Event) verdict {
	if string(b.Get("Result")) != "Success" {
		return ignored
	}
	by, ok := transferer.find(b, i)
	if !ok {
		return torn
	}
	party, ok := transferee.find(b, by.next)
	if !ok || b.Count("Extension") != 1 || b.Count("Context") != 1 {
		return torn
	}
	ev.Kind = guard.LegTransferred
	t.transferred(ev, &party, &by)
	ev.Other, ev.OtherCall = t.legIDs(by.id, by.linked)
	ev.OtherAccount = ev.Account
	number, v := tail(b, "Extension")
	ev.Context, ev.Number = t.names.Of(b.Get("Context")), wire.Clip(number)
	return max(v, judge(b, &party, &by))
}

// transferred fills in the leg that is transferred and the endpoint that did
// it, whose account stands in the leg's place.
func (t *translator) transferred(ev *guard.Event, party, by *channel) {
	endpoint, _, _ := named(by.name)
	ev.Leg, ev.Call = t.legIDs(party.id, party.linked)
	ev.Account = t.account(endpoint)
}

func (t *translator) attendedTransfer(b *wire.Block, i int, ev *guard.Event) verdict {
	if string(b.Get("Result")) != "Success" {
		return ignored
	}
	by, ok := origTransferer.find(b, i)
	if !ok {
		return torn
	}
	second, ok := secondTransferer.find(b, by.next)
	if !ok {
		return torn
	}
	party, ok := transferee.find(b, second.next)
	if !ok {
		return torn
	}
	target, ok := transferTarget.find(b, party.next)
	if !ok {
		// Transferred into an application: what the transferer's second leg
		// talked to has no channel.
		target = second
	}
	ev.Kind = guard.LegsJoined
	t.transferred(ev, &party, &by)
	t.other(ev, &target)
	return judge(b, &by, &second, &party, &target)
}

func (t *translator) originateResponse(b *wire.Block, ev *guard.Event) verdict {
	for _, key := range []string{"Response", "Channel", "Context", "Exten", "Uniqueid"} {
		if b.Count(key) != 1 {
			return torn
		}
	}
	if string(b.Get("Response")) != "Success" {
		return ignored
	}
	ev.Kind = guard.LegOriginated
	t.leg(ev, &channel{name: b.Get("Channel"), context: b.Get("Context"), id: b.Get("Uniqueid")})
	ev.Number = wire.Clip(b.Get("Exten"))
	return whole
}
