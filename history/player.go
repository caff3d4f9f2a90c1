package history

import (
	"cmp"
	"errors"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"pbxguard/guard"
)

// Options say how calls are played.
type Options struct {
	PBX    string
	Policy *guard.Policy
	Memory guard.Memory
	// Latency is how long an order to end a call takes. A call that is answered
	// within it costs what its least duration costs.
	Latency time.Duration
	// Gate: the guard is asked before a call leaves, so that one that it ends
	// at its start never reaches a trunk.
	Gate bool
	// Prices count the money where the policy has no tariff: its rules do not
	// see them.
	Prices guard.Tariff
	// Step is how often time passes while calls are up; 0 is every second.
	Step time.Duration
	// Told, if set, is told of every call outside as it ends.
	Told func(guard.CallRecord)
	// Progress, if set, is told now and then how many calls have been played.
	Progress func(played, of int)
}

// Fate is what became of a call that the guard ended.
type Fate struct {
	Call     *Call          // nil if a recorded stream tells of it
	Index    int            // of the call, in the order in which they were given
	Decision guard.Decision // the first that asked for the end
	At       time.Duration  // of the decision, after the call's start
	Left     bool           // it had been sent to a trunk by then
	Talked   time.Duration  // until it ended
	Cost     guard.Money    // of what was talked
	Saved    guard.Money    // that the whole call would have cost more
}

// Result is what happened to all calls.
type Result struct {
	From, To  time.Time
	Calls     int // played
	Outbound  int // that went or wanted to go outside
	Cost      guard.Money
	Saved     guard.Money
	Kills     []Fate
	Decisions []guard.Decision // at most maxDecisions, outcomes left out
	About     []int            // by decision, the call that it is about; -1: none
	Talked    []time.Duration  // by call, until it ended or was ended
	ByRule    map[string]*Tally
	Bans      int
	Locks     []guard.Bar
}

// Tally counts one rule's verdicts.
type Tally struct {
	Kills  int `json:"kills"`
	Alerts int `json:"alerts"`
	Notes  int `json:"notes"`
}

// maxDecisions bounds the verdicts that are kept in full.
const maxDecisions = 200_000

// Player plays calls and events to an engine of its own.
type Player struct {
	opt     Options
	engine  *guard.Engine
	now     time.Time
	ticked  time.Time // when time last passed by itself
	queue   queue
	calls   []Call
	order   []int // into calls, by start
	next    int   // into order
	extra   []guard.Event
	streams streams
	legs    map[guard.LegID]*leg
	pairs   map[string]*dialog
	sent    map[string]string // by what was dialled; see sentFor
	up      int               // dialogs that lead outside
	ended   []*dialog
	serial  int
	result  Result
}

// leg is one that is up.
type leg struct {
	id     guard.LegID
	dialog *dialog
	uses   int // records that it is in and that have not ended
	gone   bool
}

// dialog is a call that is up, with all its legs.
type dialog struct {
	id    guard.CallID
	legs  []*leg // in the order in which they came up
	rows  []int  // into calls
	live  int    // rows that have not ended
	out   bool
	dying bool
	dead  bool
	fate  *Fate

	// Most calls have one record and two legs, which have room here.
	room struct {
		leg  [2]leg
		legs [2]*leg
		row  [1]int
	}
}

// ErrNoPBX means that the policy has no PBX of the name that the calls are of.
var ErrNoPBX = errors.New("the policy has no such PBX")

// Play plays calls, which it sorts by their start, and events between them,
// which must be in order and are for what no call tells, such as a login.
func Play(calls []Call, events []guard.Event, opt Options) (*Result, error) {
	if opt.Policy.PBXs[opt.PBX] == nil {
		return nil, ErrNoPBX
	}
	if opt.Step <= 0 {
		opt.Step = time.Second
	}
	if opt.Policy.Tariff != nil {
		opt.Prices = opt.Policy.Tariff
	}
	p := &Player{
		opt: opt, calls: calls, extra: events,
		legs: map[guard.LegID]*leg{}, pairs: map[string]*dialog{}, sent: map[string]string{},
		result: Result{ByRule: map[string]*Tally{}, Talked: make([]time.Duration, len(calls))},
	}
	p.order = make([]int, len(calls))
	for i := range p.order {
		p.order[i] = i
	}
	byStart := func(a, b int) int {
		if c := calls[a].Start.Compare(calls[b].Start); c != 0 {
			return c
		}
		// Of one second, what a Local channel dials comes after what dialled it.
		return cmp.Compare(calls[a].From.Side, calls[b].From.Side)
	}
	if !slices.IsSortedFunc(p.order, byStart) {
		slices.SortStableFunc(p.order, byStart)
	}
	p.now = p.first()
	p.ticked = p.now
	p.result.From, p.result.To = p.now, p.now
	out := guard.Outside{PBXs: map[string]guard.PBX{opt.PBX: p}, Firewall: p, Ledger: p}
	p.engine = guard.New(withTrunks(opt.Policy, opt.PBX, calls), out, opt.Memory, p.now)
	p.feed(guard.Event{Kind: guard.Connected})
	p.play()
	return &p.result, nil
}

// withTrunks is the policy where what records tell to be trunks are some: what
// FreeSWITCH's records call them need not be what the configuration does.
func withTrunks(policy *guard.Policy, pbx string, calls []Call) *guard.Policy {
	var names []string
	seen := map[string]bool{}
	for i := range calls {
		if p := &calls[i].From; p.Outside && !seen[p.Account.Name] && len(names) < 100 {
			seen[p.Account.Name] = true
			// To a pattern a byte that is no UTF-8 is a rune error, and so it is in the name.
			names = append(names, "^"+regexp.QuoteMeta(string([]rune(p.Account.Name)))+"$")
		}
	}
	if len(names) == 0 {
		return policy
	}
	site := *policy.PBXs[pbx]
	if site.Trunks != nil {
		names = append(names, site.Trunks.String())
	}
	site.Trunks = regexp.MustCompile(strings.Join(names, "|"))
	p := *policy
	p.PBXs = maps.Clone(policy.PBXs)
	p.PBXs[pbx] = &site
	return &p
}

// first is when anything happens.
func (p *Player) first() (at time.Time) {
	if len(p.order) > 0 {
		at = p.calls[p.order[0]].Start
	}
	if len(p.extra) > 0 && (at.IsZero() || p.extra[0].At.Before(at)) {
		at = p.extra[0].At
	}
	return at
}

// play takes whatever comes next until nothing does: an end before an answer
// before a start, so that what is freed at a moment is free in it.
func (p *Player) play() {
	for n := 0; ; n++ {
		at, what := p.coming()
		if what == nothing {
			break
		}
		p.pass(at)
		switch what {
		case planned:
			p.happen(p.queue.pop())
		case special:
			ev := p.extra[0]
			p.extra = p.extra[1:]
			p.stream(ev)
		case starting:
			p.start(p.order[p.next])
			p.next++
			if p.opt.Progress != nil && p.next%10_000 == 0 {
				p.opt.Progress(p.next, len(p.calls))
			}
		}
	}
	p.pass(p.now.Add(5 * time.Second))
	p.result.To = p.now
	if p.opt.Progress != nil {
		p.opt.Progress(p.next, len(p.calls))
	}
}

// what comes next.
type what uint8

const (
	nothing what = iota
	planned      // an answer or an end
	special      // an event of its own
	starting
)

func (p *Player) coming() (at time.Time, next what) {
	consider := func(t time.Time, w what) {
		if next == nothing || t.Before(at) {
			at, next = t, w
		}
	}
	if len(p.queue) > 0 {
		consider(p.queue[0].at, planned)
	}
	if len(p.extra) > 0 {
		consider(p.extra[0].At, special)
	}
	if p.next < len(p.order) {
		consider(p.calls[p.order[p.next]].Start, starting)
	}
	return at, next
}

// pass lets time go by up to a moment, in steps while calls are up.
func (p *Player) pass(to time.Time) {
	for p.up > 0 && to.Sub(p.ticked) > p.opt.Step {
		at := p.ticked.Add(p.opt.Step)
		if at.Before(p.now) {
			at = p.now // no call was up until now
		}
		p.tick(at)
		if len(p.queue) > 0 && p.queue[0].at.Before(to) {
			// A tick has ended a call, which may come before what was next.
			for len(p.queue) > 0 && !p.queue[0].at.After(p.now) {
				p.happen(p.queue.pop())
			}
		}
	}
	if to.Sub(p.ticked) >= min(p.opt.Step, time.Minute) {
		p.tick(to)
	}
	if to.After(p.now) {
		p.now = to
	}
}

func (p *Player) tick(at time.Time) {
	p.now, p.ticked = at, at
	p.feed(guard.Event{Kind: guard.Tick})
}

// feed gives the engine an event that happens now, and carries out what it
// wants.
func (p *Player) feed(ev guard.Event) {
	ev.PBX, ev.At = p.opt.PBX, p.now
	p.engine.Feed(ev)
	for len(p.ended) > 0 {
		d := p.ended[0]
		p.ended = p.ended[1:]
		at := p.now.Add(p.opt.Latency)
		if p.opt.Gate && d.fate != nil && d.fate.At == 0 {
			at = p.now // it has not left
		}
		p.queue.push(item{at: at, kind: kill, dialog: d})
	}
	p.endStreams()
}

// start begins a call.
func (p *Player) start(i int) {
	c := &p.calls[i]
	p.result.Calls++
	if c.Source.IsValid() && c.From.Account.Name != "" && !c.Open && !c.From.Outside {
		p.serial++
		p.feed(guard.Event{Kind: guard.AuthOK, Account: c.From.Account, Source: netip.AddrPortFrom(c.Source, 5060), Proof: guard.Path,
			Service: "PJSIP", Session: "h" + strconv.Itoa(p.serial), Agent: c.Agent})
	}
	a, b := p.legID(c, i, &c.From, "a"), p.legID(c, i, &c.To, "b")
	la := p.legs[a]
	d := p.join(c, la, a)
	if d.dead {
		return // the guard has ended what this belongs to
	}
	d.rows = append(d.rows, i)
	d.live++
	if c.Out && !d.out {
		d.out = true
		p.up++
	}
	fresh := la == nil
	la = p.enter(d, a, la, c.From.Pair)
	if fresh {
		p.feed(guard.Event{Kind: guard.LegStarted, Leg: a, Call: d.id, Channel: string(a), Side: c.From.Side, Pair: c.From.Pair,
			Account: c.From.Account, Context: c.Context, Number: c.Dialled, Caller: c.Caller, Verified: c.Verified, Open: c.Open})
	}
	end := item{at: c.Start.Add(max(c.End, 0)), kind: hangup, dialog: d, row: i, a: la}
	if c.To != (Party{}) && !(d.dying && p.opt.Gate) { // else it was refused before it left
		asked := d.dying || !p.opt.Gate
		end.b = p.reach(c, d, a, b)
		if d.fate != nil && d.fate.Index == i {
			d.fate.Left = asked || !d.dying
		}
	}
	p.queue.push(end)
	p.result.Talked[i] = -1
	if c.Answer > 0 {
		p.queue.push(item{at: c.Start.Add(c.Answer), kind: answer, dialog: d, row: i, a: la, b: end.b})
	}
}

// reach lets the caller's leg call the other one.
func (p *Player) reach(c *Call, d *dialog, a, b guard.LegID) (lb *leg) {
	if c.Forward != "" && c.To.Side == guard.LocalOne {
		p.forwarded(c, d, a, b+"-phone")
	}
	lb = p.enter(d, b, p.legs[b], c.To.Pair)
	if c.To.Side != guard.Endpoint {
		p.feed(guard.Event{Kind: guard.LegStarted, Leg: b, Call: d.id, Channel: string(b), Side: c.To.Side, Pair: c.To.Pair, Context: c.Context})
	}
	sent := c.Sent
	if sent == "" {
		sent = p.sentFor(c)
	}
	p.feed(guard.Event{Kind: guard.LegDialling, Leg: a, Call: d.id, Channel: string(a), Side: c.From.Side, Pair: c.From.Pair,
		Account: c.From.Account, Context: c.Context, Exten: c.Dialled, Number: sent, Caller: c.Shown,
		Other: b, OtherCall: d.id, OtherAccount: c.To.Account, ToTrunk: c.Out})
	if c.Forward != "" && c.To.Side != guard.LocalOne {
		p.feed(guard.Event{Kind: guard.LegForwarded, Leg: a, Call: d.id, Other: b, OtherCall: d.id, OtherAccount: c.To.Account, Number: c.Forward})
	}
	return lb
}

// forwarded has a phone that is called answer with another number, to which the
// PBX then goes by way of a Local channel.
func (p *Player) forwarded(c *Call, d *dialog, a, phone guard.LegID) {
	p.feed(guard.Event{Kind: guard.LegDialling, Leg: a, Call: d.id, Channel: string(a), Side: c.From.Side, Pair: c.From.Pair, Account: c.From.Account, Context: c.Context,
		Exten: c.Dialled, Number: c.Dialled, Other: phone, OtherCall: d.id, OtherAccount: c.To.Account})
	p.feed(guard.Event{Kind: guard.LegForwarded, Leg: a, Call: d.id, Other: phone, OtherCall: d.id, Number: c.Forward})
	p.feed(guard.Event{Kind: guard.LegEnded, Leg: phone, Call: d.id})
}

// sentFor is what a trunk was sent by a record that does not tell: what was
// dialled or, where a trunk would read that as something else, the number that
// was meant. The digits that get a line never leave the PBX.
func (p *Player) sentFor(c *Call) string {
	site := p.opt.Policy.PBXs[p.opt.PBX]
	if !c.Out || site.TrunkPlan == nil {
		return c.Dialled
	}
	if sent, ok := p.sent[c.Dialled]; ok {
		return sent
	}
	sent := c.Dialled
	if n := site.Plan.Normalise(sent); n.E164 != "" && !n.Candidate && site.TrunkPlan.Normalise(sent).E164 != n.E164 {
		sent = n.E164
	}
	const most = 1 << 17 // numbers that are remembered
	if len(p.sent) < most {
		p.sent[c.Dialled] = sent
	}
	return sent
}

// legID names a leg: as the record does, so that several records of one leg are
// about one leg, or after the call.
func (p *Player) legID(c *Call, i int, of *Party, end string) guard.LegID {
	if of.Leg != "" {
		return guard.LegID(of.Leg)
	}
	return guard.LegID(strconv.Itoa(i) + end)
}

// join finds the call that a row belongs to: by the name of its group, by its
// caller's leg, by the other half of a Local channel, else it is a new one.
func (p *Player) join(c *Call, l *leg, a guard.LegID) *dialog {
	if l != nil {
		return l.dialog
	}
	if c.From.Pair != "" {
		if d := p.pairs[c.From.Pair]; d != nil {
			return d
		}
	}
	if c.Group != "" {
		if d := p.pairs["="+c.Group]; d != nil {
			return d
		}
	}
	d := &dialog{id: guard.CallID(a)}
	d.legs, d.rows = d.room.legs[:0], d.room.row[:0]
	if c.Group != "" {
		p.pairs["="+c.Group] = d
	}
	return d
}

// enter notes that a leg, which is nil if it is not up yet, is in one more record
// of a call.
func (p *Player) enter(d *dialog, id guard.LegID, l *leg, pair string) *leg {
	if l == nil {
		if n := len(d.legs); n < len(d.room.leg) {
			l = &d.room.leg[n]
		} else {
			l = new(leg)
		}
		*l = leg{id: id, dialog: d}
		p.legs[id] = l
		d.legs = append(d.legs, l)
	}
	l.uses++
	if pair != "" && p.pairs[pair] == nil {
		p.pairs[pair] = d
	}
	return l
}

// happen carries out what was planned.
func (p *Player) happen(it item) {
	d := it.dialog
	if d.dead {
		return
	}
	switch it.kind {
	case answer:
		if it.b != nil {
			p.feed(guard.Event{Kind: guard.LegAnswered, Leg: it.b.id, Call: d.id})
		}
		p.feed(guard.Event{Kind: guard.LegAnswered, Leg: it.a.id, Call: d.id})
	case hangup:
		p.hangup(it)
	case kill:
		for _, row := range d.rows {
			if c := &p.calls[row]; p.result.Talked[row] < 0 {
				p.result.Talked[row] = 0
				if at := p.now.Sub(c.Start); c.Answer > 0 && at > c.Answer {
					p.result.Talked[row] = min(at, c.End) - c.Answer
				}
			}
		}
		p.settle(d)
		p.end(d, 21)
	}
}

// hangup ends a record's legs, but those that are in others too.
func (p *Player) hangup(it item) {
	d, cause := it.dialog, p.calls[it.row].Cause
	if c := &p.calls[it.row]; c.Refer != "" && it.b != nil {
		p.feed(guard.Event{Kind: guard.LegTransferred, Leg: it.a.id, Call: d.id, Other: it.b.id, OtherCall: d.id, Number: c.Refer})
		if d.dead {
			return
		}
	}
	d.live--
	p.result.Talked[it.row] = p.calls[it.row].Talked()
	for _, l := range [...]*leg{it.b, it.a} {
		if l == nil || l.gone || l.dialog != d {
			continue
		}
		if l.uses--; l.uses == 0 && !p.goesOn(l.id) {
			p.leave(l, cause)
		}
	}
	if d.live == 0 && !p.goesOn(it.a.id) {
		p.end(d, cause)
	}
}

// goesOn says whether a call that begins at this moment is one of this leg: a
// caller's leg that tries the next trunk has a record for each.
func (p *Player) goesOn(id guard.LegID) bool {
	for i := p.next; i < len(p.order); i++ {
		c := &p.calls[p.order[i]]
		if c.Start.After(p.now) {
			return false
		}
		if c.From.Leg == string(id) && id != "" {
			return true
		}
	}
	return false
}

// end ends every leg of a call that is still up, the latest first.
func (p *Player) end(d *dialog, cause int) {
	d.dead = true
	if d.out {
		p.up--
	}
	for i := len(d.legs) - 1; i >= 0; i-- {
		if l := d.legs[i]; !l.gone {
			p.leave(l, cause)
		}
	}
	if len(p.pairs) == 0 {
		return
	}
	for _, row := range d.rows {
		c := &p.calls[row]
		for _, key := range []string{c.From.Pair, c.To.Pair, "=" + c.Group} {
			if p.pairs[key] == d {
				delete(p.pairs, key)
			}
		}
	}
}

// leave ends a leg.
func (p *Player) leave(l *leg, cause int) {
	p.feed(guard.Event{Kind: guard.LegEnded, Leg: l.id, Call: l.dialog.id, Cause: cause})
	delete(p.legs, l.id)
	l.gone = true
}

// settle says what a call that was ended has cost, and would have.
func (p *Player) settle(d *dialog) {
	f := d.fate
	if f == nil {
		return
	}
	c := f.Call
	f.Talked = p.result.Talked[f.Index]
	if t := p.opt.Prices; t != nil && c.Talked() > 0 {
		rate := t.Rate(f.Decision.Number)
		if f.Talked > 0 {
			f.Cost = rate.Cost(f.Talked)
		}
		f.Saved = rate.Cost(c.Talked()) - f.Cost
		p.result.Saved += f.Saved
	}
	p.result.Kills = append(p.result.Kills, *f)
}
