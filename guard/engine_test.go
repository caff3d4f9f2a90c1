package guard

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"pbxguard/numbering"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun(t *testing.T) {
	p := enforcing(t)
	p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		r := &rig{t: t}
		e := New(p, Outside{PBXs: map[string]PBX{"a": r}, Firewall: r, Ledger: r}, Memory{}, time.Now())
		go e.Run(ctx)
		e.Events() <- Event{Kind: LegStarted, PBX: "a", At: time.Now(), Leg: "1", Call: "1", Channel: "PJSIP/100-1", Account: ext("100"), Number: "09001234567"}
		orders := func() (n int) {
			if err := e.do(ctx, func(*state) { n = len(r.hungUp) }); err != nil {
				t.Error(err)
			}
			return n
		}
		synctest.Wait()
		if n := orders(); n != 1 {
			t.Errorf("got %d orders to hang up, want 1", n)
		}
		time.Sleep(600 * time.Millisecond) // ticks push the kill
		if orders() < 2 {
			t.Error("no tick pushed the kill")
		}
		if st, err := e.Status(ctx); err != nil || st.Kills != 1 || st.Calls != 1 {
			t.Errorf("got %+v, %v", st, err)
		}
		if err := e.Alive(ctx); err != nil {
			t.Error(err)
		}
		stop()
		synctest.Wait()
		if err := e.Alive(ctx); err != ErrStopped {
			t.Errorf("a stopped engine answered %v", err)
		}
	})
}

func TestReloadJudgesRunningCalls(t *testing.T) {
	p := enforcing(t)
	r := newRig(t, p)
	leg, trunk := r.place("100", "0201234567")
	r.answer(trunk, leg)
	r.wait(time.Minute)
	q := enforcing(t)
	q.Default.Duration = SpanLimit{Max: 30 * time.Second, Action: Kill}
	r.s.setPolicy(q)
	r.wait(2 * time.Second)
	if r.s.count.kills != 1 {
		t.Errorf("got %d kills, want the running call ended by the new limit", r.s.count.kills)
	}
}

// BenchmarkCatalogue is BenchmarkCall with every rule on, as by default.
func BenchmarkCatalogue(b *testing.B) {
	p := enforcing(b)
	p.Default = Limits{
		Class:         map[numbering.Class]Action{numbering.Premium: Kill, numbering.Unknown: Kill},
		CountryAction: Kill, Hours: HoursLimit{7 * time.Hour, 19 * time.Hour, Kill}, Weekend: Kill, Holiday: Kill,
		Concurrent: CountLimit{1000, Kill}, ConcurrentCountry: CountLimit{1000, Kill}, Attempts: CountLimit{1 << 30, Kill},
		Sequential: CountLimit{1 << 30, Kill}, Duration: SpanLimit{time.Hour, Kill},
		MinutesHour: SpanLimit{time.Hour, Kill}, MinutesDay: SpanLimit{time.Hour, Kill}, Set: DefaultSettings(),
	}
	p.Learn = 14 * 24 * time.Hour
	priced(1)(p)
	benchCalls(b, p)
}

// BenchmarkCall judges one whole outbound call of six events.
func BenchmarkCall(b *testing.B) {
	p := enforcing(b)
	p.Default = Limits{
		Class:         map[numbering.Class]Action{numbering.Premium: Kill, numbering.Unknown: Kill},
		CountryAction: Kill, Concurrent: CountLimit{1000, Kill}, Attempts: CountLimit{1 << 30, Kill},
		Sequential: CountLimit{1 << 30, Kill}, Duration: SpanLimit{time.Hour, Kill},
	}
	benchCalls(b, p)
}

func benchCalls(b *testing.B, p *Policy) {
	r := newRig(b, p)
	evs := make([][6]Event, 1000)
	for i := range evs {
		a, t := LegID(fmt.Sprintf("1795320486.%d", 2*i)), LegID(fmt.Sprintf("1795320486.%d", 2*i+1))
		ch, tr := fmt.Sprintf("PJSIP/100-%08x", i), fmt.Sprintf("PJSIP/trunk-%08x", i)
		evs[i] = [6]Event{
			{Kind: LegStarted, PBX: "a", Leg: a, Call: CallID(a), Channel: ch, Account: ext("100"), Number: "0201234567"},
			{Kind: LegStarted, PBX: "a", Leg: t, Call: CallID(a), Channel: tr, Account: ext("trunk")},
			{Kind: LegDialling, PBX: "a", Leg: a, Call: CallID(a), Channel: ch, Account: ext("100"), Other: t, OtherCall: CallID(a), OtherAccount: ext("trunk"), Number: "0201234567", Exten: "0201234567", ToTrunk: true},
			{Kind: LegAnswered, PBX: "a", Leg: t, Call: CallID(a), Channel: tr, Account: ext("trunk")},
			{Kind: LegEnded, PBX: "a", Leg: t, Call: CallID(a), Cause: 16},
			{Kind: LegEnded, PBX: "a", Leg: a, Call: CallID(a), Cause: 16},
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.records = r.records[:0]
		for j := range evs[i%len(evs)] {
			r.s.handle(&evs[i%len(evs)][j])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(6*b.N), "ns/event")
}
