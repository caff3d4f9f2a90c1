package history

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/numbering"
)

// monday is 9 o'clock in Amsterdam on a working day.
var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func plan(t testing.TB) *numbering.Plan {
	t.Helper()
	p, err := numbering.DefaultProfile("NL")
	if err != nil {
		t.Fatal(err)
	}
	p.Extensions = `^1\d\d$`
	made, err := numbering.NewPlan(p)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// policy enforces, and kills premium calls and more than three at once.
func policy(t testing.TB) *guard.Policy {
	t.Helper()
	return &guard.Policy{
		Numbers:   1 << 17,
		CallsMode: guard.Enforce, BansMode: guard.Enforce, HangupCause: 21, Bans: guard.DefaultBans(), Tariff: flat{},
		PBXs: map[string]*guard.Site{"pbx": {Plan: plan(t), Trunks: regexp.MustCompile(`^trunk$`)}},
		Default: guard.Limits{
			Class:      map[numbering.Class]guard.Action{numbering.Premium: guard.Kill, numbering.Unknown: guard.Kill},
			Concurrent: guard.CountLimit{Max: 3, Action: guard.Kill},
			Duration:   guard.SpanLimit{Max: time.Hour, Action: guard.Kill},
		},
	}
}

// flat is a tariff of one euro a minute, by the minute.
type flat struct{}

func (flat) Rate(string) guard.Rate { return guard.Rate{PerMinute: guard.Unit, Step: time.Minute} }
func (flat) Currency() string       { return "EUR" }

// master writes n records as Asterisk does, of an office that calls outside
// among other things.
func master(n int) []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(7, 7))
	at := monday
	for i := range n {
		at = at.Add(time.Duration(r.IntN(14)) * time.Second)
		from, talk := 100+r.IntN(80), r.IntN(240)
		number := fmt.Sprintf("020%07d", r.IntN(6000))
		stamp := func(t time.Time) string { return t.Format(time.DateTime) }
		fmt.Fprintf(&b, `"","%d","%s","internal","""Phone %d"" <%d>","PJSIP/%d-%08x","PJSIP/trunk-%08x","Dial","PJSIP/%s@trunk,60","%s","%s","%s",%d,%d,"ANSWERED","DOCUMENTATION","%d.%d",""`+"\n",
			from, number, from, from, from, 2*i, 2*i+1, number, stamp(at), stamp(at.Add(8*time.Second)), stamp(at.Add(time.Duration(8+talk)*time.Second)),
			8+talk, talk, at.Unix(), i)
	}
	return b.Bytes()
}

func BenchmarkReplay(b *testing.B) {
	const n = 200_000
	data := master(n)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		began := time.Now()
		calls, faults, err := ReadRows("Master.csv", bytes.NewReader(data), Source{PBX: "pbx", Size: int64(len(data))})
		if err != nil || faults.Total > 0 || len(calls) != n {
			b.Fatal(err, faults, len(calls))
		}
		read := time.Since(began)
		res, err := Play(calls, nil, Options{PBX: "pbx", Policy: policy(b), Step: 5 * time.Second})
		if err != nil || res.Calls != n || res.Outbound != n {
			b.Fatal(err, res.Calls, res.Outbound)
		}
		b.ReportMetric(float64(n)/time.Since(began).Seconds(), "calls/s")
		b.ReportMetric(float64(n)/read.Seconds(), "rows/s")
		b.ReportMetric(float64(len(res.Kills)), "kills")
	}
}
