// Package freeswitch speaks ESL, the event socket of FreeSWITCH: it translates
// what a PBX reports into the guard's events, and ends calls.
//
// A PBX is watched over connections with a purpose each. Events come over one on
// which nothing is asked, because FreeSWITCH answers there only when its queue of
// events is empty. Kills go over another, which carries nothing else. The log,
// which alone tells whom an access list turned away, has a third. The list of
// live calls is asked for over a fourth, made when it is needed.
//
// FreeSWITCH must never wait for us: a client that does not read is dropped after
// 100,000 events, and while FreeSWITCH does that its whole event socket stands
// still, for everybody.
package freeswitch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"pbxguard/adapters/internal/outlet"
	"pbxguard/adapters/internal/uplink"
	"pbxguard/guard"
)

// Options say which PBX to watch and where to deliver.
type Options struct {
	Name    string // of the PBX in events
	Address string // host:port of the event socket
	// User, as "pbxguard@example.org", is a user of the directory with an
	// esl-password, who may do little. Without one the password is that of the
	// event socket itself, which may do everything.
	User     string
	Password string
	// NoLog leaves the log alone. Addresses that access lists turn away are then
	// not counted.
	NoLog  bool
	Events chan<- guard.Event
	Log    *slog.Logger     // nil: [slog.Default]
	Now    func() time.Time // nil: [time.Now]
	// Dial makes a connection; nil: that of [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// OnReload, if set, is told when FreeSWITCH has read its configuration again.
	// It runs in the goroutine that reads the PBX and must return at once.
	OnReload func()
}

// timing holds the waits that tests shorten.
type timing struct {
	dial, login, write time.Duration // how long each may take
	wake               time.Duration // between the line feeds that wake FreeSWITCH
	ping               time.Duration // between keepalives
	silence            time.Duration // how long nothing at all may come
	list               time.Duration // how long the list of legs may take
	stale              time.Duration // how long a kill may wait for a connection
	uplink.Pauses                    // between attempts to connect
}

// FreeSWITCH looks for events to send every 20 ms, and whenever a byte comes: a
// line feed every 4 ms brings a call's first event 8 ms sooner on average. ESL
// takes a line feed alone for nothing.
var usual = timing{
	dial: 5 * time.Second, login: 10 * time.Second, write: 2 * time.Second,
	wake: 4 * time.Millisecond, ping: 5 * time.Second, silence: 15 * time.Second,
	list: 30 * time.Second, stale: 3 * time.Second,
	Pauses: uplink.Usual,
}

// PBX is one FreeSWITCH. It implements [guard.PBX].
type PBX struct {
	options Options
	timing  timing
	events  *outlet.Outlet
	book    *book
	kills   *kills
	lister  *lister
	links   []*link // events, kills and, unless it is left alone, the log
}

// New returns a PBX that has yet to [PBX.Run].
func New(o Options) (*PBX, error) {
	if o.Name == "" || o.Events == nil {
		return nil, errors.New("cannot watch a FreeSWITCH without a name and a place for its events")
	}
	if err := checkLogin(o.Address, o.User, o.Password); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	p := &PBX{options: o, timing: usual, book: newBook()}
	p.events = outlet.New(o.Events, p.shed)
	p.lister = newLister(p)
	p.kills = &kills{pbx: p, orders: make(chan order, maxOrders)}
	p.links = []*link{newLink(p, "events", &watch{pbx: p}), newLink(p, "kills", p.kills)}
	if !o.NoLog {
		p.links = append(p.links, newLink(p, "log", &logWatch{pbx: p}))
	}
	return p, nil
}

// checkLogin checks what is needed to log in.
func checkLogin(address, user, password string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("cannot use ESL address %q: %w", address, err)
	}
	if bad(user) || strings.ContainsAny(user, ": \t") || user != "" && !strings.Contains(user, "@") {
		return fmt.Errorf("cannot use the ESL user for %s: it must be written user@domain", address)
	}
	if password == "" || bad(password) {
		return fmt.Errorf("cannot use the ESL password for %s: it is empty, too long or holds a line break", address)
	}
	return nil
}

// bad says whether s must not be sent: ESL takes a line feed for the end of a
// line and two for the end of a command, wherever they stand.
func bad(s string) bool { return len(s) > 512 || strings.ContainsAny(s, "\r\n\x00") }

// Run keeps the connections up until ctx is done, and returns nil then.
func (p *PBX) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { p.events.Run(ctx) })
	running.Go(func() { p.lister.run(ctx) })
	for _, l := range p.links {
		running.Go(func() { l.Run(ctx) })
	}
	running.Wait()
	return nil
}

// Hangup ends one leg. It is false if there is no connection for it, the id is
// none that can be sent, or too many orders wait.
func (p *PBX) Hangup(id guard.LegID, cause int) bool {
	return isLeg(string(id)) && p.links[1].Expected(p.timing.stale) && p.kills.order(order{leg: id, cause: cause, at: time.Now()})
}

// Resync asks for the list of live legs. Two questions at a time become one; a
// question that comes while a list is on its way is asked behind it.
//
// The list comes over a connection of its own, so that events of before it may
// be delivered behind it: a [guard.LegStarted] or [guard.LegEnded] may follow for
// a leg that was, or was not, in the list.
func (p *PBX) Resync() bool {
	if !p.links[0].Up() {
		return false
	}
	p.lister.ask()
	return true
}

// Redial drops the connection that carries the kills and makes a fresh one at
// once. Orders wait for it.
func (p *PBX) Redial() bool {
	p.links[1].Redial()
	return true
}

// Beat tells the dial plan that the gate may be asked until a time, or with the
// zero time that it may not. It queues and returns at once; false says that there
// is no connection to tell it over.
func (p *PBX) Beat(until time.Time) bool {
	return p.links[1].Up() && p.kills.order(order{until: until, at: time.Now()})
}

// shed is told that events were lost, and again when all that wait are delivered.
func (p *PBX) shed(lost int, over bool) {
	if !over {
		p.options.Log.Error("the guard does not keep up with FreeSWITCH: events are lost",
			"pbx", p.options.Name, "hint", "look at the load of this host")
		return
	}
	p.options.Log.Error("the guard has caught up with FreeSWITCH", "pbx", p.options.Name, "lost", lost)
	p.events.Put(&guard.Event{Kind: guard.Shed, PBX: p.options.Name, At: p.options.Now(), Count: lost})
	p.book.forget() // what was told of them may be lost
	p.Resync()
}

// Status is what the PBX's connections are doing.
type Status struct {
	Name    string       `json:"name"`
	Address string       `json:"address"`
	Links   []LinkStatus `json:"links"`
	Shed    uint64       `json:"shed"`    // events lost because the guard was behind
	Waiting int          `json:"waiting"` // events that wait for the guard
	Listed  time.Time    `json:"listed"`  // when the live legs were last told in full
	// ListError is why the last list of the live legs was not had, or not in full.
	ListError string `json:"list_error,omitempty"`
}

// LinkStatus is what one connection is doing.
type LinkStatus = uplink.Status

// Status reports what the PBX's connections are doing.
func (p *PBX) Status() Status {
	st := Status{Name: p.options.Name, Address: p.options.Address}
	st.Shed, st.Waiting = p.events.Counts()
	for _, l := range p.links {
		st.Links = append(st.Links, l.Status())
	}
	st.Listed, st.ListError = p.lister.status()
	return st
}
