package guard

import (
	"strings"
	"testing"
	"time"

	"pbxguard/numbering"
)

// board is a switchboard that only writes down what it is told.
type board struct {
	told  []string
	looks int
	locks [][]Locked
}

func (b *board) Look() bool               { b.looks++; return true }
func (b *board) SetLocks(l []Locked) bool { b.locks = append(b.locks, l); return true }

func (b *board) SetForward(a Account, how, number string) bool {
	b.told = append(b.told, a.Name+" "+how+" "+number)
	return true
}

func (r *rig) lastID(rule string) uint64 {
	d, ok := r.last(rule)
	if !ok {
		r.t.Fatalf("no decision of %s: %v", rule, r.decided())
	}
	return d.ID
}

func TestUndoOfAKill(t *testing.T) {
	p := enforcing(t)
	p.Default.Class = map[numbering.Class]Action{numbering.Premium: Lock}
	r := newRig(t, p)
	r.end(r.phone("100", premium))
	if r.s.accounts[ext("100")].bar == nil {
		t.Fatal("the rule made no lock")
	}
	if _, err := r.s.undo(r.lastID("destination"), "root"); err != nil {
		t.Fatal(err)
	}
	if r.s.accounts[ext("100")].bar != nil {
		t.Error("the lock stays")
	}
	before := len(r.hungUp)
	r.place("100", premium)
	if len(r.hungUp) != before {
		t.Error("the number is still not allowed")
	}
	r.phone("100", "09067654321")
	if len(r.hungUp) == before {
		t.Error("another number is allowed as well")
	}
	r.wait(25 * time.Hour)
	before = len(r.hungUp)
	if r.phone("100", premium); len(r.hungUp) == before {
		t.Error("it is allowed for longer than a day")
	}
	if _, err := r.s.undo(4711, "root"); err == nil {
		t.Error("something was undone that never was")
	}
}

func TestException(t *testing.T) {
	p := enforcing(t)
	p.Default.Countries, p.Default.CountryAction = map[string]bool{"BE": true}, Kill
	p.Default.Concurrent = CountLimit{Max: 1, Action: Kill}
	r := newRig(t, p)
	id, err := r.s.except(Exception{Account: ext("100"), Countries: []string{"SO"}, Until: r.now.Add(time.Hour), Reason: "travels", By: "root"})
	if err != nil {
		t.Fatal(err)
	}
	leg, trunk := r.place("100", somalia)
	if len(r.hungUp) != 0 {
		t.Errorf("hung up %v in spite of the exception", r.hungUp)
	}
	if second, _ := r.place("100", somalia2); len(r.hungUp) == 0 || r.hungUp[0] != second {
		t.Error("an exception lifts a limit of volume")
	}
	r.end(trunk, leg)
	r.endEverything()
	if _, err := r.s.undo(id, "root"); err != nil {
		t.Fatal(err)
	}
	before := len(r.hungUp)
	if r.phone("100", somalia); len(r.hungUp) == before {
		t.Error("the exception was taken back and still holds")
	}
	var kept Memory
	for _, rec := range r.records {
		if x, ok := rec.(Exception); ok {
			kept.Exceptions = append(kept.Exceptions, x)
		}
	}
	if n := len(kept.Exceptions); n != 2 || kept.Exceptions[0].Off || !kept.Exceptions[1].Off {
		t.Errorf("got %+v in the ledger, want it and its end", kept.Exceptions)
	}
	again := newState(p, Outside{Ledger: r}, Memory{Exceptions: kept.Exceptions[:1]}, r.now.Add(-30*time.Minute))
	if len(again.exceptions) != 1 {
		t.Error("an exception does not outlive a restart")
	}
}

func TestForwardIsSwitchedOffAndOn(t *testing.T) {
	p := only(t, "diverted")
	r := newRig(t, p)
	b := new(board)
	r.s.out.Switchboards = map[string]Switchboard{"a": b}
	r.feed(Event{Kind: ForwardSet, Account: ext("101"), Number: somalia, Exten: "CF"})
	r.forwardedCall("31301234567", somalia)
	if len(b.told) != 1 || b.told[0] != "101 CF " {
		t.Fatalf("told %q, want the forward of 101 switched off (%v)", b.told, r.decided())
	}
	done, err := r.s.undo(r.lastID("forward-off"), "root")
	if err != nil || !strings.Contains(done, "101") {
		t.Fatalf("got %q, %v", done, err)
	}
	if len(b.told) != 2 || b.told[1] != "101 CF "+somalia {
		t.Errorf("told %q, want the forward as it was", b.told)
	}
}

// TestForwardIsSought: of a forward that a code has set nobody knows yet where it
// stands; it is switched off once the database was read.
func TestForwardIsSought(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    *Policy
		do   func(*rig)
	}{
		{"by the code that set it", only(t, "feature-number"), func(r *rig) { r.end(r.phone("101", "*72"+somalia)) }},
		{"by the first call", only(t, "diverted"), func(r *rig) {
			r.end(r.phone("101", "*72"+somalia))
			r.forwardedCall("31301234567", somalia)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.p)
			b := new(board)
			r.s.out.Switchboards = map[string]Switchboard{"a": b}
			tt.do(r)
			if b.looks == 0 || len(b.told) != 0 {
				t.Fatalf("looked %d times, told %q", b.looks, b.told)
			}
			r.feed(Event{Kind: ForwardSet, Account: ext("101"), Number: home, Exten: "CFB", Up: true})
			r.feed(Event{Kind: ForwardSet, Account: ext("101"), Number: somalia, Exten: "CF", Up: true})
			if len(b.told) != 1 || b.told[0] != "101 CF " {
				t.Errorf("told %q, want the forward to Somalia switched off", b.told)
			}
		})
	}
	r := newRig(t, only(t, "feature-number"))
	r.s.out.Switchboards = map[string]Switchboard{"a": new(board)}
	r.end(r.phone("101", "*72"+somalia))
	r.wait(2 * time.Minute)
	if d, ok := r.last("forward-off"); !ok || !strings.Contains(d.Reason, "stays on") {
		t.Errorf("got %+v, want it said that the forward was not found", d)
	}
}

// TestForwardKeyedWithoutDomain: a dial plan may leave the domain out of its key.
func TestForwardKeyedWithoutDomain(t *testing.T) {
	r := newRig(t, only(t, "diverted"))
	inDomain := Account{PBX: "a", Domain: "x.example", Name: "101"}
	r.s.account(inDomain).phone = true
	r.feed(Event{Kind: ForwardSet, Account: ext("101"), Number: somalia, Exten: "db/cfwd/101"})
	if f := r.s.account(inDomain).forward; f == nil || f.how != "db/cfwd/101" {
		t.Errorf("got %+v, want the forward to be that of the one 101 there is", f)
	}
	r.s.account(Account{PBX: "a", Domain: "y.example", Name: "101"}).phone = true
	r.feed(Event{Kind: ForwardSet, Account: ext("101"), Number: home, Exten: "db/cfwd/101"})
	if f := r.s.account(inDomain).forward; f == nil || f.raw != somalia {
		t.Errorf("got %+v, want it left alone where there are two", f)
	}
}

// TestDialPlansAreToldOfLocks: of each lock, its end, and all of them when the PBX
// is there again; with the addresses that it spares.
func TestDialPlansAreToldOfLocks(t *testing.T) {
	p := enforcing(t)
	p.Bans.Learn = 0
	r := &rig{t: t, now: wednesday}
	long := Standing{Account: ext("100"), Source: addrPort(office1).Addr(), First: wednesday.AddDate(0, -1, 0), Last: wednesday}
	short := Standing{Account: ext("100"), Source: addrPort(dakar).Addr(), First: wednesday.AddDate(0, 0, -2), Last: wednesday}
	b := new(board)
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r, Switchboards: map[string]Switchboard{"a": b}},
		Memory{Standings: []Standing{long, short}}, r.now)
	told := func() []Locked {
		t.Helper()
		n := len(b.locks)
		r.wait(2 * time.Second)
		if len(b.locks) != n+1 {
			t.Fatalf("told %d times, want once", len(b.locks)-n)
		}
		return b.locks[n]
	}
	r.feed(Event{Kind: Connected})
	if got := told(); len(got) != 0 {
		t.Errorf("got %+v, want no lock", got)
	}
	if err := r.s.barByHand(Bar{Account: ext("100"), By: "root", Until: r.now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if got := told(); len(got) != 1 || got[0].Account != ext("100") || !got[0].All || len(got[0].Spared) != 1 || got[0].Spared[0] != long.Source {
		t.Errorf("got %+v, want a lock that spares %s alone", got, long.Source)
	}
	r.feed(Event{Kind: Disconnected})
	r.feed(Event{Kind: Connected})
	if got := told(); len(got) != 1 {
		t.Errorf("got %+v, want the lock told again", got)
	}
	n := len(b.locks)
	r.wait(62 * time.Minute)
	if len(b.locks) != n+1 || len(b.locks[n]) != 0 {
		t.Errorf("got %+v, want the lock's end told", b.locks[n:])
	}
	if err := r.s.barByHand(Bar{Account: ext("100"), By: "root", Scope: BarSpent}); err != nil {
		t.Fatal(err)
	}
	if got := told(); len(got) != 1 || got[0].All || len(got[0].Spared) != 0 {
		t.Errorf("got %+v, want a lock of calls abroad that spares nobody", got)
	}
	if err := r.s.barByHand(Bar{Account: ext("100"), Off: true, By: "root"}); err != nil {
		t.Fatal(err)
	}
	if got := told(); len(got) != 0 {
		t.Errorf("got %+v, want none after the unlock", got)
	}
}

func TestForwardStaysWithoutAnAccountThatMay(t *testing.T) {
	r := newRig(t, only(t, "diverted"))
	r.feed(Event{Kind: ForwardSet, Account: ext("101"), Number: somalia, Exten: "CF"})
	r.forwardedCall("31301234567", somalia)
	if d, ok := r.last("forward-off"); !ok || !strings.Contains(d.Reason, "stays on") {
		t.Errorf("got %+v, want it said that the forward stays", d)
	}
}

func TestObservedForwardStays(t *testing.T) {
	p := only(t, "diverted")
	p.CallsMode = Observe
	r := newRig(t, p)
	b := new(board)
	r.s.out.Switchboards = map[string]Switchboard{"a": b}
	r.feed(Event{Kind: ForwardSet, Account: ext("101"), Number: somalia, Exten: "CF"})
	r.forwardedCall("31301234567", somalia)
	if len(b.told) != 0 {
		t.Errorf("told %q while observing", b.told)
	}
}

// TestThiefIsNotTrustedByWaiting: an address whose calls were ended does not
// become one that has long been used, nor one that is no longer new.
func TestThiefIsNotTrustedByWaiting(t *testing.T) {
	p := only(t, "new-source")
	both(learns, func(p *Policy) { p.LockFor = 12 * time.Hour })(p)
	r := &rig{t: t, now: wednesday}
	r.s = newState(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, known(), r.now)
	for range 12 {
		before := len(r.hungUp)
		r.login(dakar, "Zoiper")
		leg, trunk := r.place("100", somalia)
		if len(r.hungUp) == before {
			t.Fatalf("a call from there got through at %s", r.now)
		}
		r.end(trunk, leg)
		r.wait(24 * time.Hour)
	}
	if err := r.s.barByHand(Bar{Account: ext("100"), At: r.now, By: "root"}); err != nil {
		t.Fatal(err)
	}
	if err := r.s.barByHand(Bar{Account: ext("100"), Off: true, By: "root"}); err != nil {
		t.Fatal(err)
	}
	before := len(r.hungUp)
	r.login(dakar, "Zoiper")
	if r.place("100", somalia); len(r.hungUp) != before {
		t.Errorf("a person has unlocked it, and it is still not trusted: %v", r.decided())
	}
}

// TestLockSparesHome: whoever makes an extension look attacked cannot cut it off
// from where it has long been used, nor from its own country by money.
func TestLockSparesHome(t *testing.T) {
	long := Memory{Standings: []Standing{{Account: ext("100"), Source: addrPort(office1).Addr(), First: wednesday.AddDate(0, -1, 0), Last: wednesday}}}
	for _, tt := range []struct {
		name, from, number string
		scope              Scope
		want               bool
	}{
		{"from home", office1, somalia, BarAll, false},
		{"from elsewhere", dakar, home, BarAll, true},
		{"from elsewhere, abroad only, at home", dakar, home, BarAbroad, false},
		{"from elsewhere, abroad only, abroad", dakar, somalia, BarAbroad, true},
		{"money spent, from home, at home", office1, home, BarSpent, false},
		{"money spent, from home, abroad", office1, somalia, BarSpent, true},
		{"help from elsewhere", dakar, "112", BarAll, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			long.Bars = []Bar{{Account: ext("100"), At: wednesday, Scope: tt.scope}}
			r := &rig{t: t, now: wednesday}
			r.s = newState(enforcing(t), Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, long, r.now)
			r.login(tt.from, "")
			r.place("100", tt.number)
			if got := len(r.hungUp) > 0; got != tt.want {
				t.Errorf("killed: got %v, want %v", got, tt.want)
			}
		})
	}
}
