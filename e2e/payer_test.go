package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/store"
	"pbxguard/testbed"
)

// way is one way to have the office call a number. It returns what the caller
// sees of the call.
type way struct {
	name       string
	payer, via string
	// call places the call; up says that it will be answered.
	call func(o *office, number string, up bool) *testbed.Call
}

var ways = []way{
	{"local channel", "100", "", func(o *office, number string, _ bool) *testbed.Call {
		return o.phone("100").Invite("70" + number)
	}},
	{"forward by phone", "101", "forward", func(o *office, number string, _ bool) *testbed.Call {
		o.phone("101", testbed.Answering(testbed.Redirect(number)))
		return o.phone("100").Invite("101")
	}},
	{"forward by phone, from outside", "101", "forward", func(o *office, number string, _ bool) *testbed.Call {
		o.phone("101", testbed.Answering(testbed.Redirect(number)))
		return o.fromOutside("31205550101")
	}},
	{"forward by database", "101", "forward", func(o *office, number string, _ bool) *testbed.Call {
		o.forward("101", number)
		return o.phone("100").Invite("101")
	}},
	{"forward by database, from outside", "101", "forward", func(o *office, number string, _ bool) *testbed.Call {
		o.forward("101", number)
		return o.fromOutside("31205550101")
	}},
	{"blind transfer", "101", "transfer", func(o *office, number string, _ bool) *testbed.Call {
		p101 := o.phone("101")
		call := o.answered(o.phone("100"), "101")
		o.WaitBridged(o.t, 2)
		if err := o.incoming(p101).Refer(o.ctx, number); err != nil {
			o.t.Fatal(err)
		}
		return call
	}},
	{"blind transfer of a call from outside", "101", "transfer", func(o *office, number string, _ bool) *testbed.Call {
		p101 := o.phone("101")
		call := o.fromOutside("31205550101")
		received := o.incoming(p101)
		o.WaitBridged(o.t, 2)
		if err := received.Refer(o.ctx, number); err != nil {
			o.t.Fatal(err)
		}
		return call
	}},
	{"attended transfer", "101", "", func(o *office, number string, up bool) *testbed.Call {
		p101 := o.phone("101")
		call := o.answered(o.phone("100"), "101")
		received := o.incoming(p101)
		if !up {
			return p101.Invite(number)
		}
		second := o.answered(p101, number)
		o.WaitBridged(o.t, 4)
		if err := received.ReferReplaces(o.ctx, second); err != nil {
			o.t.Fatal(err)
		}
		o.ends(second)
		return call
	}},
	{"disa", "100", "", func(o *office, number string, _ bool) *testbed.Call {
		return o.disa(o.answered(o.phone("100"), "600"), number)
	}},
	{"disa from outside", "trunk", "trunk", func(o *office, number string, _ bool) *testbed.Call {
		return o.disa(o.fromOutside("31205550600"), number)
	}},
	{"originate", "101", "originate", func(o *office, number string, _ bool) *testbed.Call {
		p101 := o.phone("101")
		o.originate("101", number)
		return o.incoming(p101)
	}},
}

// TestPayer has calls placed in roundabout ways: the guard must know who pays,
// and end the call when it goes where it must not.
func TestPayer(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		for _, w := range ways {
			t.Run(w.name, func(t *testing.T) {
				o := newOffice(t, s, settings{Calls: "enforce"})
				t.Cleanup(func() { o.ClearForwards(t) })
				t.Run("honest", func(t *testing.T) { testPayer(t, o, w) })
				t.Run("fraud", func(t *testing.T) { testPayerKilled(t, o, w) })
			})
		}
	})
}

// testPayer has an honest call go up, looks at it and ends it by hand.
func testPayer(t *testing.T, o *office, w way) {
	o = o.in(t)
	call := w.call(o, honest, true)
	out := o.outbound()
	if out.Payer.Name != w.payer || out.Via != w.via || out.Number != "+31205550123" || out.Trunk != "trunk" {
		t.Errorf("got %s by %q to %s on %q, want %s by %q", out.Payer, out.Via, out.Number, out.Trunk, w.payer, w.via)
	}
	if arrived := o.trunk.Arrived(); len(arrived) != 1 || arrived[0].Number != honest {
		t.Errorf("the trunk got %d calls, want the one", len(arrived))
	}
	o.stays(call, 300*time.Millisecond)
	o.guard.CLI("hangup", string(out.Leg))
	o.ends(o.trunk.Arrived()[0])
	o.killed("by-hand", w.payer)
	o.hangUpAll()
	if r := o.record(honest); r.Payer.Name != w.payer || r.Via != w.via || r.Trunk.Name != "trunk" || r.Number != out.Number || r.Talked == 0 || !r.Killed {
		t.Errorf("got record %+v, want one of a call that %s paid for, talked and was ended", r, w.payer)
	}
}

// testPayerKilled has the same call go to a premium number.
func testPayerKilled(t *testing.T, o *office, w way) {
	o = o.in(t)
	o.trunk.SetAnswer(testbed.AcceptAfter(rings))
	call := w.call(o, premium, false)
	if d := o.killed("destination", w.payer); d.Number != "+319001234567" {
		t.Errorf("got a verdict on %s", d.Number)
	}
	o.ends(call)
	sent := ""
	for _, c := range o.trunk.Arrived()[1:] {
		o.refused(c)
		sent = premium
	}
	o.hangUpAll()
	o.guard.await("no call is left", 5*time.Second, func() bool { return len(o.guard.Calls()) == 0 })
	if r := o.record(sent); r.Payer.Name != w.payer || r.Via != w.via || r.Number != "+319001234567" || r.Talked != 0 || !r.Killed {
		t.Errorf("got record %+v, want one of a call that %s would have paid for and was ended", r, w.payer)
	}
}

// record waits for the record of a call in which this was sent to the trunk.
func (o *office) record(sent string) (found guard.CallRecord) {
	o.t.Helper()
	o.records("the call is on record", func(records []guard.CallRecord) bool {
		i := slices.IndexFunc(records, func(r guard.CallRecord) bool { return r.Sent == sent && r.Number != "" })
		if i >= 0 {
			found = records[i]
		}
		return i >= 0
	})
	return found
}

// records waits until what is on record of calls is as it should be.
func (o *office) records(what string, as func([]guard.CallRecord) bool) (records []guard.CallRecord) {
	o.t.Helper()
	s, err := store.Open(filepath.Join(o.guard.dir, "pbxguard.db"), store.Options{ReadOnly: true})
	if err != nil {
		o.t.Fatal(err)
	}
	defer s.Close()
	o.guard.await(what, 5*time.Second, func() bool {
		if records, err = s.CallRecords(o.ctx, store.Query{Limit: 1000}); err != nil {
			o.t.Fatal(err)
		}
		return as(records)
	})
	return records
}

// in is the office as a subtest sees it, whose phones leave with it.
func (o *office) in(t *testing.T) *office {
	sub, guard := *o, *o.guard
	sub.t, guard.t = t, t
	sub.guard = &guard
	return &sub
}

// outbound waits for the one outbound call, with a trunk, that is answered.
func (o *office) outbound() (out guard.LiveCall) {
	o.t.Helper()
	o.guard.await("an outbound call is up", 15*time.Second, func() bool {
		for _, c := range o.guard.Calls() {
			if c.Direction == "out" && c.Trunk != "" && c.Talking > 0 {
				out = c
				return true
			}
		}
		return false
	})
	return out
}

// fromOutside is a call that comes in from the trunk.
func (o *office) fromOutside(number string) *testbed.Call {
	return o.trunk.Invite(number, testbed.From("<sip:0612345678@192.0.2.1>"))
}

// incoming is the next call that comes to a phone.
func (o *office) incoming(p *testbed.Phone) *testbed.Call {
	o.t.Helper()
	c, err := p.Incoming(o.ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// forward sets the forward of an extension that the dial plan looks at.
func (o *office) forward(ext, number string) {
	o.Forward(o.t, ext, number)
}

// disa types the PIN and a number into a call that has reached DISA.
func (o *office) disa(call *testbed.Call, number string) *testbed.Call {
	o.t.Helper()
	if code, err := call.Wait(o.ctx); err != nil || code != 200 {
		o.t.Fatalf("DISA: got %d, %v", code, err)
	}
	for _, digits := range []string{"4711#", number + "#"} {
		time.Sleep(700 * time.Millisecond) // the tone
		if err := call.DTMF(o.ctx, digits); err != nil && !strings.Contains(err.Error(), "481") {
			o.t.Fatal(err)
		}
	}
	return call
}

// originate has the server call a phone and then the number, as a CRM does.
func (o *office) originate(phone, number string) {
	o.t.Helper()
	if f := o.freeSWITCH(); f != nil {
		o.CLI(o.t, fmt.Sprintf("bgapi originate {origination_caller_id_number=0205550000}user/%s@%s %s XML default", phone, f.Domain, number))
		return
	}
	conn, err := net.Dial("tcp", o.control())
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { conn.Close() })
	fmt.Fprint(conn, "Action: Login\r\nUsername: all\r\nSecret: all-secret\r\nEvents: off\r\n\r\n")
	fmt.Fprintf(conn, "Action: Originate\r\nAsync: true\r\nChannel: %[1]s/%[2]s\r\nContext: outbound\r\nExten: %[3]s\r\nPriority: 1\r\n"+
		"CallerID: \"Bank\" <0205550000>\r\nVariable: TECH=%[1]s\r\n\r\n", o.tech(), phone, number)
}
