package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
	"pbxguard/testbed"
)

// server is one SIP stack of a running PBX.
type server struct {
	testbed.PBX
	Asterisk *testbed.Asterisk // nil if it is another
	name     string            // "pjsip", "sip" or "freeswitch"
	addr     netip.AddrPort
}

// stack is one SIP stack of an Asterisk.
func stack(a *testbed.Asterisk, name string, addr netip.AddrPort) server {
	return server{PBX: a, Asterisk: a, name: name, addr: addr}
}

// tech is how Asterisk names the stack's channels.
func (s server) tech() string { return strings.ToUpper(s.name) }

// newFreeSWITCH starts a real FreeSWITCH, if one is installed.
func newFreeSWITCH(t testing.TB, opts ...testbed.Option) server {
	t.Helper()
	f := testbed.StartFreeSWITCH(t, opts...)
	return server{PBX: f, name: "freeswitch", addr: f.SIP}
}

// freeSWITCH is the server, if it is one.
func (s server) freeSWITCH() *testbed.FreeSWITCH {
	f, _ := s.PBX.(*testbed.FreeSWITCH)
	return f
}

// control is where a guard logs in, host:port.
func (s server) control() string {
	if f := s.freeSWITCH(); f != nil {
		return f.ESL
	}
	return s.Asterisk.AMI
}

// onServers runs the test on chan_pjsip and chan_sip of Asterisk 16 and on 22.
func onServers(t *testing.T, test func(t *testing.T, s server)) {
	for _, version := range []int{16, 22} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			a := testbed.Start(t, version)
			t.Run("pjsip", func(t *testing.T) { test(t, stack(a, "pjsip", a.SIP)) })
			if a.OldSIP.IsValid() {
				t.Run("sip", func(t *testing.T) { test(t, stack(a, "sip", a.OldSIP)) })
			}
		})
	}
}

// office is a server with its trunk, phones and guard.
type office struct {
	server
	t     testing.TB
	ctx   context.Context
	guard *daemon
	trunk *testbed.Phone
	seen  *struct{ id uint64 } // the decision that was looked at last
}

// newOffice opens an office for a minute. No call outlives it.
func newOffice(t testing.TB, s server, conf settings) *office {
	t.Helper()
	binary(t) // takes its time once, which is not the office's
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	o := &office{server: s, t: t, ctx: ctx, seen: new(struct{ id uint64 })}
	t.Cleanup(o.hangUpAll)
	o.trunk = testbed.NewTrunk(t, s.PBX)
	if s.Asterisk != nil {
		o.trunk.Server = s.addr
	}
	o.guard = startDaemon(t, s.PBX, conf)
	return o
}

// hangUpAll leaves the server without a call.
func (o *office) hangUpAll() {
	o.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); o.Legs(o.t) > 0; time.Sleep(100 * time.Millisecond) {
		o.HangUpAll(o.t)
		if time.Now().After(deadline) {
			o.t.Fatal("calls do not end")
		}
	}
}

// phone is a phone that has registered.
func (o *office) phone(user string, opts ...testbed.PhoneOption) *testbed.Phone {
	o.t.Helper()
	src := netip.MustParseAddr("192.0.2." + user)
	p := testbed.NewPhone(o.t, src, user, testbed.Password(user), o.addr, opts...)
	if code, err := p.Register(o.ctx); err != nil || code != 200 {
		o.t.Fatalf("phone %s cannot register: %d, %v", user, code, err)
	}
	return p
}

// answered is a call that must be answered.
func (o *office) answered(p *testbed.Phone, number string) *testbed.Call {
	o.t.Helper()
	c := p.Invite(number)
	if code, err := c.Wait(o.ctx); err != nil || code != 200 {
		o.t.Fatalf("call of %s to %s: got %d, %v; want 200", p.User, number, code, err)
	}
	return c
}

// hangUp ends calls from their caller's side.
func (o *office) hangUp(calls ...*testbed.Call) {
	o.t.Helper()
	for _, c := range calls {
		if err := c.Hangup(o.ctx); err != nil {
			o.t.Errorf("cannot hang up %s: %v", c.Number, err)
		}
	}
}

// stays fails the test if a call ends within a time.
func (o *office) stays(c *testbed.Call, d time.Duration) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.ctx, d)
	defer cancel()
	if _, err := c.Ended(ctx); err == nil {
		o.t.Errorf("the call to %s has ended, which must go on", c.Number)
	}
}

// ends waits for the end of a call and returns when it was.
func (o *office) ends(c *testbed.Call) time.Time {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.ctx, 15*time.Second)
	defer cancel()
	at, err := c.Ended(ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	return at
}

// refused waits for the end of a call that must not be answered.
func (o *office) refused(c *testbed.Call) {
	o.t.Helper()
	o.ends(c)
	if code, err := c.Wait(o.ctx); err != nil || code < 300 {
		o.t.Errorf("call to %s: got %d, %v; want it refused", c.Number, code, err)
	}
}

// verdict waits for a decision of a rule about a payer that is newer than the
// one it returned last and is as it should be.
func (o *office) verdict(rule, payer string, as func(guard.Decision) bool) (found guard.Decision) {
	o.t.Helper()
	o.guard.await(fmt.Sprintf("rule %s has spoken about %s", rule, payer), 10*time.Second, func() bool {
		for _, d := range o.guard.Decisions() {
			if d.ID > o.seen.id && d.Rule == rule && d.Account.Name == payer && as(d) {
				found, o.seen.id = d, d.ID
				return true
			}
		}
		return false
	})
	return found
}

// killed waits until a rule has ended a call on a payer's account and Asterisk
// has confirmed it.
func (o *office) killed(rule, payer string) guard.Decision {
	o.t.Helper()
	d := o.verdict(rule, payer, func(d guard.Decision) bool { return d.Outcome != "" })
	if d.Outcome != "confirmed" || !d.Enforced || d.Action < guard.Kill {
		o.t.Errorf("rule %s about %s: got %v, enforced %v, %q; want a kill that is confirmed", rule, payer, d.Action, d.Enforced, d.Outcome)
	}
	return d
}
