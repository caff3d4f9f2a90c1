package guard

import (
	"regexp"
	"testing"
	"time"

	"pbxguard/numbering"
)

func TestPayer(t *testing.T) {
	const abroad = "0025261234567"
	for _, tt := range []struct {
		name  string
		call  func(r *rig)
		payer string
		via   string
	}{
		{"direct", func(r *rig) { r.place("100", abroad) }, "100", ""},
		{"caller id says otherwise", func(r *rig) {
			leg := r.phone("100", abroad)
			r.feed(Event{Kind: LegAnswered, Leg: leg, Account: ext("100")})
			r.out(leg, abroad)
		}, "100", ""},
		{"Local channel of one's own", func(r *rig) {
			leg := r.phone("100", "70"+abroad)
			r.out(r.local(leg, "70"+abroad, abroad), abroad)
		}, "100", ""},
		{"forward by 302", func(r *rig) {
			leg := r.phone("100", "101")
			phone := r.ring(leg, "101", "101")
			r.feed(Event{Kind: LegForwarded, Leg: leg, Other: phone, Number: abroad})
			r.out(r.local(leg, "101", abroad), abroad)
		}, "101", "forward"},
		{"forward in the PBX, caller inside", func(r *rig) {
			r.registered("101")
			leg := r.phone("100", "101")
			r.out(r.local(leg, "101", abroad), abroad)
		}, "101", "forward"},
		{"forward in the PBX, caller outside, phone never seen", func(r *rig) {
			leg := r.inbound("31205550101")
			r.out(r.local(leg, "101", abroad), abroad)
		}, "101", "forward"},
		{"forward in the PBX, told of last", func(r *rig) {
			leg := r.inbound("31205550101")
			pair := "Local/" + abroad + "@internal-1"
			for side, id := range map[Side]LegID{LocalOne: "l1", LocalTwo: "l2"} {
				r.feed(Event{Kind: LegStarted, Leg: id, Call: CallID(leg), Channel: string(id), Side: side, Pair: pair, Number: abroad})
			}
			r.out("l2", abroad)
			r.feed(Event{Kind: LegDialling, Leg: leg, Other: "l1", Number: abroad, Exten: "101"})
		}, "101", "forward"},
		{"a forward of a forward", func(r *rig) {
			r.registered("101")
			r.registered("102")
			leg := r.phone("100", "101")
			two := r.local(leg, "101", "102")
			r.out(r.local(two, "102", abroad), abroad)
		}, "102", "forward"},
		{"speed dial", func(r *rig) {
			leg := r.phone("100", "150")
			r.out(leg, abroad)
		}, "100", ""},
		{"blind transfer", func(r *rig) {
			leg := r.phone("100", "101")
			phone := r.ring(leg, "101", "101")
			r.answer(phone, leg)
			r.feed(Event{Kind: LegTransferred, Leg: leg, Other: phone, Account: ext("101"), Number: abroad})
			r.end(phone)
			r.out(leg, abroad)
		}, "101", "transfer"},
		{"blind transfer, told of late", func(r *rig) {
			leg := r.inbound("31205550101")
			phone := r.ring(leg, "101", "101")
			r.answer(phone, leg)
			trunk := r.out(leg, abroad)
			r.feed(Event{Kind: LegTransferred, Leg: leg, Other: phone, Account: ext("101"), Number: abroad})
			r.end(phone)
			r.answer(trunk)
		}, "101", "transfer"},
		{"forward in the PBX, whose caller hangs up before the trunk is dialled", func(r *rig) {
			leg := r.inbound("31205550101")
			two := r.local(leg, "101", abroad)
			r.end(r.s.sites["a"].legs[two].other().id, leg)
			r.out(two, abroad)
		}, "101", "forward"},
		{"an outsider transfers himself", func(r *rig) {
			leg := r.inbound("31205550101")
			phone := r.ring(leg, "101", "101")
			r.answer(phone, leg)
			r.feed(Event{Kind: LegTransferred, Leg: phone, Other: leg, Account: ext("trunk"), Number: abroad})
			r.end(leg)
			r.out(phone, abroad)
		}, "trunk", "transfer"},
		{"attended transfer", func(r *rig) {
			leg := r.phone("100", "101")
			r.answer(r.ring(leg, "101", "101"), leg)
			second, trunk := r.place("101", abroad)
			r.answer(trunk, second)
			r.feed(Event{Kind: LegsJoined, Leg: leg, Other: trunk, Account: ext("101")})
			r.end(second)
		}, "101", ""},
		{"through DISA", func(r *rig) {
			leg := r.inbound("31205550600")
			r.out(leg, abroad)
		}, "trunk", "trunk"},
		{"originate", func(r *rig) {
			r.serial++
			r.feed(Event{Kind: LegStarted, Leg: "o", Call: "o", Channel: "PJSIP/101-1", Account: ext("101")})
			r.feed(Event{Kind: LegDialling, Other: "o", OtherCall: "o", OtherAccount: ext("101"), Number: "101"})
			r.out("o", abroad)
		}, "101", "originate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, enforcing(t))
			tt.call(r)
			a := r.s.first
			if a == nil || a.next != nil {
				t.Fatalf("got %d outbound attempts, want one", r.s.attempts)
			}
			if a.payer.Name != tt.payer || a.via != tt.via {
				t.Errorf("got payer %q via %q, want %q via %q", a.payer.Name, a.via, tt.payer, tt.via)
			}
			if a.trunk == nil || a.number.E164 != "+25261234567" {
				t.Errorf("got trunk %v, number %q", a.trunk, a.number.E164)
			}
			if a.payer.live != 1 {
				t.Errorf("payer has %d live calls, want 1", a.payer.live)
			}
			r.endEverything()
			r.empty()
		})
	}
}

// TestPayerIsWaitedFor has the PBX tell of the trunk first and of who sent the
// call there last. Nobody may be judged by another's limits meanwhile, and a call
// of which nothing more is told is judged all the same.
func TestPayerIsWaitedFor(t *testing.T) {
	const abroad = "0025261234567"
	forward := func(r *rig) (tell func()) {
		leg := r.inbound("31205550101")
		pair := "Local/" + abroad + "@internal-1"
		for side, id := range map[Side]LegID{LocalOne: "l1", LocalTwo: "l2"} {
			r.feed(Event{Kind: LegStarted, Leg: id, Call: CallID(leg), Channel: string(id), Side: side, Pair: pair, Number: abroad})
		}
		r.out("l2", abroad)
		return func() { r.feed(Event{Kind: LegDialling, Leg: leg, Other: "l1", Number: abroad, Exten: "101"}) }
	}
	transfer := func(r *rig) (tell func()) {
		leg := r.inbound("31205550101")
		phone := r.ring(leg, "101", "101")
		r.answer(phone, leg)
		r.s.sites["a"].legs[leg].exten = abroad // where it was sent
		r.out(leg, abroad)
		return func() {
			r.feed(Event{Kind: LegTransferred, Leg: leg, Other: phone, Account: ext("101"), Number: abroad})
		}
	}
	for _, tt := range []struct {
		name   string
		start  func(r *rig) (tell func())
		barred string // whose limits end such a call
		tell   bool
		killed string // in whose name
	}{
		{"forward of the one who may not", forward, "101", true, "101"},
		{"forward of the one who may", forward, "trunk", true, ""},
		{"forward, never told of", forward, "trunk", false, "trunk"},
		{"transfer by the one who may not", transfer, "101", true, "101"},
		{"transfer by the one who may", transfer, "trunk", true, ""},
		{"transfer, never told of", transfer, "trunk", false, "trunk"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.Groups = []Group{{Name: "barred", Accounts: regexp.MustCompile("^" + tt.barred + "$"),
				Limits: Limits{Countries: map[string]bool{}, CountryAction: Kill}}}
			p.Default.Attempts = CountLimit{Max: 100, Action: Kill}
			r := newRig(t, p)
			tell := tt.start(r)
			if got := r.decided(); len(got) > 0 {
				t.Fatalf("judged by %v before it is known who pays", got)
			}
			if tt.tell {
				tell()
			}
			r.wait(200 * time.Millisecond)
			var killed string
			for _, rec := range r.records {
				if d, ok := rec.(Decision); ok && d.Action == Kill && d.Outcome == "" {
					killed += d.Account.Name
				}
			}
			if killed != tt.killed {
				t.Errorf("killed in the name of %q, want %q", killed, tt.killed)
			}
			for name, want := range map[string]int{"101": 1, "trunk": 0} {
				if !tt.tell {
					want = 1 - want
				}
				if got := r.tries(name); got != want {
					t.Errorf("%d tries are counted for %s, want %d", got, name, want)
				}
			}
		})
	}
}

// tries is how many attempts are counted for an extension.
func (r *rig) tries(name string) int {
	if a := r.s.accounts[ext(name)]; a != nil {
		return len(a.recent)
	}
	return 0
}

// local lets leg, which stands at exten, dial a Local channel to number; it
// returns the half that goes on.
func (r *rig) local(leg LegID, exten, number string) LegID {
	r.serial++
	call := r.callOf(leg)
	pair := "Local/" + number + "@internal-" + string(leg)
	one, two := LegID(pair+";1"), LegID(pair+";2")
	r.feed(Event{Kind: LegStarted, Leg: one, Call: call, Channel: string(one), Side: LocalOne, Pair: pair, Number: number})
	r.feed(Event{Kind: LegStarted, Leg: two, Call: call, Channel: string(two), Side: LocalTwo, Pair: pair, Number: number})
	r.feed(Event{Kind: LegDialling, Leg: leg, Call: call, Other: one, OtherCall: call, Number: number, Exten: exten})
	return two
}

// ring lets leg, which stands at exten, dial a phone.
func (r *rig) ring(leg LegID, exten, phone string) LegID {
	r.serial++
	id := LegID("ring" + phone + string(leg))
	call := r.callOf(leg)
	r.feed(Event{Kind: LegStarted, Leg: id, Call: call, Channel: "PJSIP/" + phone + "-9", Account: ext(phone)})
	r.feed(Event{Kind: LegDialling, Leg: leg, Call: call, Other: id, OtherCall: call, OtherAccount: ext(phone), Number: phone, Exten: exten})
	return id
}

// inbound is a call from the trunk to a number of ours.
func (r *rig) inbound(did string) LegID {
	r.serial++
	id := LegID("in" + did)
	r.feed(Event{Kind: LegStarted, Leg: id, Call: CallID(id), Channel: "PJSIP/trunk-7", Account: ext("trunk"), Number: did})
	return id
}

func (r *rig) registered(name string) {
	r.feed(Event{Kind: Registered, Account: ext(name), Service: "PJSIP"})
}

func (r *rig) endEverything() {
	for id := range r.s.sites["a"].legs {
		r.end(id)
	}
}

// empty checks that nothing is counted any more.
func (r *rig) empty() {
	r.t.Helper()
	st := r.s.sites["a"]
	if len(st.legs) != 0 || len(st.locals) != 0 || len(st.abroad) != 0 || r.s.attempts != 0 || r.s.first != nil || r.s.last != nil || len(r.s.kills) != 0 {
		r.t.Errorf("left over: %d legs, %d locals, %v abroad, %d attempts, %d kills",
			len(st.legs), len(st.locals), st.abroad, r.s.attempts, len(r.s.kills))
	}
	for _, a := range r.s.accounts {
		if a.live != 0 {
			r.t.Errorf("%s has %d live calls left", a.Account, a.live)
		}
	}
}

func TestInboundCallIsNotJudged(t *testing.T) {
	p := enforcing(t)
	p.Default.Concurrent = CountLimit{Max: 0, Action: Kill}
	r := newRig(t, p)
	leg := r.inbound("31205550100")
	r.answer(r.ring(leg, "100", "100"), leg)
	if r.s.attempts != 0 || len(r.hungUp) != 0 {
		t.Errorf("got %d attempts, hung up %v", r.s.attempts, r.hungUp)
	}
	calls := r.s.liveCalls()
	if len(calls) != 1 || calls[0].Direction != "in" {
		t.Errorf("got %+v, want one inbound call", calls)
	}
}

func TestTrunkIsLearntFromTheDialString(t *testing.T) {
	p := enforcing(t)
	p.PBXs["a"].Trunks = nil
	p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill}
	r := newRig(t, p)
	r.out(r.phone("100", "55"), "09001234567")
	if len(r.hungUp) == 0 {
		t.Error("a number sent to an endpoint that is no phone was not judged")
	}
}

func TestTwoPBXsNeverShareState(t *testing.T) {
	p := enforcing(t)
	p.PBXs["b"] = p.PBXs["a"]
	p.Default.Concurrent = CountLimit{Max: 1, Action: Kill}
	r := newRig(t, p)
	r.place("100", "0201234567")
	r.feed(Event{PBX: "b", Kind: LegStarted, Leg: "x", Call: "x", Channel: "PJSIP/100-1", Account: Account{PBX: "b", Name: "100"}, Number: "0201234568"})
	if len(r.hungUp) != 0 {
		t.Errorf("hung up %v: another PBX's 100 was counted", r.hungUp)
	}
}

func TestClockSetBack(t *testing.T) {
	p := enforcing(t)
	p.Default.Duration = SpanLimit{Max: time.Hour, Action: Kill}
	r := newRig(t, p)
	leg, trunk := r.place("100", "0201234567")
	r.answer(trunk, leg)
	r.feed(Event{Kind: LegAnswered, Leg: leg, At: r.now.Add(-48 * time.Hour)})
	r.feed(Event{Kind: Tick, At: r.now.Add(-24 * time.Hour)})
	r.wait(time.Minute)
	if len(r.hungUp) != 0 {
		t.Errorf("hung up %v after the clock went back", r.hungUp)
	}
	for _, c := range r.s.liveCalls() {
		if c.Age < 0 || c.Age > 2*time.Minute {
			t.Errorf("call is %v old", c.Age)
		}
	}
}
