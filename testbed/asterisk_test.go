package testbed

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

var (
	alice   = netip.MustParseAddr("198.51.100.10")
	bob     = netip.MustParseAddr("198.51.100.11")
	alice6  = netip.MustParseAddr("2001:db8:10::1")
	mallory = netip.MustParseAddr("203.0.113.7")
)

// server is one SIP stack of a running PBX.
type server struct {
	name string
	PBX
	addr, addr6 netip.AddrPort // addr6 if it speaks IPv6
	asterisk    *Asterisk      // nil if it is another
}

// eachServer runs the test on chan_pjsip and chan_sip of 16 and on 22.
func eachServer(t *testing.T, test func(t *testing.T, s server)) {
	for _, version := range []int{16, 22} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			a := Start(t, version)
			t.Run("pjsip", func(t *testing.T) { test(t, server{"pjsip", a, a.SIP, a.SIP6, a}) })
			if a.OldSIP.IsValid() {
				t.Run("sip", func(t *testing.T) { test(t, server{"sip", a, a.OldSIP, netip.AddrPort{}, a}) })
			}
		})
	}
}

// seconds limits a test's waiting.
func seconds(t *testing.T, n int) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestAsterisk(t *testing.T) {
	eachServer(t, func(t *testing.T, s server) {
		if got, want := s.CLI(t, "core show version"), fmt.Sprintf("Asterisk %d.", s.asterisk.Version); !strings.HasPrefix(got, want) {
			t.Errorf("CLI says %q, want %q...", got, want)
		}
		testTelephony(t, s)
		t.Run("manager", func(t *testing.T) { testAMI(t, s) })
		t.Run("nonce", func(t *testing.T) { testNonce(t, s) })
		t.Run("foreign nonce", func(t *testing.T) { testForeignNonce(t, s) })
		t.Run("load", func(t *testing.T) { testLoad(t, s) })
	})
}

func testRegister(t *testing.T, s server) {
	ctx := seconds(t, 10)
	for _, tt := range []struct {
		name     string
		src      netip.Addr
		user     string
		password string
		opts     []PhoneOption
		want     int
	}{
		{name: "right", src: alice, user: "100", password: Password("100"), want: 200},
		{name: "right over TCP", src: alice, user: "100", password: Password("100"), opts: []PhoneOption{TCP()}, want: 200},
		{name: "right over IPv6", src: alice6, user: "100", password: Password("100"), want: 200},
		{name: "wrong", src: alice, user: "100", password: "wrong", want: 401},
		{name: "unknown user", src: mallory, user: "999", password: "wrong", want: 401},
		{name: "address not permitted", src: mallory, user: "118", password: Password("118"), want: 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr, want := s.addr, tt.want
			if tt.src.Is6() {
				if !s.addr6.IsValid() {
					return // it listens on IPv4 only
				}
				addr = s.addr6
			}
			if s.name != "pjsip" && want == 401 {
				want = 403
			}
			p := NewPhone(t, tt.src, tt.user, tt.password, addr, tt.opts...)
			got, err := p.Register(ctx)
			if err != nil || got != want {
				t.Errorf("REGISTER: got %d, %v; want %d", got, err, want)
			}
			if want == 200 {
				if got, err := p.Unregister(ctx); err != nil || got != 200 {
					t.Errorf("unregister: got %d, %v; want 200", got, err)
				}
			}
		})
	}
}

// testTelephony does what both kinds of server must do alike.
func testTelephony(t *testing.T, s server) {
	t.Run("register", func(t *testing.T) { testRegister(t, s) })
	t.Run("call the trunk", func(t *testing.T) { testTrunk(t, s) })
	t.Run("answer modes", func(t *testing.T) { testAnswers(t, s) })
	t.Run("hang up", func(t *testing.T) { testHangup(t, s) })
	t.Run("transfer", func(t *testing.T) { testTransfer(t, s) })
}

// testTrunk calls out in every way the dialplan has and looks at what the
// trunk was sent.
func testTrunk(t *testing.T, s server) {
	ctx := seconds(t, 10)
	trunk := NewTrunk(t, s.PBX)
	phone := NewPhone(t, alice, "100", Password("100"), s.addr)
	for i, tt := range []struct{ dialled, sent string }{
		{"112", "112"},
		{"0205550123", "0205550123"},
		{"09001234", "09001234"},
		{"0031900123456", "0031900123456"},
		{"90114420712345", "004420712345"},
		{"700031900123456", "0031900123456"},
		{"710031900123456", "0031900123456"},
	} {
		call := phone.Invite(tt.dialled)
		if got, err := call.Wait(ctx); err != nil || got != 200 {
			t.Fatalf("call to %s: got %d, %v; want 200", tt.dialled, got, err)
		}
		if err := call.Hangup(ctx); err != nil {
			t.Errorf("cannot hang up %s: %v", tt.dialled, err)
		}
		got := trunk.Arrived()
		if len(got) != i+1 || got[i].Number != tt.sent {
			t.Fatalf("dialled %s: trunk saw %d calls, want %d, the last for %s", tt.dialled, len(got), i+1, tt.sent)
		}
		if _, err := got[i].Ended(ctx); err != nil {
			t.Error(err)
		}
	}
}

func testAnswers(t *testing.T, s server) {
	ctx := seconds(t, 20)
	trunk := NewTrunk(t, s.PBX)
	phone := NewPhone(t, alice, "100", Password("100"), s.addr)
	called := NewPhone(t, bob, "101", Password("101"), s.addr)
	if got, err := called.Register(ctx); err != nil || got != 200 {
		t.Fatalf("REGISTER: got %d, %v", got, err)
	}
	for _, tt := range []struct {
		name   string
		answer Answer
		want   int
		trunk  int // calls the trunk saw
	}{
		{"accept", Accept(), 200, 0},
		{"accept after ringing", AcceptAfter(100 * time.Millisecond), 200, 0},
		{"busy", Busy(), 486, 0},
		{"redirect", Redirect("0031900123456"), 200, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(trunk.Arrived())
			called.SetAnswer(tt.answer)
			call := phone.Invite("101")
			if got, err := call.Wait(ctx); err != nil || got != tt.want {
				t.Errorf("got %d, %v; want %d", got, err, tt.want)
			}
			if err := call.Hangup(ctx); err != nil {
				t.Error(err)
			}
			if got := len(trunk.Arrived()) - before; got != tt.trunk {
				t.Errorf("trunk saw %d calls, want %d", got, tt.trunk)
			}
		})
	}
}

// testHangup ends calls in each of their states, from either side.
func testHangup(t *testing.T, s server) {
	ctx := seconds(t, 20)
	trunk := NewTrunk(t, s.PBX, Answering(Ring()))
	phone := NewPhone(t, alice, "100", Password("100"), s.addr)

	ringing := phone.Invite("0205550123")
	if err := ringing.Ringing(ctx); err != nil {
		t.Fatal(err)
	}
	if err := ringing.Hangup(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := ringing.Wait(ctx); err != nil || got != 487 {
		t.Errorf("cancelled call: got %d, %v; want 487", got, err)
	}
	out, err := trunk.Incoming(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := out.Wait(ctx); err != nil || got != 487 {
		t.Errorf("trunk's side of it: got %d, %v; want 487", got, err)
	}

	trunk.SetAnswer(Accept())
	answered := phone.Invite("0205550123")
	if got, err := answered.Wait(ctx); err != nil || got != 200 {
		t.Fatalf("got %d, %v; want 200", got, err)
	}
	s.HangUpAll(t)
	if _, err := answered.Ended(ctx); err != nil {
		t.Error(err)
	}
}

func testTransfer(t *testing.T, s server) {
	ctx := seconds(t, 20)
	trunk := NewTrunk(t, s.PBX)
	phone := NewPhone(t, alice, "100", Password("100"), s.addr)
	called := NewPhone(t, bob, "101", Password("101"), s.addr)
	if got, err := called.Register(ctx); err != nil || got != 200 {
		t.Fatalf("REGISTER: got %d, %v", got, err)
	}
	call := func() (caller, received *Call) {
		t.Helper()
		caller = phone.Invite("101")
		if got, err := caller.Wait(ctx); err != nil || got != 200 {
			t.Fatalf("got %d, %v; want 200", got, err)
		}
		received, err := called.Incoming(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.WaitBridged(t, 2)
		return caller, received
	}

	blind, received := call()
	if err := received.Refer(ctx, "0031900123456"); err != nil {
		t.Error(err)
	}
	out, err := trunk.Incoming(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if out.Number != "0031900123456" {
		t.Errorf("blind transfer: trunk was sent %s", out.Number)
	}
	if err := blind.Hangup(ctx); err != nil {
		t.Error(err)
	}

	attended, received := call()
	second := called.Invite("0205550123")
	if got, err := second.Wait(ctx); err != nil || got != 200 {
		t.Fatalf("got %d, %v; want 200", got, err)
	}
	s.WaitBridged(t, 4)
	if err := received.ReferReplaces(ctx, second); err != nil {
		t.Error(err)
	}
	if _, err := second.Ended(ctx); err != nil {
		t.Errorf("attended transfer leaves the transferer in the call: %v", err)
	}
	if isClosed(attended.over) {
		t.Error("attended transfer ended the caller's call")
	}
	if err := attended.Hangup(ctx); err != nil {
		t.Error(err)
	}
}

// TestRestart takes the server down in each way and sees it come back with its
// AstDB.
func TestRestart(t *testing.T) {
	ctx := seconds(t, 30)
	a := Start(t, 22, WithoutTimestamps(), WithFile("extensions.conf", "[internal]\nexten => 1,1,Answer()\n"))
	if block := record(t, a, "pbxguard", "guard-secret").wait(t, "Event: FullyBooted"); header(block, "Timestamp") != "" {
		t.Errorf("timestamps are off, yet: %s", block)
	}
	a.CLI(t, "database put CF 101 0031900123456")
	pid := a.Pid(t)
	for _, tt := range []struct {
		name string
		do   func()
		pid  bool // stays
	}{
		{"core restart now", func() { a.Restart(t) }, true},
		{"kill -9", func() { a.Kill9(t); a.Boot(t) }, false},
		{"stop", func() { a.Stop(t); a.Boot(t) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.do()
			if got := a.Pid(t); (got == pid) != tt.pid {
				t.Errorf("pid %d, was %d", got, pid)
			}
			pid = a.Pid(t)
			if got := a.CLI(t, "database get CF 101"); !strings.Contains(got, "0031900123456") {
				t.Errorf("AstDB says %q", got)
			}
			p := NewPhone(t, alice, "100", Password("100"), a.SIP)
			if got, err := p.Invite("1").Wait(ctx); err != nil || got != 200 {
				t.Errorf("call: got %d, %v; want 200", got, err)
			}
		})
	}
}
