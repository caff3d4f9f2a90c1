package testbed

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// TestFreeSWITCH has a real FreeSWITCH do what Asterisk does, and what only it
// has.
func TestFreeSWITCH(t *testing.T) {
	f := StartFreeSWITCH(t)
	if got := f.CLI(t, "version"); !strings.HasPrefix(got, "FreeSWITCH Version 1.") {
		t.Errorf("version says %q", got)
	}
	s := server{"freeswitch", f, f.SIP, f.SIP6, nil}
	testTelephony(t, s)
	t.Run("foreign nonce", func(t *testing.T) { testForeignNonce(t, s) })
	t.Run("tenant", func(t *testing.T) { testTenant(t, f) })
	t.Run("forward", func(t *testing.T) { testForward(t, f) })
	t.Run("disa", func(t *testing.T) { testDISA(t, f) })
	t.Run("access list", func(t *testing.T) { testAccessList(t, f) })
	t.Run("least privilege", func(t *testing.T) { testUserauth(t, f) })
}

// Two domains have an extension 100: a call to 101 reaches that of the caller.
func testTenant(t *testing.T, f *FreeSWITCH) {
	ctx := seconds(t, 10)
	own101 := NewPhone(t, bob, "101", Password("101"), f.SIP)
	theirs101 := NewPhone(t, bob, "101", Password("101"), f.SIP, Domain(Tenant))
	theirs100 := NewPhone(t, alice, "100", Password("100"), f.SIP, Domain(Tenant))
	for _, p := range []*Phone{own101, theirs101, theirs100} {
		if got, err := p.Register(ctx); err != nil || got != 200 {
			t.Fatalf("REGISTER: got %d, %v; want 200", got, err)
		}
	}
	call := theirs100.Invite("101")
	if got, err := call.Wait(ctx); err != nil || got != 200 {
		t.Fatalf("got %d, %v; want 200", got, err)
	}
	if own, theirs := len(own101.Arrived()), len(theirs101.Arrived()); own != 0 || theirs != 1 {
		t.Errorf("%d and %d calls arrived, want the tenant's", own, theirs)
	}
	if err := call.Hangup(ctx); err != nil {
		t.Error(err)
	}
}

// A call that the trunk brings for a phone which forwards goes out again.
func testForward(t *testing.T, f *FreeSWITCH) {
	ctx := seconds(t, 20)
	trunk := NewTrunk(t, f)
	forwarder := NewPhone(t, alice, "101", Password("101"), f.SIP)
	if got, err := forwarder.Invite("*720031900123456").Wait(ctx); err != nil || got != 200 {
		t.Fatalf("setting the forward: got %d, %v; want 200", got, err)
	}
	if got := f.CLI(t, "db select/cfwd/101"); got != "0031900123456" {
		t.Errorf("the forward is %q", got)
	}
	call := trunk.Invite("31205550101", From("<sip:0612345678@203.0.113.90>"))
	if got, err := call.Wait(ctx); err != nil || got != 200 {
		t.Fatalf("got %d, %v; want 200", got, err)
	}
	if got := trunk.Arrived(); len(got) != 1 || got[0].Number != "0031900123456" {
		t.Errorf("the trunk got %d calls, want the forwarded one", len(got))
	}
	if err := call.Hangup(ctx); err != nil {
		t.Error(err)
	}
	f.ClearForwards(t)
	if got := f.CLI(t, "db select/cfwd/101"); strings.HasPrefix(got, "0") {
		t.Errorf("the forward is still %q", got)
	}
}

func testDISA(t *testing.T, f *FreeSWITCH) {
	ctx := seconds(t, 20)
	trunk := NewTrunk(t, f)
	call := NewPhone(t, alice, "100", Password("100"), f.SIP).Invite("600")
	if got, err := call.Wait(ctx); err != nil || got != 200 {
		t.Fatalf("got %d, %v; want 200", got, err)
	}
	for _, digits := range []string{"4711#", "0031900123456#"} {
		if err := call.DTMF(ctx, digits); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := trunk.Incoming(ctx); err != nil || out.Number != "0031900123456" {
		t.Errorf("the trunk got %+v, %v", out, err)
	}
	if err := call.Hangup(ctx); err != nil {
		t.Error(err)
	}
}

// The profile Guarded asks nobody for a password and lets one address in.
func testAccessList(t *testing.T, f *FreeSWITCH) {
	ctx := seconds(t, 10)
	for _, tt := range []struct {
		src  string
		want int
	}{{"198.51.100.5", 200}, {"203.0.113.7", 403}} {
		p := NewPhone(t, netip.MustParseAddr(tt.src), "104", "", f.Guarded)
		if got, err := p.Register(ctx); err != nil || got != tt.want {
			t.Errorf("REGISTER from %s: got %d, %v; want %d", tt.src, got, err, tt.want)
		}
	}
	text, err := os.ReadFile(f.Log())
	if err != nil || !strings.Contains(string(text), `IP 203.0.113.7 Rejected by register acl "trusted"`) {
		t.Errorf("the log does not tell who was rejected: %v", err)
	}
}

// The guard's account may do what a guard must and no more.
func testUserauth(t *testing.T, f *FreeSWITCH) {
	c, err := loginESL(f.ESL, "userauth pbxguard@"+f.Domain+":guard-secret", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, tt := range []struct{ cmd, want string }{
		{"api show channels count", " total."},
		{"api uuid_kill 7f2a0a5c-0000-4000-8000-000000000000", "-ERR No such channel"},
		{"api global_getvar default_password", "-ERR permission denied"},
		{"api hupall", "-ERR permission denied"},
		{"event plain ALL", "-ERR permission denied"},
		{"event plain CHANNEL_CREATE CUSTOM sofia::register_attempt", "+OK event listener enabled plain"},
		{"log 4", "+OK log level 4"},
	} {
		if got, err := c.command(tt.cmd); err != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, %v; want %q", tt.cmd, got, err, tt.want)
		}
	}
}

// TestFreeSWITCHRestart takes the server down in each way and sees it come back
// with its database.
func TestFreeSWITCHRestart(t *testing.T) {
	ctx := seconds(t, 120)
	f := StartFreeSWITCH(t)
	f.Forward(t, "101", "0031900123456")
	pid := f.Pid(t)
	for _, tt := range []struct {
		name string
		do   func()
		pid  bool // stays
	}{
		{"fsctl shutdown restart", func() { f.Restart(t) }, true},
		{"kill -9", func() { f.Kill9(t); f.Boot(t) }, false},
		{"stop", func() { f.Stop(t); f.Boot(t) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.do()
			if got := f.Pid(t); (got == pid) != tt.pid {
				t.Errorf("pid %d, was %d", got, pid)
			}
			pid = f.Pid(t)
			if got := f.CLI(t, "db select/cfwd/101"); got != "0031900123456" {
				t.Errorf("the forward is %q", got)
			}
			p := NewPhone(t, alice, "100", Password("100"), f.SIP)
			call := p.Invite("601")
			if got, err := call.Wait(ctx); err != nil || got != 200 {
				t.Errorf("call: got %d, %v; want 200", got, err)
			}
			if got := f.Legs(t); got != 1 {
				t.Errorf("%d legs are up, want 1", got)
			}
			if err := call.Hangup(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}
