// Package asterisk speaks AMI, Asterisk's manager protocol: it translates what
// a PBX reports into the guard's events, and ends calls.
//
// A PBX is watched over two connections. One asks for events of class security
// and nothing else: what is said on it about failed logins is believed. The
// other asks for call and system; it also carries the hangups and the resync.
// They are two because a line break in a caller id becomes a line break in AMI,
// so that on a connection with both classes anybody who can place a call can
// have anybody else banned.
package asterisk

import (
	"context"
	"crypto/tls"
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
	Name     string      // of the PBX in events
	Address  string      // host:port of AMI
	TLS      *tls.Config // nil: plain TCP
	Username string
	Secret   string
	// Plain sends the secret itself instead of an answer to a challenge.
	Plain  bool
	Events chan<- guard.Event
	Log    *slog.Logger     // nil: [slog.Default]
	Now    func() time.Time // nil: [time.Now]
	// Dial makes the connection below TLS; nil: that of [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// OnReload, if set, is told when Asterisk has read its configuration again,
	// with the module's name as Asterisk gives it. Anybody who can place a call
	// can forge this, so it should do nothing but look. It runs in the
	// goroutine that reads the PBX and must return at once.
	OnReload func(module string)
}

// timing holds the waits that tests shorten.
type timing struct {
	dial, login, write time.Duration // how long each may take
	ping               time.Duration // between keepalives
	silence            time.Duration // how long nothing at all may come
	list               time.Duration // how long the list of legs may take
	doubt              time.Duration // between two resyncs that forgeries cause
	uplink.Pauses                    // between attempts to connect
}

var usual = timing{
	dial: 5 * time.Second, login: 10 * time.Second, write: 2 * time.Second,
	ping: 5 * time.Second, silence: 15 * time.Second, list: 30 * time.Second, doubt: time.Second,
	Pauses: uplink.Usual,
}

// PBX is one Asterisk. It implements [guard.PBX].
type PBX struct {
	options Options
	timing  timing
	// What is told of calls does not wait behind logins, of which strangers can
	// bring about as many as they like.
	events   *outlet.Outlet
	logins   *outlet.Outlet
	calls    *link
	security *link
}

// New returns a PBX that has yet to [PBX.Run].
func New(o Options) (*PBX, error) {
	if o.Name == "" || o.Events == nil {
		return nil, errors.New("cannot watch an Asterisk without a name and a place for its events")
	}
	if _, _, err := net.SplitHostPort(o.Address); err != nil {
		return nil, fmt.Errorf("cannot use AMI address %q: %w", o.Address, err)
	}
	for what, s := range map[string]string{"user name": o.Username, "secret": o.Secret} {
		if s == "" || strings.ContainsAny(s, breaks) || len(s) > maxValue {
			return nil, fmt.Errorf("cannot use the AMI %s for %s: it is empty, too long or holds a line break", what, o.Name)
		}
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
	p := &PBX{options: o, timing: usual}
	p.events = outlet.New(o.Events, func(lost int, over bool) { p.shed("calls", lost, over) })
	p.logins = outlet.New(o.Events, func(lost int, over bool) { p.shed("logins", lost, over) })
	p.calls = newLink(p, "calls", "call,system", callClass|systemClass, p.events)
	p.security = newLink(p, "security", "security", securityClass, p.logins)
	return p, nil
}

// Run keeps both connections up until ctx is done, and returns nil then.
func (p *PBX) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { p.events.Run(ctx) })
	running.Go(func() { p.logins.Run(ctx) })
	running.Go(func() { p.calls.Run(ctx) })
	running.Go(func() { p.security.Run(ctx) })
	running.Wait()
	return nil
}

// Hangup ends one leg. It is false if there is no connection, the id is none
// that Asterisk makes, or too many orders wait.
func (p *PBX) Hangup(leg guard.LegID, cause int) bool {
	return isLeg(string(leg)) && p.calls.order(order{leg: string(leg), cause: cause})
}

// Resync asks for the list of live legs. Two questions at a time become one;
// a question that comes while a list is on its way is asked behind it.
//
// Asterisk answers with the legs of the moment, and delivers events that it had
// queued before only behind the list. So a [guard.LegStarted] or
// [guard.LegEnded] may follow for a leg that was, or was not, in the list; and a
// leg that starts between [guard.ResyncStarted] and [guard.ResyncEnded] need
// not be listed.
func (p *PBX) Resync() bool { return p.calls.resync() }

// Redial drops the connection that carries calls and makes a fresh one at once.
func (p *PBX) Redial() bool {
	p.calls.Redial()
	return true
}

// Beat tells the dial plan that the gate may be asked until a time, or with the
// zero time that it may not. It is false if there is no connection.
func (p *PBX) Beat(until time.Time) bool { return p.calls.order(order{beat: true, until: until}) }

// shed is told that events of calls or of logins were lost, and again when all
// that wait are delivered.
func (p *PBX) shed(of string, lost int, over bool) {
	if !over {
		p.options.Log.Error("the guard does not keep up with Asterisk: events are lost",
			"pbx", p.options.Name, "of", of, "hint", "look at the load of this host")
		return
	}
	p.options.Log.Error("the guard has caught up with Asterisk", "pbx", p.options.Name, "of", of, "lost", lost)
	p.events.Put(&guard.Event{Kind: guard.Shed, PBX: p.options.Name, At: p.options.Now(), Count: lost})
	p.Resync()
}

// Status is what the PBX's connections are doing.
type Status struct {
	Name     string     `json:"name"`
	Address  string     `json:"address"`
	Calls    LinkStatus `json:"calls"`
	Security LinkStatus `json:"security"`
	Shed     uint64     `json:"shed"`    // events lost because the guard was behind
	Waiting  int        `json:"waiting"` // events that wait for the guard
}

// LinkStatus is what one connection is doing.
type LinkStatus = uplink.Status

// Status reports what the PBX's connections are doing.
func (p *PBX) Status() Status {
	shed, waiting := p.events.Counts()
	shedLogins, waitingLogins := p.logins.Counts()
	return Status{
		Name: p.options.Name, Address: p.options.Address,
		Calls: p.calls.Status(), Security: p.security.Status(),
		Shed: shed + shedLogins, Waiting: waiting + waitingLogins,
	}
}
