package audit

import (
	"context"
	"testing"
	"time"
)

type model map[string]State

func (m model) Source(need string) (State, string) { return m[need], need + " cannot be read" }

func TestStatusFollowsFromTheSources(t *testing.T) {
	fail := func(_ model, r *Result) { r.Fail("endpoint 100", "pjsip.conf:3", "it is open") }
	quiet := func(model, *Result) {}
	tests := []struct {
		name string
		have model
		find func(model, *Result)
		want []Status
	}{
		{"read and sound", model{"a": Whole}, quiet, []Status{Pass}},
		{"read and open", model{"a": Whole}, fail, []Status{Fail}},
		{"not there", model{}, fail, []Status{NotApplicable}},
		{"one of two is there", model{"b": Whole}, fail, []Status{Fail}},
		{"half read and sound", model{"a": Partial}, quiet, []Status{Incomplete}},
		{"half read and open", model{"a": Partial}, fail, []Status{Fail, Incomplete}},
		{"lost", model{"a": Lost}, quiet, []Status{Incomplete}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table := []Rule[model]{{Check: Check{ID: "X-1", Severity: High, Needs: []string{"a", "b"}}, Find: tt.find}}
			kind := NewKind("x", table, func(*Site) (model, bool) { return tt.have, true })
			run, err := Perform(context.Background(), &Site{Now: time.Unix(0, 0)}, []Kind{kind})
			if err != nil {
				t.Fatal(err)
			}
			var got []Status
			for _, f := range run.Findings {
				got = append(got, f.Status)
				if f.ID != "X-1" || f.Severity != High {
					t.Errorf("got %+v, want it to be of X-1 and high", f)
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func TestEvidenceIsScrubbed(t *testing.T) {
	const secret = "canary-5ecret"
	load := func(s *Site) (model, bool) { s.Secret(secret); return model{}, true }
	table := []Rule[model]{{Check: Check{ID: "X-1"}, Find: func(_ model, r *Result) { r.Fail("", "", "password=%s", secret) }}}
	run, err := Perform(context.Background(), &Site{}, []Kind{NewKind("x", table, load)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := run.Findings[0].Evidence, "password=[secret]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A generator that goes wrong writes a whole section into the header of one.
func TestNamesAreScrubbed(t *testing.T) {
	load := func(*Site) (model, bool) { return model{}, true }
	find := func(_ model, r *Result) {
		r.Fail("peer type=friend secret=canary5ecret host=x", "", "it dials SIP/a,secret=>canary5ecret,b")
	}
	run, err := Perform(context.Background(), &Site{}, []Kind{NewKind("x", []Rule[model]{{Check: Check{ID: "X-1"}, Find: find}}, load)})
	if err != nil {
		t.Fatal(err)
	}
	f := run.Findings[0]
	if want := "peer type=friend secret=[secret] host=x"; f.Object != want {
		t.Errorf("got %q, want %q", f.Object, want)
	}
	if want := "it dials SIP/a,secret=>[secret],b"; f.Evidence != want {
		t.Errorf("got %q, want %q", f.Evidence, want)
	}
}

func TestObjectsStandInNaturalOrder(t *testing.T) {
	fs := []Finding{{Object: "endpoint 1000"}, {Object: "endpoint 99"}, {Object: "endpoint 100"}, {Object: "endpoint"}}
	Sort(fs)
	want := []string{"endpoint", "endpoint 99", "endpoint 100", "endpoint 1000"}
	for i, f := range fs {
		if f.Object != want[i] {
			t.Errorf("%d: got %q, want %q", i, f.Object, want[i])
		}
	}
}
