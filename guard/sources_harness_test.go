package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// post is sources with hands that only write down what they are told.
type post struct {
	t         testing.TB
	s         *sources
	now       time.Time
	refuse    bool // the firewall's queue is full
	told      []string
	lengths   map[netip.Prefix]time.Duration
	decisions []Decision
	records   []Record
	serial    int
}

func (p *post) Ban(x netip.Prefix, d time.Duration) bool {
	if p.refuse {
		return false
	}
	p.told = append(p.told, "ban "+x.String())
	p.lengths[x] = d
	return true
}

func (p *post) Unban(x netip.Prefix) bool {
	if p.refuse {
		return false
	}
	p.told = append(p.told, "unban "+x.String())
	delete(p.lengths, x)
	return true
}

// enforcedBans is a policy that bans, has nothing left to learn, and is changed
// as a test wants it.
func enforcedBans(change func(*Policy)) *Policy {
	p := &Policy{BansMode: Enforce, Bans: DefaultBans()}
	p.Bans.Learn = 0
	if change != nil {
		change(p)
	}
	return p
}

func learning(p *Policy) { p.Bans.Learn = time.Hour }

func newPost(t testing.TB, p *Policy, mem Memory) *post {
	x := &post{t: t, now: wednesday, lengths: map[netip.Prefix]time.Duration{}}
	x.s = newSources(p, x, x.hooks(), mem, x.now)
	x.s.watch(true, x.now)
	return x
}

func (p *post) hooks() hooks {
	return hooks{
		decide: func(d Decision) { p.decisions = append(p.decisions, d) },
		record: func(r Record) {
			if b, ok := r.(Lift); ok {
				p.told = append(p.told, "lift "+b.Prefix.String())
			}
			p.records = append(p.records, r)
		},
		banned: func(x netip.Prefix) { p.told = append(p.told, "hang up "+x.String()) },
	}
}

// feed is one event, a millisecond after the one before.
func (p *post) feed(ev Event) {
	p.now = p.now.Add(time.Millisecond)
	ev.PBX = "a"
	p.s.handle(&ev, p.now)
}

// wait lets d pass, tick by tick.
func (p *post) wait(d time.Duration) {
	step := 100 * time.Millisecond
	if d > time.Hour {
		step = 10 * time.Second
	}
	for end := p.now.Add(d); p.now.Before(end); {
		p.now = p.now.Add(step)
		p.s.tick(p.now)
	}
}

// peer is somebody who talks to the PBX from an address.
type peer struct {
	*post
	from    netip.AddrPort
	proof   Proof
	service string
	session string // if it reuses one; else each attempt has its own
}

func (p *post) udp(from string) *peer { return &peer{post: p, from: addr(from), service: "PJSIP"} }
func (p *post) tcp(from string) *peer {
	return &peer{post: p, from: addr(from), service: "PJSIP", proof: Path}
}
func (p *post) chansip(from string) *peer { return &peer{post: p, from: addr(from), service: "SIP"} }

func addr(s string) netip.AddrPort {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap
	}
	return netip.AddrPortFrom(netip.MustParseAddr(s), 5060)
}

func (x *peer) event(k Kind, account string) Event {
	return Event{Kind: k, Account: Account{PBX: "a", Name: account}, Source: x.from, Proof: x.proof,
		Service: x.service, Session: x.session}
}

func (x *peer) do(k Kind, account string) { x.feed(x.event(k, account)) }

func (x *peer) fresh() *peer {
	y := *x
	if y.session == "" {
		x.serial++
		y.session = fmt.Sprintf("call-%d@x", x.serial)
	}
	return &y
}

// wrong is one attempt with a wrong password, as the driver reports it.
func (x *peer) wrong(accounts ...string) {
	for _, a := range accounts {
		y := x.fresh()
		y.do(AuthChallenged, a)
		y.do(AuthFailed, a)
	}
}

// nobody is one attempt with credentials for an account that does not exist.
func (x *peer) nobody(account string) {
	y := x.fresh()
	unknown := y.event(AuthFailed, account)
	unknown.Unknown = true
	y.feed(unknown)
	y.do(AuthChallenged, "<unknown>")
	y.feed(unknown)
	y.do(AuthFailed, "<unknown>")
}

// right is one attempt that works.
func (x *peer) right(account string) {
	y := x.fresh()
	y.do(AuthChallenged, account)
	y.do(AuthOK, account)
}

// ask is one request without credentials.
func (x *peer) ask(account string) { x.fresh().do(AuthChallenged, account) }

func times(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}

// banned lists what the firewall keeps out.
func (p *post) banned() []string {
	var all []string
	for x := range p.lengths {
		all = append(all, x.String())
	}
	slices.Sort(all)
	return all
}

func (p *post) wantBanned(want ...string) {
	p.t.Helper()
	if got := p.banned(); !slices.Equal(got, want) {
		p.t.Errorf("banned: got %v, want %v", got, want)
	}
}

// rules counts decisions by rule.
func (p *post) rules() map[string]int {
	n := map[string]int{}
	for _, d := range p.decisions {
		n[d.Rule]++
	}
	return n
}

func (p *post) wantRules(want string) {
	p.t.Helper()
	if got := fmt.Sprint(p.rules()); got != want {
		p.t.Errorf("decisions: got %s, want %s", got, want)
		for _, d := range p.decisions {
			p.t.Logf("%s: %s", d.Rule, d.Reason)
		}
	}
}

// failures counts the failed attempts that were written down.
func (p *post) failures() (n int) {
	for _, r := range p.records {
		if a, ok := r.(AuthRecord); ok && a.What != "scan" {
			n++
		}
	}
	return n
}

// standings are the latest standings recorded, by account and source.
func (p *post) standings() map[string]Standing {
	all := map[string]Standing{}
	for _, r := range p.records {
		if st, ok := r.(Standing); ok {
			all[st.Account.Name+"@"+st.Source.String()] = st
		}
	}
	return all
}
