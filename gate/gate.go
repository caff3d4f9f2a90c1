// Package gate lets a PBX ask before a call leaves: a FastAGI server for
// Asterisk and an outbound event socket server for FreeSWITCH, both on loopback
// only, in front of one engine.
//
// A dial plan that asks loses no race: a denied call never reaches the trunk.
// What the gate must never do is hold callers up. So it answers within
// [Options.Wait], with the default of the policy if the engine does not; the
// dial plan asks only while a heartbeat is fresh, which stops when the engine or
// this process does; and the dial plan bounds what waiting is left. [Plan]
// writes that dial plan.
//
// What is asked is told to nobody but the PBX, and nobody but the PBX's own user
// may ask: the kernel says who holds the other end of a connection.
package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"pbxguard/guard"
)

// Options say where to listen and whom to ask.
type Options struct {
	FastAGI string // host:port on loopback for Asterisk; "": not listened
	Socket  string // host:port on loopback for FreeSWITCH; "": not listened
	// Wait is how long an answer may take; zero: 300 ms.
	Wait time.Duration
	// Users may ask, by user id; root always may.
	Users []uint32

	// Ask judges a call, which it must do by the time that ctx ends; it is
	// [guard.Engine.Ask].
	Ask func(context.Context, guard.Event) guard.Ruling
	// Alive returns nil if whoever judges answers; it is [guard.Engine.Alive].
	Alive func(context.Context) error
	// Channel fills in what the name of a channel of Asterisk tells: Account,
	// Side, Pair. It may be nil.
	Channel func(pbx, channel string, ev *guard.Event)
	// Hearts are the PBXs that are told that the gate is there.
	Hearts []Heart

	// Announcement is what FreeSWITCH plays to a caller who is denied; "" is
	// nothing. Asterisk's stands in the dial plan.
	Announcement string
	// Cause is the Q.850 cause that a denied call of FreeSWITCH ends with.
	Cause int

	Log *slog.Logger // nil: [slog.Default]
}

// usualWait is within what a caller takes for silence.
const usualWait = 300 * time.Millisecond

// Gate answers PBXs. Make one with [New] and call [Gate.Run].
type Gate struct {
	options Options
	agi     *server
	socket  *server
	mu      sync.Mutex
	tally   Tally
	hearts  []HeartStatus
}

// Tally counts what was asked since the start.
type Tally struct {
	Asked     uint64 `json:"asked"`
	Allowed   uint64 `json:"allowed"`
	Denied    uint64 `json:"denied"`
	Emergency uint64 `json:"emergency"`
	// Default counts the calls, among the others, of which the engine could
	// not be asked in time.
	Default uint64 `json:"default"`
	// Garbled counts connections that asked nothing that can be understood.
	Garbled uint64        `json:"garbled"`
	Slowest time.Duration `json:"slowest_ns"` // from a question's arrival to its answer
	Last    time.Time     `json:"last,omitzero"`
}

// Status is what the gate is doing.
type Status struct {
	Tally
	Listeners []ListenerStatus `json:"listeners"`
	Hearts    []HeartStatus    `json:"hearts"`
}

// New returns a gate that has yet to [Gate.Run].
func New(o Options) (*Gate, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Wait == 0 {
		o.Wait = usualWait
	}
	g := &Gate{options: o}
	for _, h := range o.Hearts {
		g.hearts = append(g.hearts, HeartStatus{PBX: h.PBX})
	}
	var err error
	if g.agi, err = g.server("fastagi", o.FastAGI, g.serveAGI); err != nil {
		return nil, err
	}
	if g.socket, err = g.server("socket", o.Socket, g.serveSocket); err != nil {
		return nil, err
	}
	return g, nil
}

// server prepares a listener, or none for no address.
func (g *Gate) server(name, address string, serve func(context.Context, *conn)) (*server, error) {
	if address == "" {
		return nil, nil
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || !Loopback(address) {
		return nil, fmt.Errorf("cannot listen at %q: the gate is for this host alone, so it must be a loopback address and a port", address)
	}
	return newServer(name, net.TCPAddrFromAddrPort(at), g.options, serve), nil
}

// Run answers until ctx is done, and returns nil then. A port that is taken is
// told in the status and tried again; meanwhile the dial plan goes on by itself.
func (g *Gate) Run(ctx context.Context) error {
	var running sync.WaitGroup
	for _, s := range g.servers() {
		running.Go(func() { s.run(ctx) })
	}
	running.Go(func() { g.beat(ctx) })
	running.Wait()
	return nil
}

func (g *Gate) servers() (all []*server) {
	for _, s := range []*server{g.agi, g.socket} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// Status reports what the gate is doing.
func (g *Gate) Status() Status {
	st := Status{Listeners: []ListenerStatus{}}
	for _, s := range g.servers() {
		st.Listeners = append(st.Listeners, s.status())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	st.Tally = g.tally
	st.Hearts = append([]HeartStatus{}, g.hearts...)
	return st
}

// errGarbled is a question that cannot be understood.
var errGarbled = errors.New("this is no question of a PBX")

// ask judges a call and counts it. came is when the question had arrived.
func (g *Gate) ask(ctx context.Context, ev guard.Event, came time.Time) bool {
	ctx, cancel := context.WithDeadline(ctx, came.Add(g.options.Wait))
	defer cancel()
	ev.Kind, ev.At = guard.LegAsking, came
	ruling := g.options.Ask(ctx, ev)
	took := time.Since(came)
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &g.tally
	t.Asked++
	t.Last = came
	t.Slowest = max(t.Slowest, took)
	switch {
	case ruling.By == guard.ByEmergency:
		t.Emergency++
	case ruling.By == guard.ByDefault:
		t.Default++
	}
	if ruling.Allow {
		t.Allowed++
	} else {
		t.Denied++
	}
	return ruling.Allow
}

// garbled counts and tells of a connection that asked nothing.
func (g *Gate) garbled(c *conn, err error) {
	g.mu.Lock()
	g.tally.Garbled++
	g.mu.Unlock()
	c.server.complain("a connection to the gate asked nothing that can be understood", "peer", c.RemoteAddr().String(), "error", err)
}
