package guard

import (
	"context"
	"slices"
	"testing"
	"time"

	"pbxguard/numbering"
)

// inquiry is a leg that asks to send a number to the trunk.
func inquiry(leg LegID, from, sent string) Event {
	return Event{Kind: LegAsking, PBX: "a", Leg: leg, Call: CallID(leg), Channel: "PJSIP/" + from + "-0000000a",
		Account: ext(from), OtherAccount: ext("trunk"), Number: sent, Exten: sent}
}

// put asks, and returns the question for its answer to be looked at.
func (r *rig) put(ev Event) *question {
	r.now = r.now.Add(time.Millisecond)
	ev.At = r.now
	q := &question{Event: ev, answer: make(chan bool, 1)}
	r.s.ask(q)
	return q
}

// said is what a question was answered: "allow", "deny" or "nothing" yet.
func said(q *question) string {
	select {
	case ok := <-q.answer:
		if ok {
			return "allow"
		}
		return "deny"
	default:
		return "nothing"
	}
}

func noPremium(t testing.TB) *Policy {
	p := enforcing(t)
	p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill, numbering.Unknown: Kill}
	p.Default.CountryAction = Kill
	return p
}

func (r *rig) wantSaid(q *question, want string) {
	r.t.Helper()
	if got := said(q); got != want {
		r.t.Errorf("asked for %s: got %s, want %s", q.Number, got, want)
	}
}

func (r *rig) outcomes() (all []string) {
	for _, rec := range r.records {
		if d, ok := rec.(Decision); ok && d.Outcome != "" {
			all = append(all, d.Rule+" "+d.Outcome)
		}
	}
	return all
}

func TestAsk(t *testing.T) {
	for _, tt := range []struct {
		name, dialled, sent, want string
		rules                     []string
	}{
		{"national", "0205550123", "0205550123", "allow", nil},
		{"premium", "0205550199", "09001234567", "deny", []string{"destination"}},
		{"country", "7", "0025261234567", "deny", []string{"country"}},
		{"emergency", "112", "112", "allow", nil},
		{"tie line", "7", "150", "allow", nil},
		{"helpline", "0205550199", "116123", "allow", nil},
		{"smuggled", "0205550199", "0205550123\r\nX: y", "deny", []string{"destination"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, noPremium(t))
			leg := r.phone("100", tt.dialled)
			r.wantSaid(r.put(inquiry(leg, "100", tt.sent)), tt.want)
			if got := r.decided(); !slices.Equal(got, tt.rules) {
				t.Errorf("got decisions %q, want %q", got, tt.rules)
			}
			if len(r.hungUp) != 0 {
				t.Errorf("hung up %q: ending a denied call is for the asker", r.hungUp)
			}
			var outcomes []string
			for _, rule := range tt.rules {
				outcomes = append(outcomes, rule+" denied")
			}
			if got := r.outcomes(); !slices.Equal(got, outcomes) {
				t.Errorf("got outcomes %q, want %q", got, outcomes)
			}
			r.end(leg)
			if r.s.attempts != 0 {
				t.Errorf("%d attempts are left", r.s.attempts)
			}
		})
	}
}

// An attempt that asks and then dials is one attempt.
func TestAskCountsOnce(t *testing.T) {
	p := enforcing(t)
	p.Default.Attempts = CountLimit{Max: 3, Action: Kill}
	p.Default.Concurrent = CountLimit{Max: 1, Action: Kill}
	r := newRig(t, p)
	for range 3 {
		leg := r.phone("100", "0205550123")
		r.wantSaid(r.put(inquiry(leg, "100", "0205550123")), "allow")
		trunk := r.out(leg, "0205550123")
		if n := len(r.s.accounts[ext("100")].recent); r.s.attempts != 1 {
			t.Errorf("got %d attempts, %d of the last minute; want one at a time", r.s.attempts, n)
		}
		r.answer(leg, trunk)
		r.end(leg, trunk)
	}
	leg := r.phone("100", "0205550123")
	r.wantSaid(r.put(inquiry(leg, "100", "0205550123")), "deny")
	if got := r.decided(); !slices.Equal(got, []string{"attempts"}) {
		t.Errorf("got decisions %q, want one of the fourth attempt", got)
	}
}

func TestAskObserves(t *testing.T) {
	p := noPremium(t)
	p.CallsMode = Observe
	r := newRig(t, p)
	leg := r.phone("100", "09001234567")
	r.wantSaid(r.put(inquiry(leg, "100", "09001234567")), "allow")
	r.out(leg, "09001234567")
	if got := r.decided(); !slices.Equal(got, []string{"destination"}) || r.s.count.wouldKill != 1 {
		t.Errorf("got decisions %q, %d would be kills; want one", got, r.s.count.wouldKill)
	}
}

func TestAskLocked(t *testing.T) {
	r := newRig(t, enforcing(t))
	if err := r.s.barByHand(Bar{Account: ext("100"), Reason: "test"}); err != nil {
		t.Fatal(err)
	}
	leg := r.phone("100", "7")
	r.wantSaid(r.put(inquiry(leg, "100", "0205550123")), "deny")
	r.wantSaid(r.put(inquiry(leg, "100", "112")), "allow")
	r.wantSaid(r.put(inquiry(leg, "100", "0900123")), "allow") // part of an emergency call now
}

// The question may come before the events that tell of its leg, and without any.
func TestAskBeforeEvents(t *testing.T) {
	t.Run("leg", func(t *testing.T) {
		r := newRig(t, noPremium(t))
		q := r.put(inquiry("1.1", "100", "09001234567"))
		r.wantSaid(q, "nothing")
		r.phone("100", "7")
		r.wantSaid(q, "deny")
	})
	t.Run("none", func(t *testing.T) {
		r := newRig(t, noPremium(t))
		q := r.put(inquiry("1.1", "100", "09001234567"))
		r.wait(200 * time.Millisecond)
		r.wantSaid(q, "deny")
		if d, _ := r.last("destination"); d.Account != ext("100") {
			t.Errorf("got payer %v, want 100", d.Account)
		}
		r.phone("100", "7") // told of late
		r.end("1.1")
		if n := len(r.s.sites["a"].legs); n != 0 || r.s.attempts != 0 {
			t.Errorf("%d legs and %d attempts are left", n, r.s.attempts)
		}
	})
	t.Run("given up", func(t *testing.T) {
		r := newRig(t, noPremium(t))
		q := r.put(inquiry("1.1", "100", "09001234567"))
		q.taken.Store(true)
		r.phone("100", "7")
		r.wantSaid(q, "nothing")
		if len(r.records) != 0 {
			t.Errorf("got records %v of what nobody was told", r.records)
		}
	})
}

// Who pays is found as when the call goes out, and not what the question says.
func TestAskPayer(t *testing.T) {
	transferred := func(r *rig) (LegID, string) {
		r.feed(Event{Kind: LegStarted, Leg: "1.1", Call: "1.1", Channel: "PJSIP/trunk-00000001", Account: ext("trunk"), Number: "31205550101"})
		r.feed(Event{Kind: LegStarted, Leg: "1.2", Call: "1.1", Channel: "PJSIP/101-00000002", Account: ext("101")})
		r.feed(Event{Kind: LegDialling, Leg: "1.1", Call: "1.1", Other: "1.2", OtherAccount: ext("101"), Exten: "101"})
		r.answer("1.2", "1.1")
		return "1.1", "trunk"
	}
	t.Run("transfer", func(t *testing.T) {
		r := newRig(t, noPremium(t))
		leg, asks := transferred(r)
		r.s.sites["a"].legs[leg].exten = ""
		q := r.put(inquiry(leg, asks, "09001234567"))
		r.wantSaid(q, "nothing")
		r.feed(Event{Kind: LegTransferred, Leg: leg, Other: "1.2", Number: "7"})
		r.wantSaid(q, "deny")
		if d, _ := r.last("destination"); d.Account != ext("101") {
			t.Errorf("got payer %v, want 101", d.Account)
		}
	})
	t.Run("local", func(t *testing.T) {
		r := newRig(t, noPremium(t))
		phone := r.phone("100", "7")
		for i, side := range []Side{LocalOne, LocalTwo} {
			r.feed(Event{Kind: LegStarted, Leg: LegID("2." + string('1'+rune(i))), Call: CallID(phone), Channel: "Local/9@x-1;" + string('1'+rune(i)),
				Side: side, Pair: "9@x-1", Number: "9"})
		}
		ev := inquiry("2.2", "", "09001234567")
		ev.Channel, ev.Side, ev.Pair, ev.Account = "Local/9@x-1;2", LocalTwo, "9@x-1", Account{}
		q := r.put(ev)
		r.wantSaid(q, "nothing")
		r.feed(Event{Kind: LegDialling, Leg: phone, Call: CallID(phone), Other: "2.1", Number: "9", Exten: "7"})
		r.wantSaid(q, "deny")
		if d, _ := r.last("destination"); d.Account != ext("100") {
			t.Errorf("got payer %v, want 100", d.Account)
		}
	})
	t.Run("liar", func(t *testing.T) {
		r := newRig(t, noPremium(t))
		leg := r.phone("100", "7")
		ev := inquiry(leg, "101", "09001234567")
		q := r.put(ev)
		r.wait(200 * time.Millisecond)
		r.wantSaid(q, "deny")
		if d, _ := r.last("destination"); d.Account != ext("100") {
			t.Errorf("got payer %v, want 100", d.Account)
		}
	})
}

// A call that goes out in spite of the answer is ended like any other.
func TestAskIgnored(t *testing.T) {
	r := newRig(t, noPremium(t))
	leg := r.phone("100", "7")
	r.wantSaid(r.put(inquiry(leg, "100", "09001234567")), "deny")
	r.out(leg, "09001234567")
	if !slices.Contains(r.hungUp, leg) {
		t.Errorf("hung up %q, want %s among them", r.hungUp, leg)
	}
}

// With an announcement to be heard, a leg is not hung up before it asks.
func TestAskAnnounced(t *testing.T) {
	announced := func(t *testing.T) *rig {
		p := noPremium(t)
		p.Gate.Announce = true
		r := newRig(t, p)
		leg := r.phone("101", "0205550123")
		r.wantSaid(r.put(inquiry(leg, "101", "0205550123")), "allow") // the gate is in use
		r.end(leg)
		return r
	}
	t.Run("asks", func(t *testing.T) {
		r := announced(t)
		leg := r.phone("100", "09001234567")
		r.wantSaid(r.put(inquiry(leg, "100", "09001234567")), "deny")
		r.wait(5 * time.Second)
		if len(r.hungUp) != 0 || len(r.s.kills) != 0 {
			t.Errorf("hung up %q, %d orders stand; want the caller to hear why", r.hungUp, len(r.s.kills))
		}
		if got := r.outcomes(); !slices.Equal(got, []string{"destination denied"}) {
			t.Errorf("got outcomes %q", got)
		}
	})
	t.Run("does not ask", func(t *testing.T) {
		r := announced(t)
		leg := r.phone("100", "09001234567")
		if len(r.hungUp) != 0 {
			t.Errorf("hung up %q before it could ask", r.hungUp)
		}
		r.wait(time.Second)
		if !slices.Contains(r.hungUp, leg) {
			t.Errorf("hung up %q, want %s", r.hungUp, leg)
		}
	})
	t.Run("goes out", func(t *testing.T) {
		r := announced(t)
		leg := r.phone("100", "09001234567")
		r.out(leg, "09001234567")
		if !slices.Contains(r.hungUp, leg) {
			t.Errorf("hung up %q, want %s at once", r.hungUp, leg)
		}
	})
}

func TestAskTooOften(t *testing.T) {
	r := newRig(t, noPremium(t))
	leg := r.phone("100", "7")
	for range maxInquiries {
		r.wantSaid(r.put(inquiry(leg, "100", "0205550123")), "allow")
	}
	r.wantSaid(r.put(inquiry(leg, "100", "0205550123")), "deny")
	r.wantSaid(r.put(inquiry(leg, "100", "112")), "allow")
}

// Engine.Ask rules even when nobody judges.
func TestAskDefault(t *testing.T) {
	late, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name, number string
		closed       bool
		mode         Mode
		want         Ruling
	}{
		{"open", "0031900123456", false, Enforce, Ruling{Allow: true}},
		{"open abroad", "0025261234567", false, Enforce, Ruling{Allow: true}},
		{"closed at home", "0205550123", true, Enforce, Ruling{Allow: true}},
		{"closed abroad", "0025261234567", true, Enforce, Ruling{}},
		{"closed unknown", "00", true, Enforce, Ruling{}},
		{"closed odd", "0205550123&PJSIP/1@trunk", true, Enforce, Ruling{}},
		{"closed, observing", "0025261234567", true, Observe, Ruling{Allow: true}},
		{"emergency", "112", true, Enforce, Ruling{Allow: true, By: ByEmergency}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.CallsMode, p.Gate.CloseAbroad = tt.mode, tt.closed
			e := New(p, Outside{Ledger: new(rig)}, Memory{}, wednesday) // and nobody runs it
			if got := e.Ask(late, inquiry("1.1", "100", tt.number)); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAskRunning(t *testing.T) {
	out := &rig{t: t}
	e := New(noPremium(t), Outside{PBXs: map[string]PBX{"a": out}, Firewall: out, Ledger: out}, Memory{}, time.Now())
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	for number, want := range map[string]Ruling{
		"0205550123":  {Allow: true, By: ByRules},
		"09001234567": {By: ByRules},
		"112":         {Allow: true, By: ByEmergency},
	} {
		ev := inquiry(LegID("1."+number), "100", number)
		ev.At = time.Now()
		if got := e.Ask(t.Context(), ev); got != want {
			t.Errorf("%s: got %+v, want %+v", number, got, want)
		}
	}
	stop()
	<-done
}
