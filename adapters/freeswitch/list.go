package freeswitch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"pbxguard/adapters/internal/pace"
	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// lister asks for the list of live legs, over a connection of its own: on that
// of the events the answer would wait behind them, and on that of the kills the
// kills would wait for it.
type lister struct {
	pbx  *PBX
	wake chan struct{}

	mu     sync.Mutex
	wanted bool
	cancel context.CancelFunc // of the list on its way, or nil
	listed time.Time
	err    string
}

func newLister(p *PBX) *lister { return &lister{pbx: p, wake: make(chan struct{}, 1)} }

// ask asks for a list, behind the one that is on its way if there is one.
func (l *lister) ask() {
	l.mu.Lock()
	l.wanted = true
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// drop breaks the list on its way off and forgets that one is wanted: there is
// no connection any more whose events it could be held against.
func (l *lister) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = false
	if l.cancel != nil {
		l.cancel()
	}
}

// begin takes up a wish for a list, if there is one.
func (l *lister) begin(ctx context.Context) (context.Context, context.CancelFunc, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.wanted {
		return nil, nil, false
	}
	l.wanted = false
	ctx, l.cancel = context.WithTimeout(ctx, l.pbx.timing.list)
	return ctx, l.cancel, true
}

// run lists whenever it is asked to, until ctx is done. A list that failed is
// asked for again after a while.
func (l *lister) run(ctx context.Context) {
	var failing pace.Backoff
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
		for {
			listing, cancel, ok := l.begin(ctx)
			if !ok {
				break
			}
			err := l.list(listing)
			dropped := errors.Is(listing.Err(), context.Canceled)
			cancel()
			l.done(err, dropped)
			if err == nil || dropped {
				failing = pace.Backoff{}
				continue
			}
			select {
			case <-time.After(failing.Next(l.pbx.timing.Retry, l.pbx.timing.RetryMax)):
			case <-ctx.Done():
				return
			}
			if l.pbx.links[0].Up() {
				l.ask()
			}
		}
	}
}

// done notes how a list went.
func (l *lister) done(err error, dropped bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel = nil
	switch {
	case dropped:
	case err != nil:
		l.err = err.Error()
		l.pbx.options.Log.Error("FreeSWITCH does not list its calls", "pbx", l.pbx.options.Name, "error", err,
			"hint", "esl-allowed-api of the user must name show and uuid_dump")
	default:
		l.listed, l.err = l.pbx.options.Now(), ""
	}
}

func (l *lister) status() (listed time.Time, err string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.listed, l.err
}

// row is a channel as "show channels as json" tells it. It does not say who the
// caller is: what is shown as his name and number he has chosen himself.
type row struct {
	UUID      string `json:"uuid"`
	Direction string `json:"direction"`
	Name      string `json:"name"`
	Dest      string `json:"dest"`
	CallState string `json:"callstate"`
	CallUUID  string `json:"call_uuid"`
}

// list passes on the live legs. Those that no event has told of are asked for
// one by one.
func (l *lister) list(ctx context.Context) (err error) {
	p := l.pbx
	defer pace.Rescue(p.options.Log, &err)
	c, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	p.events.Put(&guard.Event{Kind: guard.ResyncStarted, PBX: p.options.Name, At: p.options.Now()})
	rows, err := channels(c)
	if err != nil {
		return err
	}
	evs, legs, incomplete := make([]guard.Event, 0, len(rows)), make([]*leg, 0, len(rows)), error(nil)
	for i := range rows {
		ev, fresh, err := l.tell(c, &rows[i])
		switch {
		case errors.Is(err, errGone):
			continue
		case errors.Is(err, errDenied):
			incomplete = err
		case err != nil:
			return err
		}
		evs, legs = append(evs, ev), append(legs, fresh)
	}
	callTrunks(evs, legs)
	for i := range evs {
		if legs[i] != nil {
			p.book.begin(legs[i])
		}
		if _, gone := p.book.has(evs[i].Leg); !gone {
			p.events.Put(&evs[i])
		}
	}
	p.events.Put(&guard.Event{Kind: guard.ResyncEnded, PBX: p.options.Name, At: p.options.Now()})
	return incomplete
}

var (
	errGone   = errors.New("the channel has ended since")
	errDenied = errors.New("the user may not use uuid_dump, so that calls from before the connection have no payer")
)

// channels asks for all channels.
func channels(c *conn) ([]row, error) {
	f, err := c.ask("api show channels as json")
	if err != nil {
		return nil, err
	}
	var list struct{ Rows []row }
	if f.kind() != apiFrame || len(f.body) == 0 || f.body[0] != '{' {
		return nil, fmt.Errorf("cannot list the channels: %s", wire.Printed(f.answer()))
	}
	if err := json.Unmarshal(f.body, &list); err != nil {
		return nil, fmt.Errorf("cannot read the list of channels: %w", err)
	}
	return list.Rows, nil
}

// tell tells of one channel: in full, with fresh set, if nothing was told of
// it before.
func (l *lister) tell(c *conn, r *row) (ev guard.Event, fresh *leg, err error) {
	p := l.pbx
	ev = guard.Event{Kind: guard.LegListed, PBX: p.options.Name, At: p.options.Now(), Leg: guard.LegID(r.UUID)}
	ev.Up = r.CallState == "ACTIVE" || r.CallState == "HELD" || r.CallState == "UNHELD"
	if !isLeg(r.UUID) {
		return ev, nil, errGone // it could not be ended either
	}
	if up, gone := p.book.has(ev.Leg); up || gone {
		return ev, nil, nil
	}
	f, err := c.ask("api uuid_dump " + r.UUID)
	switch {
	case err != nil:
		return ev, nil, err
	case f.kind() == replyFrame:
		ev.Call, ev.Channel, ev.Number = guard.CallID(r.CallUUID), wire.Limit(r.Name), wire.Limit(r.Dest)
		return ev, nil, errDenied
	case strings.HasPrefix(string(f.answer()), "-ERR"):
		return ev, nil, errGone
	}
	var b wire.Block
	if _, err := b.Take(f.body); err != nil {
		return ev, nil, errGone // more than a channel has; the next list asks again
	}
	t := translator{pbx: p.options.Name, book: p.book, block: &b, at: ev.At, emit: p.events.Put}
	leg, ok := t.describe()
	if !ok || leg.id != ev.Leg {
		return ev, nil, errGone
	}
	ev.Call, ev.Channel, ev.Side, ev.Pair, ev.Account = leg.call, leg.name, leg.side, leg.pair, leg.account
	ev.Open, ev.Caller, ev.Context = leg.open, leg.caller, t.name("Caller-Context")
	ev.Up = leg.up
	ev.Since = t.age()
	if !leg.outbound {
		ev.Number = leg.number
	}
	return ev, &leg, nil
}

// age is how long a channel has existed when it was dumped, both told by
// FreeSWITCH's clock; 0 if that is not told.
func (t *translator) age() time.Duration {
	created, err := strconv.ParseInt(string(t.get("Caller-Channel-Created-Time")), 10, 53)
	now, err2 := strconv.ParseInt(string(t.get("Event-Date-Timestamp")), 10, 53)
	if err != nil || err2 != nil || created <= 0 || now < created {
		return 0
	}
	return time.Duration(now-created) * time.Microsecond
}

// callTrunks has each listed leg that calls a trunk say so, as the trunk's own
// leg tells it.
func callTrunks(evs []guard.Event, legs []*leg) {
	at := map[guard.LegID]int{}
	for i := range evs {
		at[evs[i].Leg] = i
	}
	for _, l := range legs {
		if l == nil || !l.trunk || !l.outbound {
			continue
		}
		if i, ok := at[l.by]; ok && !evs[i].ToTrunk {
			ev := &evs[i]
			ev.ToTrunk, ev.OtherAccount, ev.Sent, ev.Exten, ev.Domain = true, l.account, l.number, l.rdnis, l.domain
		}
	}
}
