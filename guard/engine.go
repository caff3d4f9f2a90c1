package guard

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Engine applies a [Policy] to a stream of events.
type Engine struct {
	events chan Event
	asks   chan func(*state)
	state  *state
	policy atomic.Pointer[Policy] // the state's own, for those who cannot wait for it
}

// Outside is where an engine's decisions go.
type Outside struct {
	PBXs     map[string]PBX // by name
	Firewall Firewall
	Ledger   Ledger
	// Switchboards change settings of PBXs, by name; where there is none they
	// stay as they are.
	Switchboards map[string]Switchboard
}

// queue is how many events may wait for the engine here. What does not fit waits
// with the adapter, which knows what to shed, and in which a call does not wait
// behind a storm of logins as it does here: milliseconds, with so many.
const queue = 64

// New returns an Engine that knows what mem tells and has yet to [Engine.Run].
// now is the time at which it starts.
func New(p *Policy, out Outside, mem Memory, now time.Time) *Engine {
	e := &Engine{
		events: make(chan Event, queue),
		asks:   make(chan func(*state)),
		state:  newState(p, out, mem, now),
	}
	e.policy.Store(p)
	return e
}

// Events is where adapters deliver. They must not block on it for long: a PBX
// drops a client that does not read.
func (e *Engine) Events() chan<- Event { return e.events }

// Run judges events until ctx is done. A tick every 100 ms keeps durations and
// confirmations moving while no event arrives.
func (e *Engine) Run(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case ev := <-e.events:
			e.state.handle(&ev)
		case at := <-tick.C:
			e.state.handle(&Event{Kind: Tick, At: at})
		case ask := <-e.asks:
			ask(e.state)
		case <-ctx.Done():
			return nil
		}
	}
}

// Feed judges one event at once, in the caller's goroutine. It serves replay and
// tests, where no Run is under way.
func (e *Engine) Feed(ev Event) { e.state.handle(&ev) }

// ErrStopped reports that the engine did not answer before the asker gave up.
var ErrStopped = errors.New("the engine does not answer")

// do runs f in the engine's own goroutine and waits for it.
func (e *Engine) do(ctx context.Context, f func(*state)) error {
	done := make(chan struct{})
	select {
	case e.asks <- func(s *state) { f(s); close(done) }:
		<-done
		return nil
	case <-ctx.Done():
		return ErrStopped
	}
}

// Alive returns nil once the engine's own goroutine has answered, which is what
// a watchdog wants to know.
func (e *Engine) Alive(ctx context.Context) error { return e.do(ctx, func(*state) {}) }

// Reload puts p in force. Live calls are judged by it from the next event on.
func (e *Engine) Reload(ctx context.Context, p *Policy) error {
	return e.do(ctx, func(s *state) {
		s.setPolicy(p)
		e.policy.Store(p)
	})
}

// SetModes switches between observing and enforcing; nil leaves a mode as it is.
func (e *Engine) SetModes(ctx context.Context, calls, bans *Mode) error {
	return e.do(ctx, func(s *state) {
		p := *s.policy
		if calls != nil {
			p.CallsMode = *calls
		}
		if bans != nil {
			p.BansMode = *bans
		}
		s.setPolicy(&p)
		e.policy.Store(&p)
	})
}

// LiveCall is one leg's view of a call in progress, for people.
type LiveCall struct {
	Call      CallID        `json:"call"`
	Leg       LegID         `json:"leg"` // of the trunk or, before there is one, of the caller
	PBX       string        `json:"pbx"`
	Payer     Account       `json:"payer"`
	Trunk     string        `json:"trunk,omitempty"`
	Direction string        `json:"direction"` // "out", "in", "internal"
	Dialled   string        `json:"dialled"`
	Number    string        `json:"number,omitempty"`
	Country   string        `json:"country,omitempty"`
	Class     string        `json:"class,omitempty"`
	Via       string        `json:"via,omitempty"`
	Started   time.Time     `json:"started"`
	Age       time.Duration `json:"age_ns"`
	Talking   time.Duration `json:"talking_ns"` // since the answer; 0 while it rings
	Source    netip.Addr    `json:"source,omitzero"`
	Killing   bool          `json:"killing,omitempty"`
	Emergency bool          `json:"emergency,omitempty"`
}

// SiteStatus is what the engine sees of one PBX.
type SiteStatus struct {
	PBX       string    `json:"pbx"`
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since"` // of the connection, or of its loss
	LastEvent time.Time `json:"last_event,omitzero"`
	Legs      int       `json:"legs"`
	TrunkLegs int       `json:"trunk_legs"`
}

// Status is what the engine is doing.
type Status struct {
	Since      time.Time         `json:"since"`
	CallsMode  Mode              `json:"calls_mode"`
	BansMode   Mode              `json:"bans_mode"`
	Sites      []SiteStatus      `json:"pbx"`
	Events     uint64            `json:"events"`
	Shed       uint64            `json:"events_shed"`
	Forged     uint64            `json:"forged"`
	Calls      int               `json:"calls"` // outbound, live
	Kills      uint64            `json:"kills"`
	Confirmed  uint64            `json:"kills_confirmed"`
	WouldKill  uint64            `json:"would_kill"`
	Bans       int               `json:"bans"`
	WouldBan   uint64            `json:"would_ban"`
	Locks      []Bar             `json:"locks"`
	Sources    int               `json:"sources"`
	Lost       uint64            `json:"records_lost"`
	ByRule     map[string]uint64 `json:"by_rule"`
	Watched    time.Duration     `json:"watched_ns"`
	Unknown    []string          `json:"unknown_endpoints,omitempty"` // neither phone nor trunk, as far as is known
	Learning   bool              `json:"learning"`
	Pending    int               `json:"kills_pending"`
	QueueDepth int               `json:"queue"`
}

// Status reports what the engine is doing.
func (e *Engine) Status(ctx context.Context) (st Status, err error) {
	err = e.do(ctx, func(s *state) { st = s.status() })
	st.QueueDepth = len(e.events)
	return st, err
}

// Calls lists the live calls, oldest first.
func (e *Engine) Calls(ctx context.Context) (calls []LiveCall, err error) {
	err = e.do(ctx, func(s *state) { calls = s.liveCalls() })
	return calls, err
}

// Hangup ends the call that leg or call id names. An emergency call is refused.
func (e *Engine) Hangup(ctx context.Context, id, by string) error {
	var failed error
	if err := e.do(ctx, func(s *state) { failed = s.hangupByHand(id, by) }); err != nil {
		return err
	}
	return failed
}

// Ban bans a prefix by hand; d 0 is until lifted.
func (e *Engine) Ban(ctx context.Context, p netip.Prefix, d time.Duration, reason, by string) error {
	var failed error
	if err := e.do(ctx, func(s *state) { failed = s.sources.banByHand(p, d, reason, by) }); err != nil {
		return err
	}
	return failed
}

// Unban lifts the ban of exactly this prefix.
func (e *Engine) Unban(ctx context.Context, p netip.Prefix, by string) error {
	var failed error
	if err := e.do(ctx, func(s *state) { failed = s.sources.unbanByHand(p, by) }); err != nil {
		return err
	}
	return failed
}

// Bans lists the bans in force, newest first.
func (e *Engine) Bans(ctx context.Context) (bans []Ban, err error) {
	err = e.do(ctx, func(s *state) { bans = s.sources.list() })
	return bans, err
}

// Bar locks an account out of new outbound calls but emergency ones, or with
// Off lets it back in.
func (e *Engine) Bar(ctx context.Context, b Bar) error {
	var failed error
	if err := e.do(ctx, func(s *state) { failed = s.barByHand(b) }); err != nil {
		return err
	}
	return failed
}

// Except lets an account do for a time what rules would object to. It returns
// the exception's number, by which [Engine.Undo] takes it back.
func (e *Engine) Except(ctx context.Context, x Exception) (id uint64, err error) {
	var failed error
	if err := e.do(ctx, func(s *state) { id, failed = s.except(x) }); err != nil {
		return 0, err
	}
	return id, failed
}

// Exceptions lists those that stand, the oldest first.
func (e *Engine) Exceptions(ctx context.Context) (list []Exception, err error) {
	err = e.do(ctx, func(s *state) {
		s.expireExceptions()
		list = slices.Clone(s.exceptions)
	})
	return list, err
}

// Undo takes back what has a number: a decision to end a call, after which its
// number may be called for a day; an exception; a forward that was switched off.
// It says what it did.
func (e *Engine) Undo(ctx context.Context, id uint64, by string) (undone string, err error) {
	var failed error
	if err := e.do(ctx, func(s *state) { undone, failed = s.undo(id, by) }); err != nil {
		return "", err
	}
	return undone, failed
}

// Question asks what the guard would do.
type Question struct {
	PBX     string
	Account string
	Number  string
	At      time.Time
}

// Finding is what one rule says to a [Question].
type Finding struct {
	Rule     string `json:"rule"`
	Hit      bool   `json:"hit"`
	Action   Action `json:"action"`
	Enforced bool   `json:"enforced"`
	Reason   string `json:"reason"` // why it is hit, or why it is not
}

// Answer is what the guard would do, and why.
type Answer struct {
	Account  Account   `json:"account"`
	Group    string    `json:"group"`
	Dialled  string    `json:"dialled"`
	Kind     string    `json:"kind"`
	Number   string    `json:"number"`
	Country  string    `json:"country"`
	Class    string    `json:"class"`
	Flags    string    `json:"flags"`
	At       time.Time `json:"at"`
	Verdict  string    `json:"verdict"` // "allow", "observe", "alert", "kill", "lock", "emergency"
	Findings []Finding `json:"rules"`
}

// Explain says what each rule makes of a call that nobody has placed. It
// changes nothing.
func (e *Engine) Explain(ctx context.Context, q Question) (a Answer, err error) {
	var failed error
	if err := e.do(ctx, func(s *state) { a, failed = s.explain(q) }); err != nil {
		return a, err
	}
	return a, failed
}
