package guard

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// harsh has every rule on, so tight that nearly everything is hit.
func harsh(t testing.TB) *Policy {
	p := enforcing(t)
	p.Default = Limits{
		CountryAction: Kill, Hours: HoursLimit{Action: Kill}, Weekend: Kill, Holiday: Kill,
		Concurrent: CountLimit{1, Lock}, ConcurrentCountry: CountLimit{0, Kill}, Attempts: CountLimit{1, Kill},
		Sequential: CountLimit{1, Kill}, Duration: SpanLimit{time.Second, Kill},
		MinutesHour: SpanLimit{time.Second, Kill}, MinutesDay: SpanLimit{time.Second, Kill},
	}
	for i := range p.Default.Set {
		p.Default.Set[i] = Setting{Action: Kill, Within: time.Minute, Span: time.Second}
	}
	priced(Unit)(p)
	p.Lists = listsOf{DeniedNumbers: "+2526", OwnNumbers: "+3120", PaymentNumbers: "+31", WithdrawnNumbers: "+3190"}
	p.Atlas = world
	p.PBXs["a"].Own, p.PBXs["a"].Foreign = regexp.MustCompile(`^\+3120`), regexp.MustCompile(`trunk`)
	p.PBXs["a"].Services = regexp.MustCompile(`^\*98$`)
	return p
}

// TestAnyStreamIsAccountedFor feeds events in any order, about legs that exist
// and legs that do not, with names that come again. Emergency legs are never
// hung up, and when everything has ended nothing is counted any more.
func TestAnyStreamIsAccountedFor(t *testing.T) {
	policy := harsh(t)
	numbers := []string{"112", "911", "0201234567", "0025261234567", "09001234567", "101", "*98", "55", "", "000972597562518"}
	endpoints := []string{"100", "101", "102", "trunk", "odd"}
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, policy)
		pick := func(of []string) string { return rapid.SampledFrom(of).Draw(rt, "pick") }
		legID := func() LegID { return LegID(fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "leg"))) }
		emergency := map[LegID]bool{}
		for range rapid.IntRange(0, 80).Draw(rt, "events") {
			id, e := legID(), pick(endpoints)
			ev := Event{
				Kind: Kind(rapid.IntRange(int(Tick), int(kinds)-1).Draw(rt, "kind")),
				Leg:  id, Call: CallID(legID()), Channel: "PJSIP/" + e + "-" + string(id), Account: ext(e),
				Number: pick(numbers), Exten: pick(numbers), ToTrunk: rapid.Bool().Draw(rt, "to trunk"),
				Other: legID(), OtherCall: CallID(legID()), OtherAccount: ext(pick(endpoints)),
				Side: Side(rapid.IntRange(0, 2).Draw(rt, "side")), Pair: pick(numbers), Up: rapid.Bool().Draw(rt, "up"),
				Caller: pick(numbers), Open: rapid.Bool().Draw(rt, "open"), Verified: pick([]string{"", "A", "failed"}),
				Source: addrPort(pick([]string{office1, dakar})), Service: "PJSIP", Session: string(id), Agent: e,
			}
			r.feed(ev)
			if rapid.IntRange(0, 9).Draw(rt, "wait") == 0 {
				r.wait(time.Duration(rapid.IntRange(0, 5000).Draw(rt, "ms")) * time.Millisecond)
			}
			for id, l := range r.s.sites["a"].legs {
				if l.emergency {
					emergency[id] = true
				} else {
					delete(emergency, id)
				}
			}
			for _, id := range r.hungUp {
				if emergency[id] {
					rt.Fatalf("hung up %s, a leg of an emergency call", id)
				}
			}
			r.hungUp = nil
			if n := walk(r.s); n != r.s.attempts {
				rt.Fatalf("the list has %d attempts, the count says %d", n, r.s.attempts)
			}
		}
		r.feed(Event{Kind: ResyncStarted})
		r.feed(Event{Kind: ResyncEnded})
		r.endEverything()
		r.empty()
		if t.Failed() {
			rt.FailNow()
		}
	})
}

func walk(s *state) (n int) {
	for a := s.first; a != nil; a = a.next {
		n++
	}
	return n
}

// TestLegsAreBounded feeds more legs than a PBX can have.
func TestLegsAreBounded(t *testing.T) {
	r := newRig(t, enforcing(t))
	for i := range maxLegs + 10 {
		id := LegID(fmt.Sprint(i))
		r.s.handle(&Event{Kind: LegAnswered, PBX: "a", Leg: id, At: r.now})
	}
	if n := len(r.s.sites["a"].legs); n != maxLegs {
		t.Errorf("got %d legs, want %d", n, maxLegs)
	}
}
