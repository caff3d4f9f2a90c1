package adaptertest

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"pbxguard/guard"
)

const (
	extension = "100"
	abroad    = "0025261234567"
)

var source = netip.MustParseAddrPort("192.0.2.7:5062")

// Run holds an adapter to everything that is asked of both.
func Run(t *testing.T, k Kit) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Kit)
	}{
		{"call", testCall},
		{"failed login", testFailedLogin},
		{"kill", testKill},
		{"kill of an unknown leg", testUnknownLeg},
		{"kill of what is no leg", testNoLeg},
		{"kill over a fresh connection", testRedial},
		{"resync", testResync},
		{"gap", testGap},
		{"stalled engine", testStalled},
		{"hostile bytes", testHostile},
		{"end", testEnd},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, k) })
	}
}

func (k Kit) account(of string) guard.Account {
	return guard.Account{PBX: name, Domain: k.Domain, Name: of}
}

// testCall: a call is told from its start to its end, with who pays, what he
// dialled, over which trunk and with which number.
func testCall(t *testing.T, k Kit) {
	s := k.set(t, 4096)
	a, b := s.Leg(1), s.Leg(2)
	s.Start(a, extension, abroad)
	ev := s.of(guard.LegStarted, a)
	if ev.Account != k.account(extension) || ev.Number != abroad || ev.Up || ev.Channel == "" {
		t.Errorf("started: got %+v, want the account of %s and number %s", ev, extension, abroad)
	}
	s.Dial(a, b, abroad)
	ev = s.of(guard.LegDialling, b)
	if ev.Leg != a || ev.Number != abroad || !ev.ToTrunk || ev.OtherAccount != (guard.Account{PBX: name, Name: "trunk"}) {
		t.Errorf("dialling: got %+v, want %s over trunk with %s", ev, a, abroad)
	}
	s.Answer(b)
	s.of(guard.LegAnswered, b)
	s.Answer(a)
	s.of(guard.LegAnswered, a)
	s.End(b)
	if ev = s.of(guard.LegEnded, b); ev.Cause != 16 {
		t.Errorf("ended with cause %d, want 16", ev.Cause)
	}
	s.End(a)
	s.of(guard.LegEnded, a)
}

// testFailedLogin: an attempt is one failure, however many events tell of it.
func testFailedLogin(t *testing.T, k Kit) {
	s := k.set(t, 4096)
	const attempts = 5
	for range attempts {
		s.Fail(extension, source)
	}
	s.Start(s.Leg(1), extension, abroad)
	failures := 0
	s.find("a call behind the failures", func(ev guard.Event) bool {
		if ev.Kind == guard.AuthFailed {
			failures++
			if ev.Source != source || ev.Account != k.account(extension) || ev.Proof != guard.Unproven || ev.Service == "" {
				t.Errorf("got %+v, want a failure for %s from %s", ev, extension, source)
			}
		}
		return failures == attempts // failures and calls may come over two connections
	})
	s.stop()
	for {
		select {
		case ev := <-s.events:
			if ev.Kind == guard.AuthFailed {
				t.Error("got more failures than attempts")
			}
		default:
			return
		}
	}
}

// testKill: a leg is ended by its id, no other, and its end is told.
func testKill(t *testing.T, k Kit) {
	s := k.set(t, 4096)
	s.Start(s.Leg(1), extension, abroad)
	s.Start(s.Leg(2), extension, abroad)
	s.of(guard.LegStarted, s.Leg(2))
	s.order(s.Leg(1), 21)
	s.of(guard.LegEnded, s.Leg(1))
	if got := s.Killed(); len(got) != 1 || got[0] != s.Leg(1) {
		t.Errorf("ended %v, want %v alone", got, s.Leg(1))
	}
}

func testUnknownLeg(t *testing.T, k Kit) {
	s := k.set(t, 4096)
	s.order(s.Leg(9), 0)
	s.of(guard.HangupRefused, s.Leg(9))
}

// testNoLeg: nothing is sent that would be more than one word of one command.
func testNoLeg(t *testing.T, k Kit) {
	s := k.set(t, 4096)
	for _, id := range []guard.LegID{"", "a b", "a\nb", "a\r\nb", "a\n\nb", "a\x00", "/.*/", guard.LegID(make([]byte, 5000))} {
		if s.Hangup(id, 21) {
			t.Errorf("%q is taken for a leg", id)
		}
	}
	s.Start(s.Leg(1), extension, abroad)
	s.of(guard.LegStarted, s.Leg(1))
	if got := s.Killed(); len(got) > 0 {
		t.Errorf("sent the ends of %v", got)
	}
}

// testRedial: after a fresh connection was asked for, a kill is carried out.
func testRedial(t *testing.T, k Kit) {
	s := k.set(t, 4096)
	s.Start(s.Leg(1), extension, abroad)
	s.of(guard.LegStarted, s.Leg(1))
	if !s.Redial() {
		t.Fatal("no fresh connection is made")
	}
	s.eventually("kill", func() bool { s.Hangup(s.Leg(1), 21); return s.killed(s.Leg(1)) })
}

// testResync: the list tells of legs of which no event told.
func testResync(t *testing.T, k Kit) {
	s := k.set(t, 4096)
	s.StartUnseen(s.Leg(1), extension, abroad)
	if !s.Resync() {
		t.Fatal("no list is asked for")
	}
	s.next(guard.ResyncStarted)
	ev := s.of(guard.LegListed, s.Leg(1))
	if ev.Account != k.account(extension) || ev.Number != abroad {
		t.Errorf("listed: got %+v, want the account of %s and number %s", ev, extension, abroad)
	}
	s.next(guard.ResyncEnded)
}

// testGap: when the PBX is killed, that is told, and so is what began meanwhile.
func testGap(t *testing.T, k Kit) {
	s := k.set(t, 4096)
	s.Start(s.Leg(1), extension, abroad)
	s.of(guard.LegStarted, s.Leg(1))
	s.Break()
	if ev := s.next(guard.Disconnected); ev.Number == "" {
		t.Error("it is not said why the connection ended")
	}
	s.StartUnseen(s.Leg(2), extension, abroad)
	s.next(guard.Connected)
	s.next(guard.ResyncStarted)
	listed := map[guard.LegID]bool{}
	s.find("the end of the list", func(ev guard.Event) bool {
		if ev.Kind == guard.LegListed {
			listed[ev.Leg] = true
		}
		return ev.Kind == guard.ResyncEnded && listed[s.Leg(2)]
	})
	if !listed[s.Leg(1)] {
		t.Error("a leg that is still up is not listed")
	}
	s.eventually("all connections", s.Ready)
	s.Start(s.Leg(3), extension, abroad)
	s.of(guard.LegStarted, s.Leg(3))
}

// testStalled: while the engine takes nothing, the PBX is read on and memory
// stays bounded. What carries money is kept longest; the loss is told, and the
// legs are asked for.
func testStalled(t *testing.T, k Kit) {
	const chatter, calls, rounds = 875, 125, 200 // 200,000 in all
	stall := time.Minute
	if testing.Short() {
		stall = 0
	}
	s := k.set(t, 16)
	begin := time.Now()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range rounds {
		s.Chatter(chatter) // returns only if somebody reads
		for n := range calls {
			s.Start(s.Leg(1000+i*calls+n), extension, abroad)
		}
	}
	for time.Since(begin) < stall {
		s.Chatter(chatter)
		time.Sleep(time.Second)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 256<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
	// The end of it may still be on its way, so that the loss is told before the
	// last starts are.
	started, told, lost, listed, ended := 0, 0, 0, 0, false
	s.find("every start, what was lost, and a list of every leg", func(ev guard.Event) bool {
		told++
		switch ev.Kind {
		case guard.LegStarted:
			started++
		case guard.Shed:
			lost += ev.Count
		case guard.ResyncStarted:
			listed, ended = 0, false
		case guard.LegListed:
			listed++
		case guard.ResyncEnded:
			ended = true
		case guard.Disconnected:
			t.Fatal("the connection was lost")
		}
		return lost > 0 && started == rounds*calls && ended && listed == rounds*calls
	})
	if told-listed < 10_000 {
		t.Errorf("only %d events are told, and %d lost", told-listed, lost)
	}
}

// testHostile: whatever bytes come, the adapter goes on or comes back.
func testHostile(t *testing.T, k Kit) {
	s := k.set(t, 4096)
	for range 3 {
		s.Hostile()
		s.eventually("all connections", s.Ready)
	}
	for n := 1; ; n++ {
		// The connection may be lost at any moment yet.
		s.Start(s.Leg(n), extension, abroad)
		select {
		case ev := <-s.events:
			if ev.Kind == guard.LegStarted && ev.Account == k.account(extension) {
				return
			}
		case <-time.After(10 * time.Millisecond):
		}
		if n == 3000 {
			t.Fatalf("no call is told any more; the log says:\n%s", s.log)
		}
	}
}

// testEnd: Run ends with its context while events wait that nobody takes.
func testEnd(t *testing.T, k Kit) {
	s := k.set(t, 1)
	s.Chatter(100)
	s.stop()
	if s.Resync() {
		t.Error("a list is promised after the end")
	}
}
