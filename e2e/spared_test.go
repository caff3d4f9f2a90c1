package e2e

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pbxguard/adapters/asterisk"
	"pbxguard/guard"
	"pbxguard/testbed"
)

// carrier is a trunk that is known by its address and yet asked for a password.
const carrier = `
[carrier]
type = endpoint
transport = udp
context = from-trunk
disallow = all
allow = ulaw
aors = carrier
auth = carrier
[carrier]
type = aor
contact = sip:203.0.113.77:5060
[carrier]
type = auth
auth_type = userpass
username = carrier
password = Kp7-carrier-wq
[carrier]
type = identify
endpoint = carrier
match = 203.0.113.77
`

// TestSpared has people fail to log in whom nobody wants banned.
func TestSpared(t *testing.T) {
	own, err := os.ReadFile("../testbed/conf/pjsip.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		version int
		astdb   bool // the daemon can read who was registered before it came
	}{{"16", 16, true}, {"22 without AstDB", 22, false}} {
		t.Run(tt.name, func(t *testing.T) {
			a := testbed.Start(t, tt.version, testbed.WithFile("pjsip.conf", string(own)+carrier))
			testSpared(t, a, tt.astdb)
		})
	}
}

func testSpared(t *testing.T, a *testbed.Asterisk, astdb bool) {
	stacks := []server{stack(a, "pjsip", a.SIP)}
	if a.OldSIP.IsValid() {
		stacks = append(stacks, stack(a, "sip", a.OldSIP))
	}
	// Offices that were there before the guard came.
	var early [][]*testbed.Phone
	for i, s := range stacks {
		early = append(early, register(t, s, netip.AddrFrom4([4]byte{198, 51, 100, byte(10 + i)}), 20))
	}
	freshWall(t)
	d := newDaemon(t, a, settings{Bans: "enforce", Firewall: "nftables",
		BansMore: `allow = ["198.51.100.60", "203.0.113.128/25", "2001:db8:a::/48"]`})
	spared := "auth-known"
	if !astdb {
		spared = "auth-learning"
		if err := os.Remove(filepath.Join(d.dir, "host/var/lib/asterisk")); err != nil {
			t.Fatal(err)
		}
	}
	written(t, a, 20*len(stacks))
	d.Start()
	d.WaitConnected()
	t.Cleanup(func() {
		d := d.in(t)
		d.onlyBanned(t)
		if n := d.Status().Engine.WouldBan; n != 0 {
			t.Errorf("%d bans would have been made", n)
		}
	})
	for i, s := range stacks {
		beside := func(name string, test func(t *testing.T, d *daemon)) {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, d.in(t))
			})
		}
		beside("first start, 20 phones, password rotation", func(t *testing.T, d *daemon) {
			testRotation(t, s, early[i])
			d.warned(spared, early[i][0].Local.Addr())
		})
		beside("one typo", func(t *testing.T, _ *daemon) { testTypo(t, s) })
		beside("office with one stale phone", func(t *testing.T, d *daemon) { testStalePhone(t, s, d) })
		beside("allow list", func(t *testing.T, _ *daemon) { testAllowList(t, s) })
		beside("loopback", func(t *testing.T, _ *daemon) { fails(t, s, "127.0.0.5", 20) })
		beside("trunk", func(t *testing.T, _ *daemon) { testTrunk(t, s) })
	}
	t.Run("own logins to AMI", func(t *testing.T) { t.Parallel(); testOwnLogins(t, a, d.in(t)) })
}

// written waits until Asterisk has put n registrations on the disk, which it
// does within some seconds.
func written(t *testing.T, a *testbed.Asterisk, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		contacts, err := asterisk.Contacts(filepath.Join(a.Root, "db/astdb.sqlite3"))
		if err == nil && len(contacts) >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("AstDB holds %d registrations, want %d: %v", len(contacts), n, err)
		}
	}
}

// accounts are n phones of the testbed that may come from anywhere.
func accounts(n int) (names []string) {
	for i := 100; len(names) < n; i++ {
		if i != 118 {
			names = append(names, fmt.Sprint(i))
		}
	}
	return names
}

// register has n phones register from behind one address.
func register(t *testing.T, s server, from netip.Addr, n int) (phones []*testbed.Phone) {
	t.Helper()
	for _, name := range accounts(n) {
		p := testbed.NewPhone(t, from, name, testbed.Password(name), s.addr)
		accept(t, p)
		phones = append(phones, p)
	}
	return phones
}

// accept has a phone register, which must work.
func accept(t *testing.T, p *testbed.Phone) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if code, err := p.Register(ctx); err != nil || code != 200 {
		t.Fatalf("%s at %s cannot register: %d, %v", p.User, p.Local, code, err)
	}
}

// refuse has a phone fail to log in, and says whether it was answered, so not
// banned.
func refuse(t *testing.T, p *testbed.Phone, password string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	code, err := p.RegisterWith(ctx, password)
	if err != nil || code < 400 {
		t.Errorf("%s at %s: got %d, %v; want it refused in so many words", p.User, p.Local, code, err)
		return false
	}
	return true
}

// fails has an address guess passwords n times.
func fails(t *testing.T, s server, from string, n int) {
	t.Helper()
	p := testbed.NewPhone(t, netip.MustParseAddr(from), "101", "", s.addr, testbed.FreshCallID())
	for i := 0; i < n && refuse(t, p, fmt.Sprint("guess", i)); i++ {
	}
}

// testRotation gives the phones of an office new passwords, which none of them
// has yet: each tries its old one, twice, and again every quarter minute.
func testRotation(t *testing.T, s server, phones []*testbed.Phone) {
	const rounds, patience = 3, 15500 * time.Millisecond
	for round := range rounds {
		if round > 0 {
			time.Sleep(patience)
		}
		var all sync.WaitGroup
		for _, p := range phones {
			all.Go(func() {
				for range 2 { // as phones do
					if !refuse(t, p, "old-"+p.User) {
						return
					}
				}
			})
		}
		all.Wait()
	}
}

func testTypo(t *testing.T, s server) {
	p := testbed.NewPhone(t, netip.MustParseAddr("198.51.100.40"), "102", testbed.Password("102"), s.addr)
	refuse(t, p, "typo")
	accept(t, p)
}

// testStalePhone is an office whose one phone hammers with a stale password.
func testStalePhone(t *testing.T, s server, d *daemon) {
	office := netip.MustParseAddr("198.51.100.50")
	if s.name == "sip" {
		office = office.Next()
	}
	register(t, s, office, 3)
	stale := testbed.NewPhone(t, office, "103", "stale", s.addr)
	for n := 0; n < 20 && refuse(t, stale, "stale"); n++ {
	}
	d.warned("auth-known", office)
}

// warned waits until a rule has told that a source fails and is spared.
func (d *daemon) warned(rule string, source netip.Addr) {
	d.t.Helper()
	d.await(fmt.Sprintf("%s tells why %s is spared", rule, source), 5*time.Second, func() bool {
		ds := d.decided(rule, source)
		return len(ds) > 0 && ds[0].Action == guard.Alert && strings.Contains(ds[0].Reason, "not banned")
	})
}

func testAllowList(t *testing.T, s server) {
	fails(t, s, "198.51.100.60", 20)
	fails(t, s, "203.0.113.200", 20)
	if s.name == "pjsip" {
		fails(t, stack(s.Asterisk, s.name, s.Asterisk.SIP6), "2001:db8:a:1::7", 20)
	}
}

// testTrunk has a provider give wrong passwords from an address that only the
// PBX's own configuration tells.
func testTrunk(t *testing.T, s server) {
	if s.name == "sip" {
		fails(t, s, s.Asterisk.Trunk.Addr().String(), 20)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	p := testbed.NewPhone(t, netip.MustParseAddr("203.0.113.77"), "carrier", "", s.addr)
	for i := range 20 {
		call := p.Invite("31205550101", testbed.CallPassword(fmt.Sprint("guess", i)))
		if code, err := call.Wait(ctx); err != nil || code != 401 {
			t.Fatalf("call with a wrong password: got %d, %v; want 401", code, err)
		}
	}
}

// testOwnLogins fails to log in to AMI on this host, as the guard's own
// connections may and other programs do.
func testOwnLogins(t *testing.T, a *testbed.Asterisk, d *daemon) {
	w := newWitness(t, a)
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			conn, err := net.Dial("tcp", a.AMI)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprintf(conn, "Action: Login\r\nUsername: pbxguard\r\nSecret: wrong%d\r\n\r\n", i)
			conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			buf := make([]byte, 4096)
			for {
				if _, err := conn.Read(buf); err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	local := netip.MustParseAddr("127.0.0.1")
	if n := len(w.from(local, "InvalidPassword")); n < 10 {
		t.Errorf("Asterisk told of %d failed logins, want 10", n)
	}
	if n := len(w.from(local, "SuccessfulAuth")); n == 0 {
		t.Error("Asterisk told of no login, not even of ours")
	}
	if !d.Connected() {
		t.Error("the daemon has lost its connections")
	}
}

// TestSparedCallers has chan_sip, which reports neither a good call as a
// success nor a misdialled one as harmless, handle a day's calls.
func TestSparedCallers(t *testing.T) {
	a := testbed.Start(t, 16)
	trunk := testbed.NewTrunk(t, a)
	trunk.Server = a.OldSIP
	w := newWitness(t, a)
	d := walled(t, a, `learn = "0s"`)
	office := netip.MustParseAddr("198.51.100.30")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	load := testbed.Load{Source: office, User: "100", Number: "0205550123", Rate: 20, Calls: 100, Talk: 200 * time.Millisecond}
	if good, bad := load.Run(ctx, t, a.OldSIP); good != 100 || bad != 0 {
		t.Errorf("honest calls: %d good, %d bad; want 100 and 0", good, bad)
	}
	for _, from := range []netip.Addr{office, office.Next()} {
		p := testbed.NewPhone(t, from, "101", testbed.Password("101"), a.OldSIP)
		for range 20 {
			if code, err := p.Invite("5555").Wait(ctx); err != nil || code != 404 {
				t.Fatalf("a misdial: got %d, %v; want 404", code, err)
			}
		}
		d.await("Asterisk tells of 20 misdials", 5*time.Second, func() bool { return len(w.from(from, "FailedACL")) == 20 })
	}
	time.Sleep(3 * time.Second) // a challenge is not judged before
	d.onlyBanned(t)
	for _, v := range d.Decisions() {
		if v.Call == "" {
			t.Errorf("somebody's logins are objected to: %s: %s", v.Rule, v.Reason)
		}
	}
}
